"""The register goes away while people work: pages say so in a sentence, nothing is acknowledged, and it recovers."""

from __future__ import annotations

import logging
import re
import resource
import shlex
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from starlette.testclient import TestClient

from benchwell.register import Role
from benchwell.register import schema as s
from benchwell.register.clients import add_client
from live_house import NORTH, OWN, House, live_house
from postgres import Cluster, programs

FORM = {"person": OWN, "instrument": "phq-9", "date": "2026-06-20", "id": "a1", "items": [1] * 9}


def asked(house: House) -> dict[str, Callable[[], Any]]:
    """One request of each kind, by name; each is good while the register is there."""
    clinician, patient, public = (house.browser(role) for role in (Role.CLINICIAN, Role.PATIENT, Role.PUBLIC))
    scopes = ("scores.write", "scores.read")
    _, key = house.service.register.write(lambda connection: add_client(connection, 1.0, "EHR", scopes, NORTH))
    program = TestClient(house.app, headers={"authorization": f"Bearer {key}"})
    total = {"resourceType": "Observation", "id": "o1", "status": "final", "subject": {"reference": f"Patient/{OWN}"}}
    total |= {"code": {"coding": [{"system": "http://loinc.org", "code": "44261-6"}]}, "valueInteger": 7}
    typed = {f"item-{item}": "1" for item in range(1, 10)} | {"date": "2026-06-20", "csrf": clinician.csrf}  # type: ignore[attr-defined]
    public.get("/sign-in")
    mark = {"csrf": public.cookies["benchwell_form"], "login": "clinician", "password": "not the password"}
    return {
        "caseload": lambda: clinician.get("/today"),
        "person": lambda: clinician.get(f"/people/{OWN}"),
        "entry": lambda: clinician.post(f"/people/{OWN}/enter/phq-9", data=typed),
        "own course": lambda: patient.get("/my"),
        "stream": lambda: clinician.head("/stream", params={"topic": f"person:{OWN}"}),
        "sign-in": lambda: public.post("/sign-in", data=mark),
        "plain": lambda: program.post("/api/v1/scores", json=FORM),
        "fhir": lambda: program.post("/fhir/Observation", json=total | {"effectiveDateTime": "2026-06-20"}),
        "course": lambda: program.get(f"/api/v1/people/{OWN}/course"),
    }


def words(answer: Any) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.text))


def rows(house: House) -> int:
    with house.service.register.read() as connection:
        return len(connection.execute(select(s.assessments)).all())


def check_away(requests: dict[str, Callable[[], Any]], *, only: tuple[str, ...] = ()) -> None:
    for name in only or requests:
        answer = requests[name]()
        assert answer.status_code == 503, f"{name}: {answer.status_code} {words(answer)[:200]}"
        assert int(answer.headers["retry-after"]) > 0, name
        if name != "stream":  # a HEAD: no words
            assert "cannot be reached just now" in words(answer), name
            assert "Try again in a moment" in words(answer), name
            assert OWN not in words(answer), name


@contextmanager
def stopped(cluster: Cluster) -> Iterator[None]:
    """A server that was killed, and is started again."""
    folder, socket = programs(), Path(cluster.socket)
    assert folder is not None
    owner = socket.stat()
    account = {"user": owner.st_uid, "group": owner.st_gid, "extra_groups": []} if owner.st_uid else {}
    silent: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": socket, **account}
    server = [folder / "pg_ctl", "-D", socket / "data", "-l", socket / "log", "-w"]
    begun = shlex.split((socket / "data" / "postmaster.opts").read_text())[1:]
    place = begun.index("-D")
    options = shlex.join(begun[:place] + begun[place + 2 :])  # pg_ctl names the folder itself
    subprocess.run([*server, "-m", "immediate", "stop"], check=True, **silent)
    try:
        yield
    finally:
        subprocess.run([*server, "-o", options, "start"], check=True, **silent)


def test_postgresql_goes_away_and_comes_back(
    postgres_cluster: Cluster, postgres_url: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with live_house(tmp_path, url=postgres_url) as house:
        requests = asked(house)
        with caplog.at_level(logging.DEBUG), stopped(postgres_cluster):
            check_away(requests)
            check_away(requests)
            german = house.browser(Role.CLINICIAN).get("/today", headers={"accept-language": "de"})
            assert "Versuchen Sie es gleich noch einmal" in words(german)
            assert german.headers["cache-control"] == "no-store"
        assert "failed, number" not in caplog.text, "no page broke"
        assert rows(house) == 0, "nothing was kept that was not acknowledged"
        found = {name: requests[name]().status_code for name in requests}
        assert found == {
            "caseload": 200, "person": 200, "entry": 303, "own course": 200, "stream": 200, "sign-in": 401,
            "plain": 201, "fhir": 201, "course": 200,
        }  # fmt: skip


def test_a_full_disk_acknowledges_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with live_house(tmp_path) as house:
        requests = asked(house)
        with _full(tmp_path), caplog.at_level(logging.DEBUG):
            for _ in range(3):
                check_away(requests, only=("plain", "fhir", "entry"))
            assert "This was not kept." in words(requests["plain"]())
        assert "failed, number" not in caplog.text
        assert rows(house) == 0
        assert requests["plain"]().status_code == 201
        assert requests["caseload"]().status_code == 200


@contextmanager
def _full(folder: Path) -> Iterator[None]:
    """No file of this process may grow beyond what the register's log has: the system refuses to write more."""
    log = folder / "register.db-wal"
    known = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (log.stat().st_size, known[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, known)
