"""A seeded, made-up service: PHQ-9 courses of many clinics as one long CSV in the layout of our own template.

    python benchmarks/synthetic.py OUT.csv [--assessments 1000000] [--episodes 125000] [--clinics 400] [--seed 1]

The people are those of `benchwell.synthetic`, the one generator for tests, benches and documentation; nobody in it
exists. The same settings and seed give the same bytes.
"""

from __future__ import annotations

import argparse
import datetime as dt
import time
from dataclasses import dataclass
from pathlib import Path

from benchwell.synthetic import Courses, FollowUp, World
from benchwell.synthetic import write_csv as write_world

MISSING = 0.3


@dataclass(frozen=True)
class Size:
    """How much to make."""

    assessments: int = 1_000_000  # about: who attends more sessions is asked more often
    episodes: int = 125_000
    clinics: int = 400
    seed: int = 1

    def __post_init__(self) -> None:
        if not 1 <= self.clinics <= self.episodes <= self.assessments:
            raise ValueError("needs clinics <= episodes <= assessments, and at least one clinic")


def world(size: Size) -> World:
    """The world of the benches: clinics of very different size, some people leave early, some come again.

    >>> world(Size(assessments=400, episodes=50, clinics=2)).courses.interim
    6.3
    """
    interim = size.assessments / size.episodes - 2 + MISSING
    return World(
        clinics=size.clinics,
        episodes=size.episodes,
        clinicians=max(1, round(size.episodes / size.clinics / 40)),
        size_spread=0.8,
        follow_up=FollowUp("mar", missing=MISSING),
        courses=Courses(
            first_start=dt.date(2019, 12, 30),  # early enough that no date lies in the future
            start_days=1000,
            interim=max(0.0, interim),
            blank=0.02,
            returns=0.04,
        ),
        seed=size.seed,
    )


def write_csv(path: Path, size: Size) -> int:
    """Write the CSV (UTF-8, comma, ISO dates, blank is unknown). Returns its rows."""
    write_world(path, world(size), social=False)
    with path.open("rb") as file:
        return sum(1 for _ in file) - 1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("output", type=Path)
    for field, default in Size.__dataclass_fields__.items():
        parser.add_argument(f"--{field}", type=int, default=default.default)
    chosen = parser.parse_args()
    size = Size(chosen.assessments, chosen.episodes, chosen.clinics, chosen.seed)
    start = time.perf_counter()
    rows = write_csv(chosen.output, size)
    print(f"{rows} assessments in {time.perf_counter() - start:.1f} s: {chosen.output}")


if __name__ == "__main__":
    main()
