"""Random requests in every role, for own and foreign records: whoever is out of scope sees no value of anybody.

Every person's record holds marks that stand nowhere else (`canary-…`, and scores with odd decimals), and so do the
notes of each organization; so do secrets (hashes of passwords, keys and links), which nobody ever sees. A leak is

- an answer with a mark for a role which does not reach it, packed or not, or one with a mark that a browser may keep;
- an answer about somebody out of scope that differs from one about nobody: it says that there is such a person;
- a way to another site;
- a row about somebody out of scope that was added, changed or taken away, and a note of another organization.

What it cannot see: text inside PDFs (they hold shapes of letters), what a stream sends after it has begun
(`test_web_stream`), how long an answer takes, and what figures of small groups let one infer. Run it for a long go:

    python tests/authorization_fuzz.py 10000
"""

from __future__ import annotations

import datetime as dt
import io
import json
import random
import sys
import tempfile
import time
import zipfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from sqlalchemy import insert, select, update

sys.path.insert(0, str(Path(__file__).parent))  # where it is run as a program

from benchwell.register import Role
from benchwell.register import schema as s
from benchwell.web.access import Reach
from benchwell.web.limits import Limits
from benchwell.web.navigation import routes_of
from every_role import ROLES, Asker, address, method_for
from live_house import NORTH, SOUTH, House, live_house

PEOPLE = ("synthetic-p1", "synthetic-p2", "synthetic-p3", "synthetic-p4")
SEEN = {  # whose values a role may see: people one by one, and the notes of organizations
    Role.PATIENT: {"p1"},
    Role.CLINICIAN: {"p1", "p2"},
    Role.CLIENT: {"p1", "p2"},
    Role.LEAD: {NORTH},
    Role.MANAGER: {NORTH},
    Role.ANALYST: {NORTH, SOUTH},
}
_WRITTEN = (
    s.assessments, s.marks, s.contacts, s.courses, s.consents, s.choices, s.deletion_requests, s.safety_prompts,
)  # fmt: skip
_NOBODY = "synthetic-p8"  # as long as the others, and nobody
_SECRET = "canary-secret-"
_NAMES = (
    "person", "person_id", "patient", "subject", "course", "course_id", "topic", "user", "user_id", "organization",
    "organization_id", "practitioner", "team", "contract", "measure", "id", "number", "q", "before", "back",
)  # fmt: skip
_ODD = (
    "..", "../..", ".", "*", "null", "0", "-1", "{person_id}", "' or 1=1 --", "%", "%2e%2e%2f", "a" * 3000, "\u202e",
    "\u00e9\U0001f600", "<script>", "\r\nx: y", "\\", "//elsewhere.example", "synthetic-p", "true", " ", "\ud7ff",
)  # fmt: skip
# What ends others' sessions or roles would only make the later tries those of strangers.
_ENDS = ("/admin/users/{user_id}/disable", "/admin/users/{user_id}/grants/remove", "/account/password")


@dataclass
class Report:
    """What came of it.

    Attributes:
        tries: How many by status.
        seen: Answers with marks that the role may see, by role: it must be some, or the tries saw nothing at all.
        leaks: Role, route and whose mark, for each answer with one that the role may not see.
        errors: Role, route and status of each answer that says the service broke.
        foreign_rows: Rows about people whom nobody here reaches that were added, changed or taken away, by table.
    """

    tries: Counter[int] = field(default_factory=Counter)
    seen: Counter[str] = field(default_factory=Counter)
    leaks: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    foreign_rows: dict[str, int] = field(default_factory=dict)

    @property
    def is_clean(self) -> bool:
        return not self.leaks and not self.errors and not any(self.foreign_rows.values())


