"""Accounts and their grants: who may sign in, and as what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Row, delete, exists, insert, or_, select, update

from benchwell.errors import AccessError
from benchwell.i18n import N_, _
from benchwell.register.links import find_link, make_link, revoke_links_of, use_link
from benchwell.register.lockout import forgive, plain_login
from benchwell.register.schema import grants, users
from benchwell.register.sessions import close_sessions_of
from benchwell.register.tokens import new_id
from benchwell.register.viewer import Role

_GRANTED = (Role.PATIENT, Role.CLINICIAN, Role.LEAD, Role.MANAGER, Role.ANALYST, Role.PAYER, Role.ADMIN)
# What each role must be told of where it reaches; without it the role would see nothing, or everything.
NEEDS: dict[Role, tuple[str, ...]] = {
    Role.PATIENT: ("person_id",),
    Role.CLINICIAN: ("organization_id", "practitioner_id"),
    Role.LEAD: ("organization_id", "team_id"),
    Role.MANAGER: ("organization_id",),
    Role.ANALYST: (),
    Role.PAYER: ("organization_id", "contract"),
    Role.ADMIN: (),
}
_CALLED: Final = {
    "person_id": N_("a person"),
    "organization_id": N_("an organization"),
    "practitioner_id": N_("a clinician"),
    "team_id": N_("a team"),
    "contract": N_("a contract"),
}


@dataclass(frozen=True)
class Grant:
    """One role of an account, and what it reaches."""

    id: str
    role: Role
    organization_id: str | None = None
    team_id: str | None = None
    practitioner_id: str | None = None
    person_id: str | None = None
    contract: str | None = None


@dataclass(frozen=True)
class Account:
    """Somebody who may sign in.

    Attributes:
        id: Its key.
        login: Sign-in name; null for people who come from an identity provider only.
        name: What to call them.
        language: The language they chose.
        has_password: Whether they can sign in here.
        has_second_factor: Whether a code is asked too.
        has_provider: Whether they can sign in by the identity provider.
        disabled: They cannot sign in at all.
        grants: Their roles.
    """

    id: str
    login: str | None
    name: str
    language: str | None
    has_password: bool
    has_second_factor: bool
    has_provider: bool
    disabled: bool
    grants: tuple[Grant, ...]


def accounts(connection: Connection) -> tuple[Account, ...]:
    """Every account, by name."""
    held: dict[str, list[Grant]] = {}
    for row in connection.execute(select(grants).order_by(grants.c.role, grants.c.id)):
        held.setdefault(row.user_id, []).append(_grant(row))
    found = connection.execute(select(users).order_by(users.c.name, users.c.id))
    return tuple(_account(row, held.get(row.id, [])) for row in found)


def account_of(connection: Connection, user_id: str) -> Account | None:
    """One account; null if there is none."""
    row = connection.execute(select(users).where(users.c.id == user_id)).one_or_none()
    return _account(row, list(grants_of(connection, user_id))) if row else None


def grants_of(connection: Connection, user_id: str) -> tuple[Grant, ...]:
    """The roles of an account."""
    found = connection.execute(select(grants).where(grants.c.user_id == user_id).order_by(grants.c.role, grants.c.id))
    return tuple(map(_grant, found))


def add_account(connection: Connection, now: float, login: str, name: str, *, hashed: str | None = None) -> str:
    """Add an account; without a password it is opened by an invitation.

    Args:
        connection: Inside a transaction.
        now: Seconds since 1970-01-01 UTC.
        login: Sign-in name; case does not matter.
        name: What to call them.
        hashed: From `passwords.hash_password`.

    Returns:
        The account's id.

    Raises:
        AccessError: If the name is empty or taken.
    """
    login, name = plain_login(login), " ".join(name.split())
    if not login or not name or len(login) > 128 or len(name) > 128:
        raise AccessError(_("An account needs a sign-in name and a name, each of at most 128 characters."))
    if not login.isprintable():  # it would look like another
        raise AccessError(_("A sign-in name has letters, digits and signs that can be seen."))
    if connection.execute(select(users.c.id).where(users.c.login == login)).first():
        raise AccessError(_("This sign-in name is taken."))
    user_id = new_id()
    connection.execute(insert(users).values(id=user_id, login=login, name=name, password=hashed, created_at=now))
    return user_id


def add_grant(connection: Connection, user_id: str, role: Role, **reach: str | None) -> str:
    """Give an account a role.

    Args:
        connection: Inside a transaction.
        user_id: Whose.
        role: Any but public and client.
        reach: What `NEEDS` asks of this role; anything else given is left out.

    Returns:
        The grant's id.

    Raises:
        AccessError: If the role cannot be given, or it is not said what it reaches.
    """
    if role not in _GRANTED:
        raise AccessError(_("This role cannot be given to an account."))
    needed = {name: (reach.get(name) or "").strip() for name in NEEDS[role]}
    if missing := [_(_CALLED[name]) for name, value in needed.items() if not value]:
        raise AccessError(_("This role also needs: {missing}.").format(missing=", ".join(missing)))
    grant_id = new_id()
    connection.execute(insert(grants).values(id=grant_id, user_id=user_id, role=role.value, **needed))
    return grant_id


def remove_grant(connection: Connection, grant_id: str) -> None:
    """Take a role away; sessions that use it end.

    Raises:
        AccessError: If nobody would be left to administer.
    """
    before = has_admin(connection)
    connection.execute(delete(grants).where(grants.c.id == grant_id))
    _keep_an_admin(connection, before)


def set_disabled(connection: Connection, user_id: str, disabled: bool) -> None:
    """Shut an account out, or let it in again; its sessions and unused links end.

    Raises:
        AccessError: If nobody would be left to administer.
    """
    before = has_admin(connection)
    connection.execute(update(users).where(users.c.id == user_id).values(disabled=disabled))
    close_sessions_of(connection, user_id)
    revoke_links_of(connection, user_id)
    _keep_an_admin(connection, before)


def invite(connection: Connection, now: float, user_id: str, *, created_by: str | None = None) -> str:
    """A one-time link by which somebody sets the password of an account; earlier ones stop working.

    Returns:
        The token; it is not kept.
    """
    revoke_links_of(connection, user_id)
    return make_link(connection, now, "invitation", user_id=user_id, created_by=created_by)


def invited(connection: Connection, now: float, token: str) -> Account | None:
    """Whose account an invitation opens; null if it does not, or no longer."""
    link = find_link(connection, now, "invitation", token)
    found = account_of(connection, link.user_id) if link and link.user_id else None
    return found if found and not found.disabled else None


def accept_invitation(connection: Connection, now: float, token: str, hashed: str) -> str:
    """Use an invitation: set the password, end what was open before.

    Args:
        connection: Inside a transaction.
        now: Seconds since 1970-01-01 UTC.
        token: Of the invitation.
        hashed: From `passwords.hash_password`.

    Returns:
        The account's id.

    Raises:
        AccessError: If the invitation does not work, or no longer.
    """
    account = invited(connection, now, token)
    if account is None or use_link(connection, now, "invitation", token) is None:
        raise AccessError(_("This link does not work, or no longer."), hint=_("ask an administrator for a new one"))
    set_password(connection, account.id, hashed)
    if account.login:
        forgive(connection, account.login)
    return account.id


def set_password(connection: Connection, user_id: str, hashed: str) -> None:
    """Set a password; every session of the account ends."""
    connection.execute(update(users).where(users.c.id == user_id).values(password=hashed))
    close_sessions_of(connection, user_id)


def set_second_factor(connection: Connection, user_id: str, secret: str | None, *, step: int | None = None) -> None:
    """Ask for codes from now on (or, with null, no longer); the code that proved the phone is used up."""
    connection.execute(update(users).where(users.c.id == user_id).values(totp=secret, totp_last=step))


def has_admin(connection: Connection) -> bool:
    """Whether somebody can administer: an account that can sign in, with that role."""
    able = or_(users.c.password.is_not(None), users.c.subject.is_not(None))
    asked = select(exists().where(grants.c.user_id == users.c.id, grants.c.role == "admin", ~users.c.disabled, able))
    return bool(connection.execute(asked).scalar())


def account_by_provider(connection: Connection, issuer: str, subject: str) -> Account | None:
    """The account that an identity provider knows as `subject`."""
    asked = select(users.c.id).where(users.c.issuer == issuer, users.c.subject == subject)
    user_id = connection.execute(asked).scalar()
    return account_of(connection, user_id) if user_id else None


def add_from_provider(connection: Connection, now: float, issuer: str, subject: str, name: str) -> str:
    """Add somebody whom the identity provider vouches for; without any role until an administrator gives one."""
    user_id = new_id()
    known = {"issuer": issuer, "subject": subject, "name": " ".join(name.split())[:128] or subject[:128]}
    connection.execute(insert(users).values(id=user_id, created_at=now, **known))
    return user_id


def join_provider(connection: Connection, user_id: str, issuer: str, subject: str) -> None:
    """Let an account sign in by the identity provider.

    Raises:
        AccessError: If that person already has an account here, or this account another person.
    """
    if account_by_provider(connection, issuer, subject) is not None:
        raise AccessError(
            _("You already have another account here."), hint=_("ask an administrator to give it your role")
        )
    free = update(users).where(users.c.id == user_id, users.c.subject.is_(None))
    if connection.execute(free.values(issuer=issuer, subject=subject)).rowcount != 1:
        raise AccessError(_("This account already belongs to somebody at your organization's sign-in."))


def _keep_an_admin(connection: Connection, before: bool) -> None:
    if before and not has_admin(connection):
        raise AccessError(_("Somebody must remain who can administer."), hint=_("make another administrator first"))


def _grant(row: Row[Any]) -> Grant:
    reach = (row.organization_id, row.team_id, row.practitioner_id, row.person_id, row.contract)
    return Grant(row.id, Role(row.role), *reach)


def _account(row: Row[Any], held: list[Grant]) -> Account:
    return Account(
        row.id,
        row.login,
        row.name,
        row.language,
        row.password is not None,
        row.totp is not None,
        row.subject is not None,
        bool(row.disabled),
        tuple(held),
    )
