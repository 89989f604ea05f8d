"""From when to when somebody has one of the diagnoses that a rule names."""

from __future__ import annotations

from functools import reduce

import narwhals as nw

from benchwell.engine import Frame
from benchwell.outcomes.inputs import day, joined
from benchwell.registry.episode_rule import Diagnosis

# What FHIR's clinical and verification status call a diagnosis that is over, and one that never counted.
OVER = ("inactive", "remission", "resolved")
NEVER = ("refuted", "entered-in-error")
_BEGINNING = -(10**7)  # a day before all days: a diagnosis without any date held from the beginning


def diagnosed_days(conditions: Frame, diagnosis: Diagnosis, last_day: int, encounters: Frame) -> Frame:
    """Spans of days with a diagnosis, as known on a day.

    A diagnosis holds from its onset, else from the day on which it was recorded, else from the day of its contact. It
    holds to its end; one that is over without a date holds up to the day on which it was recorded.

    Args:
        conditions: `tables.CANONICAL["conditions"]` with `onset_day`, `recorded_day` and `abatement_day`.
        diagnosis: The codes that count.
        last_day: Nothing after this day is known.
        encounters: For the day of a contact; with `encounter_id` and `day`.

    Returns:
        `patient_id`, `from_day` and `to_day` (null: still there); spans may overlap.
    """
    never = nw.col("verification_status").is_in(list(NEVER)).fill_null(False)
    named = conditions.filter(~nw.col("patient_id").is_null(), ~never).explode("codes")
    matches = [nw.col("codes").is_in(list(diagnosis.exact))] if diagnosis.exact else []
    matches += [nw.col("codes").str.starts_with(prefix) for prefix in diagnosis.prefixes]
    named = named.filter(reduce(lambda left, right: left | right, matches)).select(
        "patient_id", "encounter_id", "clinical_status", "onset_day", "recorded_day", "abatement_day"
    )
    dated = joined(named, encounters.select("encounter_id", contact_day=nw.col("day")), "encounter_id")
    recorded = nw.coalesce(nw.col("recorded_day"), nw.col("contact_day"))
    begins = nw.coalesce(nw.col("onset_day"), recorded, day(_BEGINNING))
    over = nw.col("clinical_status").is_in(list(OVER)).fill_null(False)
    ends = nw.when(over).then(nw.coalesce(recorded, begins)).otherwise(day(None))
    spans = dated.filter(nw.coalesce(recorded, begins) <= last_day).select(
        "patient_id", from_day=begins, to_day=nw.coalesce(nw.col("abatement_day"), ends)
    )
    return spans.filter(nw.col("from_day") <= last_day)
