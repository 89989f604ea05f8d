"""Why a score is invalid, or what a reader must know about a valid one."""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """Codes of the `reason` column; the order is the order of precedence."""

    # Invalid: there is no value.
    NO_ANSWERS = "no-answers"
    WRONG_ITEM_COUNT = "wrong-item-count"
    ITEMS_NOT_ACCEPTED = "items-not-accepted"  # this instrument takes stated scores only
    UNKNOWN_SCALE = "unknown-scale"
    UNKNOWN_UNIT = "unknown-unit"
    NOT_INTEGER = "not-integer"
    OUT_OF_RANGE = "out-of-range"
    NOT_AN_ANSWER = "not-an-answer"  # within the range, but the form has no such option
    TOO_MANY_MISSING = "too-many-missing"
    TOTAL_OUT_OF_RANGE = "total-out-of-range"
    # Valid, with a flag.
    SAFETY_ITEM_MISSING = "safety-item-missing"  # prorating must not hide it
    TOTAL_DIFFERS = "total-differs"  # the items do not add up to the stated total; the items count