def fuzz(house: House, tries: int, seed: int) -> Report:
    """Ask at random.

    Args:
        house: A fresh house.
        tries: How many requests.
        seed: The same seed gives the same requests.
    """
    house.app.state.limits = Limits(clock=_ever_later())  # how often one may ask is another test's
    canaries = plant(house)
    pick = random.Random(seed)
    ids = _pool(house)
    routes = [route for route in sorted(routes_of(house.app), key=str) if route[1] not in _ENDS]
    askers = {role: Asker(house, role) for role in ROLES}
    before, report = foreign_rows(house), Report()
    for _ in range(tries):
        role = pick.choice(ROLES)
        # Half of the tries are of routes that the role has: there is more to see behind these.
        method, path, access = pick.choice(_likely(routes, role) if pick.random() < 0.5 else routes)
        elsewhere = _notes_of_south(house) if method != "GET" else ()
        answer = _ask(pick, askers[role], method, path, ids)
        _judge(report, canaries, role, f"{method} {path}", answer)
        if elsewhere and role is not Role.ANALYST and _notes_of_south(house) != elsewhere:
            report.leaks.append(f"{role.value} {method} {path} changed notes of another organization")
        if method == "GET" and access.reach is Reach.PERSON and pick.random() < 0.5:
            _compare_with_nobody(report, askers[role], role, path)
        if path.startswith("/sign-out") or answer.headers.get("location") == "/sign-in":
            askers[role].sign_in()
    report.foreign_rows = {name: len(rows ^ before[name]) for name, rows in foreign_rows(house).items()}
    return report


def plant(house: House) -> dict[str, list[bytes]]:
    """Put marks into every record that stand nowhere else; returned by whose they are."""
    made: dict[str, list[bytes]] = {}

    def put(connection: Any) -> None:
        connection.execute(insert(s.people).values(id=PEOPLE[3], label="P. 4", origin="live"))
        fourth = {"id": "course-4", "person_id": PEOPLE[3], "organization_id": SOUTH, "practitioner_id": "c2"}
        connection.execute(insert(s.courses).values(start_date=dt.date(2026, 6, 1), origin="live", **fourth))
        for number, person in enumerate(PEOPLE, start=1):
            made[f"p{number}"] = [f"canary-p{number}-".encode(), f".{4173 + number}09".encode()]
            _record(connection, person, number)
        for place in (NORTH, SOUTH):
            made[place] = [f"canary-{place}-".encode()]
            _notes(connection, place)
        made["secret"] = [_SECRET.encode()]
        _secrets(connection)

    house.service.register.write(put)
    return made


def _record(connection: Any, person: str, number: int) -> None:
    own = {"person_id": person, "course_id": f"course-{number}"}
    canary, day = f"canary-p{number}-", dt.date(2026, 7, number)
    connection.execute(update(s.people).where(s.people.c.id == person).values(label=f"{canary}label"))
    connection.execute(
        insert(s.marks).values(id=f"m{number}", date=day, kind="life_event", note=f"{canary}note", origin="live", **own)
    )
    contact = {"id": f"contact-{number}", "practitioner_id": "c1" if number < 3 else "c2", "kind": f"{canary}kind"}
    connection.execute(insert(s.contacts).values(date=day, origin="live", **contact, **own))
    for month in (7, 8, 9):
        about = {"instrument": "phq-9", "source": "clinician", "received_at": 0.0, "date": dt.date(2026, month, number)}
        total = 10 + number + float(f"0.{4173 + number}09")
        connection.execute(insert(s.assessments).values(id=f"a{number}-{month}", total=total, **about, **own))
        score = {"assessment_id": f"a{number}-{month}", "scale": "total", "value": total, "status": "total_only"}
        connection.execute(insert(s.scores).values(band=f"{canary}band", **score))


def _notes(connection: Any, place: str) -> None:
    canary = f"canary-{place}-"
    about = {"organization_id": place, "measure": "phq-9-response", "created_at": 0.0}
    words = {"aim": f"{canary}aim", "change": f"{canary}change", "started": dt.date(2026, 7, 1), "state": "running"}
    connection.execute(insert(s.experiments).values(id=f"experiment-{place}", **about, **words))
    note = {"id": f"note-{place}", "experiment_id": f"experiment-{place}", "written_at": 0.0, "text": f"{canary}note"}
    connection.execute(insert(s.experiment_notes).values(**note))


