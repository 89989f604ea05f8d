"""Write a report: from a file of scores, or from an edition."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from benchwell.benchmarks import Edition
from benchwell.errors import SourceError
from benchwell.intake import Mapping
from benchwell.intake.fhir.manifest import manifest_of
from benchwell.pipeline.one_person import own_figures
from benchwell.pipeline.progress import Listener, Stages
from benchwell.pipeline.source_kinds import SourceKind, kind_of
from benchwell.pipeline.workspace import day_of
from benchwell.registry import Measure, Registry
from benchwell.reports import render_network_report, render_organization_report, render_solo_report
from benchwell.reports.network import measures_of
from benchwell.reports.screen import comparison_lines, network_sentences
from benchwell.reports.solo import solo_sentences
from benchwell.signals import Comparison, compare, edition_colours, four_views, sentence
from benchwell.signals.monitoring_view import monitoring_view
from benchwell.signals.reading import ReadOnce
from benchwell.signals.run_chart import run_chart


@dataclass(frozen=True)
class Written:
    """A page that was written, and what it says in sentences.

    Attributes:
        path: Where it is.
        sentences: One text per measure.
        notes: Remarks on reading and computing.
        lines: The sentences of an organization's page in parts, for a screen.
        rejections: Of a file of scores: each refused, corrected or flagged cell (row, column, reason, action), with its
            file where several were read.
        over_time: Of an organization's page, per measure: its run chart and its charts of monitoring, as plain data.
        comparisons: Of an organization's page: each measure's comparison.
        detail: Makes what `--json` adds for an edition: every measure under every adjustment.
    """

    path: Path
    sentences: tuple[str, ...]
    notes: tuple[str, ...] = ()
    lines: tuple[tuple[str, ...], ...] = ()
    rejections: tuple[dict[str, Any], ...] = ()
    over_time: tuple[dict[str, Any], ...] = ()
    comparisons: tuple[Comparison, ...] = ()
    detail: Callable[[], dict[str, Any]] = dict

    def to_dict(self) -> dict[str, Any]:
        """Plain data, for `--json`; of an edition also its comparisons, views and how many states may be false."""
        return {
            "path": str(self.path),
            "sentences": list(self.sentences),
            "notes": list(self.notes),
            "rejections": list(self.rejections),
            "over_time": list(self.over_time),
            "comparisons": [one.to_dict() for one in self.comparisons],
            **self.detail(),
        }


def report(
    source: Any,
    output: str | Path = "report.html",
    *,
    organization: str | None = None,
    sites: bool = False,
    mapping: str | Path | Mapping | None = None,
    as_of: dt.date | str | None = None,
    listener: Listener | None = None,
) -> Written:
    """Write an HTML page that stands alone offline.

    Args:
        source: A CSV or XLSX file, a frame, FHIR or OMOP of your own scores; or an edition, or its folder.
        output: Where to write the page.
        organization: For an edition: one organization's page instead of the network's.
        sites: For an edition's network page: add each organization's figures, by id.
        mapping: For a file of scores: how to read it; null for the template's layout or a guess, which the page names.
        as_of: For a file of scores: the day to look from; null is today.
        listener: Hears of stages.

    Returns:
        Where the page is, and its sentences.

    Raises:
        SourceError: If there is no such file, or it cannot be read.
        EditionError: If the edition has nothing of the organization.
    """
    stages = Stages(listener)
    edition = _edition(source)
    _refuse_idle(edition, organization=organization, mapping=mapping, as_of=as_of)
    if edition is None:
        day = day_of(as_of)
        own = own_figures(source, mapping=mapping, as_of=day, registry=Registry.load(), stages=stages)
        with stages.stage("drawing"):
            page = render_solo_report(own.report)
        written = _write(output, page, solo_sentences(own.report), tuple(own.report.notes))
        return replace(written, rejections=_findings(own.intake.rejections))
    with stages.stage("drawing"):
        if organization is None:
            network = _write(output, render_network_report(edition, sites=sites), network_sentences(edition))
            return replace(network, detail=lambda: _detail(edition, None, named=sites))
        name = _name(edition, organization)
        page = render_organization_report(edition, organization, name=name)
    found = {row["measure"] for row in _results(edition, organization)}
    compared = [compare(edition, organization, one, name=name) for one in measures_of(edition) if one.id in found]
    written = _write(output, page, tuple(str(sentence(one)) for one in compared))
    charts = tuple(over_time(edition, organization, one.measure, name) for one in compared)
    return replace(
        written,
        lines=tuple(comparison_lines(one) for one in compared),
        over_time=charts,
        comparisons=tuple(compared),
        detail=lambda: _detail(edition, organization),
    )


def _findings(rejections: pa.Table) -> tuple[dict[str, Any], ...]:
    """Findings as plain data; the file is named where there are several, as in a bulk export."""
    several = len(rejections["file"].unique()) > 1
    columns = ["row", "column", "reason", "action"]
    return tuple(rejections.select(["file", *columns] if several else columns).to_pylist())


def _detail(edition: Edition, organization: str | None, *, named: bool = False) -> dict[str, Any]:
    """Every measure under every adjustment; who changes state is named only where a page of sites was asked for."""
    once = ReadOnce.of(edition)
    views = [four_views(once, one, organization, named=named).to_dict() for one in measures_of(once)]
    return {"views": views, "colours": edition_colours(once).to_dict()}


def over_time(edition: Edition, organization: str, measure: Measure, name: str | None = None) -> dict[str, Any]:
    """What one organization's page draws of one measure over time, as plain data.

    Args:
        edition: The edition.
        organization: Whose page.
        measure: The measure.
        name: What to call the organization.

    Returns:
        `measure`, `run_chart` (with the limits of the p chart for shares) and `monitoring` (VLAD and both CUSUMs, or
        the refusal with the people still needed; null for measures that are not yes/no).
    """
    view = monitoring_view(edition, organization, measure, name=name)
    return {
        "measure": measure.id,
        "run_chart": run_chart(edition, organization, measure).to_dict(),
        "monitoring": None if view is None else view.to_dict(),
    }


def _refuse_idle(edition: Edition | None, **given: Any) -> None:
    """An argument that would do nothing is a misunderstanding, and is said to be one."""
    names = ("organization",) if edition is None else ("mapping", "as_of")
    idle = [name for name in names if given[name] is not None]
    if idle:
        what = "an edition" if edition is None else "a file of scores"
        raise SourceError(f"{idle[0]} is for a report from {what}.", hint="leave it out, or name another source")


def _edition(source: Any) -> Edition | None:
    if isinstance(source, Edition):
        return source
    if not isinstance(source, str | Path) or not Path(source).is_dir():
        return None
    # A folder may hold FHIR or OMOP; whatever else it is, loading it as an edition says what is wrong with it. Bulk
    # exports have a manifest of the same name.
    manifest = Path(source) / "manifest.json"
    is_export = manifest.is_file() and manifest_of(manifest) is not None
    if (is_export or not manifest.is_file()) and kind_of(source)[0] is not SourceKind.TABLE:
        return None
    return Edition.load(source)


def _results(edition: Edition, organization: str) -> list[dict[str, Any]]:
    found = edition.arrow("organization_results").to_pylist()
    return [row for row in found if row["organization_id"] == organization and row["period"] == row["stratum"] == "all"]


def _name(edition: Edition, organization: str) -> str | None:
    found = [
        row["name"] for row in edition.arrow("organizations").to_pylist() if row["organization_id"] == organization
    ]
    return found[0] if found else None


def _write(output: str | Path, page: str, sentences: tuple[str, ...], notes: tuple[str, ...] = ()) -> Written:
    path = Path(output)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(page, encoding="utf-8")
    except OSError as problem:
        raise SourceError(
            f"{path} cannot be written: {problem.strerror}.", hint="choose another place with -o"
        ) from None
    return Written(path, sentences, notes)
