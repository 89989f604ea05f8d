"""The application: options that commands share, and how whatever ends a command early becomes a message."""

from __future__ import annotations

import datetime as dt
import os
import signal
import sys
import traceback
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from benchwell import __version__
from benchwell.errors import BenchwellError

_STOPPED = 130  # what a shell reports of a program that Ctrl-C ended
_READER_LEFT = 141  # what a shell reports of a program whose reader went away, for example `| head`


class Commands(TyperGroup):
    """Whatever ends a command early becomes a message on stderr and an exit code: never a traceback."""

    def invoke(self, ctx: Any) -> Any:
        """Run one command."""
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()  # here, so that a reader who left is noticed here
        except BenchwellError as error:
            _tell(error)
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
            _tell(_fault(error))
            raise typer.Exit(BenchwellError.exit_code) from None
        return result


def _tell(error: BenchwellError) -> None:
    from benchwell.terminal import printable

    typer.echo(f"Error: {printable(str(error))}", err=True)


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
    cls=Commands,
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
    end_in_order()
    app()


def end_in_order() -> None:
    """Whoever ends the program, folders of temporary data are removed: records of people may lie in them."""
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        # Under nohup, a terminal that is closed ends nothing.
        if number is not None and signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _leave)


def _leave(number: int, _: object) -> None:
    raise SystemExit(128 + number)


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
