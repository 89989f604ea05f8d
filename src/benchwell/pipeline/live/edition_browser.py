"""The editions of a workspace: what each holds, what changed between them, and the method pages frozen in them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from benchwell.benchmarks import Edition
from benchwell.benchmarks.edition import KINDS
from benchwell.errors import BenchwellError
from benchwell.i18n import N_, _, day, number, percent
from benchwell.pipeline.live.edition_tables import TableLine, tables_of
from benchwell.pipeline.live.editions import edition_in_force, edition_of
from benchwell.pipeline.live.remembered import Remembered
from benchwell.pipeline.live.service_view import held, key_of
from benchwell.reports.method import LIVE, Link, MethodParts, method_parts
from benchwell.reports.model_card import ModelCard, model_card
from benchwell.reports.network import measures_of
from benchwell.reports.standing import Standing, standing
from benchwell.signals import four_views
from benchwell.signals.reading import OneMeasure

if TYPE_CHECKING:
    from benchwell.pipeline.live.service import LiveService

# From declarations/<folder> to what a page's address calls it.
_SINGULAR = {"casemix": "casemix", "episode_rules": "episode_rule"}
_FOLDERS = {_SINGULAR.get(folder, folder.removesuffix("s")): folder for folder in KINDS}
# The gates of a benchmark: the least that there must be before something is shown.
_GATES = {
    "organization_n": N_("People of an organization, for a figure of its own"),
    "cell_n": N_("People in a group, for a figure of the group"),
    "tier_organizations": N_("Organizations, for a benchmark at all"),
    "quartile_organizations": N_("Organizations, for quartiles"),
    "decile_organizations": N_("Organizations, for a top tenth"),
    "decile_reliability": N_("Reliability of the field, for a top tenth"),
    "dominance_one": N_("Largest share of one organization among all people"),
    "dominance_two": N_("Largest share of two organizations among all people"),
    "completion": N_("Share of people followed up, for a light"),
    "completion_gap": N_("Largest gap in follow-up to the others, for a light"),
    "light_reliability": N_("Reliability of the figure, for a light"),
    "light_probability": N_("Certainty that the figure differs, for a light"),
    "trend_reliability": N_("Reliability of the figure, for a trend"),
    "kappa": N_("How far those not followed up may differ (log-odds)"),
    "kappa_points": N_("The same in points of the score"),
}
_SHARES = frozenset({"dominance_one", "dominance_two", "completion", "completion_gap", "light_probability"})


@dataclass(frozen=True)
class NumbersChanged:
    """What differs between an edition and the one before it, or that it corrects.

    Attributes:
        before: Id of the earlier edition.
        same: Figures that both have and that agree.
        changed: Figures that both have and that differ.
        added: Figures that only the later one has.
        gone: Figures that only the earlier one had.
        declarations: What was declared anew, otherwise or no more: pairs of a word and the declaration.
    """

    before: str
    same: int
    changed: int
    added: int
    gone: int
    declarations: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class EditionLine:
    """One edition in the list.

    Attributes:
        id: Its id.
        as_of: The day that it looks from.
        built: The day on which it was built, ISO; "" if not known.
        is_provisional: Whether any of its benchmarks is provisional.
        standing: Whether it was superseded, or corrects another.
        measures: How many.
        organizations: How many.
        change: What changed; None for the first.
    """

    id: str
    as_of: str
    built: str
    is_provisional: bool
    standing: Standing
    measures: int
    organizations: int
    change: NumbersChanged | None


@dataclass(frozen=True)
class MeasureOfEdition:
    """A measure of an edition, with its benchmarks (id and title) and how its models were made."""

    id: str
    title: str
    benchmarks: tuple[tuple[str, str], ...]
    gates: tuple[tuple[str, str], ...]
    card: ModelCard | None


@dataclass(frozen=True)
class EditionPage:
    """One edition, opened.

    Attributes:
        line: Its line in the list.
        measures: Its measures.
        methods: Its method pages: kind, id and title.
        tables: Its tables that may leave.
        curves: Its expected courses: id, title, and whether it is shown, and if not, why.
        facts: What it was made from.
    """

    line: EditionLine
    measures: tuple[MeasureOfEdition, ...]
    methods: tuple[tuple[str, str, str], ...]
    tables: tuple[TableLine, ...]
    curves: tuple[tuple[str, str, str], ...]
    facts: tuple[tuple[str, str], ...]


_lines = Remembered[tuple[bool, NumbersChanged | None]](limit=128)
_measures = Remembered[tuple[MeasureOfEdition, ...]](limit=16, spoken=True)


def edition_list(service: LiveService) -> tuple[EditionLine, ...]:
    """Every edition, the latest first. One that cannot be opened is left out here; `verify` says what is wrong."""
    editions = _in_order(service)
    lines = [_line(one, editions[place - 1] if place else None) for place, one in enumerate(editions)]
    return tuple(reversed(lines))


def edition_page(service: LiveService, edition_id: str) -> EditionPage | None:
    """One edition, opened; None if there is none of that id."""
    editions = _in_order(service)
    place = next((place for place, one in enumerate(editions) if one.id == edition_id), None)
    if place is None:
        return None
    edition = editions[place]
    return EditionPage(
        line=_line(edition, editions[place - 1] if place else None),
        measures=_measures.get(key_of(edition), lambda: _measures_of(edition)),
        methods=_methods_of(edition),
        tables=tables_of(edition),
        curves=_curves_of(edition),
        facts=_facts(edition),
    )


def method_pages(service: LiveService) -> tuple[tuple[str, str, str], ...]:
    """Kind, id and title of every method page: of the edition in force, or of what is declared before the first."""
    edition = edition_in_force(service.workspace)
    if edition is not None:
        return _methods_of(edition)
    found = []
    for kind in _FOLDERS:
        declared = getattr(service.workspace.registry, _FOLDERS[kind])
        found += [(kind, one.id, _(one.title)) for _id, one in sorted(declared.items())]
    return tuple(found)


@dataclass(frozen=True)
class MethodShown:
    """A method page, and which edition froze it; "" where it is what is declared now."""

    parts: MethodParts
    edition: str


def one_method(service: LiveService, kind: str, declaration: str, edition_id: str | None = None) -> MethodShown | None:
    """One method page, rendered from the declarations as frozen.

    Args:
        service: The running service.
        kind: measure, benchmark, instrument, reference, casemix or episode_rule.
        declaration: Its id.
        edition_id: Which edition; null is the one in force.

    Returns:
        The page; None if there is none.
    """
    folder = _FOLDERS.get(kind)
    if folder is None:
        return None
    workspace = service.workspace
    edition = edition_in_force(workspace) if edition_id is None else edition_of(workspace, edition_id)
    if edition is None and edition_id is not None:
        return None
    registry = workspace.registry if edition is None else edition.registry
    found = getattr(registry, folder).get(declaration)
    if found is None:
        return None
    query = "" if edition_id is None else f"?edition={edition_id}"

    def target(link: Link) -> str | None:
        named = next((one for one, kept in _FOLDERS.items() if kept == link.folder), None)
        known = {} if named is None else getattr(registry, link.folder)
        return f"/methods/{named}/{link.id}{query}" if link.id in known else None

    return MethodShown(method_parts(found, target=target, wrap=LIVE), "" if edition is None else edition.id)


def _in_order(service: LiveService) -> list[Edition]:
    """The editions that can be opened, in the order in which they were made."""
    found = []
    for folder in service.workspace.editions():
        try:
            edition = edition_of(service.workspace, folder.name)
        except BenchwellError:
            continue
        if edition is not None:
            found.append(edition)
    return sorted(found, key=lambda one: (one.path / "manifest.json").stat().st_mtime_ns)


def _line(edition: Edition, before: Edition | None) -> EditionLine:
    corrects = str(edition.manifest.get("supersedes") or "")
    if corrects and (before is None or before.id != corrects):
        beside = edition.path.parent / corrects
        before = Edition.load(beside) if (beside / "manifest.json").exists() else before
    key = (key_of(edition), None if before is None else key_of(before))
    provisional, change = _lines.get(key, lambda: (_is_provisional(edition), _changed(before, edition)))
    counts = edition.manifest.get("counts", {})
    build = edition.document("build.json") or {}
    return EditionLine(
        id=edition.id,
        as_of=edition.as_of,
        built=str(build.get("at") or "")[:10],
        is_provisional=provisional,
        standing=standing(edition),
        measures=int(counts.get("measures", 0)),
        organizations=int(counts.get("organizations", 0)),
        change=change,
    )


def _is_provisional(edition: Edition) -> bool:
    return any(row["provisional"] for row in edition.arrow("benchmarks").select(["provisional"]).to_pylist())


_FIGURES = {
    "organization_results": ("measure", "organization_id", "period", "stratum", "level"),
    "benchmarks": (
        "benchmark",
        "adjustment",
        "kind",
        "method",
        "tier",
        "tier_id",
        "stratum",
        "level",
        "period",
        "without",
    ),
}


def _changed(before: Edition | None, after: Edition) -> NumbersChanged | None:
    """How many figures of organizations and benchmarks differ, and which declarations."""
    if before is None:
        return None
    same = changed = added = gone = 0
    for table, key in _FIGURES.items():
        old, new = (_figures(one, table, key) for one in (before, after))
        both = old.keys() & new.keys()
        equal = sum(_agree(old[one], new[one]) for one in both)
        same, changed = same + equal, changed + len(both) - equal
        added, gone = added + len(new.keys() - both), gone + len(old.keys() - both)
    return NumbersChanged(before.id, same, changed, added, gone, _declared_otherwise(before, after))


def _figures(edition: Edition, table: str, key: tuple[str, ...]) -> dict[tuple[Any, ...], float | None]:
    found = edition.arrow(table).select([*key, "estimate"]).to_pylist()
    return {tuple(row[one] for one in key): row["estimate"] for row in found}


def _agree(one: float | None, other: float | None) -> bool:
    """Equal to what an edition is held to when it is verified (METHODS M13.2)."""
    if one is None or other is None:
        return one is other
    return abs(one - other) <= 1e-8 * max(abs(one), abs(other), 1e-4)


def _declared_otherwise(before: Edition, after: Edition) -> tuple[tuple[str, str], ...]:
    found = []
    for kind in KINDS:
        old, new = (_hashes(one, kind) for one in (before, after))
        found += [("new", f"{kind}/{one}") for one in sorted(new.keys() - old.keys())]
        found += [("gone", f"{kind}/{one}") for one in sorted(old.keys() - new.keys())]
        found += [("changed", f"{kind}/{one}") for one in sorted(new.keys() & old.keys()) if new[one] != old[one]]
    return tuple(found)


def _hashes(edition: Edition, kind: str) -> dict[str, str]:
    return {one: declared.numbers_hash for one, declared in getattr(edition.registry, kind).items()}


def _measures_of(edition: Edition) -> tuple[MeasureOfEdition, ...]:
    source, found = held(edition), []
    for measure in measures_of(source):
        views = four_views(OneMeasure.of(source, measure.id), measure)
        declared = [one for _id, one in sorted(edition.declarations.benchmarks.items()) if one.measure == measure.id]
        gates = declared[0].gates.model_dump(mode="json") if declared else {}
        found.append(
            MeasureOfEdition(
                measure.id,
                _(measure.title),
                tuple((one.id, _(one.title)) for one in declared),
                tuple((_(said), _gate_words(name, gates.get(name))) for name, said in _GATES.items() if gates),
                model_card(views.views),
            )
        )
    return tuple(found)


def _gate_words(name: str, value: float | None) -> str:
    if value is None:
        return _("half of the reliable change") if name == "kappa_points" else "–"
    return percent(value) if name in _SHARES else number(value, 0 if value == int(value) else 2)


def _curves_of(edition: Edition) -> tuple[tuple[str, str, str], ...]:
    """The expected courses of an edition, those too that are kept and not shown."""
    if not edition.file_of("response_curves").exists():
        return ()
    declared = edition.registry.response_curves
    found = []
    for row in edition.arrow("response_curves").to_pylist():
        curve = declared.get(row["curve"])
        found.append((row["curve"], row["curve"] if curve is None else _(curve.title), _curve_words(row)))
    return tuple(found)


def _curve_words(row: Mapping[str, Any]) -> str:
    if row["status"] != "ok":
        return _("It is not shown: {reason}").format(reason=row["reason"] or "–")
    words = _("It is shown: made from {scores} scores of {people} people in {organizations} organizations.")
    counts = {name: number(row[f"n_{name}"]) for name in ("scores", "people", "organizations")}
    return words.format(**counts)


def _methods_of(edition: Edition) -> tuple[tuple[str, str, str], ...]:
    return tuple(
        (kind, one.id, _(one.title))
        for kind, folder in _FOLDERS.items()
        for _id, one in sorted(getattr(edition.registry, folder).items())
    )


def _facts(edition: Edition) -> tuple[tuple[str, str], ...]:
    facts = (
        (_("Id"), edition.id),
        (_("Data up to"), day(dt.date.fromisoformat(edition.as_of))),
        (_("Fingerprint (SHA-256)"), str(edition.manifest.get("sha256", ""))),
        (_("Rows of people"), _("kept here, never downloaded") if edition.has_rows else _("not kept")),
    )
    return tuple((name, value) for name, value in facts if value)
