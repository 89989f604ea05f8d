"""A seeded, made-up service: PHQ-9 courses of many clinics as one long CSV in the layout of our own template.

    python benchmarks/synthetic.py OUT.csv [--assessments 1000000] [--episodes 125000] [--clinics 400] [--seed 1]

Nobody in it exists. People improve along an exponential curve whose depth varies by person and by clinic; some leave
early, more often if they do not improve, so complete cases look better than everyone does; single answers are missing.
The same settings and seed give the same bytes.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

ITEMS = 9
THERAPIES = np.array(["cbt", "ipt", "act", "counselling", "psychodynamic"])
FIRST_START = np.datetime64("2019-12-30")  # early enough that no date lies in the future
START_DAYS = 1000
# How readily each PHQ-9 item is endorsed next to the others (logit); the ninth asks about thoughts of death.
_ITEM_SHIFT = np.array([0.2, 0.3, 0.5, 0.6, 0.0, 0.2, -0.1, -0.6, -1.4])


@dataclass(frozen=True)
class Size:
    """How much to make."""

    assessments: int = 1_000_000
    episodes: int = 125_000
    clinics: int = 400
    seed: int = 1

    def __post_init__(self) -> None:
        if not 1 <= self.clinics <= self.episodes <= self.assessments:
            raise ValueError("needs clinics <= episodes <= assessments, and at least one clinic")


@dataclass(frozen=True)
class Episodes:
    """One array per column, one element per episode."""

    clinic: IntArray
    clinician: IntArray
    patient: IntArray
    start_day: IntArray  # days after FIRST_START
    gap_days: IntArray  # usual days between two visits
    severity: FloatArray  # logit of the share of points at the start
    gain: FloatArray  # how far that logit falls in the end
    visits: IntArray


def make_episodes(size: Size, rng: np.random.Generator) -> Episodes:
    """Draw who is treated where, how ill they are, how far they come, and how long they stay."""
    weights = rng.lognormal(0.0, 0.8, size.clinics)
    # Every clinic has someone; the rest spread by the size of the clinic.
    rest = rng.choice(size.clinics, size.episodes - size.clinics, p=weights / weights.sum())
    clinic = np.sort(np.concatenate([np.arange(size.clinics), rest]))
    staff = np.maximum(1, np.bincount(clinic, minlength=size.clinics) // 40)
    seat = rng.integers(0, staff[clinic])
    clinician = np.concatenate([[0], np.cumsum(staff)[:-1]])[clinic] + seat
    gain = np.maximum(-0.8, rng.normal(1.6, 0.9, size.episodes) + rng.normal(0.0, 0.25, size.clinics)[clinic])
    returns = rng.random(size.episodes) < 0.04  # a second course of the person before, in the same clinic
    returns[0] = False
    returns[1:] &= clinic[1:] == clinic[:-1]
    start_day = rng.integers(0, START_DAYS, size.episodes)
    patient = np.cumsum(~returns, dtype=np.int64)
    visits = _visits(size, gain, rng)
    gap_days = rng.choice([7, 14, 28], size.episodes, p=[0.5, 0.3, 0.2])
    gap_days[visits > 20] = 7  # long courses are weekly ones
    start_day[returns] = np.maximum(start_day[returns], start_day[np.flatnonzero(returns) - 1] + 400)
    return Episodes(
        clinic=clinic,
        clinician=clinician,
        patient=patient,
        start_day=start_day,
        gap_days=gap_days,
        severity=rng.normal(0.3, 0.7, size.episodes),
        gain=gain,
        visits=visits,
    )


def _visits(size: Size, gain: FloatArray, rng: np.random.Generator) -> IntArray:
    """Assessments per episode, at least one, exactly `size.assessments` in all; who gains less leaves earlier."""
    stays = np.exp(0.25 * (gain - gain.mean())) * rng.gamma(1.5, 1 / 1.5, size.episodes)
    wanted = stays * (size.assessments - size.episodes) / stays.sum()
    extra = np.floor(wanted).astype(np.int64)
    short = size.assessments - size.episodes - int(extra.sum())
    extra[np.argsort(extra - wanted, kind="stable")[:short]] += 1
    visits: IntArray = 1 + extra
    return visits


def generate(size: Size) -> pa.Table:
    """All assessments, in the order in which they were made.

    >>> generate(Size(assessments=40, episodes=5, clinics=2)).num_rows
    40
    """
    rng = np.random.default_rng(size.seed)
    episodes = make_episodes(size, rng)
    episode = np.repeat(np.arange(size.episodes), episodes.visits)
    first = np.concatenate([[0], np.cumsum(episodes.visits)[:-1]])
    visit = np.arange(size.assessments) - first[episode]
    after = visit * episodes.gap_days[episode] + np.where(visit > 0, rng.integers(-2, 3, size.assessments), 0)
    # A third of those who came at least three times answer once more about half a year after the start.
    last = first + episodes.visits - 1
    followed = (episodes.visits >= 3) & (rng.random(size.episodes) < 0.35)
    after[last[followed]] = np.maximum(after[last[followed]], rng.integers(150, 230, int(followed.sum())))
    end_day = episodes.start_day + after[last]
    answers = _answers(episodes, episode, after, rng)
    order = np.argsort(episodes.start_day[episode] + after, kind="stable")
    return _table(size, episodes, episode[order], after[order], end_day, answers[order], rng)


def _answers(episodes: Episodes, episode: IntArray, after: IntArray, rng: np.random.Generator) -> FloatArray:
    """Item answers 0..3, shape (n_assessments, 9); NaN is left blank."""
    level = episodes.severity[episode] - episodes.gain[episode] * (1 - np.exp(-after / 60.0))
    level += rng.normal(0.0, 0.3, len(level))
    share = 1 / (1 + np.exp(-(level[:, None] + _ITEM_SHIFT)))
    answers: FloatArray = rng.binomial(3, share).astype(float)
    blank = rng.random(len(level)) < 0.02
    answers[blank, rng.integers(0, ITEMS, int(blank.sum()))] = np.nan
    return answers


def _table(
    size: Size,
    episodes: Episodes,
    episode: IntArray,
    after: IntArray,
    end_day: IntArray,
    answers: FloatArray,
    rng: np.random.Generator,
) -> pa.Table:
    people = int(episodes.patient.max()) + 1
    birth_year = rng.integers(1940, 2005, people)
    sex = np.array(["female", "male", ""])[rng.choice(3, people, p=[0.64, 0.34, 0.02])]
    therapy = rng.choice(len(THERAPIES), size.episodes, p=[0.5, 0.1, 0.1, 0.2, 0.1])
    open_still = end_day > np.quantile(end_day, 0.95)  # the latest courses have not ended yet
    patient = episodes.patient[episode]
    columns = {
        "patient_id": _ids("P", patient),
        "episode_id": _ids("E", episode),
        "clinic": _ids("clinic-", episodes.clinic[episode] + 1),
        "clinician": _ids("T", episodes.clinician[episode] + 1),
        "therapy": pa.DictionaryArray.from_arrays(therapy[episode].astype(np.int32), THERAPIES).cast(pa.string()),
        "start_date": _dates(episodes.start_day[episode]),
        "end_date": _dates(end_day[episode], open_still[episode]),
        "date": _dates(episodes.start_day[episode] + after),
        "instrument": pa.repeat("phq-9", len(episode)),
        **{f"item_{i + 1}": pa.array(answers[:, i], from_pandas=True).cast(pa.int8()) for i in range(ITEMS)},
        "birth_year": pa.array(birth_year[patient]),
        "sex": pa.array(sex[patient], mask=sex[patient] == ""),
    }
    return pa.table(columns)


def _ids(prefix: str, numbers: IntArray) -> pa.Array:
    return pc.binary_join_element_wise(prefix, pa.array(numbers).cast(pa.string()), "")


def _dates(days: IntArray, unknown: npt.NDArray[np.bool_] | None = None) -> pa.Array:
    since_1970 = (days + FIRST_START.astype(np.int64)).astype(np.int32)
    return pa.array(since_1970, mask=unknown).cast(pa.date32())


def write_csv(path: Path, size: Size) -> int:
    """Write the table as CSV (UTF-8, comma, ISO dates, blank is unknown). Returns its rows."""
    table = generate(size)
    pyarrow.csv.write_csv(table, path, pyarrow.csv.WriteOptions(quoting_style="needed", quoting_header="needed"))
    return int(table.num_rows)


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