def _secrets(connection: Any) -> None:
    """What only comparisons ever see: an account, a program, a link and a session of others."""
    secret = {"password": f"{_SECRET}password", "totp": f"{_SECRET}totp"}
    connection.execute(insert(s.users).values(id="other", login="other", name="Other", created_at=0.0, **secret))
    about = {"name": "Other", "scopes": ["scores.read"], "created_at": 0.0}
    connection.execute(insert(s.clients).values(id="other-program", secret=f"{_SECRET}key", **about))
    link = {"token": f"{_SECRET}link", "kind": "form", "person_id": PEOPLE[2], "uses_left": 1, "instruments": ["phq-9"]}
    connection.execute(insert(s.links).values(created_at=0.0, expires_at=1e12, **link))
    session = {"token": f"{_SECRET}session", "csrf": f"{_SECRET}csrf", "user_id": "other"}
    connection.execute(insert(s.sessions).values(created_at=0.0, seen_at=1e12, expires_at=1e12, **session))
    prompt = {"assessment_id": "a3-7", "person_id": PEOPLE[2], "course_id": "course-3", "item": 9, "state": "raised"}
    connection.execute(insert(s.safety_prompts).values(id="prompt-3", raised_at=0.0, **prompt))


def _pool(house: House) -> list[str]:
    """Ids of everything there is, and what is no id at all."""
    ids = [*PEOPLE, NORTH, SOUTH, "c1", "c2", "t1", "contract-1", "phq-9", "course:course-3", "person:synthetic-p3"]
    ids += [f"person:{person}" for person in PEOPLE] + ["practitioner:c2", "synthetic-p1,synthetic-p3", "SYNTHETIC-P3"]
    with house.service.register.read() as connection:
        for table in (s.courses, s.assessments, s.marks, s.contacts, s.experiments, s.users, s.grants):
            ids += connection.execute(select(table.c.id)).scalars()
        ids += connection.execute(select(s.sessions.c.token)).scalars()  # hashes: they open nothing
    return [*(one for one in ids if not one.startswith(_SECRET)), *_ODD]  # what is asked for may stand in an answer


def _ask(pick: random.Random, asker: Asker, method: str, path: str, ids: list[str]) -> Any:
    def piece(name: str) -> str:
        value = pick.choice(PEOPLE) if name == "person_id" and pick.random() < 0.7 else pick.choice(ids)
        # Encoded as browsers do, encoded whole, or left as it is.
        return pick.choice((quote(value), quote(value, safe=""), quote(value, safe="/%"), quote(quote(value))))

    asked = address(path, piece)
    if pick.random() < 0.5:
        asked += "?" + urlencode({pick.choice(_NAMES): pick.choice(ids)[:500] for _ in range(pick.randint(1, 3))})
    sent = {pick.choice(_NAMES): pick.choice(ids)[:500] for _ in range(pick.randint(0, 4))}
    if method == "POST" and path.startswith(("/api", "/fhir")) and pick.random() < 0.8:
        kind = {"content-type": "application/fhir+json" if path.startswith("/fhir") else "application/json"}
        return asker.client.post(
            asked, content=json.dumps(_posted(pick, path)), headers=kind | {"x-csrf-token": asker.csrf}
        )
    return asker.ask(method_for(method, path), asked, sent)


def _posted(pick: random.Random, path: str) -> dict[str, Any]:
    """A score that a program might send, about whomever."""
    person = pick.choice(PEOPLE)
    if not path.startswith("/fhir"):
        return {
            "person": person,
            "course": pick.choice([None, f"course-{pick.randint(1, 4)}"]),
            "instrument": "phq-9",
            "date": "2026-10-01",
            "id": pick.choice([None, f"a{pick.randint(1, 4)}-{pick.randint(7, 9)}", f"new-{pick.randint(1, 99)}"]),
            "total": 9,
        }
    one = {
        "resourceType": "Observation",
        "id": pick.choice([f"o{pick.randint(1, 99)}", f"a{pick.randint(1, 4)}-{pick.randint(7, 9)}"]),
        "status": pick.choice(["final", "final", "corrected", "entered-in-error"]),
        "subject": {"reference": f"Patient/{person}"},
        "code": {"coding": [{"system": "http://loinc.org", "code": "44261-6"}]},
        "effectiveDateTime": "2026-10-01",
        "valueQuantity": {"value": 9},
    }
    bundle = {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [{"resource": one, "request": {"method": "POST", "url": "Observation"}}],
    }
    return bundle if path in ("/fhir", "/fhir/Bundle") else one


