"""What the command line draws: small tables, progress on stderr, and plain JSON."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.markdown import Markdown
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from benchwell.intake.reasons import REASONS
from benchwell.reports.site_lines import SITE_COLUMNS
from benchwell.signals.words import capital, count

# No lines: at 80 columns they cost more than they show.
_PLAIN: dict[str, Any] = {"box": None, "pad_edge": False, "padding": (0, 2, 0, 0), "expand": False}
# From here on, sites are looked up in the edition's tables or the report.
_CELLS = 40
_SITES = 30
# Wide enough that nothing is ever wrapped where a program reads, not a person.
_UNWRAPPED = 100_000


# Control characters but line end and tab, and marks that turn the direction of writing around.
_STEERING = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def printable(text: str) -> str:
    r"""A text that cannot steer the terminal: names of files, columns and clinics are the source's own words.

    >>> printable("North\x1b[2J")
    'North\ufffd[2J'
    """
    return _STEERING.sub("\ufffd", text)


class _Terminal(Console):
    """As wide as the window it writes to; unwrapped and plain into a pipe or a file."""

    def __init__(self, *, stderr: bool = False) -> None:
        seen = (sys.stderr if stderr else sys.stdout).isatty()
        super().__init__(stderr=stderr, highlight=False, width=None if seen else _UNWRAPPED)

    def print(self, *objects: Any, **options: Any) -> None:
        """Print; texts may hold names from a source."""
        super().print(*(printable(one) if isinstance(one, str) else one for one in objects), **options)

    def on_broken_pipe(self) -> None:
        """The reader left; the command line knows what to do."""
        raise BrokenPipeError


_out = _Terminal()
_err = _Terminal(stderr=True)


def stderr_console() -> Console:
    """Where progress is drawn."""
    return _err


class Drawing:
    """A progress line on stderr for each stage of a long run; quiet where nobody looks."""

    def __init__(self) -> None:
        columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
        self._progress = Progress(*columns, console=_err, disable=not _err.is_terminal)
        self._tasks: dict[str, Any] = {}

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def started(self, stage: str) -> None:
        """A stage begins."""
        self._tasks[stage] = self._progress.add_task(stage, total=1)

    def finished(self, stage: str, seconds: float) -> None:
        """A stage is done."""
        self._progress.update(self._tasks[stage], completed=1, description=f"{stage}: {seconds:.1f} s")


def say(text: str) -> None:
    """A message for people, on stderr."""
    _err.print(text, markup=False, soft_wrap=True)


def print_json(data: Any) -> None:
    """Plain data on stdout."""
    # Rich would wrap and color; machines want neither.
    _out.file.write(json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False, default=str) + "\n")


def show_table(title: str, headers: Sequence[str], rows: Sequence[Sequence[Any]], *, numbers: int = 0) -> None:
    """A small table on stdout, without lines; the last `numbers` columns are right-aligned."""

    def cell(text: Any) -> Text:  # plain: square brackets in a name are no instructions
        return Text("" if text is None else printable(str(text)))

    table = Table(
        title=cell(title) if title else None, title_justify="left", title_style="bold", header_style="dim", **_PLAIN
    )
    for place, header in enumerate(headers):
        table.add_column(cell(header), justify="right" if place >= len(headers) - numbers else "left", overflow="fold")
    for row in rows:
        table.add_row(*map(cell, row))
    _out.print(table)


def show_lines(lines: Sequence[str]) -> None:
    """Sentences that belong to a table, on stdout, so that they go wherever the table goes."""
    for line in lines:
        _out.print(line, markup=False)


def show_intake(reports: Sequence[Any], workspace: Path) -> None:
    """Counts that add up, then reasons in words, then the next command."""
    for one in reports:
        _out.print(one.file, style="bold", markup=False)
        _out.print(_taken(one), markup=False)
        for code, cells in one.reasons.items():
            _out.print(f"  {count(cells, 'cell')}: {_meaning(code)} [{code}]", markup=False)
        if one.reasons:
            say(f"  Each of them, with row and column: {one.rejections}")
        for note in one.notes:
            say(f"  Note: {note}")
        if one.mapping is not None:
            say(f"  Read with the mapping {one.mapping}" + (" (guessed: have a look)" if one.guessed else ""))
    say(f"Next: benchwell build -w {workspace}")


def _taken(one: Any) -> str:
    if one.already:
        return f"  {count(one.read, 'row')}; the same file was in already, so nothing was written."
    parts = [
        f"{number:,} {words}"
        for number, words in (
            (one.accepted, "as they were"),
            (one.corrected, "corrected in form"),
            (one.flagged, "in, but worth a look"),
            (one.rejected, "rejected"),
        )
        if number
    ]
    replaced = f"; {count(one.superseded, 'earlier record')} replaced" if one.superseded else ""
    return f"  {count(one.read, 'row')}: {', '.join(parts) or 'none'}{replaced}."


def _meaning(code: str) -> str:
    return REASONS[code].meaning.rstrip(".") if code in REASONS else code.replace("_", " ")


def show_edition(summary: dict[str, Any]) -> None:
    """What an edition holds: one short block per benchmark, then where it is."""
    for benchmark in summary["benchmarks"]:
        if benchmark["organizations"]:
            show_benchmark(benchmark)
    _out.print()
    _out.print(summary["colours"]["text"], markup=False)
    empty = [benchmark["title"] for benchmark in summary["benchmarks"] if not benchmark["organizations"]]
    if empty:
        say(f"Nobody to count yet in: {'; '.join(empty)}.")
    say(f"Edition {summary['edition']} (as of {summary['as_of']}): {summary['path']}")
    say(f"Next: benchwell report {summary['path']} -o report.html")
    say(f"      benchwell verify {summary['path']}")


def show_benchmark(benchmark: dict[str, Any]) -> None:
    """One benchmark: who is behind it, each figure beside the one it must not be read without, views, sites, limits."""
    _out.print()
    _out.print(benchmark["title"], style="bold", markup=False)
    _out.print(f"{capital(benchmark['direction'])}. {benchmark['people']}.", markup=False)
    lines = [_cells(line) for line in benchmark["lines"]]
    if lines:
        show_table("", *_without_empty(("benchmark", "figure (95 %)", "beside it"), lines))
    tenth = [_cells(line) for line in benchmark["top_tenth"]]
    if len(tenth) > 1:
        _out.print()
        show_table("", *_without_empty(("top tenth by", "figure (95 %)", "beside it"), tenth))
    if benchmark["views"]["lines"]:
        _out.print()
        for text in benchmark["views"]["lines"]:
            _out.print(text, markup=False)
    if len(benchmark["sites"]) <= _SITES:
        _out.print()
        show_sites(benchmark["sites"])
    _out.print()
    for text in (*(f"Not shown: {line}" for line in benchmark["refused"]), benchmark["counted"], *benchmark["limits"]):
        _out.print(text, markup=False)


def _cells(line: dict[str, str]) -> tuple[str, str, str]:
    return line["label"], line["figure"], line["beside"]


def _without_empty(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> tuple[list[str], list[list[str]]]:
    kept = [place for place in range(len(headers)) if any(row[place] for row in rows)]
    return [headers[place] for place in kept], [[row[place] for place in kept] for row in rows]


def show_sites(sites: Sequence[dict[str, Any]]) -> None:
    """Each organization in a line, by id; below the least number of people only what is still needed."""
    rows = [(one["organization_id"], *one["people"], *one["figures"]) for one in sites if not one["refusal"]]
    if not rows:
        return
    width = [max(len(row[place]) for row in (SITE_COLUMNS, *rows)) for place in range(len(SITE_COLUMNS))]
    width[0] = max(width[0], *(len(one["organization_id"]) for one in sites))
    _out.print(_aligned(SITE_COLUMNS, width), style="dim", markup=False, soft_wrap=True)
    for one in sites:
        cells = (one["organization_id"], *one["people"], *one["figures"])
        refusal = f"  {one['refusal']}" if one["refusal"] else ""
        _out.print(_aligned(cells, width) + refusal, markup=False, soft_wrap=True)


def _aligned(cells: Sequence[str], width: Sequence[int]) -> str:
    first = cells[0].ljust(width[0])
    return " ".join([first, *(cell.rjust(wide) for cell, wide in zip(cells[1:], width[1:], strict=False))])


def show_verification(report: Any, *, everything: bool) -> None:
    """Each failed check by name; counts of the rest."""
    shown = [check for check in report.checks if everything or not check.passed]
    if shown:
        show_table(
            "Checks",
            ["", "what", "stated", "found", ""],
            [
                ["pass" if check.passed else "FAIL", check.name, check.stated, check.found, check.detail]
                for check in shown
            ],
        )
    failed = sum(not check.passed for check in report.checks)
    _out.print(f"{len(report.checks) - failed} of {len(report.checks)} checks pass, {failed} fail.", markup=False)


def show_report(written: Any) -> None:
    """The sentences of a report, and where it is."""
    for part in written.lines or [(sentence,) for sentence in written.sentences]:
        for line in part:
            _out.print(line, markup=False)
        _out.print()
    for note in written.notes:
        say(note)
    _show_rejections(written.rejections)
    say(f"Wrote {written.path}. It stands alone: open it in a browser, print it, send it. Nothing was uploaded.")


def _show_rejections(found: Sequence[dict[str, Any]]) -> None:
    """Which cells were refused or changed, so that a person can find them in the file; never what stood in them."""
    if not found:
        return
    first = "line" if "file" in found[0] else "below the header"
    say(f"Cells that were refused, corrected or need a look (row 1 is the first {first}; docs/rejections.md):")
    for one in found[:_CELLS]:
        file = f"{one['file']}, " if "file" in one else ""
        say(f"  {file}row {one['row']}, {one['column'] or 'whole row'}: {one['action']}, {one['reason']}")
    if len(found) > _CELLS:
        say(f"  and {len(found) - _CELLS} more: --json lists all.")


def show_score(result: dict[str, Any]) -> None:
    """One score: what it is, how it came about, and what to look at."""
    shown = "no score" if result["value"] is None else f"{result['value']:g}"
    parts = [result["band"], result["status"].replace("_", " "), f"{result['better']} is better"]
    _out.print(f"{result['instrument']}: {shown} ({', '.join(part for part in parts if part)})", markup=False)
    if result["reason"]:
        _out.print(f"Reason: {result['reason']}", markup=False)
    if len(result["scales"]) > 1:
        show_table("Scales", ["scale", "value"], [[name, value] for name, value in result["scales"].items()], numbers=1)
    for text in result["safety"]:
        _out.print(f"Look at this now: {text}", markup=False, style="bold")


def show_declarations(kind: str, listed: Sequence[dict[str, Any]]) -> None:
    """A list of declarations."""
    headers = [key for key in listed[0] if key != "why"] if listed else ["id"]
    show_table(f"{len(listed)} {kind}", headers, [[item.get(key) for key in headers] for item in listed])


def show_declaration(page: str) -> None:
    """One declaration's method page."""
    if _out.is_terminal:
        _out.print(Markdown(page))
    else:
        _out.file.write(page)
