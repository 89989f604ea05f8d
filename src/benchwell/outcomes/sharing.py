"""Work that measures share: who is counted from which day, and which two scores are compared.

Most measures of a practice differ only in their cut-in and endpoint. What they define alike is computed once.
"""

from __future__ import annotations

from collections.abc import Hashable
from functools import reduce

import narwhals as nw

from benchwell.engine import Frame
from benchwell.outcomes.index import with_clean_period, with_index
from benchwell.outcomes.inputs import joined
from benchwell.outcomes.population import with_reason
from benchwell.outcomes.prepare import Prepared
from benchwell.outcomes.status import is_mature, standing, version_changed, window_end
from benchwell.outcomes.two_measure import two_versions_changed, with_two_pairs
from benchwell.outcomes.windows import pick_baseline, pick_followup
from benchwell.registry import Instrument, Measure
from benchwell.registry.measure import TwoMeasure

_FROM_SCORES = ("first_score", "elevated_score")
_COURSE = (
    *("episode_id", "patient_id", "organization_id", "practitioner_id"),
    *("index_day", "end_day", "end_reason", "death_day", "death_cause", "usable", "n_contacts", "reason"),
)
# What only the standing rests on: measures do not look at it again.
_STANDS_ON = {"end_day", "end_reason", "death_day", "death_cause", "usable", "n_contacts"}


def course_key(measure: Measure) -> Hashable:
    """Measures with the same key have the same index day and the same reason not to be counted."""
    scored = measure.index is not None and measure.index.rule in _FROM_SCORES
    return measure.index, measure.population, (measure.instruments, measure.scale) if scored else None


def window_key(measure: Measure) -> Hashable:
    """Measures with the same key pick the same two scores; cut-in and endpoint are theirs alone."""
    baseline = measure.baseline and measure.baseline.model_copy(update={"cut_in": None})
    endpoint = measure.endpoint
    parts = tuple(part.instrument for part in endpoint.parts) if isinstance(endpoint, TwoMeasure) else None
    return course_key(measure), measure.instruments, measure.scale, baseline, measure.followup, parts


class Shared:
    """Courses and pairs, each computed once and held."""

    def __init__(self, prepared: Prepared) -> None:
        """Start with nothing computed."""
        self.prepared = prepared
        self._courses: dict[Hashable, Frame] = {}
        self._pairs: dict[Hashable, Frame] = {}

    def courses(self, measure: Measure, instruments: list[Instrument]) -> Frame:
        """One row per episode with `index_day` and `reason`, why it is not counted (null if it is so far)."""
        key = course_key(measure)
        if key not in self._courses:
            scores = _scores_of(self.prepared.scores, measure, instruments)
            frame = with_index(self.prepared.episodes, scores, measure, instruments)
            frame = with_reason(frame, measure, self.prepared.characteristics).select(_COURSE)
            frame = with_clean_period(frame, measure.index.clean_days if measure.index is not None else 0)
            self._courses[key] = self.prepared.keep(frame)
        return self._courses[key]

    def pairs(self, measure: Measure, instruments: list[Instrument]) -> Frame:
        """The courses with baseline and follow-up, where there are such scores, and how they stand without a reason."""
        key = window_key(measure)
        if key not in self._pairs:
            frame = self._with_pairs(measure, instruments)
            two = isinstance(measure.endpoint, TwoMeasure)
            stands = standing(
                mature=is_mature(measure, self.prepared.last_day),
                found=~nw.col("followup_day").is_null(),
                last_day=window_end(measure),
                version_changed=two_versions_changed() if two else version_changed(),
            )
            used = [name for name in frame.collect_schema().names() if name not in _STANDS_ON]
            self._pairs[key] = self.prepared.keep(frame.select(*used, **stands))
        return self._pairs[key]

    def _with_pairs(self, measure: Measure, instruments: list[Instrument]) -> Frame:
        courses = self.courses(measure, instruments)
        scores = _scores_of(self.prepared.scores, measure, instruments)

        def pick(wanted: list[Instrument]) -> tuple[Frame, Frame]:
            index = courses.select("episode_id", "index_day", "end_day")
            own = scores.filter(nw.col("instrument").is_in([instrument.id for instrument in wanted]))
            # Held, because follow-up needs the baseline again: a plan that repeats it grows fast.
            baseline = self.prepared.keep(pick_baseline(index, own, measure, wanted))
            return baseline, pick_followup(index, baseline, own, self.prepared.sessions, measure, wanted)

        if isinstance(measure.endpoint, TwoMeasure):
            return with_two_pairs(courses, pick, measure, instruments)
        return reduce(lambda frame, picked: joined(frame, picked, "episode_id"), pick(instruments), courses)


def _scores_of(scores: Frame, measure: Measure, instruments: list[Instrument]) -> Frame:
    wanted = [
        (nw.col("instrument") == instrument.id) & (nw.col("scale") == instrument.scale(measure.scale).id)
        for instrument in instruments
    ]
    # A measure without instruments (waiting, retention) reads no scores.
    return scores.filter(reduce(lambda left, right: left | right, wanted or [nw.col("instrument").is_null()]))
