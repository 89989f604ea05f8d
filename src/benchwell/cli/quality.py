"""The command that computes quality measures: official ones from FHIR, and outcomes of ours from any source."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from benchwell.cli.app import Day, Json, app

if TYPE_CHECKING:
    from benchwell.quality.result import QualityResult

ReportType = Literal["summary", "subject-list", "individual", "all"]


@app.command()
def quality(
    sources: Annotated[
        list[Path],
        typer.Argument(
            metavar="SOURCE...",
            help="FHIR Bundles, resources or NDJSON; files or folders. For measures of ours also OMOP, a table, or a "
            "workspace folder.",
        ),
    ],
    measure: Annotated[
        str, typer.Option("--measure", help="A measure's id, such as cms159; `benchwell measures` lists them.")
    ],
    period: Annotated[str, typer.Option("--period", help="The measurement period: 2026, or 2026-01-01..2026-12-31.")],
    valuesets: Annotated[
        list[Path] | None,
        typer.Option(
            "--valuesets",
            help="Value sets for official measures: a FHIR or VSAC file, or a folder of those; may be repeated.",
        ),
    ] = None,
    workspace: Annotated[
        Path | None,
        typer.Option("--workspace", "-w", help="Use this workspace's declarations and settings, not its data."),
    ] = None,
    as_of: Day = None,
    fhir: Annotated[bool, typer.Option("--fhir", help="Print FHIR MeasureReports.")] = False,
    report_type: Annotated[
        ReportType, typer.Option("--report-type", help="Which MeasureReports --fhir prints.")
    ] = "all",
    reporter: Annotated[str | None, typer.Option(help="Who reports, for --fhir, such as Organization/1.")] = None,
    json: Json = False,
) -> None:
    """Compute a quality measure over a period: who is counted, who is left out, and who met it."""
    from benchwell.pipeline.describing import registry_of, settings_of
    from benchwell.pipeline.quality import KINDS, fhir_reports
    from benchwell.pipeline.quality import quality as compute
    from benchwell.terminal import print_json

    if fhir and json:
        raise typer.BadParameter("--fhir and --json ask for two different outputs; give one")
    result = compute(
        measure,
        period,
        valuesets or [],
        sources,
        registry=registry_of(workspace),
        settings=settings_of(workspace),
        as_of=as_of,
    )
    if fhir:
        kinds = KINDS if report_type == "all" else (report_type,)
        print_json(fhir_reports(result, kinds, reporter=reporter))
    elif json:
        print_json(result.to_dict())
    else:
        _show(result)


def _show(result: QualityResult) -> None:
    from benchwell.reports.quality_summary import quality_columns, quality_heading, quality_lines, quality_rows
    from benchwell.terminal import say, show_lines, show_table

    rows = quality_rows(result)
    show_table(quality_heading(result), quality_columns(result), rows, numbers=len(rows[0]) - 1)
    show_lines(quality_lines(result))
    for note in result.notes:
        say(f"Note: {note}.")
