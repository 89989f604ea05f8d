"""The wall between learning and contract use."""

from __future__ import annotations

import pytest

from benchwell.errors import AccessError, WorkspaceError
from benchwell.pipeline.live.use_policy import (
    check_columns,
    check_contract,
    check_grouping,
    names_clinicians,
    opens_contracts,
    without_clinicians,
)
from benchwell.register import Role, Viewer
from benchwell.settings import UsePolicy
from benchwell.signals.strata_view import StrataView
from benchwell.tables import DERIVED
from live_house import live_house
from signals_edition import a_measure

PAYER = Viewer(Role.PAYER, user_id="payer", contract="contract-1")


@pytest.fixture
def workspace(tmp_path):
    with live_house(tmp_path) as house:
        yield house.service.workspace


def for_contracts(workspace):
    workspace.settings = workspace.settings.model_copy(update={"use": UsePolicy.CONTRACT})


@pytest.mark.parametrize("by", ["clinician", "practitioner_id", "Therapists", "practitioner-id", "rater", "clinicians"])
@pytest.mark.parametrize("use", list(UsePolicy))
def test_nobody_gets_figures_by_clinician(workspace, by, use):
    workspace.settings = workspace.settings.model_copy(update={"use": use})
    with pytest.raises(AccessError, match="lists clinicians"):
        check_grouping(workspace, by)


def test_figures_are_by_organization_and_nothing_else(workspace):
    check_grouping(workspace, "organization")
    with pytest.raises(WorkspaceError, match="no figures by that"):
        check_grouping(workspace, "weekday")


def test_therapy_is_not_a_therapist():
    assert [one for one in ("therapy", "organization_id", "severity_band", "care") if names_clinicians(one)] == []


def test_a_table_with_a_column_of_clinicians_does_not_leave(workspace):
    check_columns(workspace, ["measure", "organization_id", "estimate"])
    with pytest.raises(AccessError):
        check_columns(workspace, ["measure", "practitioner_id", "estimate"])


def test_no_table_of_an_edition_has_such_a_column():
    assert [name for name in DERIVED if any(map(names_clinicians, DERIVED[name].columns))] in ([], ["outcomes"])


def test_levels_that_are_clinicians_are_left_out():
    views = [StrataView(a_measure(), name, (), None, None, "", "") for name in ("sex", "practitioner_id")]
    assert [view.variable for view in without_clinicians(views)] == ["sex"]


def test_a_payer_sees_nothing_of_a_workspace_for_learning(workspace):
    assert not opens_contracts(workspace)
    with pytest.raises(AccessError, match="for learning"):
        check_contract(workspace, PAYER, "contract-1")


def test_a_payer_sees_its_own_contract_and_no_other(workspace):
    for_contracts(workspace)
    check_contract(workspace, PAYER, "contract-1")
    with pytest.raises(AccessError, match="not your contract"):
        check_contract(workspace, PAYER, "contract-2")


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.PAYER])
def test_a_contract_is_for_its_payer_alone(workspace, role):
    for_contracts(workspace)
    with pytest.raises(AccessError):
        check_contract(workspace, Viewer(role, contract="contract-1"), "contract-1")
