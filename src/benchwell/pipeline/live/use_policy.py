"""The wall between learning and contract use: a workspace declares one of them, and nothing here crosses it.

Feedback that people learn from is honest only where it has no other consequence (METHODS M5.8), so a workspace is for
one use. In a learning workspace a payer sees nothing. In neither does any view or export list clinicians: figures of
single clinicians would be a purpose of their own, which no workspace can declare (METHODS C10).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from benchwell.errors import AccessError, WorkspaceError
from benchwell.i18n import _
from benchwell.register import Role, Viewer
from benchwell.settings import UsePolicy
from benchwell.signals.strata_view import StrataView

if TYPE_CHECKING:
    from benchwell.pipeline.workspace import Workspace

BY = ("organization",)
# What a clinician is called in tables and addresses; a column or variable of these would list them.
_CLINICIANS = ("practitioner", "clinician", "therapist", "rater")


def names_clinicians(variable: str) -> bool:
    """Whether a column, variable or address would list clinicians.

    >>> names_clinicians("practitioner_id"), names_clinicians("Therapists"), names_clinicians("therapy")
    (True, True, False)
    """
    words = variable.casefold().replace("-", "_").split("_")
    return any(word.removesuffix("s") in _CLINICIANS for word in words)


def check_grouping(workspace: Workspace, by: str) -> None:
    """Let figures be asked for by organization only.

    Args:
        workspace: The workspace, which declares its use.
        by: What figures are asked by.

    Raises:
        AccessError: If that would list clinicians.
        WorkspaceError: If there are no figures by that.
    """
    if names_clinicians(by):
        learning = workspace.settings.use is UsePolicy.LEARNING
        raise AccessError(
            _("This workspace is for learning: no page, file or program lists clinicians.")
            if learning
            else _("A contract is about organizations: no page, file or program lists clinicians."),
            hint=_("look at the organization; what concerns one person is talked about with that person"),
        )
    if by not in BY:
        raise WorkspaceError("There are no figures by that.", hint=f"known: {', '.join(BY)}")


def check_columns(workspace: Workspace, columns: Iterable[str]) -> None:
    """Let no table out that has a column of clinicians.

    Raises:
        AccessError: If it has one.
    """
    for column in columns:
        if names_clinicians(column):
            check_grouping(workspace, column)


def check_strata(workspace: Workspace, table: pa.Table) -> None:
    """Let no table out whose rows are by clinician, should somebody have declared such groups.

    Raises:
        AccessError: If it has such rows.
    """
    if "stratum" in table.column_names:
        check_columns(workspace, (str(one) for one in pc.unique(table["stratum"]).to_pylist()))


def without_clinicians(views: Iterable[StrataView]) -> tuple[StrataView, ...]:
    """Levels within an organization, without those that are clinicians, should somebody have declared such."""
    return tuple(view for view in views if not names_clinicians(view.variable))


def opens_contracts(workspace: Workspace) -> bool:
    """Whether payers may see anything here."""
    return workspace.settings.use is UsePolicy.CONTRACT


def check_contract(workspace: Workspace, viewer: Viewer, contract_id: str) -> None:
    """Let a payer see its own contract in a workspace for contract use, and nothing else.

    Args:
        workspace: The workspace.
        viewer: Who asks.
        contract_id: Which contract is asked for.

    Raises:
        AccessError: If the workspace is for learning, or the contract is another's.
    """
    if not opens_contracts(workspace):
        raise AccessError(
            _("This workspace is for learning, so nobody who pays sees its figures."),
            hint=_("figures for a contract come from a workspace of their own, with its own consent"),
        )
    if viewer.role is not Role.PAYER or viewer.contract != contract_id:
        raise AccessError(_("This is not your contract."))