def _judge(report: Report, canaries: dict[str, list[bytes]], role: Role, route: str, answer: Any) -> None:
    report.tries[answer.status_code] += 1
    if answer.status_code >= 500:
        report.errors.append(f"{role.value} {route} {answer.status_code}")
    told = _unpacked(answer.content) + str(dict(answer.headers)).encode()
    where = answer.headers.get("location", "/")
    if not where.startswith(("/", "http://testserver/")) or where.startswith(("//", "/\\")):
        report.leaks.append(f"{role.value} {route} leads elsewhere")
    if b"canary-" in told and "no-store" not in answer.headers.get("cache-control", ""):
        report.leaks.append(f"{role.value} {route} may be kept by browsers")
    for whose, marks in canaries.items():
        if not any(mark in told for mark in marks):
            continue
        if whose in SEEN.get(role, set()):
            report.seen[role.value] += 1
        else:
            report.leaks.append(f"{role.value} {route} {whose}")


def _compare_with_nobody(report: Report, asker: Asker, role: Role, path: str) -> None:
    """Whoever is out of scope must look like nobody: by status, by every word, and by where it leads."""
    other = PEOPLE[2]
    found = [asker.ask("GET", address(path, lambda name, one=one: _fixed(name, one))) for one in (other, _NOBODY)]
    said = [
        (answer.status_code, answer.text.replace(one, ""), answer.headers.get("location", "").replace(one, ""))
        for answer, one in zip(found, (other, _NOBODY), strict=True)
    ]
    if said[0] != said[1]:
        report.leaks.append(f"{role.value} GET {path} tells somebody from nobody")


def _fixed(name: str, person: str) -> str:
    return {"person_id": person, "instrument": "phq-9", "course_id": "course-3"}.get(name, "x")


def _unpacked(content: bytes) -> bytes:
    if not content.startswith(b"PK"):
        return content
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        return b"".join(packed.read(name) for name in packed.namelist())


def _likely(routes: list[Any], role: Role) -> list[Any]:
    return [route for route in routes if role in route[2].roles and route[2].reach is not Reach.ANYONE] or routes


def foreign_rows(house: House) -> dict[str, frozenset[str]]:
    """Rows about people whom nobody who asks here reaches, as they stand."""
    with house.service.register.read() as connection:
        found = {
            table.name: connection.execute(select(table).where(table.c.person_id.in_(PEOPLE[2:]))).all()
            for table in _WRITTEN
        }
        found["people"] = connection.execute(select(s.people).where(s.people.c.id.in_(PEOPLE[2:]))).all()
        scored = select(s.scores).join(s.assessments, s.assessments.c.id == s.scores.c.assessment_id)
        found["scores"] = connection.execute(scored.where(s.assessments.c.person_id.in_(PEOPLE[2:]))).all()
    return {name: frozenset(map(repr, rows)) for name, rows in found.items()}


def _notes_of_south(house: House) -> tuple[str, ...]:
    """What a team elsewhere has written."""
    with house.service.register.read() as connection:
        mine = select(s.experiments).where(s.experiments.c.organization_id == SOUTH)
        ids = select(s.experiments.c.id).where(s.experiments.c.organization_id == SOUTH)
        notes = select(s.experiment_notes).where(s.experiment_notes.c.experiment_id.in_(ids))
        held = select(s.circles).where(s.circles.c.organization_id == SOUTH)
        return tuple(sorted(repr(row) for asked in (mine, notes, held) for row in connection.execute(asked)))


def _ever_later() -> Any:
    moments: Iterator[float] = iter(range(0, 10**12, 1000))
    return lambda: float(next(moments))


if __name__ == "__main__":
    count, seeded = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000, int(sys.argv[2]) if len(sys.argv) > 2 else 5
    begun = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder, live_house(Path(folder)) as furnished:
        done = fuzz(furnished, count, seeded)
    sys.stdout.write(
        f"{count} tries in {time.perf_counter() - begun:.0f} s, seed {seeded}: {dict(sorted(done.tries.items()))}\n"
    )
    sys.stdout.write(f"answers with values that the role may see {dict(done.seen)}\n")
    sys.stdout.write(
        f"leaks {sorted(set(done.leaks))}\nerrors {sorted(set(done.errors))}\nforeign rows {done.foreign_rows}\n"
    )
    sys.exit(0 if done.is_clean else 1)
