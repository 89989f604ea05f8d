"""What a payer sees: its named contract in a workspace for contracts, and why there is nothing in one for learning."""

from __future__ import annotations

import re

import pytest
import yaml

from benchwell.pipeline.live.contract import contract_view
from benchwell.pipeline.live.editions import edition_of
from benchwell.pipeline.live.sample import ANYWHERE, sample_edition
from benchwell.register import Role, Viewer
from benchwell.settings import UsePolicy
from live_edition import ANOTHER, RESPONSE, with_edition
from live_house import live_house


@pytest.fixture
def house(tmp_path):
    with live_house(tmp_path) as made:
        with_edition(made)
        declare(made)
        yield made


def declare(house, **changes):
    folder = house.service.workspace.path / "contracts"
    folder.mkdir(exist_ok=True)
    contract = {
        "id": "contract-1",
        "title": "A contract",
        "payer": "A plan",
        "edition": sample_edition().id,
        "measures": [RESPONSE],
        "organizations": [ANYWHERE],
    }
    (folder / "one.yaml").write_text(yaml.safe_dump(contract | changes), encoding="utf-8")


def for_contracts(house):
    workspace = house.service.workspace
    workspace.settings = workspace.settings.model_copy(update={"use": UsePolicy.CONTRACT})
    built_as(house, "contract")


def built_as(house, use):
    """Let the edition say what it was built for."""
    edition_of(house.service.workspace, sample_edition().id).manifest["identity"]["settings"]["use"] = use


def test_in_a_workspace_for_learning_a_payer_sees_why_there_is_nothing(house):
    answer = house.browser(Role.PAYER).get("/contract")
    assert answer.status_code == 200
    assert "This workspace is for learning" in answer.text
    assert not re.search(r"\d ?%|synthetic-clinic|" + re.escape(ANYWHERE), answer.text)


def test_in_a_workspace_for_contracts_a_payer_sees_what_the_contract_names_and_nothing_else(house):
    for_contracts(house)
    text = house.browser(Role.PAYER).get("/contract").text
    assert "A contract" in text
    assert ANYWHERE in text
    assert "Depression response at 12 weeks" in text
    assert "Depression remission" not in text
    assert ANOTHER not in text
    assert "synthetic-clinic" not in text


def test_several_figures_stand_at_a_glance_in_the_order_of_the_contract(house):
    for_contracts(house)
    assert "At a glance" not in house.browser(Role.PAYER).get("/contract").text  # one figure is one glance
    declare(house, organizations=[ANOTHER, ANYWHERE])
    text = house.browser(Role.PAYER).get("/contract").text
    table = text.split('id="glance"')[1].split("</table>")[0]
    assert re.findall(r'<th scope="row">(.*?)</th>', table) == [ANOTHER, ANYWHERE]
    assert 'href="#figure-2"' in table
    assert 'id="figure-2"' in text


def test_pages_for_learning_are_not_offered_where_there_are_none(house):
    before = house.browser(Role.MANAGER).get("/service").text
    assert all(f'href="{path}"' in before for path in ("/circle", "/experiments"))
    for_contracts(house)
    after = house.browser(Role.MANAGER).get("/service").text
    assert not [path for path in ("/circle", "/experiments") if f'href="{path}"' in after]


@pytest.mark.parametrize("use", list(UsePolicy))
@pytest.mark.parametrize(
    "path",
    ["/service", f"/service/{RESPONSE}", "/readiness", "/editions", "/today", f"/service/{RESPONSE}/figures.csv"],
)
def test_a_payer_never_sees_what_is_for_learning(house, use, path):
    house.service.workspace.settings = house.service.workspace.settings.model_copy(update={"use": use})
    assert house.browser(Role.PAYER).get(path).status_code in (403, 404)


@pytest.mark.parametrize("role", [Role.LEAD, Role.MANAGER, Role.ANALYST, Role.CLINICIAN, Role.PATIENT, Role.ADMIN])
def test_a_contract_is_for_its_payer(house, role):
    for_contracts(house)
    assert house.browser(role).get("/contract").status_code == 403


def test_an_edition_that_was_built_for_learning_is_shown_to_nobody_who_pays(house):
    for_contracts(house)
    built_as(house, "learning")
    answer = house.browser(Role.PAYER).get("/contract")
    assert answer.status_code == 400
    assert "was built for learning" in answer.text
    assert ANYWHERE not in answer.text


def test_a_contract_that_is_not_declared_is_refused(house):
    for_contracts(house)
    declare(house, id="contract-2")
    answer = house.browser(Role.PAYER).get("/contract")
    assert answer.status_code == 403
    assert ANYWHERE not in answer.text


def test_a_consequence_needs_more_than_a_colour_for_learning(house):
    for_contracts(house)
    view = contract_view(house.service, Viewer(Role.PAYER, contract="contract-1"))
    needed = {gate.name: gate.needed for one in view.figures for gate in one.gates}
    assert needed["follow_up"] == 0.70
    assert needed["reliability"] == 0.90


def test_what_the_edition_has_nothing_of_is_said(house):
    for_contracts(house)
    declare(house, organizations=[ANYWHERE, "elsewhere"])
    assert "elsewhere: Depression response at 12 weeks (PHQ-9)" in house.browser(Role.PAYER).get("/contract").text


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"edition": "no-such"}, "there is no edition no-such here"),
        ({"measures": ["no-such"]}, "has no measure no-such"),
    ],
    ids=["edition", "measure"],
)
def test_a_contract_about_what_is_not_there_is_a_mistake_that_is_said(house, changes, said):
    for_contracts(house)
    declare(house, **changes)
    answer = house.browser(Role.PAYER).get("/contract")
    assert answer.status_code == 400
    assert said in answer.text


def test_staff_are_told_that_a_workspace_is_for_contracts(house):
    assert "for contract use" not in house.browser(Role.MANAGER).get("/service").text
    for_contracts(house)
    assert "for contract use" in house.browser(Role.MANAGER).get("/service").text
