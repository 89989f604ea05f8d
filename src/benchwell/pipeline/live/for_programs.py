"""What programs read: one person's course, and the figures of editions. Never a row of a clinician."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

from benchwell.errors import EditionError
from benchwell.i18n import _
from benchwell.pipeline.live.editions import edition_of
from benchwell.pipeline.live.receiving import signal_of
from benchwell.pipeline.live.service import LiveService
from benchwell.pipeline.live.use_policy import check_columns, check_strata
from benchwell.register import Role, Viewer
from benchwell.register.caseload import ScoreRow, score_rows, wants_expected
from benchwell.register.courses import Course, courses_of
from benchwell.register.records import Place
from benchwell.signals.course_signal import CourseSignal

RESULTS: Final = "organization_results"
# What a figure needs to be read: its own value, its limits, how many it is of, and how many are missing.
_SHOWN: Final = (
    "measure", "organization_id", "period", "stratum", "level", "status", "reason", "n_needed", "n_eligible",
    "n_followed", "completion", "estimate", "lower", "upper", "primary_denominator", "adjustment",
)  # fmt: skip
_ALL: Final = (Role.ANALYST,)


@dataclass(frozen=True)
class PersonCourse:
    """One person, as a program may read it.

    Attributes:
        person_id: The pseudonym.
        courses: Courses of care, the latest first.
        scores: By day.
        signals: What the newest scores of the latest course say, an instrument and scale each.
    """

    person_id: str
    courses: tuple[Course, ...]
    scores: tuple[ScoreRow, ...]
    signals: tuple[CourseSignal, ...]


@dataclass(frozen=True)
class EditionHead:
    """One edition: its id and the day that it looks from."""

    id: str
    as_of: str


def person_course(service: LiveService, viewer: Viewer, person_id: str) -> PersonCourse:
    """One person's course; whether the viewer may see it was checked, and logged, at the door.

    Args:
        service: The running service.
        viewer: Who asks.
        person_id: Whose.
    """
    with service.register.read() as connection:
        known = courses_of(connection, person_id)
        found = tuple(score_rows(connection, viewer, person_id=person_id).get(person_id, ()))
        latest = known[0] if known else None
        expected = wants_expected(connection, viewer).get(person_id)
        place = Place(
            person_id,
            latest.id if latest else None,
            latest.organization_id if latest else None,
            latest.practitioner_id if latest else None,
            expected,
        )
        signals = []
        pairs = {(one.instrument, one.scale) for one in found if latest is None or one.course_id == latest.id}
        for instrument_id, scale in sorted(pairs):
            instrument = service.workspace.registry.instruments.get(instrument_id)
            if instrument is not None and scale in {one.id for one in instrument.scales}:
                signals.append(signal_of(service, connection, place, instrument, scale))
    return PersonCourse(person_id, known, found, tuple(signals))


def editions(service: LiveService) -> tuple[EditionHead, ...]:
    """Every edition of the workspace, the latest first."""
    found = [edition_of(service.workspace, path.name) for path in service.workspace.editions()]
    heads = [EditionHead(one.id, one.as_of) for one in found if one is not None]
    return tuple(sorted(heads, key=lambda one: (one.as_of, one.id), reverse=True))


def results(service: LiveService, viewer: Viewer, edition_id: str) -> tuple[dict[str, Any], ...]:
    """Figures of one edition: of the viewer's own organization; of all for analysts and programs without one.

    Args:
        service: The running service.
        viewer: Who asks.
        edition_id: Which edition.

    Raises:
        EditionError: If there is none of that id.
        AccessError: If the table would list clinicians.
    """
    edition = edition_of(service.workspace, edition_id)
    if edition is None:
        raise EditionError(_("There is no edition of this id."), hint=_("see the list of editions"))
    table = edition.arrow(RESULTS)
    check_columns(service.workspace, table.column_names)
    check_strata(service.workspace, table)
    shown = [name for name in _SHOWN if name in table.column_names]
    rows = table.select(shown).to_pylist()
    own = viewer.organization_id
    if own is None and viewer.role not in _ALL and viewer.role is not Role.CLIENT:
        return ()
    return tuple(
        {name: _plain(value) for name, value in row.items()}
        for row in rows
        if own is None or row["organization_id"] == own
    )


def _plain(value: Any) -> Any:
    """A figure that is none is null: JSON has no other word for it."""
    return None if isinstance(value, float) and not math.isfinite(value) else value
