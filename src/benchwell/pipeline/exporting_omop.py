"""Export a workspace's scores and outcomes as an OMOP CDM 5.4."""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import narwhals as nw
import pyarrow as pa

from benchwell.engine import Engine, Frame
from benchwell.errors import WorkspaceError
from benchwell.outcomes import build_outcomes
from benchwell.pipeline.choosing import Present, choose, instruments_of
from benchwell.pipeline.inputs import Reader, episode_rule_of, outcome_inputs, present_instruments
from benchwell.publish.omop import FileFormat, OmopTables, holds_export, omop_tables, write_omop
from benchwell.registry import Registry
from benchwell.settings import Settings
from benchwell.tables.days import epoch_day

if TYPE_CHECKING:
    from benchwell.pipeline.workspace import Workspace


@dataclass(frozen=True)
class OmopExport:
    """What was written.

    Attributes:
        folder: Where.
        files: The files, in the order of the standard's tables.
        rows: Rows by table.
        without_birth_year: People who were left out because nobody knows their year of birth, which CDM requires.
    """

    folder: Path
    files: tuple[Path, ...]
    rows: dict[str, int]
    without_birth_year: int

    def to_dict(self) -> dict[str, Any]:
        """Plain data, for `--json`."""
        return asdict(self) | {"folder": str(self.folder), "files": [path.name for path in self.files]}


def export_omop(
    workspace: Workspace, folder: str | Path, *, as_of: dt.date | None = None, file_format: FileFormat = "parquet"
) -> OmopExport:
    """Write people, contacts, courses, answers, scores and outcomes as a folder of CDM tables.

    Only people whose data may be used for the workspace's purpose are written, and only records since their consent.
    It is data about people: keep it as safe as the workspace itself.

    Args:
        workspace: An open workspace.
        folder: Made if it is not there. It may hold an earlier export in the same format, which is replaced.
        as_of: Nothing after this day is written, and follow-up is judged on it. Null: today.
        file_format: `parquet` or `csv`.

    Raises:
        WorkspaceError: If there is no score yet, or the folder holds something else.
    """
    target = Path(folder)
    day = as_of or dt.datetime.now(dt.UTC).date()
    if target.exists() and not target.is_dir():
        raise WorkspaceError(f"{target} is a file.", hint="name a folder")
    if target.is_dir() and any(target.iterdir()) and not holds_export(target, file_format):
        raise WorkspaceError(f"{target} holds other files.", hint="name a new or empty folder; nothing was written")
    snapshot = workspace.lake.snapshot()
    settings = workspace.settings
    with workspace.holdings.engine() as engine:
        made = _tables(
            engine, lambda name: workspace.lake.read(engine, name, snapshot), workspace.registry, settings, day
        )
    if not made.tables["observation"].num_rows + made.tables["measurement"].num_rows:
        left = f" {made.without_birth_year} people have no year of birth." if made.without_birth_year else ""
        raise WorkspaceError(
            f"There is no score to export in {workspace.path}.{left}",
            hint="take scores in: benchwell intake FILE; the standard requires a year of birth for every person",
        )
    files = write_omop(made.tables, target, file_format)
    rows = {name: table.num_rows for name, table in made.tables.items()}
    return OmopExport(target, tuple(files), rows, made.without_birth_year)


def _tables(engine: Engine, read: Reader, registry: Registry, settings: Settings, as_of: dt.date) -> OmopTables:
    instruments = present_instruments(engine, read, registry, as_of)
    chosen = choose(registry, Present(instruments, frozenset(), encounters=True, events=frozenset()), None)
    measures = [one for one in chosen.measures.values() if not one.is_published]
    named = instruments_of(measures, registry)
    rule = episode_rule_of(settings, registry)
    inputs = outcome_inputs(engine, read, dict(instruments), settings, as_of, rule).inputs
    built = build_outcomes(inputs, measures, named, snapshot_day=epoch_day(as_of), keep=engine.keep)
    usable = engine.keep(inputs.consents)
    tables = {name: engine.to_arrow(read(name)) for name in ("organizations", "practitioners")}
    people = usable.filter(nw.col("usable")).select("patient_id")
    tables["patients"] = engine.to_arrow(read("patients").join(people, on="patient_id", how="inner"))
    for name in ("assessments", "encounters", "episodes"):
        tables[name] = _since_consent(engine, read(name), usable, as_of)
    return omop_tables(
        tables,
        engine.to_arrow(inputs.scores),
        registry,
        as_of=as_of,
        name=settings.name or settings.id,
        outcomes=engine.to_arrow(built.outcomes),
        measures={one.id: one for one in measures},
    )


def _since_consent(engine: Engine, rows: Frame, usable: Frame, as_of: dt.date) -> pa.Table:
    """Records of usable people up to a day, and since the day their consent reaches back to.

    A course that began since then may have been asked for before: the day of the referral stays here.
    """
    columns = rows.collect_schema().names()
    days = {"_day": "start_date", "_asked": "referral_date"} if "referral_date" in columns else {"_day": "date"}
    dated = engine.with_epoch_days(rows, days).join(usable, on="patient_id", how="inner")

    def covered(name: str) -> nw.Expr:
        day, since = nw.col(name), nw.col("since_day")
        return (day <= epoch_day(as_of)) & (since.is_null() | (day >= since))

    kept = dated.filter(nw.col("usable"), nw.col("_day").is_null() | covered("_day"))
    if "_asked" in days:
        kept = kept.with_columns(referral_date=nw.when(covered("_asked")).then(nw.col("referral_date")))
    return engine.to_arrow(kept.drop(*days, "usable", "since_day"))
