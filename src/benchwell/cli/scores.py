"""Commands of the main job: make a workspace, take in, build, verify, report, score."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from benchwell.cli.app import Day, InWorkspace, Json, MappingFile, app
from benchwell.errors import NothingAcceptedError, RejectedRowsError, VerificationFailedError

if TYPE_CHECKING:
    from benchwell.pipeline.intake_report import IntakeReport


@app.command()
def init(
    workspace: Annotated[Path, typer.Argument(help="The folder to make.")],
    name: Annotated[str | None, typer.Option(help="What the practice or network is called.")] = None,
) -> None:
    """Make a workspace: one folder with the lake, your declarations and the editions."""
    from benchwell.pipeline import Workspace
    from benchwell.terminal import say

    made = Workspace.create(workspace, name=name)
    say(f"Made {made.path}. Next: benchwell intake FILE -w {made.path}")


@app.command()
def template(
    file: Annotated[Path, typer.Argument(help="Where to write it: a name that ends in .csv or .xlsx.")],
) -> None:
    """Write the template: fill one row per questionnaire, and no mapping is needed."""
    from benchwell.pipeline import write_template
    from benchwell.terminal import say

    for written in write_template(file):
        say(f"Wrote {written}")
    say(f"Next: fill in a row per questionnaire, then: benchwell report {file} -o report.html")


@app.command()
def intake(
    sources: Annotated[
        list[Path],
        typer.Argument(metavar="SOURCE...", help="CSV or XLSX files; FHIR files, folders or manifests; OMOP folders."),
    ],
    workspace: InWorkspace = Path(),
    mapping: MappingFile = None,
    as_of: Day = None,
    accept_guess: Annotated[bool, typer.Option("--accept-guess", help="Use a guessed mapping without asking.")] = False,
    allow_rejections: Annotated[
        bool, typer.Option("--allow-rejections", help="Exit with 0 although some rows were rejected.")
    ] = False,
    json: Json = False,
) -> None:
    """Take scores in. Good rows get in; each refused row is listed with its reason."""
    from benchwell.pipeline import Workspace
    from benchwell.pipeline.source_kinds import together
    from benchwell.terminal import Drawing, print_json, show_intake

    reports: list[IntakeReport] = []
    try:
        with Drawing() as drawing:
            opened = Workspace.open(workspace, listener=drawing)
            for source in together(sources):
                taken = opened.intake(source, mapping, as_of=as_of, accept_guess=accept_guess)
                reports.append(taken)  # one by one: the next may fail
    finally:
        # Sources before one that cannot be read are in, so they are told too.
        if reports and json:
            print_json([report.to_dict() for report in reports])
        elif reports:
            show_intake(reports, opened.path)
    _raise_rejections(reports, allowed=allow_rejections)


def _raise_rejections(reports: list[IntakeReport], *, allowed: bool) -> None:
    for report in reports:
        if report.read and report.rejected == report.read:
            raise NothingAcceptedError(
                f"No row of {report.file} could be taken in.", hint=f"the reasons are in {report.rejections}"
            )
    rejected = sum(report.rejected for report in reports)
    if rejected and not allowed:
        raise RejectedRowsError(
            f"{rejected} rows were rejected; all others are in.",
            hint="the reasons are listed above; --allow-rejections makes this exit with 0",
        )


@app.command()
def build(
    workspace: InWorkspace = Path(),
    benchmark: Annotated[
        list[str] | None, typer.Option("--benchmark", "-b", help="Only these benchmarks; may be repeated.")
    ] = None,
    as_of: Day = None,
    supersedes: Annotated[str | None, typer.Option(help="Id of the edition that this one corrects.")] = None,
    reason: Annotated[str | None, typer.Option(help="Why it is corrected.")] = None,
    json: Json = False,
) -> None:
    """Build an edition: an immutable folder of benchmarks with all that is needed to check them."""
    from benchwell.pipeline import Workspace, edition_summary
    from benchwell.terminal import Drawing, print_json, show_edition

    with Drawing() as drawing:
        opened = Workspace.open(workspace, listener=drawing)
        edition = opened.build(as_of, benchmark, supersedes=supersedes, reason=reason)
    summary = edition_summary(edition)
    if json:
        print_json(summary)
    else:
        show_edition(summary)


@app.command()
def verify(
    edition: Annotated[Path, typer.Argument(help="The edition's folder.")],
    workspace: Annotated[
        Path | None, typer.Option("--workspace", "-w", help="Also check the lake and the declarations there.")
    ] = None,
    all_checks: Annotated[bool, typer.Option("--all", help="Print every check, not only those that failed.")] = False,
    json: Json = False,
) -> None:
    """Recompute every number of an edition and compare it with what the edition states."""
    from benchwell.pipeline import verify as verify_edition
    from benchwell.terminal import Drawing, print_json, show_verification

    with Drawing() as drawing:
        result = verify_edition(edition, workspace=workspace, listener=drawing)
    if json:
        print_json(result.to_dict())
    else:
        show_verification(result, everything=all_checks)
    if not result.passed:
        raise VerificationFailedError(
            f"{edition} does not recompute to what it states.", hint="each failed check is named above"
        )


@app.command()
def report(
    source: Annotated[Path, typer.Argument(help="A file of scores, FHIR or OMOP; or an edition's folder.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Where to write the page.")] = Path("report.html"),
    organization: Annotated[str | None, typer.Option(help="One organization's page (editions only): its id.")] = None,
    sites: Annotated[bool, typer.Option("--sites", help="List each site by its id (editions only).")] = False,
    mapping: MappingFile = None,
    as_of: Day = None,
    json: Json = False,
) -> None:
    """Write a report that stands alone: from your own file of scores, or from an edition."""
    from benchwell.pipeline import report as write_report
    from benchwell.terminal import Drawing, print_json, show_report

    with Drawing() as drawing:
        written = write_report(
            source, output, organization=organization, sites=sites, mapping=mapping, as_of=as_of, listener=drawing
        )
    if json:
        print_json(written.to_dict())
    else:
        show_report(written)


# An answer such as -1 is a wrong answer, not an option: it must reach the scoring, which says so.
@app.command(context_settings={"ignore_unknown_options": True})
def score(
    instrument: Annotated[str, typer.Argument(help="An instrument's id, such as phq-9.")],
    items: Annotated[
        list[str] | None, typer.Argument(metavar="ITEM...", help="Answers in order; NA for one not given.")
    ] = None,
    total: Annotated[float | None, typer.Option(help="The total, where the answers are not known.")] = None,
    unit: Annotated[
        str | None, typer.Option(help="The unit of the total: 'raw' for a raw sum; none for the reported scale.")
    ] = None,
    json: Json = False,
) -> None:
    """Score one questionnaire."""
    from benchwell.pipeline import score_answers
    from benchwell.terminal import print_json, show_score

    result = score_answers(instrument, items or [], total, unit)
    if json:
        print_json(result)
    else:
        show_score(result)
