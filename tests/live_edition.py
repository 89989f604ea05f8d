"""An edition in the workspace of a `live_house`: the bundled sample, whose clinics nobody runs."""

from __future__ import annotations

import shutil
from typing import Any

from sqlalchemy import update

from benchwell.pipeline.live.sample import ANYWHERE, sample_edition
from benchwell.register import schema as s
from live_house import House

RESPONSE = "phq9-response-12w"
ANOTHER = "synthetic-clinic-25"


def with_edition(house: House, *, organization: str = ANYWHERE) -> str:
    """Put the sample edition into the house's workspace, and its lead and manager into one of its clinics."""
    edition = sample_edition()
    target = house.service.workspace.path / "editions" / edition.id
    shutil.copytree(edition.path, target)
    move(house, organization)
    return edition.id


def move(house: House, organization: str) -> None:
    """Let lead and manager belong to an organization."""

    def put(connection: Any) -> None:
        for role in ("lead", "manager"):
            connection.execute(update(s.grants).where(s.grants.c.role == role).values(organization_id=organization))

    house.service.register.write(put)
