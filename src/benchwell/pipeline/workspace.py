"""A workspace: one folder with the lake, your declarations and mappings, and the editions."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchwell.errors import EditionError, WorkspaceError
from benchwell.lake import Lake
from benchwell.pipeline.holdings import Holdings
from benchwell.pipeline.progress import Listener, Stages
from benchwell.registry import Registry
from benchwell.settings import FILE_NAME, Settings

if TYPE_CHECKING:
    from benchwell.benchmarks import Edition
    from benchwell.intake import Mapping
    from benchwell.pipeline.exporting_fhir import ObservationExport
    from benchwell.pipeline.exporting_omop import OmopExport
    from benchwell.pipeline.intake_report import IntakeReport
    from benchwell.publish.omop import FileFormat
    from benchwell.terms import Purpose

REGISTER_FILE = "register.db"
_FOLDERS = ("declarations", "mappings", "editions", "rejections")


class Workspace:
    """A folder that holds everything of one practice, network or study.

    A path that does not exist yet, or an empty folder, becomes a new workspace.

    Args:
        path: The folder.
        listener: Hears which stage a long run is in.

    Raises:
        WorkspaceError: If the folder holds something else, or its settings are damaged.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     workspace = Workspace(Path(folder) / "practice")
    ...     workspace.editions()
    []
    """

    def __init__(self, path: str | Path, *, listener: Listener | None = None) -> None:
        self.path = Path(path)
        if _is_vacant(self.path):
            _create(self.path, name=None)
        self.settings = _open(self.path)
        self.lake = Lake(self.path / "lake")
        self.registry = Registry.load(self.path / "declarations")
        self.stages = Stages(listener)
        self.holdings = Holdings(self.path, self.settings, self.lake, self.registry, self.stages)

    @classmethod
    def create(cls, path: str | Path, *, name: str | None = None, listener: Listener | None = None) -> Workspace:
        """Make a new workspace.

        Raises:
            WorkspaceError: If there is something in the folder already.
        """
        path = Path(path)
        if not _is_vacant(path):
            what = "is a workspace already" if (path / FILE_NAME).exists() else "holds other files"
            raise WorkspaceError(f"{path} {what}.", hint="choose another folder; nothing was changed")
        _create(path, name)
        return cls(path, listener=listener)

    @classmethod
    def open(cls, path: str | Path, *, listener: Listener | None = None) -> Workspace:
        """Open a workspace that is there.

        Raises:
            WorkspaceError: If there is none.
        """
        path = Path(path)
        if not (path / FILE_NAME).is_file():
            raise WorkspaceError(f"{path} is not a workspace.", hint=f"make one: benchwell init {path}")
        return cls(path, listener=listener)

    def intake(
        self,
        source: Any,
        mapping: str | Path | Mapping | None = None,
        *,
        as_of: dt.date | str | None = None,
        accept_guess: bool = False,
    ) -> IntakeReport:
        """Take one source into the lake. The good rows get in; each refused one is listed with its reason.

        Args:
            source: A CSV or XLSX file, any frame that Narwhals supports, FHIR R4 (NDJSON, Bundles, resources, a folder
                of those, a Bulk Data manifest, or a list of such paths), or an OMOP CDM 5.4 (a folder or DuckDB file).
            mapping: For tables: a mapping, or the path of one. Without it, the own template is recognized; for any
                other layout a guess is made and saved in the workspace for approval.
            as_of: No record may be later than this day; today if null.
            accept_guess: Use the guess without approval.

        Raises:
            SourceError: If the source cannot be read at all.
            MappingError: If the mapping does not fit, or a guess waits for approval (the message names its file).
        """
        from benchwell.pipeline.taking_in import take_in

        return take_in(self.holdings, source, mapping, as_of=day_of(as_of), accept_guess=accept_guess)

    def build(
        self,
        as_of: dt.date | str | None = None,
        benchmarks: Sequence[str] | None = None,
        *,
        supersedes: str | None = None,
        reason: str | None = None,
    ) -> Edition:
        """Build an edition from the present snapshot. The same inputs give the same edition.

        What was entered in the live service since the last time is taken in first, where there is a register.

        Args:
            as_of: The day on which follow-up counts as due or not yet due; later records are not seen. Null: today.
            benchmarks: Ids of the benchmarks to compute. Null: those that the settings name, or where they name none
                every declared one that has data.
            supersedes: Id of an edition that this one corrects; the old one stays as it is.
            reason: Why it is corrected.

        Raises:
            UnknownDeclarationError: If a benchmark is not declared.
            WorkspaceError: If there is nothing to benchmark yet.
            RegisterError: If the workspace has a register and it cannot be opened.
        """
        from benchwell.pipeline.building import build

        if (supersedes is None) != (reason is None):
            raise EditionError(
                "A correction names both the edition that it supersedes and the reason.",
                hint="benchwell build --supersedes ID --reason WHY",
            )
        superseded = None if supersedes is None else self.edition(supersedes)
        if self.settings.register_url or (self.path / REGISTER_FILE).is_file():
            from benchwell.pipeline.live.to_lake import take_in_register

            take_in_register(self.holdings)
        chosen = benchmarks if benchmarks is not None else self.settings.benchmarks or None
        return build(self.holdings, day_of(as_of), chosen, superseded=superseded, reason=reason)

    def export_observations(
        self, path: str | Path, *, as_of: dt.date | str | None = None, purpose: Purpose | str | None = None
    ) -> ObservationExport:
        """Write scores as FHIR Observations, one a line. See `pipeline.exporting_fhir`."""
        from benchwell.pipeline.exporting_fhir import export_observations

        return export_observations(self.holdings, Path(path), as_of=day_of(as_of), purpose=purpose)

    def export_omop(
        self, folder: str | Path, *, as_of: dt.date | str | None = None, file_format: FileFormat = "parquet"
    ) -> OmopExport:
        """Write scores and outcomes as a folder of OMOP CDM 5.4 tables. See `pipeline.exporting_omop`."""
        from benchwell.pipeline.exporting_omop import export_omop

        return export_omop(self, folder, as_of=day_of(as_of), file_format=file_format)

    def editions(self) -> list[Path]:
        """Folders of the editions, by name: the earliest day first. What a killed build left is none of them."""
        found = (self.path / "editions").glob("*/manifest.json")
        return sorted(path.parent for path in found if not path.parent.name.startswith("."))

    def edition(self, edition_id: str | None = None) -> Edition:
        """One edition, by id or by the beginning of its id; the newest if null.

        Raises:
            EditionError: If there is none, or the beginning fits several.
        """
        from benchwell.benchmarks import Edition

        found = [path for path in self.editions() if edition_id is None or path.name.startswith(edition_id)]
        if not found:
            raise EditionError(f"No such edition in {self.path}.", hint="build one: benchwell build")
        if edition_id is not None and len(found) > 1:
            raise EditionError(f"{len(found)} editions begin with {edition_id!r}.", hint="give more of the id")
        return Edition.load(max(found, key=lambda path: (path / "manifest.json").stat().st_mtime_ns))

    def __repr__(self) -> str:
        return f"Workspace({str(self.path)!r}, editions={len(self.editions())})"


def _is_vacant(path: Path) -> bool:
    return not path.exists() or (path.is_dir() and not any(path.iterdir()))


def _open(path: Path) -> Settings:
    if not (path / FILE_NAME).is_file():
        raise WorkspaceError(f"{path} is not a workspace and is not empty.", hint="choose another folder")
    return Settings.load(path / FILE_NAME)


def _create(path: Path, name: str | None) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
        for folder in _FOLDERS:
            (path / folder).mkdir()
    except OSError as problem:
        raise WorkspaceError(f"{path} cannot be made: {problem.strerror}.") from None
    Lake.create(path / "lake")
    identity = re.sub(r"[^a-z0-9]+", "-", (name or path.name).lower()).strip("-")[:64].strip("-") or "workspace"
    # The settings come last: a folder with settings is a whole workspace.
    Settings(id=identity, name=name).save(path / FILE_NAME)


def day_of(value: dt.date | str | None) -> dt.date:
    """A date, a text such as 2026-01-31, or null for today.

    Raises:
        WorkspaceError: If the text is no date.

    >>> day_of("2026-01-31")
    datetime.date(2026, 1, 31)
    """
    if value is None:
        return dt.datetime.now(dt.UTC).date()
    if isinstance(value, dt.datetime):
        return value.date()
    if isinstance(value, dt.date):
        return value
    try:
        return dt.date.fromisoformat(value)
    except ValueError:
        raise WorkspaceError("The day is not a date.", hint="write it as 2026-01-31") from None
