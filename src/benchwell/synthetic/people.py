"""The people of one block of episodes: who they are, how they would do, and whether anybody asked them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import special

from benchwell.synthetic.clinics import BoolArray, Clinics, FloatArray, IntArray
from benchwell.synthetic.items import dif_shift
from benchwell.synthetic.phq9 import phq9
from benchwell.synthetic.streams import stream
from benchwell.synthetic.world import World

MEAN_BASELINE, SD_BASELINE = 16.0, 4.0
MEAN_SESSIONS, SD_SESSIONS = 8, 3
COMORBID = 0.3
# Chances of no, public and private insurance by quintile of deprivation, the most deprived first. Insurance has no
# effect of its own: it is a stand-in for deprivation, as in life.
INSURED = np.array([[0.25, 0.60, 0.15], [0.2, 0.55, 0.25], [0.1, 0.5, 0.4], [0.05, 0.4, 0.55], [0.05, 0.3, 0.65]])


@dataclass(frozen=True)
class People:
    """One element per episode.

    Attributes:
        episode: Number of the episode, from 0.
        clinic: Number of its clinic.
        clinician: Number of its clinician, counted over all clinics.
        age: Years.
        female: Whether female.
        baseline: First PHQ-9, 10 to 27, without any item that works differently.
        comorbid: Whether there is a second disorder.
        quintile: Quintile of deprivation, 1 the most deprived fifth.
        insurance: 0 none, 1 public, 2 private.
        second_language: Whether the person answers in the second language.
        group_b: Whether the person belongs to group B.
        sessions: Sessions attended, 1 and more.
        expected: Mean of the follow-up score of such people in an average clinic, on the continuous scale.
        luck: What nothing explains, in standard deviations; above zero the person did better.
        follow_up: Follow-up score that each person has or would have had.
        followed: Whether it is known.
        baseline_shift: Points that an item working differently adds to the first score.
        follow_up_shift: The same at follow-up.
    """

    episode: IntArray
    clinic: IntArray
    clinician: IntArray
    age: IntArray
    female: BoolArray
    baseline: IntArray
    comorbid: BoolArray
    quintile: IntArray
    insurance: IntArray
    second_language: BoolArray
    group_b: BoolArray
    sessions: IntArray
    expected: FloatArray
    luck: FloatArray
    follow_up: FloatArray
    followed: BoolArray
    baseline_shift: IntArray
    follow_up_shift: IntArray


def draw_people(world: World, clinics: Clinics, block: int, start: int, stop: int) -> People:
    """Draw episodes `start` to `stop` (not included), all of block `block`."""
    n = stop - start
    episode = np.arange(start, stop)
    clinic = np.searchsorted(clinics.first, episode, side="right") - 1

    def normal(purpose: str) -> FloatArray:
        return stream(world.seed, purpose, block).normal(size=n)

    def uniform(purpose: str) -> FloatArray:
        return stream(world.seed, purpose, block).random(n)

    mix = world.casemix
    severity = _sorted(clinics.severity[clinic], normal("baseline"), mix.baseline_sorting)
    deprivation = _sorted(clinics.deprivation[clinic], normal("deprivation"), mix.deprivation_sorting)
    quintile = np.clip(np.ceil(5 * special.ndtr(-deprivation)), 1, 5).astype(np.int64)
    score = phq9()
    people = People(
        episode=episode,
        clinic=clinic,
        clinician=clinic * world.clinicians + (uniform("clinician") * world.clinicians).astype(np.int64),
        age=np.clip(np.rint(42 + 14 * normal("age")), 18, 90).astype(np.int64),
        female=uniform("sex") < 0.64,
        baseline=np.clip(np.rint(MEAN_BASELINE + SD_BASELINE * severity), score.case, score.top).astype(np.int64),
        comorbid=uniform("comorbidity") < COMORBID,
        quintile=quintile,
        insurance=(uniform("insurance")[:, None] > np.cumsum(INSURED, axis=1)[quintile - 1, :2]).sum(axis=1),
        second_language=uniform("language") < world.dif.share,
        group_b=uniform("group") < special.expit(clinics.group_logit[clinic]),
        sessions=np.clip(np.rint(MEAN_SESSIONS + SD_SESSIONS * normal("sessions")), 1, 20).astype(np.int64),
        expected=np.zeros(n),
        luck=normal("luck"),
        follow_up=np.zeros(n),
        followed=np.ones(n, dtype=bool),
        baseline_shift=np.zeros(n, dtype=np.int64),
        follow_up_shift=np.zeros(n, dtype=np.int64),
    )
    people = replace(people, expected=_expected(world, people))
    people = replace(people, follow_up=_follow_up(world, clinics, people))
    people = replace(people, followed=_followed(world, clinics, people, uniform("missing"), uniform("skips")))
    if world.dif.probability > 0:
        before, after = dif_shift(world, people.baseline, block, 0), dif_shift(world, people.follow_up, block, 1)
        language = people.second_language
        people = replace(people, baseline_shift=before * language, follow_up_shift=after * language)
    return people


def _sorted(clinic: FloatArray, person: FloatArray, share: float) -> FloatArray:
    """Standard normal, of whose variance `share` lies between clinics."""
    return np.asarray(np.sqrt(share) * clinic + np.sqrt(1 - share) * person)


def _expected(world: World, people: People) -> FloatArray:
    mix = world.casemix
    improvement = (
        world.mean_improvement
        + mix.baseline_effect * (people.baseline - MEAN_BASELINE)
        - mix.deprivation_effect * (3 - people.quintile)
        - mix.comorbidity_effect * (people.comorbid - COMORBID)
        + mix.sessions_effect * (people.sessions - MEAN_SESSIONS) / SD_SESSIONS
        - world.equity.gap * people.group_b
    )
    return np.asarray(people.baseline - improvement)


def _follow_up(world: World, clinics: Clinics, people: People) -> FloatArray:
    effect = clinics.effect[people.clinic] + clinics.clinician_effect.ravel()[people.clinician]
    score = people.expected - effect - world.residual_sd * people.luck
    return score if world.outcome == "linear" else np.clip(np.rint(score), 0, phq9().top)


def _followed(world: World, clinics: Clinics, people: People, chance: FloatArray, skips: FloatArray) -> BoolArray:
    """Who was asked and answered. A clinic that games does not ask some of those who have not improved reliably."""
    badly = people.baseline - people.follow_up < phq9().reliable
    skipped = clinics.games[people.clinic] & badly & (skips < world.gaming.skips)
    return ~_missing(world, clinics, people, chance) & ~skipped


def _missing(world: World, clinics: Clinics, people: People, chance: FloatArray) -> BoolArray:
    how = world.follow_up
    if how.mechanism == "complete":
        return np.zeros(len(chance), dtype=bool)
    cause = {
        "mcar": np.zeros(len(chance)),
        "mar": (MEAN_SESSIONS - people.sessions) / SD_SESSIONS,
        "mnar": -people.luck,
    }[how.mechanism]
    strength = 0.0 if how.mechanism == "mcar" else how.strength
    constant = _constant(how.missing, float(np.hypot(strength, how.clinic_sd)))
    logit = constant + strength * cause + clinics.missing_logit[people.clinic]
    return np.asarray(chance < special.expit(logit))


def _constant(share: float, sd: float) -> float:
    """The constant c for which the mean of expit(c + sd z), z standard normal, is `share`."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(61)
    weights = weights / weights.sum()
    low, high = -40.0, 40.0
    for _ in range(80):
        middle = (low + high) / 2
        if weights @ special.expit(middle + sd * nodes) < share:
            low = middle
        else:
            high = middle
    return (low + high) / 2
