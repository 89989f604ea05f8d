"""A small network that asks for PHQ-9 at every weekly session, whose curve is known (METHODS M6.1, M13.4).

`World` asks twice a course; expected courses need the scores in between. Here each person's true line is a straight
one in the logarithm of weeks, with a random intercept and slope: what `models.response_curve` should find again.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from benchwell.synthetic.clinics import FloatArray, IntArray
from benchwell.synthetic.items import answers
from benchwell.synthetic.phq9 import phq9
from benchwell.synthetic.streams import stream

SCORES, CONTACTS = "scores.csv", "contacts.csv"
LATEST_WEEK = 14


@dataclass(frozen=True)
class TrueCurve:
    """A line over log(weeks + 1) with a random intercept and slope, PHQ-9 points before rounding and bounds.

    Attributes:
        intercept: Mean at the first score.
        slope: Mean slope.
        intercept_variance: Between people.
        covariance: Of intercepts and slopes.
        slope_variance: Between people.
        residual_variance: Of one score around its person's line.
    """

    intercept: float = 16.0
    slope: float = -2.8
    intercept_variance: float = 11.0
    covariance: float = -0.6
    slope_variance: float = 1.4
    residual_variance: float = 4.5


@dataclass(frozen=True)
class WeeklyNetwork:
    """A network of clinics with a score at every session.

    Attributes:
        people: People, one course each.
        clinics: Clinics; sizes differ by at most one.
        clinicians: Clinicians per clinic.
        growth: The true curve.
        clinic_sd: Standard deviation of clinics' slopes beside it: 0 makes all clinics the same.
        fewest: Fewest scores per person, at least 2.
        most: Most scores per person.
        last_start: Last day on which a course starts.
        start_days: Courses start on this many days up to then.
        seed: Seed of everything.

    Raises:
        ValueError: If a setting is out of its range; the message names it.

    >>> WeeklyNetwork().people
    720
    """

    people: int = 720
    clinics: int = 8
    clinicians: int = 3
    growth: TrueCurve = TrueCurve()
    clinic_sd: float = 0.2
    fewest: int = 4
    most: int = 12
    last_start: dt.date = dt.date(2025, 12, 31)
    start_days: int = 366
    seed: int = 1

    def __post_init__(self) -> None:
        """Refuse what cannot be drawn."""
        if not 1 <= self.clinics <= self.people:
            raise ValueError("WeeklyNetwork needs at least one clinic and at least one person per clinic")
        if not 2 <= self.fewest <= self.most <= LATEST_WEEK:
            raise ValueError(f"WeeklyNetwork.fewest and most are between 2 and {LATEST_WEEK}, the fewest first")
        if self.clinicians < 1 or self.start_days < 1 or self.clinic_sd < 0 or self.seed < 0:
            raise ValueError("WeeklyNetwork.clinicians and start_days are at least 1; clinic_sd and seed at least 0")


def write_weekly(folder: Path | str, network: WeeklyNetwork | None = None) -> tuple[Path, Path]:
    """Write the network as two CSV files that intake takes in without a mapping. Takes well under a second.

    Args:
        folder: Where to write; made if missing.
        network: The settings; None is the standard network: 720 people in 8 clinics with 4 to 12 scores each.

    Returns:
        `scores.csv` (answers to PHQ-9, in the columns of `benchwell template`) and `contacts.csv` (attended sessions):
        take in both, in this order, set `expected_course: true`, and `build` freezes curves in the edition.

    >>> import tempfile
    >>> files = write_weekly(tempfile.mkdtemp(), WeeklyNetwork(people=16))
    >>> [file.name for file in files]
    ['scores.csv', 'contacts.csv']
    """
    network = network or WeeklyNetwork()
    place = Path(folder)
    place.mkdir(parents=True, exist_ok=True)
    drawn = _draw(network)
    options = pyarrow.csv.WriteOptions(quoting_style="needed", quoting_header="needed")
    files = (place / SCORES, place / CONTACTS)
    for file, table in zip(files, (_score_table(network, drawn), _contact_table(network, drawn)), strict=True):
        pyarrow.csv.write_csv(table, file, options)
    return files


@dataclass(frozen=True)
class _Drawn:
    """One element per score, sorted by person and day."""

    person: IntArray
    clinic: IntArray
    start: IntArray  # day of the first score, since the first possible one
    day: IntArray  # since the first score
    total: IntArray
    last: IntArray  # of the course, since the first score
    born: IntArray
    female: IntArray


def _draw(network: WeeklyNetwork) -> _Drawn:
    n = network.people
    rng = stream(network.seed, "weekly")
    count = rng.integers(network.fewest, network.most + 1, n)
    start, born, female = rng.integers(0, network.start_days, n), rng.integers(1950, 2006, n), rng.integers(0, 2, n)
    person = np.repeat(np.arange(n), count)
    place = np.arange(len(person)) - (np.cumsum(count) - count)[person]
    # Weekly, some a day or two late, some weeks left out: later sessions tend to be further apart.
    weeks = place + np.where(place > 6, place - 6, 0) * (rng.random(n)[person] < 0.3)
    day = np.where(place == 0, 0, 7 * weeks + rng.integers(0, 3, len(person)))
    clinic = np.arange(n) % network.clinics
    total = _totals(network, rng, person, clinic, day)
    last = np.zeros(n, dtype=np.int64)
    np.maximum.at(last, person, day)
    return _Drawn(person, clinic[person], start[person], day, total, last[person], born[person], female[person])


def _totals(
    network: WeeklyNetwork, rng: np.random.Generator, person: IntArray, clinic: IntArray, day: IntArray
) -> IntArray:
    truth = network.growth
    spread = [[truth.intercept_variance, truth.covariance], [truth.covariance, truth.slope_variance]]
    own = rng.multivariate_normal([0.0, 0.0], spread, network.people)
    by_clinic = rng.normal(0.0, network.clinic_sd, network.clinics)
    time: FloatArray = np.log1p(day / 7)
    slope = truth.slope + own[:, 1] + by_clinic[clinic]
    noise = rng.normal(0.0, np.sqrt(truth.residual_variance), len(person))
    level = truth.intercept + own[person, 0] + slope[person] * time + noise
    whole: IntArray = np.clip(np.rint(level), 0, phq9().top).astype(np.int64)
    return whole


def _score_table(network: WeeklyNetwork, drawn: _Drawn) -> pa.Table:
    given = answers(drawn.total, stream(network.seed, "weekly answers"))
    clinician = drawn.clinic * network.clinicians + drawn.person % network.clinicians
    return pa.table(
        {
            "patient_id": _ids("W", drawn.person),
            "episode_id": _ids("WE", drawn.person),
            "clinic": _ids("weekly-clinic-", drawn.clinic + 1),
            "clinician": _ids("WT", clinician + 1),
            "start_date": _dates(network, drawn.start),
            "end_date": _dates(network, drawn.start + drawn.last),
            "date": _dates(network, drawn.start + drawn.day),
            "instrument": pa.repeat("phq-9", len(drawn.person)),
            **{f"item_{i + 1}": pa.array(given[:, i]) for i in range(phq9().items)},
            "birth_year": pa.array(drawn.born),
            "sex": pa.array(["male", "female"]).take(pa.array(drawn.female)),
        }
    )


def _contact_table(network: WeeklyNetwork, drawn: _Drawn) -> pa.Table:
    """One attended session on each day of a score."""
    return pa.table(
        {
            "encounter_id": _ids("WC", np.arange(len(drawn.person))),
            "episode_id": _ids("WE", drawn.person),
            "date": _dates(network, drawn.start + drawn.day),
            "kind": pa.repeat("treatment", len(drawn.person)),
            "attended": pa.repeat("true", len(drawn.person)),
        }
    )


def _ids(prefix: str, numbers: IntArray) -> pa.Array:
    return pc.binary_join_element_wise(prefix, pa.array(numbers).cast(pa.string()), "")


def _dates(network: WeeklyNetwork, days: IntArray) -> pa.Array:
    first = np.datetime64(network.last_start).astype(np.int64) - network.start_days + 1
    return pa.array((days + first).astype(np.int32)).cast(pa.date32())
