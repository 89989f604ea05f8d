"""FHIR in, an edition and an official measure out: a made-up bulk export. Called by `./run demo --fhir`."""

from __future__ import annotations

import json
from pathlib import Path

from benchwell import Workspace, report, verify
from benchwell.pipeline import edition_summary
from benchwell.pipeline.quality import KINDS, fhir_reports, quality
from benchwell.reports.quality_summary import quality_columns, quality_heading, quality_lines, quality_rows
from benchwell.terminal import Drawing, say, show_edition, show_intake, show_report, show_table, show_verification

EXAMPLE = Path(__file__).parents[1] / "examples" / "fhir-clinic"
# The day on which the export was made: the same edition on every day.
AS_OF = "2026-01-31"
BENCHMARKS = ["network-phq9-change-12w", "network-phq9-remission-12w"]
MEASURE, PERIOD = "cms159", "2025"


def fhir_demo(output: Path) -> Path:
    """Take a bulk export in, build an edition, compute CMS159; returns the page to open first."""
    with Drawing() as drawing:
        workspace = Workspace(output / "fhir-workspace", listener=drawing)
        taken = workspace.intake(EXAMPLE / "export", as_of=AS_OF)
        edition = workspace.build(as_of=AS_OF, benchmarks=BENCHMARKS)
        checked = verify(edition.path, workspace=workspace.path, listener=drawing)
        network = report(edition.path, output / "fhir-report.html", sites=True)
        together = report(EXAMPLE / "export", output / "fhir-together.html", as_of=AS_OF)
    show_intake([taken], workspace.path)
    show_edition(edition_summary(edition))
    show_verification(checked, everything=False)
    show_report(network)
    say(f"The same files as the page of one practice: {together.path}")
    show_measure(output / "fhir-measure-reports.json")
    say("Nobody in this export exists; examples/fhir-clinic/PROVENANCE.md says how it was made.")
    return together.path


def show_measure(target: Path) -> None:
    """Compute the measure from the same files, print its counts, and write its MeasureReports."""
    result = quality(MEASURE, PERIOD, [EXAMPLE / "valuesets"], [EXAMPLE / "export"])
    rows = quality_rows(result)
    show_table(quality_heading(result), quality_columns(result), rows, numbers=len(rows[0]) - 1)
    for line in quality_lines(result):
        print(line)
    for note in result.notes:
        say(f"Note: {note}.")
    target.write_text(json.dumps(fhir_reports(result, KINDS), indent=1) + "\n", encoding="utf-8")
    say(f"MeasureReports: {target}")
