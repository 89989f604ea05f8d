"""The recovery study: every method on worlds whose truth is known (METHODS M13.4).

    ./run study recovery                   the full table, some minutes
    ./run study recovery --replicates 20   a quick look, nothing kept unless --keep is given

The full study writes studies/results/recovery.json, from which ./run docs makes the table of docs/validity.md.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from studies import coverage, fairness, federation, lights, missing, mixed, whole_product
from studies.questions import Question, Row, as_dict, ask

QUESTIONS: tuple[Question, ...] = (
    *coverage.QUESTIONS,
    *mixed.QUESTIONS,
    *lights.QUESTIONS,
    *whole_product.QUESTIONS,
    *missing.QUESTIONS,
    *fairness.QUESTIONS,
    *federation.QUESTIONS,
)
RESULTS = Path(__file__).parent / "results" / "recovery.json"
SEED = 20260131


def study(
    questions: Sequence[Question],
    at_most: int | None,
    seed: int,
    watch: Callable[[Question, int], Callable[[], None]] = lambda _question, _total: lambda: None,
) -> list[Row]:
    """Ask every question.

    Args:
        questions: The questions.
        at_most: Fewer worlds than the full study; None asks all.
        seed: Seed of the study.
        watch: Called with each question and its number of worlds; gives what to call after each world.
    """
    rows: list[Row] = []
    for question in questions:
        replicates = question.replicates if at_most is None else min(at_most, question.replicates)
        rows += ask(question, replicates, seed, watch(question, replicates))
    return rows


def keep(rows: Sequence[Row], path: Path, seed: int) -> None:
    """Write the results as JSON; those of questions that were not asked this time stay if their seed was the same."""
    found = {question.id: [as_dict(row) for row in rows if row.question == question.id] for question in QUESTIONS}
    before = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {"seed": seed, "rows": []}
    for row in before["rows"] if before["seed"] == seed else []:
        if row["question"] in found and not any(one.question == row["question"] for one in rows):
            found[row["question"]].append(row)
    body = {"seed": seed, "rows": [row for question in found.values() for row in question]}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(body, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def shown(row: Row) -> tuple[str, str]:
    """A figure and its Monte-Carlo error as text.

    >>> shown(Row("", "", "", "", "", "%", 0.9512, 0.0021, 500, 500, True))
    ('95.1 %', '0.21')
    """
    if row.unit == "%":
        return f"{100 * row.found:.1f} %", f"{100 * row.error:.2g}"
    return f"{row.found:.3g}", f"{row.error:.2g}"


def drawn(rows: Sequence[Row]) -> Table:
    """The table for a terminal."""
    table = Table("question", "figure", "target", "found", "error", "worlds", "holds")
    for row in rows:
        verdict = {True: "yes", False: "NO", None: ""}[row.holds]
        table.add_row(row.question, row.claim, row.target, *shown(row), str(row.replicates), verdict)
    return table


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the study and draw its table; exit 1 if a target does not hold."""
    names = [question.id for question in QUESTIONS]
    parser = argparse.ArgumentParser(prog="./run study recovery", description="Every method on worlds of known truth.")
    parser.add_argument("--replicates", type=int, help="at most so many worlds per question")
    parser.add_argument("--keep", action="store_true", help="keep the results of a part or a smaller study too")
    parser.add_argument("--only", nargs="+", choices=names, metavar="QUESTION", help="some of the questions")
    parser.add_argument("--seed", type=int, default=SEED)
    options = parser.parse_args(arguments)
    questions = [one for one in QUESTIONS if not options.only or one.id in options.only]
    screen = Console(stderr=True)
    begin = time.perf_counter()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=screen) as progress:

        def watch(question: Question, total: int) -> Callable[[], None]:
            task = progress.add_task(question.id, total=total)
            return lambda: progress.advance(task)

        rows = study(questions, options.replicates, options.seed, watch)
    minutes = (time.perf_counter() - begin) / 60
    Console().print(drawn(rows))
    if options.keep or (options.only is None and options.replicates is None):
        keep(rows, RESULTS, options.seed)
        screen.print(f"Kept in studies/results/{RESULTS.name}; ./run docs renders it.")
    screen.print(f"{minutes:.1f} minutes.")
    return int(any(row.holds is False for row in rows))


if __name__ == "__main__":
    raise SystemExit(main())
