"""One measure by the levels of a declared variable, always beside the common figure (METHODS M4.6)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchwell.i18n import N_, _, ngettext
from benchwell.registry.measure import Measure
from benchwell.signals.peers import has_figure
from benchwell.signals.reading import ALL, EditionSource, Row, adjustments, measure_of, rows
from benchwell.signals.therapy_words import THERAPIES, therapy_words
from benchwell.signals.usual_spread import people_shown
from benchwell.signals.words import Figure, capital, count, direction, figure_of, people_words
from benchwell.terms import Adjustment, BenchmarkKind

# Levels whose names do not say which end is which.
_DIRECTIONS = {"deprivation_quintile": N_("1 = most deprived")}
# Variables that have a plainer word than their code.
_PLAIN = {"deprivation_quintile": N_("deprivation fifth")}
# Levels that are numbers, in words: an end says which end it is.
_FIFTHS = {"1": N_("deprivation fifth 1 (most deprived)"), "5": N_("deprivation fifth 5 (least deprived)")}
# Levels that are codes, in words.
_CODES = {
    "en": N_("English"),
    "es": N_("Spanish"),
    "de": N_("German"),
}
_SHORT = 3  # letters up to which a level alone says nothing: "2", "en", "yes"
_MEANS = ("pooled", "unweighted", "mean")  # the first that an edition holds


@dataclass(frozen=True)
class Level:
    """One level: figure with interval and people, or why there is none; and what it stands beside.

    Attributes:
        level: Its code.
        words: Its name for people, as it stands within a sentence.
        value: The unadjusted figure; of the organization, or of all together.
        lower: 95 % interval.
        upper: The same.
        n: People that its figure is a figure of, by the measure's denominator; None if unknown.
        status: ok, or why there is no figure.
        benchmark: The figure of this level over all organizations.
        adjusted: The clinically adjusted figure; None where the edition has none.
        adjusted_lower: 95 % interval.
        adjusted_upper: The same.
        adjusted_benchmark: The clinically adjusted figure of this level over all organizations.
    """

    level: str
    words: str
    value: float | None
    lower: float | None
    upper: float | None
    n: int | None
    status: str
    benchmark: float | None = None
    adjusted: float | None = None
    adjusted_lower: float | None = None
    adjusted_upper: float | None = None
    adjusted_benchmark: float | None = None


@dataclass(frozen=True)
class StrataView:
    """The levels of one variable in their own order, with the figure of all levels together.

    Attributes:
        measure: The measure.
        variable: Code of the variable.
        levels: In their own order.
        common: The organization's figure over all levels; of all organizations where none is named.
        common_benchmark: The figure of all organizations over all levels: no level's figure is its only yardstick.
        title: The finding in one sentence.
        text: The same with figures.
        unseen: Which levels have too few people for a figure, as a sentence; "" for none.
    """

    measure: Measure
    variable: str
    levels: tuple[Level, ...]
    common: float | None
    common_benchmark: float | None
    title: str
    text: str
    unseen: str = ""


def strata_views(edition: EditionSource, organization_id: str | None, measure: str | Measure) -> tuple[StrataView, ...]:
    """Every declared stratification of a figure: unadjusted, clinically adjusted, and over all organizations.

    A level never stands alone: the common figure is part of each view, so that a lower expectation for a group is
    never the only yardstick.

    Args:
        edition: The edition.
        organization_id: Whose figures; None: those of all organizations together.
        measure: A measure, or its id.

    Source:
        METHODS M3.1 (the fourth view), M4.6, M7.1.
    """
    declared = measure_of(edition, measure)
    everyone = _everyone(edition, declared)
    together = everyone.get((Adjustment.UNADJUSTED.value, ALL, ALL))
    shared = None if together is None else together["estimate"]
    if organization_id is None:
        plain, adjusted = _of_view(everyone, Adjustment.UNADJUSTED), _of_view(everyone, Adjustment.CLINICAL)
        common, everyone = shared, {}  # nothing is set beside itself
    else:
        whose = {"measure": declared.id, "organization_id": organization_id, "period": ALL}
        plain = _by_level(rows(edition, "organization_results", **whose))
        adjusted = _by_level(rows(edition, "adjusted_results", adjustment=Adjustment.CLINICAL.value, **whose))
        own = plain.get((ALL, ALL))
        common = own["estimate"] if own is not None and has_figure(own) else None
    views = []
    for variable in sorted({place[0] for place in plain} - {ALL}):
        places = sorted(place for place in plain if place[0] == variable and place[1] != ALL)
        levels = tuple(_level(plain[one], adjusted.get(one), everyone) for one in places)
        views.append(_view(declared, variable, levels, common, shared))
    return tuple(views)


def _by_level(found: Sequence[Row]) -> dict[tuple[str, str], Row]:
    return {(row["stratum"], row["level"]): row for row in found}


def _of_view(everyone: Mapping[tuple[str, str, str], Row], view: Adjustment) -> dict[tuple[str, str], Row]:
    return {place[1:]: row for place, row in everyone.items() if place[0] == view}


def _everyone(edition: EditionSource, measure: Measure) -> dict[tuple[str, str, str], Row]:
    """The figure of all organizations together, by adjustment, stratum and level."""
    where = {"measure": measure.id, "kind": BenchmarkKind.MEAN.value, "tier": ALL, "period": ALL, "without": ""}
    views = adjustments(edition, measure.id)  # a model that failed its checks has records, and no figures
    found: dict[tuple[str, str, str], Row] = {}
    for method in reversed(_MEANS):
        for row in rows(edition, "benchmarks", method=method, **where):
            if (row["adjustment"] or Adjustment.UNADJUSTED) not in views:
                continue
            if row["status"] == "ok" and row["estimate"] is not None:
                found[row["adjustment"] or Adjustment.UNADJUSTED.value, row["stratum"], row["level"]] = row
    return found


def _view(
    measure: Measure, variable: str, levels: tuple[Level, ...], common: float | None, shared: float | None
) -> StrataView:
    shown = [level for level in levels if level.value is not None]
    apart = [
        level
        for level in shown
        if common is not None
        and level.lower is not None
        and level.upper is not None
        and not level.lower <= common <= level.upper
    ]
    word = name_words(variable)
    if not shown:
        title = _("No group by {word} is large enough to show").format(word=word)
    elif apart:
        title = ngettext(
            "By {word}: {names} differs from the common figure",
            "By {word}: {names} differ from the common figure",
            len(apart),
        ).format(word=word, names=_(" and ").join(level.words for level in apart))
    else:
        title = _("By {word}: no group differs clearly from the common figure").format(word=word)
    figure = figure_of(measure)
    parts = [_said(level, figure) for level in shown]
    few = ", ".join(level.words for level in levels if level.value is None)
    unseen = _("Too few people for a figure: {groups}.").format(groups=few) if shown and few else ""
    text = _("{title} by {word}, {groups}: {levels}. Common figure {figure} ({direction}).").format(
        title=_(measure.title),
        word=word,
        groups=count(len(levels), "group"),
        levels="; ".join(parts) or _("none shown"),
        figure=figure.text(common),
        direction=direction(measure.better),
    )
    return StrataView(measure, variable, levels, common, shared, title, f"{text} {unseen}".rstrip(), unseen)


# What groups and models are named by, for translators: their codes are declared in case mixes.
_NAMES = (
    N_("adherence"),
    N_("age"),
    N_("age band"),
    N_("alliance"),
    N_("baseline"),
    N_("body mass index"),
    N_("chronicity"),
    N_("clinic size"),
    N_("combat exposure"),
    N_("comorbidity count"),
    N_("deployment"),
    N_("diabetes type"),
    N_("diabetes years"),
    N_("dropout"),
    N_("early change"),
    N_("ethnicity"),
    N_("impairment"),
    N_("insulin at start"),
    N_("insurance"),
    N_("language"),
    N_("length of stay"),
    N_("measurement day"),
    N_("onset days"),
    N_("prior treatment"),
    N_("race"),
    N_("sessions"),
    N_("setting"),
    N_("severity band"),
    N_("sex"),
    N_("therapy"),
)
# Groups that have names of our own; any other is named as the data name it.
_LEVELS = (
    N_("female"),
    N_("largest third"),
    N_("male"),
    N_("middle third"),
    N_("mild"),
    N_("minimal"),
    N_("moderate"),
    N_("moderately severe"),
    N_("severe"),
    N_("smallest third"),
    N_("unknown"),
)


def variable_words(variable: str) -> str:
    """A variable as words; where its levels are only numbers, with what the first of them means.

    Example:
        >>> variable_words("deprivation_quintile"), variable_words("severity_band")
        ('deprivation fifth (1 = most deprived)', 'severity band')
    """
    words, said = name_words(variable), _DIRECTIONS.get(variable)
    return f"{words} ({_(said)})" if said else words


def name_words(variable: str) -> str:
    """A variable as words, without what its levels mean.

    Example:
        >>> name_words("deprivation_quintile"), name_words("severity_band")
        ('deprivation fifth', 'severity band')
    """
    return _(_PLAIN.get(variable, variable.replace("_", " ")))


def level_words(variable: str, level: str) -> str:
    """A level as it stands within a sentence: a number or a code never stands alone.

    Example:
        >>> level_words("deprivation_quintile", "1"), level_words("deprivation_quintile", "3")
        ('deprivation fifth 1 (most deprived)', 'deprivation fifth 3')
        >>> level_words("severity_band", "moderately severe"), level_words("language", "en")
        ('moderately severe', 'English')
        >>> level_words("prior_treatment", "yes"), level_words("sex", "unknown")
        ('prior treatment yes', 'sex unknown')
    """
    if variable in _PLAIN and level in _FIFTHS:
        return _(_FIFTHS[level])
    if variable == "therapy" and level.casefold() in THERAPIES:
        return therapy_words(level)
    if level in _CODES:
        return _(_CODES[level])
    words = _(level.replace("_", " "))
    if len(level) <= _SHORT or level[:1].isdigit() or level == "unknown":
        return f"{name_words(variable)} {words}"
    return words


def group_words(variable: str, level: str) -> str:
    """A level where it stands alone, such as the head of a row of many variables.

    Example:
        >>> group_words("deprivation_quintile", "5"), group_words("severity_band", "severe")
        ('Deprivation fifth 5 (least deprived)', 'Severity band: severe')
    """
    name, words = name_words(variable), level_words(variable, level)
    return capital(words) if words.startswith(name) else f"{capital(name)}: {words}"


def counted_words(level: Level) -> str:
    """A level with the people behind its figure: what stands at its line in a picture.

    Example:
        >>> counted_words(Level("south", "south", 0.5, 0.4, 0.6, 34, "ok")).replace("\u00a0", " ")
        'South, n = 34'
    """
    return _with_people(level, capital(level.words))


def _with_people(level: Level, words: str) -> str:
    return words if level.n is None else f"{words}, {people_words(level.n)}"


def _said(level: Level, figure: Figure) -> str:
    value = f"{figure.text(level.value)} {figure.interval(level.lower, level.upper)}".rstrip()
    said = f"{_with_people(level, level.words)}: {value}"
    if level.benchmark is not None:
        said += _(", all clinics {figure}").format(figure=figure.text(level.benchmark))
    return said


def _level(row: Row, adjusted: Row | None, everyone: Mapping[tuple[str, str, str], Row]) -> Level:
    shown = has_figure(row)
    kept = adjusted if adjusted is not None and shown and has_figure(adjusted) else None
    place = (row["stratum"], row["level"])
    return Level(
        str(row["level"]),
        level_words(str(row["stratum"]), str(row["level"])),
        row["estimate"] if shown else None,
        row["lower"] if shown else None,
        row["upper"] if shown else None,
        people_shown(row),
        str(row["status"]),
        _estimate(everyone.get((Adjustment.UNADJUSTED.value, *place))),
        None if kept is None else kept["estimate"],
        None if kept is None else kept["lower"],
        None if kept is None else kept["upper"],
        _estimate(everyone.get((Adjustment.CLINICAL.value, *place))),
    )


def _estimate(row: Row | None) -> float | None:
    return None if row is None else row["estimate"]
