"""Make a network of clinics that never existed: `python make_network.py [FOLDER]` (default: beside this file).

Twenty-six made-up clinics, some of which truly achieve more than others. People of deprived areas improve less wherever
they go, and some clinics see many more of them: so figures as counted mix what a clinic does with whom it sees. Who
attends few sessions is followed up less often. `truth.csv` says what is true of each clinic, which nobody knows of a
real one. No person, clinic or result of any real service stands behind it: only the settings below.
"""

from __future__ import annotations

import datetime as dt
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from benchwell.synthetic import MAPPING, CaseMix, Courses, FollowUp, World, write_csv

SCORES, TRUTH, COLUMNS = "synthetic_scores.csv", "truth.csv", "mapping.yaml"
WORLD = World(
    clinics=26,
    episodes=3_800,
    size_spread=0.45,
    clinic_sd=1.2,  # clinics truly differ by about 1 point of improvement
    casemix=CaseMix(
        deprivation_sorting=0.4,  # two fifths of the variance of deprivation lie between clinics
        deprivation_effect=1.0,  # a point of improvement lost per quintile, in every clinic
        sessions_effect=0.5,
    ),
    follow_up=FollowUp("mar", missing=0.15),  # rather those who attended few sessions
    courses=Courses(first_start=dt.date(2023, 1, 1), start_days=730, interim=0.4),
    seed=6,
)


def labelled(name: str) -> str:
    """The name of a clinic as it appears on every page: it says that nobody works there."""
    return f"synthetic-{name}"


def main(folder: Path) -> None:
    """Write the questionnaires, the mapping of their columns, and the truth about each clinic."""
    truth = write_csv(folder / SCORES, WORLD)
    table = pyarrow.csv.read_csv(folder / SCORES, convert_options=pyarrow.csv.ConvertOptions(strings_can_be_null=False))
    place = table.column_names.index("clinic")
    table = table.set_column(place, "clinic", _labels(table["clinic"]))
    options = pyarrow.csv.WriteOptions(quoting_style="none", quoting_header="none")
    pyarrow.csv.write_csv(table, folder / SCORES, options)
    (folder / COLUMNS).write_text(MAPPING, encoding="utf-8")
    known = truth.clinics.select(["clinic", "episodes", "effect", "adjusted_change", "adjusted_remission"])
    known = known.set_column(0, "clinic", _labels(known["clinic"]))
    for place, name in enumerate(known.column_names[2:], start=2):
        known = known.set_column(place, name, pc.round(known[name], ndigits=4))
    pyarrow.csv.write_csv(known, folder / TRUTH, options)


def _labels(names: pa.ChunkedArray) -> pa.Array:
    return pa.array([labelled(name) for name in names.to_pylist()])


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
