"""A clinic where everybody can sign in by hand, and what a person does at a page: for tests of a role's way.

furnished(folder)    the clinic, served, with an edition, the scores of one person, and one password for everybody
sign_in(desk, role)  a window in which somebody has typed name and password
see(page, words)     wait until these words can be read
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import insert

from benchwell.pipeline.live.sample import ANYWHERE
from benchwell.register import Role
from benchwell.register import schema as s
from benchwell.register.accounts import set_password
from benchwell.register.passwords import hash_password
from browser import Desk, served
from live_edition import with_edition
from live_house import OWN, House, add_scores, live_house

PASSWORD = "four words without a link"  # of people who do not exist
SCORES = [("2026-06-01", 18.0), ("2026-07-01", 15.0), ("2026-08-01", 14.0), ("2026-09-01", 12.0)]
_SOON = 20_000  # milliseconds: a page that takes longer is broken, also on a busy machine


@contextmanager
def furnished(folder: Path) -> Iterator[tuple[House, str]]:
    """The clinic and its address.

    Args:
        folder: An empty folder.
    """
    with live_house(folder) as house:
        house.service.register.write(_known)
        with_edition(house)
        add_scores(house, OWN, "course-1", "phq-9", SCORES)
        hashed = hash_password(PASSWORD)
        for role in Role:
            if role not in (Role.PUBLIC, Role.CLIENT):
                house.service.register.write(lambda connection, who=role.value: set_password(connection, who, hashed))
        with served(house.app) as address:
            yield house, address


def _known(connection: Any) -> None:
    # What the lake would have told: whoever keeps minutes or an experiment belongs to a clinic that the register knows.
    connection.execute(insert(s.organizations).values(id=ANYWHERE, name="Anywhere Clinic (synthetic)", origin="lake"))


def sign_in(desk: Desk, role: Role, *, name: str = "", password: str = PASSWORD, size: str = "desk") -> Any:
    """Type name and password, and stand where this role begins.

    Args:
        desk: The clinic.
        role: Whose way it is; only names whoever signs in.
        name: Another sign-in name.
        password: What is typed.
        size: desk | phone.
    """
    page = window(desk, size=size)
    page.goto("/sign-in")
    page.get_by_label("Sign-in name").fill(name or role.value)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("button", name="Sign out").wait_for()
    return page


def window(desk: Desk, *, size: str = "desk", language: str = "en") -> Any:
    """A window of somebody who is not signed in."""
    page = desk.window(Role.PUBLIC, size=size, language=language)
    page.set_default_timeout(_SOON)
    return page


def see(page: Any, words: str) -> None:
    """Wait until these words can be read on the page."""
    page.get_by_text(words).first.wait_for()


def heading(page: Any, words: str) -> Any:
    """Wait for a heading that holds these words; returns it."""
    found = page.get_by_role("heading", name=words).first
    found.wait_for()
    return found


def follow(page: Any, words: str) -> None:
    """Press the link of this name."""
    page.get_by_role("link", name=words).first.click()


def press(page: Any, words: str) -> None:
    """Press the button of this name."""
    page.get_by_role("button", name=words).first.click()


def taken(page: Any, words: str) -> bytes:
    """Press a link that gives a file; returns what is in it."""
    with page.expect_download() as waiting:
        follow(page, words)
    return Path(waiting.value.path()).read_bytes()
