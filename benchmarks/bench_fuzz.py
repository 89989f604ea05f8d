"""Spoilt FHIR, far more of it than the tests have time for: nothing may crash, get lost, change or be told.

    ./run bench fuzz [--resources 100000] [--seed 1] [--file 2000] [--keep]

Sound statements of PHQ-9 and GAD-7 are spoilt by seeded mutations, read through the real path, and held against a
second, plain reader that shares no code with the product (`benchmarks/fuzz/judge.py`). Each file is read at once and
again in small pieces. The result ends with 1 if anything was found; `--keep` appends it to benchmarks/results.md.
"""

from __future__ import annotations

import argparse
import datetime as dt
import random
import sys
import time
import warnings
from collections import Counter

from benchmarks.fuzz.judge import Verdict, judge
from benchmarks.fuzz.mutations import MUTATIONS, line_of
from benchmarks.fuzz.statements import statements

from benchwell.errors import BenchwellError, SourceError
from benchwell.intake.fhir.chunks import gather, map_chunk
from benchwell.intake.fhir.first_look import FirstLook
from benchwell.intake.fhir.folding import SHAPES
from benchwell.intake.fhir.read import FhirPart, read_fhir_bytes
from benchwell.intake.fhir.rows import Context
from benchwell.intake.fhir.unpack import Piece
from benchwell.registry import Registry

AS_OF = dt.date(2026, 11, 23)
_PIECE = 16_384  # bytes
TABLE_HEAD = (
    "| resources | spoilt by | seconds | assessments | numbers compared | findings | faults |\n"
    "|---:|---|---:|---:|---:|---:|---:|"
)


def spoilt_lines(rng: random.Random, count: int, used: Counter[str] | None = None) -> list[bytes]:
    """At least `count` lines of NDJSON; one in eight is sound, the others have one to three mutations."""
    lines: list[bytes] = []
    while len(lines) < count:
        for resource in statements(rng, str(len(lines))):
            sound = rng.random() < 0.125
            for _ in range(0 if sound else rng.randint(1, 3)):
                mutation = rng.choice(MUTATIONS)
                resource = mutation(resource, rng)
                if used is not None:
                    used[mutation.__name__] += 1
            line = line_of(resource, rng)
            lines += [line] if b"\n" not in line else []
    return lines


def examine(lines: list[bytes], registry: Registry) -> Verdict:
    """Read lines at once and in pieces, and judge both.

    Any exception but our own of a source is a fault, and so is a warning.
    """
    body = b"\n".join(lines)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            part = read_fhir_bytes(body, registry, as_of=AS_OF)
            verdict = judge(lines, part)
            if not _same_in_pieces(body, part, registry):
                verdict.faults.append(("other tables from smaller pieces", 0))
        except SourceError:
            return Verdict(resources=len(lines))
        except (Exception, BenchwellError) as error:  # whatever it is, it is what we look for
            return Verdict([(f"{type(error).__name__}", 0)], len(lines))
    return verdict


def _same_in_pieces(body: bytes, whole: FhirPart, registry: Registry) -> bool:
    """Whether smaller chunks, as workers get them, give the same raw rows and findings as one."""
    known = FirstLook()
    context = Context(registry, known.references, known.forms, AS_OF)
    pieces, first, at = [], 1, 0
    while at < len(body):
        end = body.find(b"\n", at + _PIECE) + 1 or len(body)
        pieces.append(Piece(0, "lines", body[at:end], first))
        first += body.count(b"\n", at, end)
        at = end
    one = gather([map_chunk((Piece(0, "lines", body),), context, SHAPES)])
    many = gather([map_chunk((piece,), context, SHAPES) for piece in pieces])
    same = one.tables == many.tables and sorted(one.refused) == sorted(many.refused)
    return same and one.findings == many.findings and one.read == many.read == whole.counts.read


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--resources", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--file", type=int, default=2_000, help="resources a file")
    parser.add_argument("--keep", action="store_true", help="append the table to benchmarks/results.md")
    options = parser.parse_args()
    registry, used, whole = Registry.load(), Counter[str](), Verdict()
    started = time.perf_counter()
    number = 0
    while whole.resources < options.resources:
        lines = spoilt_lines(random.Random(f"{options.seed}-{number}"), options.file, used)
        found = examine(lines, registry)
        for kind, row in found.faults[:5]:
            print(f"file {number} row {row}: {kind}", file=sys.stderr)
        whole.add(found)
        number += 1
    _show(whole, used, time.perf_counter() - started, options)
    sys.exit(1 if whole.faults else 0)


def _show(whole: Verdict, used: Counter[str], seconds: float, options: argparse.Namespace) -> None:
    kinds = Counter(kind for kind, _ in whole.faults)
    lines = [
        TABLE_HEAD,
        f"| {whole.resources:,} | {used.total():,} mutations of {len(used)} kinds | {seconds:.0f} | "
        f"{whole.assessments:,} | {whole.numbers:,} | {whole.findings.total():,} | {len(whole.faults):,} |",
        "",
        "Findings by reason: " + ", ".join(f"{reason} {n:,}" for reason, n in whole.findings.most_common()) + ".",
    ]
    lines += ["", "Faults: " + ", ".join(f"{kind} {n:,}" for kind, n in kinds.most_common()) + "."] if kinds else []
    print("\n".join(lines))
    if options.keep:
        from benchmarks.machine import append

        command = f"./run bench fuzz --resources {options.resources} --seed {options.seed}"
        append("Spoilt FHIR", command, "\n".join(lines))


if __name__ == "__main__":
    main()
