"""A world as answers to PHQ-9 in one long CSV, as a practice system would export it."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from benchwell.synthetic.clinics import BoolArray, FloatArray, IntArray, draw_clinics
from benchwell.synthetic.episodes import INSURANCES, blocks
from benchwell.synthetic.items import answers, course_answers
from benchwell.synthetic.people import People
from benchwell.synthetic.phq9 import phq9
from benchwell.synthetic.streams import stream
from benchwell.synthetic.truth import Truth, TruthTally, clinic_names
from benchwell.synthetic.world import World

THERAPIES = np.array(["cbt", "ipt", "act", "counselling", "psychodynamic"])
SOCIAL = ["insurance", "deprivation_quintile"]
# Interim scores end before this day, so that no usual window takes one for the follow-up of somebody not followed.
INTERIM_BEFORE = 56
# The mapping for `benchwell intake`.
MAPPING = """\
layout: long
notes: A made-up network of clinics; nobody in it exists.
tables:
  organizations:
    organization_id: clinic
  patients:
    patient_id: patient_id
    birth_year: birth_year
    sex: sex
    language: language
    insurance: insurance
    deprivation_quintile: deprivation_quintile
  episodes:
    episode_id: episode_id
    patient_id: patient_id
    organization_id: clinic
    practitioner_id: clinician
    therapy: therapy
    start_date: {column: start_date, format: ymd}
    end_date: {column: end_date, format: ymd}
  assessments:
    - patient_id: patient_id
      episode_id: episode_id
      instrument: instrument
      date: {column: date, format: ymd}
      items: {columns: ["item_{1-9}"]}
