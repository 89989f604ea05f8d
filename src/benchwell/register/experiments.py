"""Improvement experiments of an organization: what is tried, with what aim, seen on which measure."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, insert, select, update

from benchwell.register.copying import make_known
from benchwell.register.schema import experiment_notes, experiments
from benchwell.register.tokens import new_id

STATES: Final = ("planned", "running", "adopted", "adapted", "abandoned")
OVER: Final = frozenset({"adopted", "adapted", "abandoned"})


@dataclass(frozen=True)
class Note:
    """What was written on the way."""

    written_at: float
    text: str


@dataclass(frozen=True)
class Experiment:
    """One experiment.

    Attributes:
        id: Its id.
        organization_id: Whose.
        measure: Id of the measure on which a change would show.
        aim: What should become different, for whom, by when.
        change: What is done otherwise.
        started: First day of the change, or the planned one.
        ended: Day on which it was decided what becomes of it.
        state: One of `STATES`.
        created_at: When it was written down.
        notes: In their order.
    """

    id: str
    organization_id: str
    measure: str
    aim: str
    change: str
    started: dt.date
    ended: dt.date | None
    state: str
    created_at: float
    notes: tuple[Note, ...] = ()


def begin(
    connection: Connection,
    now: float,
    organization_id: str,
    *,
    measure: str,
    aim: str,
    change: str,
    started: dt.date,
    state: str,
    created_by: str | None,
) -> str:
    """Write an experiment down; its id. An edition may name a place that nothing here has named yet."""
    made = new_id()
    make_known(connection, "organizations", (organization_id,))
    connection.execute(
        insert(experiments).values(
            id=made,
            organization_id=organization_id,
            measure=measure,
            aim=aim,
            change=change,
            started=started,
            state=state,
            created_by=created_by,
            created_at=now,
        )
    )
    return made


def experiments_of(connection: Connection, organization_id: str) -> tuple[Experiment, ...]:
    """An organization's experiments, the latest start first."""
    asked = select(experiments).where(experiments.c.organization_id == organization_id)
    found = connection.execute(asked.order_by(experiments.c.started.desc(), experiments.c.id)).all()
    notes: dict[str, list[Note]] = {row.id: [] for row in found}
    said = select(experiment_notes).where(experiment_notes.c.experiment_id.in_(list(notes)))
    for row in connection.execute(said.order_by(experiment_notes.c.written_at, experiment_notes.c.id)):
        notes[row.experiment_id].append(Note(row.written_at, row.text))
    return tuple(
        Experiment(
            row.id,
            row.organization_id,
            row.measure,
            row.aim,
            row.change,
            row.started,
            row.ended,
            row.state,
            row.created_at,
            tuple(notes[row.id]),
        )
        for row in found
    )


def set_state(connection: Connection, experiment_id: str, organization_id: str, state: str, today: dt.date) -> bool:
    """Say where an experiment stands; whether this organization has it.

    One that is over keeps the day on which that was said; one that runs again has none.
    """
    done = connection.execute(
        update(experiments)
        .where(experiments.c.id == experiment_id, experiments.c.organization_id == organization_id)
        .values(state=state, ended=today if state in OVER else None)
    )
    return done.rowcount == 1


def add_note(connection: Connection, now: float, experiment_id: str, organization_id: str, text: str) -> bool:
    """Add a note; whether this organization has the experiment."""
    known = select(experiments.c.id).where(
        experiments.c.id == experiment_id, experiments.c.organization_id == organization_id
    )
    if connection.execute(known).first() is None:
        return False
    made = {"id": new_id(), "experiment_id": experiment_id, "written_at": now, "text": text}
    connection.execute(insert(experiment_notes).values(**made))
    return True
