"""A demonstration: a made-up network of clinics, an edition of it, and a user of every role. Nobody in it exists."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from benchwell.errors import ServiceError
from benchwell.pipeline.live.demo_people import DemoUser, furnish
from benchwell.pipeline.live.demo_roles import MARK
from benchwell.pipeline.live.from_lake import bring_from_lake
from benchwell.pipeline.live.opening import open_service
from benchwell.pipeline.progress import Listener
from benchwell.pipeline.workspace import Workspace
from benchwell.settings import FILE_NAME, Settings
from benchwell.synthetic import MAPPING, CaseMix, Courses, Equity, FollowUp, World
from benchwell.synthetic.clinics import draw_clinics
from benchwell.synthetic.episodes import blocks
from benchwell.synthetic.export import assessment_table

_DAYS = 700  # courses begin in the two years before today
_BENCHMARKS = (
    "network-phq9-response-12w",
    "network-phq9-remission-12w",
    "network-phq9-change-12w",
    "network-phq9-reliable-change-12w",
    "network-phq9-deterioration-12w",
)


# Names for clinics that do not exist, by the number of each: a page that says "clinic-20" reads like a fault.
_NAMES = (
    "Alder", "Ash", "Aspen", "Beech", "Birch", "Cedar", "Cherry", "Elm", "Fir", "Hawthorn", "Hazel", "Holly",
    "Hornbeam", "Juniper", "Larch", "Linden", "Maple", "Oak", "Pine", "Poplar", "Rowan", "Spruce", "Willow", "Yew",
)  # fmt: skip
_NAMED = MAPPING.replace("    organization_id: clinic\n", "    organization_id: clinic\n    name: clinic_name\n", 1)


@dataclass(frozen=True)
class Demo:
    """A demonstration that is ready.

    Attributes:
        path: Its workspace.
        users: Who can sign in, and how.
    """

    path: Path
    users: tuple[DemoUser, ...]


def make_demo(path: Path, register: str | None = None, *, listener: Listener | None = None) -> Demo:
    """Make the demonstration, or bring one that is there up to today.

    Args:
        path: Its folder.
        register: Address of its register; null is a file in the folder.
        listener: Hears of stages.

    Raises:
        ServiceError: If the folder holds another workspace.
    """
    today = dt.date.today()
    if not (path / FILE_NAME).is_file():
        _make_workspace(path, today, listener)
    workspace = Workspace.open(path, listener=listener)
    if workspace.settings.id != MARK:
        raise ServiceError(
            f"{path} is a workspace of your own; a demonstration is not mixed into it.",
            hint="name another folder: benchwell serve --demo -w benchwell-demo",
        )
    service = open_service(path, register, is_demo=True)
    try:
        bring_from_lake(service)
        users = furnish(service, today)
    finally:
        service.close()
    return Demo(path, users)


def demo_world(today: dt.date) -> World:
    """The network: 24 clinics that truly differ, some of which see many more people of deprived areas.

    Some also see people who are more severely ill, and those get better by less of their way: so each view of
    adjustment has something to take into account. Were that not so, the models of some measures would explain nothing
    and be refused by their check on clinics that they had not seen.
    """
    return World(
        clinics=24,
        episodes=3_200,
        clinicians=3,
        size_spread=0.45,
        clinic_sd=1.2,
        casemix=CaseMix(
            baseline_sorting=0.15,
            baseline_effect=0.2,
            deprivation_sorting=0.4,
            deprivation_effect=1.0,
            sessions_effect=0.5,
        ),
        equity=Equity(share=0.25, gap=1.0),
        follow_up=FollowUp("mar", 0.18),
        courses=Courses(first_start=today - dt.timedelta(_DAYS), start_days=_DAYS - 7, interim=6),
        seed=6,
    )


def demo_scores(today: dt.date) -> pa.Table:
    """The network's questionnaires up to today; whoever is still in treatment has no end."""
    world = demo_world(today)
    clinics = draw_clinics(world)
    table = pa.concat_tables([assessment_table(world, people, n) for n, people in enumerate(blocks(world, clinics))])
    table = table.filter(pc.less_equal(table["date"], pa.scalar(today)))
    ends = pc.if_else(pc.less(table["end_date"], pa.scalar(today)), table["end_date"], pa.scalar(None, pa.date32()))
    table = table.set_column(table.schema.get_field_index("end_date"), "end_date", ends)
    ids = [
        pc.binary_join_element_wise("synthetic-", table[name], "") for name in ("patient_id", "episode_id", "clinician")
    ]
    for name, column in zip(("patient_id", "episode_id", "clinician"), ids, strict=True):
        table = table.set_column(table.schema.get_field_index(name), name, column)
    return table.append_column("clinic_name", pa.array(map(_called, table["clinic"].to_pylist())))


def _called(clinic: str) -> str:
    """A clinic's name.

    >>> _called("clinic-01")
    'Alder Clinic (synthetic)'
    """
    return f"{_NAMES[(int(clinic.rpartition('-')[2]) - 1) % len(_NAMES)]} Clinic (synthetic)"


def _make_workspace(path: Path, today: dt.date, listener: Listener | None) -> None:
    workspace = Workspace.create(path, name="Demonstration (synthetic)", listener=listener)
    # The five stand in the settings, so that whoever builds again, by hand or later, sees the same measures.
    own = {"id": MARK, "expected_course": True, "pulse": True, "benchmarks": _BENCHMARKS}
    settings = workspace.settings.model_dump() | own
    known = {name: value for name, value in settings.items() if name in Settings.model_fields}
    Settings.model_validate(known).save(path / FILE_NAME)
    workspace = Workspace.open(path, listener=listener)
    with TemporaryDirectory() as folder:
        scores, mapping = Path(folder) / "synthetic_scores.csv", Path(folder) / "mapping.yaml"
        pyarrow.csv.write_csv(demo_scores(today), scores)
        mapping.write_text(_NAMED, encoding="utf-8")
        workspace.intake(scores, mapping, as_of=today)
    workspace.build(as_of=today)
