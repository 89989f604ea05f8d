"""Every role begins somewhere, and strangers are asked to sign in."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchwell.register import Role
from benchwell.web.pages.home import BEGINNINGS
from live_house import live_house


@pytest.mark.parametrize("role", sorted(BEGINNINGS))
def test_a_role_begins_at_its_own_page(tmp_path: Path, role: Role) -> None:
    with live_house(tmp_path) as house:
        answer = house.browser(role).get("/")
        assert (answer.status_code, answer.headers["location"]) == (303, BEGINNINGS[role])


def test_the_service_says_that_it_is_alive_with_its_headers(tmp_path: Path) -> None:
    with live_house(tmp_path) as house:
        answer = house.browser(Role.PUBLIC).get("/alive")
        assert answer.text == "alive\n"
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["cache-control"] == "no-store"


def test_a_service_whose_register_is_away_is_not_alive(tmp_path: Path) -> None:
    with live_house(tmp_path) as house:
        browser = house.browser(Role.PUBLIC)
        house.service.register.engine.dispose()
        for path in tmp_path.glob("register.db*"):
            path.write_bytes(b"no database" * 100)
        answer = browser.get("/alive")
        assert answer.status_code == 503
        assert "does not answer" in answer.text
