"""Verify an edition: recompute every number from the frozen sums and name whatever differs (METHODS M13.2)."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
from pydantic import ValidationError

from benchwell.benchmarks.adjusted_checks import adjusted_findings
from benchwell.benchmarks.compare import compare_tables, compare_values
from benchwell.benchmarks.compute import Computed, Declarations, compute
from benchwell.benchmarks.curves import curve_findings
from benchwell.benchmarks.digest import table_digest
from benchwell.benchmarks.edition import MANIFEST, PUBLIC_TABLES, Edition, manifest_hash, read_manifest
from benchwell.benchmarks.manifest import derived, edition_id
from benchwell.benchmarks.monitoring_checks import monitoring_findings
from benchwell.benchmarks.statistics import Plan, frozen, summarize
from benchwell.benchmarks.write import BUILD, ROW_HASHES
from benchwell.engine import DuckDBEngine, Engine
from benchwell.errors import BenchwellError, EditionError
from benchwell.registry import Declaration, Registry
from benchwell.tables import DERIVED
from benchwell.tables.curves import CURVE_TABLE_NAMES

CASEMIX_MODELS = "casemix_models.json"
LakeCheck = Callable[[dict[str, Any]], list[str]]


@dataclass(frozen=True)
class Check:
    """One thing that was checked.

    Attributes:
        name: What, such as `file tables/benchmarks.parquet` or `organization_results.observed`.
        passed: Whether it holds.
        stated: What the edition says, in short.
        found: What was found or recomputed.
        detail: Where it differs, and what to do.
    """

    name: str
    passed: bool
    stated: str = ""
    found: str = ""
    detail: str = ""


@dataclass(frozen=True)
class VerifyReport:
    """Every check of one edition."""

    edition: str
    path: Path
    checks: tuple[Check, ...]

    @property
    def passed(self) -> bool:
        """Whether everything holds."""
        return all(check.passed for check in self.checks)

    @property
    def failures(self) -> tuple[Check, ...]:
        """What does not hold."""
        return tuple(check for check in self.checks if not check.passed)

    def to_dict(self) -> dict[str, Any]:
        """Plain data, for `--json`."""
        return {
            "edition": self.edition,
            "path": str(self.path),
            "passed": self.passed,
            "checks": [asdict(check) for check in self.checks],
        }

    def __repr__(self) -> str:
        return (
            f"VerifyReport({self.edition}: {len(self.checks) - len(self.failures)} of {len(self.checks)} checks pass)"
        )


def verify(
    edition_path: str | Path,
    *,
    registry: Registry | None = None,
    lake_check: LakeCheck | None = None,
    engine: Engine | None = None,
) -> VerifyReport:
    """Check every file, declaration and number of an edition.

    Args:
        edition_path: The edition's folder.
        registry: Declarations in force now; a declaration that has changed since is named. None skips this.
        lake_check: Takes the manifest's snapshot and returns what the lake no longer has as stated. None skips this.
        engine: Sums the private rows again, if they are there; DuckDB by default.

    Returns:
        One check per file, declaration and table column; whatever fails says where.

    Raises:
        EditionError: If the folder is no edition at all.

    Source:
        METHODS M13.2: exact for counts, 1e-8 relative for figures; the bootstrap replays exactly by its seed.
    """
    folder = Path(edition_path)
    manifest = read_manifest(folder)
    checks = [*_manifest_checks(folder, manifest), *_file_checks(folder, manifest)]
    edition = Edition(folder, manifest)
    checks += _declaration_checks(edition, registry)
    checks += _number_checks(edition)
    checks += _row_checks(edition, engine)
    if lake_check is not None:
        problems = lake_check(dict(manifest.get("snapshot") or {}))
        checks.append(Check("lake", not problems, "versions of the snapshot", detail="; ".join(problems)))
    return VerifyReport(str(manifest["id"]), folder, tuple(checks))


def _manifest_checks(folder: Path, manifest: Mapping[str, Any]) -> Iterator[Check]:
    stated, found = str(manifest.get("sha256")), manifest_hash(manifest)
    yield Check(
        f"file {MANIFEST}", stated == found, stated, found, "" if stated == found else "the manifest was changed"
    )
    name = edition_id(manifest["identity"])
    same = manifest["id"] == name
    yield Check("edition id", same, str(manifest["id"]), name, "" if same else "it is not the hash of its identity")
    snapshot, told = manifest["identity"]["snapshot"], dict(manifest.get("snapshot") or {}).get("id")
    matching = "" if snapshot == told else "the versions in the manifest are those of another snapshot"
    yield Check("snapshot", snapshot == told, str(snapshot), str(told), matching)
    called = folder.resolve().name
    detail = f"the folder is called {called}; call it {name} again, since others find an edition by its id"
    yield Check("edition folder", called == name, name, called, "" if called == name else detail)


def _file_checks(folder: Path, manifest: Mapping[str, Any]) -> Iterator[Check]:
    files: dict[str, Any] = dict(manifest["files"])
    hashes = folder / ROW_HASHES
    if hashes.exists():
        try:
            files |= json.loads(hashes.read_text(encoding="utf-8"))
        except (UnicodeDecodeError, json.JSONDecodeError):
            yield Check(f"file {ROW_HASHES}", False, detail="cannot be read")
    for path, stated in files.items():
        yield _file_check(folder, path, str(stated["sha256"]))
    known = {*files, MANIFEST, BUILD, ROW_HASHES, "rows/README.txt"}
    present = {file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()}
    for path in sorted(present - known):
        yield Check(f"file {path}", False, "not part of the edition", "present", "remove it or find out who added it")


def _file_check(folder: Path, path: str, stated: str) -> Check:
    file = folder / path
    if not file.exists():
        private = path.startswith("rows/")
        return Check(f"file {path}", private, stated, "absent", "private rows were deleted" if private else "missing")
    found = hashlib.sha256(file.read_bytes()).hexdigest()
    return Check(f"file {path}", stated == found, stated, found, "" if stated == found else "the file was changed")


def _declaration_checks(edition: Edition, registry: Registry | None) -> Iterator[Check]:
    """Frozen declarations against the manifest, then against those in force."""
    for kind, stated in edition.manifest["identity"]["declarations"].items():
        for name, hashes in stated.items():
            label = f"declaration {kind}/{name}"
            try:
                frozen_one = edition.declaration(kind, name)
            except (BenchwellError, ValidationError, ValueError):
                yield Check(label, False, hashes["numbers"], "unreadable", "the frozen declaration cannot be read")
                continue
            same = (frozen_one.numbers_hash, frozen_one.text_hash) == (hashes["numbers"], hashes["text"])
            yield Check(label, same, hashes["numbers"], frozen_one.numbers_hash, "" if same else "it was changed")
            if registry is not None:
                yield _in_force(kind, name, hashes, _current(registry, kind).get(name))


def _current(registry: Registry, kind: str) -> Mapping[str, Declaration]:
    found: Mapping[str, Declaration] = getattr(registry, kind)
    return found


def _in_force(kind: str, name: str, stated: Mapping[str, Any], current: Declaration | None) -> Check:
    label = f"declaration in force {kind}/{name}"
    if current is None:
        return Check(label, False, stated["numbers"], "absent", f"{name} is no longer declared")
    if current.numbers_hash != stated["numbers"]:
        detail = (
            f"{name} has changed since this edition (revision {stated['revision']} then, {current.revision} now); "
            "build a new edition to use it"
        )
        return Check(label, False, stated["numbers"], current.numbers_hash, detail)
    note = "" if current.text_hash == stated["text"] else "its wording has changed, no number can"
    return Check(label, True, stated["numbers"], current.numbers_hash, note)


def _number_checks(edition: Edition) -> Iterator[Check]:
    tables: dict[str, pa.Table] = {}
    stated_inputs = edition.manifest["identity"]["inputs"]
    curves = CURVE_TABLE_NAMES if set(CURVE_TABLE_NAMES) & set(stated_inputs) else ()
    for name in (*PUBLIC_TABLES, *curves):
        try:
            tables[name] = edition.arrow(name)
        except EditionError as error:
            yield Check(f"table {name}", False, found="unreadable", detail=error.message)
    for name, stated in stated_inputs.items():
        if name in tables:
            found = table_digest(tables[name])
            yield Check(
                f"values of {name}", stated == found, stated, found, "" if stated == found else "a value was changed"
            )
    yield from _flow_checks(tables.get("exclusions"))
    yield from _monitoring_checks(edition, tables)
    yield from _adjusted_checks(edition, tables)
    yield from _curve_checks(edition, tables)
    if len(tables) < len(PUBLIC_TABLES) + len(curves):
        return
    try:
        again = compute(
            tables["statistics"],
            tables["organizations"],
            edition.declarations,
            dt.date.fromisoformat(edition.as_of),
            adjusted_sums=tables.get("adjusted_sums"),
            model_checks=tables.get("model_checks"),
            edition=edition.id,
        )
    except (BenchwellError, ValidationError, ValueError, KeyError) as error:
        yield Check("recompute", False, detail=f"the numbers cannot be recomputed: {type(error).__name__}")
        return
    recomputed = {
        "organization_results": again.organization_results,
        "adjusted_results": again.adjusted_results,
        "benchmarks": again.benchmarks,
    }
    for name, found_table in recomputed.items():
        yield from (Check(*one) for one in compare_tables(name, tables[name], found_table))
    yield from _stated_checks(edition, tables, again)


def _stated_checks(edition: Edition, tables: Mapping[str, pa.Table], again: Computed) -> Iterator[Check]:
    """What the manifest says about the numbers, written again from them."""
    manifest = edition.manifest
    found = derived(manifest["identity"], edition.declarations, tables["statistics"], tables["exclusions"], again)
    for part, value in found.items():
        differences = list(compare_values(f"manifest.{part}", manifest.get(part), value))
        yield from (Check(*one) for one in differences)
        if not differences:
            yield Check(f"manifest.{part}", True, "as stated", "as recomputed")


def _flow_checks(exclusions: pa.Table | None) -> Iterator[Check]:
    """Each step of the flow leaves what the step before left, less its own count."""
    # A changed byte can fall into the name of a column; the check of its values names the table then.
    if exclusions is None or not set(DERIVED["exclusions"].columns) <= set(exclusions.column_names):
        return
    last: dict[str, int] = {}
    for row in exclusions.sort_by([("measure", "ascending"), ("step", "ascending")]).to_pylist():
        before = last.get(row["measure"])
        if before is not None and row["remaining"] is not None:
            left = before - row["count"]
            if left != row["remaining"] and row["remaining"] != before:
                yield Check(f"exclusion flow {row['measure']}", False, str(row["remaining"]), str(left), row["reason"])
        if row["remaining"] is not None:
            last[row["measure"]] = row["remaining"]
    yield Check("exclusion flow", True, found=f"{len(last)} measures")


def _monitoring_checks(edition: Edition, tables: Mapping[str, pa.Table]) -> Iterator[Check]:
    """Charts over time cannot be drawn again without rows of people, but they must agree with themselves."""
    months, statistics = tables.get("monitoring_months"), tables.get("statistics")
    if months is None or statistics is None or months.num_rows == 0:
        return
    try:
        yield from (Check(*one) for one in monitoring_findings(months, statistics, edition.declarations.measures))
    except (ValidationError, ValueError, KeyError, TypeError, pa.ArrowInvalid) as error:
        yield Check("monitoring", False, detail=f"the charts over time cannot be checked: {type(error).__name__}")


def _adjusted_checks(edition: Edition, tables: Mapping[str, pa.Table]) -> Iterator[Check]:
    """Case-mix models cannot be fitted again without rows of people, but their sums must agree with themselves."""
    sums, coefficients, statistics = (tables.get(name) for name in ("adjusted_sums", "coefficients", "statistics"))
    if sums is None or coefficients is None or statistics is None or not sums.num_rows + coefficients.num_rows:
        return
    try:
        models = json.loads((edition.path / CASEMIX_MODELS).read_text(encoding="utf-8"))
        yield from (Check(*one) for one in adjusted_findings(sums, coefficients, statistics, models))
    except (OSError, ValueError, KeyError, TypeError, pa.ArrowInvalid) as error:
        yield Check("adjusted sums", False, detail=f"the case-mix models cannot be checked: {type(error).__name__}")


def _curve_checks(edition: Edition, tables: Mapping[str, pa.Table]) -> Iterator[Check]:
    """Expected courses cannot be fitted again without rows of people, but they must agree with themselves."""
    if not set(CURVE_TABLE_NAMES) <= set(tables):
        return
    try:
        yield from (Check(*one) for one in curve_findings(tables, edition.declarations.response_curves))
    except (ValidationError, ValueError, KeyError, TypeError) as error:
        yield Check("expected courses", False, detail=f"the curves cannot be checked: {type(error).__name__}")


def _row_checks(edition: Edition, engine: Engine | None) -> Iterator[Check]:
    """Sum the private rows again, if they are still there."""
    if not edition.has_rows:
        return
    try:
        outcomes, statistics = edition.arrow("outcomes"), edition.arrow("statistics")
        features = edition.arrow("features") if edition.file_of("features").exists() else None
        plan = row_plan(edition.declarations)
    except (EditionError, ValidationError, ValueError):
        yield Check("statistics from rows", False, detail="the rows cannot be read")
        return
    engine = engine or DuckDBEngine()
    lazy_features = None if features is None else engine.from_arrow(features)
    again = frozen(engine.to_arrow(summarize(engine, engine.from_arrow(outcomes), lazy_features, plan)))
    summed = statistics.filter(pa.compute.equal(statistics["state"], "row"))
    yield from (Check(*one) for one in compare_tables("statistics", summed, again))


def row_plan(declarations: Declarations) -> Plan:
    """What was summed from rows: every measure that is not an official aggregate."""
    return Plan.of(
        benchmark
        for benchmark in declarations.benchmarks.values()
        if not declarations.measures[benchmark.measure].is_published
    )
