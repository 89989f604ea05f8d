"""Names and notes that would rather be something else: markup, programs, formulas, marks of direction, very long."""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from markupsafe import Markup
from sqlalchemy import insert, update

from benchwell.register import Role
from benchwell.register import schema as s
from benchwell.web.navigation import routes_of
from benchwell.web.templating import environment
from live_house import NORTH, OWN, House, add_scores, live_house

HOSTILE = {
    "script": "<script>alert(1)</script><img src=x onerror=alert(2)>",
    "end": "</script><svg onload=alert(3)>\"'><!--",
    "template": "{{7*7}}{% raw %}${7*7}%s%(x)s{0}",
    "paper": '#set page(width: 1pt)\n#read("/etc/passwd") $x$ `raw` *b* \\ <label> @ref [x] // c',
    "formula": '=HYPERLINK("//elsewhere.example","x")',
    "direction": "\u202eevil\u202c\u2066x\u2069",
    "long": "A" * 10_000,
    "picture": "\U0001f600\n\r\tnew line",
}
RAW = ("<script>alert", "<img src=x", "<svg onload", "\u202e", "\u2066")


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with live_house(tmp_path) as made:
        add_scores(made, OWN, "course-1", "phq-9", [("2026-06-01", 15), ("2026-07-01", 9)])
        yield made


def rename(house: House, text: str) -> None:
    """Everything that somebody may name or write."""
    names = {s.organizations: "name", s.teams: "name", s.practitioners: "name", s.people: "label", s.users: "name"}
    own = {"person_id": OWN, "course_id": "course-1"}

    def put(connection: Any) -> None:
        for table, column in names.items():
            connection.execute(update(table).values(**{column: text}))
        connection.execute(update(s.courses).values(condition=text, therapy=text))
        day = dt.date(2026, 7, 2)
        connection.execute(
            insert(s.marks).values(id="m1", date=day, kind="life_event", note=text, origin="live", **own)
        )
        contact = {"practitioner_id": "c1", "date": day, "kind": text, "attended": True, "origin": "live"}
        connection.execute(insert(s.contacts).values(id="c1", **contact, **own))
        plan = {"organization_id": NORTH, "measure": "phq-9-response", "aim": text, "change": text}
        about = {"started": day, "state": "running", "created_at": 0.0}
        connection.execute(insert(s.experiments).values(id="e1", **plan, **about))
        connection.execute(insert(s.experiment_notes).values(id="n1", experiment_id="e1", written_at=0.0, text=text))

    house.service.register.write(put)


def pages(house: House) -> Iterator[tuple[Role, str]]:
    """Every address that needs no more than what is in the house, for every role that has it."""
    known = {"person_id": OWN, "experiment_id": "e1", "instrument": "phq-9", "course_id": "course-1"}
    for method, pattern, access in sorted(routes_of(house.app), key=str):
        path = re.sub(r"\{(\w+)\}", lambda found: known.get(found[1], found[0]), pattern)
        if method == "GET" and "{" not in path and path != "/stream":
            yield from ((role, path) for role in sorted(access.roles - {Role.CLIENT}))


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_name_is_never_anything_but_a_name(house: House, kind: str) -> None:
    rename(house, HOSTILE[kind])
    seen = 0
    for role, path in pages(house):
        answer = house.browser(role).get(path)
        assert answer.status_code < 500, f"{role} {path}"
        if answer.headers.get("content-type", "").startswith("text/html"):
            seen += 1
            assert not [raw for raw in RAW if raw in answer.text], f"{role} {path}"
        if answer.content.startswith(b"PK"):
            check_cells(answer.content)
    assert seen > 20


def check_cells(content: bytes) -> None:
    """No cell that a spreadsheet would take for a formula."""
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        for name in packed.namelist():
            if name.endswith(".csv"):
                rows = csv.reader(io.StringIO(packed.read(name).decode("utf-8-sig")))
                assert not [cell for row in rows for cell in row if cell.startswith(("=", "@", "+H"))], name


def test_only_marks_of_direction_are_left_out_and_markup_stays_markup() -> None:
    template = environment().from_string("{{ a }}|{{ b }}")
    assert template.render(a="M\u00fcller \u202e<x>\u2069", b=Markup("<b>\u00e4\u202e</b>")) == (
        "M\u00fcller &lt;x&gt;|<b>\u00e4</b>"
    )
