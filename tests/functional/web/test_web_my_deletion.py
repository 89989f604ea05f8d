"""A person asks to be deleted, sees where that stands, and may take it back until it is answered."""

from __future__ import annotations

import html
import re

import pytest
from sqlalchemy import select

from benchwell.errors import RegisterError
from benchwell.pipeline.live.erasing import carry_out
from benchwell.register import Role
from benchwell.register import schema as s
from benchwell.register.my_data import withdraw_deletion
from live_house import OWN, live_house


@pytest.fixture
def house(tmp_path):
    with live_house(tmp_path) as made:
        yield made


def words(page: str) -> str:
    """What a person reads, with spaces as one."""
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", page)))


def test_asking_for_deletion_is_kept_once_and_answered_by_a_receipt(house):
    browser = house.browser(Role.PATIENT)
    found = {browser.post("/my/deletion", data={"csrf": browser.csrf}).headers["location"] for _ in range(3)}
    assert len(found) == 1
    address = found.pop()
    said = words(browser.get(address).text)
    assert "asked for; the clinic has not answered yet" in said
    assert "Nobody can be found in those." in said
    assert browser.get(f"{address}/paper").content.startswith(b"%PDF-1.7")
    with house.service.register.read() as connection:
        assert connection.execute(select(s.deletion_requests.c.person_id)).scalars().all() == [OWN]


def test_a_request_to_delete_is_taken_back_until_it_is_answered(house):
    browser = house.browser(Role.PATIENT)
    receipt = browser.post("/my/deletion", data={"csrf": browser.csrf}).headers["location"]
    page = browser.get("/my/data").text
    assert "the clinic has not answered yet" in words(page)
    assert 'action="/my/deletion"' not in page  # asked once, there is nothing to ask again
    answer = browser.post(f"{receipt}/withdraw", data={"csrf": browser.csrf})
    assert answer.headers["location"] == receipt
    answered = words(browser.get(receipt).text)
    assert "not done, since you no longer ask for it" in answered
    assert "Your data stay here as they are." in answered
    assert "What is deleted" not in answered
    assert "Nobody waits for an answer." in words(house.browser(Role.ADMIN).get("/admin/deletions").text)
    number = receipt.rsplit("/", 1)[-1]
    with pytest.raises(RegisterError, match="refused before"):
        carry_out(house.service, number, 1.0, decided_by="admin")
    assert 'action="/my/deletion"' in browser.get("/my/data").text
    assert browser.post("/my/deletions/none/withdraw", data={"csrf": browser.csrf}).status_code == 404


def test_what_was_carried_out_cannot_be_taken_back(house):
    browser = house.browser(Role.PATIENT)
    number = browser.post("/my/deletion", data={"csrf": browser.csrf}).headers["location"].rsplit("/", 1)[-1]
    carry_out(house.service, number, 1.0, decided_by="admin")
    assert not house.service.register.write(lambda connection: withdraw_deletion(connection, 2.0, OWN, number))
    with house.service.register.read() as connection:
        assert connection.execute(select(s.deletion_requests.c.state)).scalars().all() == ["done"]
