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
