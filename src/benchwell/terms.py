"""The vocabulary: closed sets of words that tables, declarations and views share."""

from __future__ import annotations

from enum import StrEnum


class Better(StrEnum):
    """Direction in which a value improves (METHODS C1)."""

    LOWER = "lower"
    HIGHER = "higher"


class ScoreStatus(StrEnum):
    """How a score came about."""

    COMPLETE = "complete"
    PRORATED = "prorated"
    TOTAL_ONLY = "total_only"
    INVALID = "invalid"


class OutcomeStatus(StrEnum):
    """Where an episode stands for one measure (METHODS M1.2).

    `FOLLOWED`, `MISSING` (mature, no follow-up) and `DIED` by suicide are in the denominator;
    `IMMATURE` and `EXCLUDED` are in neither numerator nor denominator.
    """

    FOLLOWED = "followed"
    MISSING = "missing"
    IMMATURE = "immature"
    DIED = "died"
    MOVED = "moved"
    OPTED_OUT = "opted_out"
    EXCLUDED = "excluded"


class ChangeClass(StrEnum):
    """The four classes of clinically significant change, in order of precedence (METHODS M2.4)."""

    RECOVERED = "recovered"
    IMPROVED = "improved"
    UNCHANGED = "unchanged"
    DETERIORATED = "deteriorated"


class Denominator(StrEnum):
    """The three denominators (METHODS C3)."""

    OBSERVED = "observed"
    ALL_ELIGIBLE = "all_eligible"
    ESTIMATED = "estimated"


class Adjustment(StrEnum):
    """The views of one figure, always side by side (METHODS M3.1); the fourth, stratified, is a row per level."""

    UNADJUSTED = "unadjusted"
    CLINICAL = "clinical"
    SOCIAL = "clinical+social"
    DAY = "clinical+day"  # with the measurement day, the one permitted post-index term
    VARIANT = "clinical+social+variant"  # with what is declared as a separately shown variant, such as ethnicity


class BenchmarkKind(StrEnum):
    """What a benchmark value is (METHODS M4.1)."""

    PERCENTILE = "percentile"
    TOP_DECILE = "top_decile"
    ABC = "abc"
    FIXED_EXTERNAL = "fixed_external"
    OWN_HISTORY = "own_history"
    MEAN = "mean"


class Light(StrEnum):
    """The four states of a comparison (METHODS M5.5)."""

    ABOVE = "green"
    CLOSE = "near"
    BELOW = "red"
    UNKNOWN = "grey"


class FactStatus(StrEnum):
    """Whether a constant was read in the source that it names."""

    CHECKED = "checked"
    PARTLY_CHECKED = "partly_checked"
    UNCHECKED = "unchecked"
    NO_VALUE = "no_value"


class Purpose(StrEnum):
    """What a person's data may be used for."""

    CARE = "care"
    LEARNING = "learning"
    CONTRACT = "contract"
    PUBLIC = "public"
    RESEARCH = "research"
    MODEL_TRAINING = "model_training"
