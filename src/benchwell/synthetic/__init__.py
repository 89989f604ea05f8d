"""A made-up network of clinics whose truth is known: one generator for tests, benches and documentation.

    World          what the network is like (frozen settings)
    generate       episodes and truth in memory
    write_parquet  the same episodes as a file ready for analysis, block by block
    write_csv      the same people as answers to PHQ-9, as a practice system would export them
    write_weekly   a network with a PHQ-9 at every session (WeeklyNetwork), from which expected courses can be fitted

Nobody in it exists. The same settings give the same people; each switch changes only what it says.
"""

from benchwell.synthetic.episodes import Generated, generate, write_parquet
from benchwell.synthetic.export import MAPPING, write_csv
from benchwell.synthetic.truth import Truth
from benchwell.synthetic.weekly import TrueCurve, WeeklyNetwork, write_weekly
from benchwell.synthetic.world import CaseMix, Courses, Dif, Equity, FollowUp, Gaming, World

__all__ = [
    "MAPPING",
    "CaseMix",
    "Courses",
    "Dif",
    "Equity",
    "FollowUp",
    "Gaming",
    "Generated",
    "TrueCurve",
    "Truth",
    "WeeklyNetwork",
    "World",
    "generate",
    "write_csv",
    "write_parquet",
    "write_weekly",
]