"""


def write_csv(path: Path | str, world: World, *, social: bool = True) -> Truth:
    """Write the questionnaires of a world as CSV (UTF-8, comma, ISO dates, blank is unknown), one row each.

    Args:
        path: File to write. `MAPPING` beside it tells intake what the columns are.
        world: The settings; `courses` says how often people are asked. `outcome` must be `phq9`.
        social: Whether to write insurance and quintile of deprivation. Without them the columns are those of
            `benchwell template`, and intake needs no mapping.

    Returns:
        The truth, as `generate` gives it. The people and scores are those of `generate`; who is not followed there has
        no score from day 56 on here.

    Raises:
        ValueError: If the outcome is not made of whole answers.
    """
    if world.outcome != "phq9":
        raise ValueError("answers are whole: write_csv needs outcome='phq9'")
    clinics = draw_clinics(world)
    tally = TruthTally(world, clinics)
    options = pyarrow.csv.WriteOptions(quoting_style="needed", quoting_header="needed")
    with ExitStack() as open_files:
        writer: pyarrow.csv.CSVWriter | None = None
        for block, people in enumerate(blocks(world, clinics)):
            tally.add(people)
            table = assessment_table(world, people, block)
            table = table if social else table.drop_columns(SOCIAL)
            writer = writer or open_files.enter_context(
                pyarrow.csv.CSVWriter(path, table.schema, write_options=options)
            )
            writer.write_table(table)
    return tally.truth()


@dataclass(frozen=True)
class _Visits:
    """One element per questionnaire; `row` is the place of its episode within the block."""

    row: IntArray
    day: IntArray
    share: FloatArray  # of the way from the first score to the follow-up
    last: BoolArray  # the follow-up


def assessment_table(world: World, people: People, block: int) -> pa.Table:
    """All questionnaires of one block of episodes, in the order in which they were filled in."""
    rng = stream(world.seed, "courses", block)
    n = len(people.episode)
    start = rng.integers(0, world.courses.start_days, n)
    patient = people.episode.copy()
    returns = rng.random(n) < world.courses.returns
    returns[0] = False
    returns[1:] &= (people.clinic[1:] == people.clinic[:-1]) & ~returns[:-1]
    again = np.flatnonzero(returns)
    patient[again] = patient[again - 1]
    start[again] = start[again - 1] + 400
    visits = _visits(world, people, rng)
    items = _items(world, people, visits, block, rng)
    when = start[visits.row] + visits.day
    end = start + _last_day(visits, n)
    order = np.argsort(when, kind="stable")
    row = visits.row[order]
    person = np.arange(n)
    person[again] = again - 1  # a second course is one of the same person
    who = person[row]
    therapy = rng.choice(len(THERAPIES), n, p=[0.5, 0.1, 0.1, 0.2, 0.1])
    born = world.courses.first_start.year - people.age
    columns = {
        "patient_id": _ids("P", patient[row]),
        "episode_id": _ids("E", people.episode[row]),
        "clinic": clinic_names(world).take(pa.array(people.clinic[row])),
        "clinician": _ids("T", people.clinician[row] + 1),
        "therapy": pa.array(THERAPIES).take(pa.array(therapy[row])),
        "start_date": _dates(world, start[row]),
        "end_date": _dates(world, end[row]),
        "date": _dates(world, when[order]),
        "instrument": pa.repeat("phq-9", len(row)),
        **{f"item_{i + 1}": pa.array(items[order, i], from_pandas=True).cast(pa.int8()) for i in range(items.shape[1])},
        "birth_year": pa.array(born[who]),
        "sex": pa.array(["male", "female"]).take(pa.array(people.female[who].astype(np.int64))),
        "language": pa.array(["en", "es"]).take(pa.array(people.second_language[who].astype(np.int64))),
        "insurance": pa.array(INSURANCES).take(pa.array(people.insurance[who])),
        "deprivation_quintile": pa.array(people.quintile[who]),
    }
    return pa.table(columns)


def _visits(world: World, people: People, rng: np.random.Generator) -> _Visits:
    """First score, interim scores spread before day 56, and the follow-up of those followed."""
    n = len(people.episode)
    # Who attends more sessions fills in more questionnaires.
    wanted = world.courses.interim * people.sessions / max(float(people.sessions.mean()), 1.0)
    interim = np.minimum(np.floor(wanted + rng.random(n)).astype(np.int64), INTERIM_BEFORE - 2)
    count = 1 + interim + people.followed
    row = np.repeat(np.arange(n), count)
    place = np.arange(len(row)) - (np.cumsum(count) - count)[row]
    last = (place == count[row] - 1) & people.followed[row]
    gap = np.minimum(14.0, (INTERIM_BEFORE - 1) / np.maximum(interim, 1))
    day = np.where(last, world.courses.follow_up_day, np.floor(place * gap[row])).astype(np.int64)
    way = 1 - np.exp(-day / 40.0)
    share = np.where(last, 1.0, way / (1 - np.exp(-world.courses.follow_up_day / 40.0)))
    return _Visits(row, day, share, last)


def _items(world: World, people: People, visits: _Visits, block: int, rng: np.random.Generator) -> FloatArray:
    """Answers, shape (n_visits, 9); NaN is left blank. First and last totals are those of the world."""
    first, middle = visits.day == 0, (visits.day > 0) & ~visits.last
    items = np.empty((len(visits.row), phq9().items))
    for visit, (rows, total, shift) in enumerate(
        [(first, people.baseline, people.baseline_shift), (visits.last, people.follow_up, people.follow_up_shift)]
    ):
        whole = course_answers(world, total, block, visit)
        whole[:, world.dif.item - 1] += shift
        items[rows] = whole[visits.row[rows]]
    row = visits.row[middle]
    level = people.baseline[row] + visits.share[middle] * (people.follow_up - people.baseline)[row]
    total = np.clip(np.rint(level + rng.normal(0.0, 1.5, len(row))), 0, phq9().top)
    items[middle] = answers(total, rng)
    blank = np.flatnonzero(rng.random(len(items)) < world.courses.blank)
    items[blank, rng.integers(0, items.shape[1], len(blank))] = np.nan
    return items


def _last_day(visits: _Visits, n: int) -> IntArray:
    last = np.zeros(n, dtype=np.int64)
    np.maximum.at(last, visits.row, visits.day)
    return last


def _ids(prefix: str, numbers: IntArray) -> pa.Array:
    return pc.binary_join_element_wise(prefix, pa.array(numbers).cast(pa.string()), "")


def _dates(world: World, days: IntArray) -> pa.Array:
    since_1970 = (days + np.datetime64(world.courses.first_start).astype(np.int64)).astype(np.int32)
    return pa.array(since_1970).cast(pa.date32())
