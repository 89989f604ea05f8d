"""Where the programs are on this machine, their versions, and the command of one fit by each."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from benchmarks.models.contest import OTHERS, OURS, Contestant, Model

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
PYTHON_OF_OTHERS = ROOT / ".venv-bench" / "bin" / "python"


@dataclass(frozen=True)
class Program:
    """A contestant that is installed here.

    Attributes:
        contestant: Who.
        version: With what it stands on, for the record.
        start: The command before the file and the model.
        reads: Suffix of the file that it reads.
    """

    contestant: Contestant
    version: str
    start: tuple[str, ...]
    reads: str = ".parquet"

    def command(self, path: Path, model: Model) -> list[str]:
        """The command of one fit."""
        return [*self.start, str(path.with_suffix(self.reads)), model]


def installed(names: list[str]) -> tuple[list[Program], list[str]]:
    """Programs of these names, ours first, and a line for each that is not installed here."""
    version = "import importlib.metadata as m; print(m.version({!r}))"
    programs = [_ours(version.format("benchwell"))]
    lacking = []
    for contestant in OTHERS:
        if contestant.name not in names:
            continue
        found = _lme4(contestant) if contestant.name == "lme4" else _of_python(contestant, version)
        if found is None:
            where = "no R with lme4 here" if contestant.name == "lme4" else "not in .venv-bench"
            lacking.append(f"{contestant.name}: not installed ({where}), so it is not in this comparison.")
        else:
            programs.append(found)
    return programs, lacking


def _ours(question: str) -> Program:
    return Program(
        OURS, _said([sys.executable, "-c", question]) or "?", (sys.executable, str(HERE / "fit_benchwell.py"))
    )


def _of_python(contestant: Contestant, question: str) -> Program | None:
    version = _said([str(PYTHON_OF_OTHERS), "-c", question.format(contestant.name)])
    script = str(HERE / f"fit_{contestant.name}.py")
    return None if version is None else Program(contestant, version, (str(PYTHON_OF_OTHERS), script))


def _lme4(contestant: Contestant) -> Program | None:
    rscript = shutil.which("Rscript")
    if rscript is None:
        return None
    lme4 = _said([rscript, "-e", 'cat(as.character(packageVersion("lme4")), "with R", as.character(getRversion()))'])
    if lme4 is None:
        return None
    arrow = _said([rscript, "-e", 'cat(as.character(packageVersion("arrow")))'])
    start = (rscript, str(HERE / "fit_lme4.R"))
    if arrow is not None:
        return Program(contestant, f"{lme4}, arrow {arrow}", start)
    return Program(contestant, f"{lme4}, reading an uncompressed .rds of the same rows (no arrow here)", start, ".rds")


def _said(command: list[str]) -> str | None:
    """What a command prints; None if it cannot run or fails."""
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True, timeout=60)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.decode().strip() or None


def write_files(path: Path, programs: list[Program], outcome: str, episodes: int, clinics: int) -> None:
    """Write the Parquet file of one size, and what else these programs read. Not timed.

    Each in a process of its own: memory that this process once held would count as its children's.
    """
    workload = [sys.executable, "-m", "benchmarks.models.workload"]
    if not path.exists():
        subprocess.run([*workload, str(path), outcome, str(episodes), str(clinics)], check=True, cwd=ROOT)
    for program in programs:
        own = path.with_suffix(program.reads)
        if own.exists():
            continue
        table = path.with_suffix(".csv")
        subprocess.run([*workload, str(table), str(path)], check=True, cwd=ROOT)
        subprocess.run([*program.start, str(table), str(own)], check=True)
        table.unlink()
