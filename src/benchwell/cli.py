"""The command line: parse, call one function of the library, render. Data to stdout, messages to stderr."""

from __future__ import annotations

import datetime as dt
import os
import sys
import traceback
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from benchwell import __version__
from benchwell.errors import BenchwellError, NothingAcceptedError, RejectedRowsError, VerificationFailedError

_STOPPED = 130  # what a shell reports of a program that Ctrl-C ended
_READER_LEFT = 141  # what a shell reports of a program whose reader went away, for example `| head`


class _Commands(TyperGroup):
    """Whatever ends a command early becomes a message on stderr and an exit code: never a traceback."""

    def invoke(self, ctx: Any) -> Any:
        """Run one command."""
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()  # here, so that a reader who left is noticed here
        except BenchwellError as error:
            typer.echo(f"Error: {error}", err=True)
            raise typer.Exit(error.exit_code) from None
        except KeyboardInterrupt:
            typer.echo("Stopped. Nothing half-done was kept; run the same command again to complete it.", err=True)
            raise typer.Exit(_STOPPED) from None
        except BrokenPipeError:
            _forget_stdout()
            raise typer.Exit(_READER_LEFT) from None
        except Exception as error:  # a fault of ours: its text may quote a value, so only its place is told
            if not _is_ours(error):
                raise
            typer.echo(f"Error: {_fault(error)}", err=True)
            raise typer.Exit(BenchwellError.exit_code) from None
        return result


def _is_ours(error: Exception) -> bool:
    # Usage errors and exits belong to the command-line library, which shows them itself.
    return not type(error).__module__.startswith("typer")


def _fault(error: Exception) -> BenchwellError:
    if isinstance(error, OSError):
        # Its own words, without the file's name, which a person may have named after a person.
        return BenchwellError(f"The system refused: {error.strerror}.", hint="check disk space and permissions")
    place = traceback.extract_tb(error.__traceback__)[-1]
    return BenchwellError(
        f"Benchwell has a fault ({type(error).__name__} in {Path(place.filename).name}, line {place.lineno}).",
        hint="nothing half-done was kept; please report the command and this line, never your data",
    )


def _forget_stdout() -> None:
    """Nobody reads: the interpreter's own last flush must not complain either."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


app = typer.Typer(
    name="benchwell",
    cls=_Commands,
    help="Turn therapy outcome scores into fair, transparent, versioned benchmarks.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _day(text: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter("not a date; write it as 2026-01-31") from None


Json = Annotated[bool, typer.Option("--json", help="Print plain data for machines.")]
InWorkspace = Annotated[
    Path, typer.Option("--workspace", "-w", envvar="BENCHWELL_WORKSPACE", help="The workspace folder.")
]
Day = Annotated[
    dt.date | None,
    typer.Option("--as-of", parser=_day, metavar="DATE", help="The day to look from, such as 2026-01-31; else today."),
]
MappingFile = Annotated[Path | None, typer.Option("--mapping", "-m", help="A mapping file for this layout.")]


def main() -> None:
    """Run the command."""
    app()


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"benchwell {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Turn therapy outcome scores into fair, transparent, versioned benchmarks."""


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
    sources: Annotated[list[Path], typer.Argument(metavar="SOURCE...", help="CSV or XLSX files.")],
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
    from benchwell.terminal import Drawing, print_json, show_intake

    reports: list[Any] = []
    try:
        with Drawing() as drawing:
            opened = Workspace.open(workspace, listener=drawing)
            for source in sources:
                taken = opened.intake(source, mapping, as_of=as_of, accept_guess=accept_guess)
                reports.append(taken)  # one by one: the next may fail
    finally:
        # Sources before one that cannot be read are in, so they are told too.
        if reports and json:
            print_json([report.to_dict() for report in reports])
        elif reports:
            show_intake(reports, opened.path)
    _raise_rejections(reports, allowed=allow_rejections)


def _raise_rejections(reports: list[Any], *, allowed: bool) -> None:
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
    source: Annotated[Path, typer.Argument(help="A file of scores, or an edition's folder.")],
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


@app.command()
def instruments(
    instrument: Annotated[str | None, typer.Argument(help="One instrument's id; none lists all.")] = None,
    workspace: Annotated[Path | None, typer.Option("--workspace", "-w", help="Include this workspace's own.")] = None,
    json: Json = False,
) -> None:
    """List the instruments, or show one with its sources."""
    _declarations("instruments", instrument, workspace, as_json=json)


@app.command()
def measures(
    measure: Annotated[str | None, typer.Argument(help="One measure's id; none lists all.")] = None,
    workspace: Annotated[Path | None, typer.Option("--workspace", "-w", help="Include this workspace's own.")] = None,
    json: Json = False,
) -> None:
    """List the measures, or show one: who is counted, when, and what counts as the outcome."""
    _declarations("measures", measure, workspace, as_json=json)


@app.command()
def casemix(
    casemix: Annotated[str | None, typer.Argument(help="One case mix's id; none lists all.")] = None,
    workspace: Annotated[Path | None, typer.Option("--workspace", "-w", help="Include this workspace's own.")] = None,
    json: Json = False,
) -> None:
    """List the case mixes, or show one: what is adjusted for, what never, and why."""
    _declarations("casemix", casemix, workspace, as_json=json)


@app.command()
def benchmarks(
    benchmark: Annotated[str | None, typer.Argument(help="One benchmark's id; none lists all.")] = None,
    workspace: Annotated[Path | None, typer.Option("--workspace", "-w", help="Include this workspace's own.")] = None,
    json: Json = False,
) -> None:
    """List the benchmarks, or show one with its gates."""
    _declarations("benchmarks", benchmark, workspace, as_json=json)


def _declarations(kind: str, wanted: str | None, workspace: Path | None, *, as_json: bool) -> None:
    from benchwell.pipeline import describe_declaration, list_declarations
    from benchwell.terminal import print_json, show_declaration, show_declarations

    if wanted is None:
        listed = list_declarations(kind, workspace)
        if as_json:
            print_json(listed)
        else:
            show_declarations(kind, listed)
        return
    declaration, page = describe_declaration(kind, wanted, workspace)
    if as_json:
        print_json(declaration)
    else:
        show_declaration(page)


if __name__ == "__main__":
    main()
