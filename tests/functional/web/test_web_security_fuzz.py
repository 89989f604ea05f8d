"""Random requests in every role: nobody sees, or writes to, a record out of scope."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import true

from authorization_fuzz import fuzz
from live_house import live_house


@pytest.mark.parametrize("seed", [11, 12])
def test_nobody_reads_or_writes_out_of_scope(tmp_path: Path, seed: int) -> None:
    with live_house(tmp_path) as house:
        report = fuzz(house, 1000, seed)
    assert report.leaks == []
    assert report.errors == []
    assert set(report.foreign_rows.values()) == {0}
    assert {"patient", "clinician", "client"} <= set(report.seen)


def test_the_tries_find_a_scope_that_is_broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchwell.register.scope.own_people", lambda viewer: true())
    with live_house(tmp_path) as house:
        report = fuzz(house, 600, 13)
    assert any(leak.startswith("clinician GET /people/{person_id}") for leak in report.leaks)
