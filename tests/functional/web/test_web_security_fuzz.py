"""Random requests in every role: nobody sees, or writes to, a record out of scope."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import true, update

from authorization_fuzz import foreign_rows, fuzz, plant
from benchwell.register import schema as s
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
    assert any(leak.endswith("tells somebody from nobody") for leak in report.leaks)


def test_the_tries_see_what_is_changed_in_place(tmp_path: Path) -> None:
    with live_house(tmp_path) as house:
        plant(house)
        before = foreign_rows(house)
        house.service.register.write(
            lambda connection: connection.execute(update(s.marks).values(note="other")) and None
        )
        after = foreign_rows(house)
    assert [name for name in after if after[name] != before[name]] == ["marks"]
    assert len(after["marks"] ^ before["marks"]) == 4, "two notes, each as it was and as it is"
