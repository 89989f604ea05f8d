"""Contracts as files: what is wrong with one is said by file and key, never with what was written there."""

from __future__ import annotations

import pytest

from benchwell.errors import DeclarationError
from benchwell.pipeline.live.contract import Contract, load_contracts

GOOD = "id: north-2026\npayer: A plan\nedition: e\nmeasures: [m]\norganizations: [north]\n"


def write(folder, text, name="one.yaml"):
    (folder / name).write_text(text, encoding="utf-8")


def test_a_contract_names_edition_measures_and_organizations(tmp_path):
    write(tmp_path, GOOD)
    assert load_contracts(tmp_path) == {
        "north-2026": Contract(id="north-2026", payer="A plan", edition="e", measures=("m",), organizations=("north",))
    }


def test_a_folder_that_is_not_there_declares_nothing(tmp_path):
    assert load_contracts(tmp_path / "contracts") == {}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("- a\n- list\n", "declares nothing"),
        ("id: [", "cannot be read as YAML"),
        (GOOD.replace("measures: [m]", "measures: []"), "measures: "),
        (GOOD.replace("payer: A plan\n", ""), "payer: field required"),
        (GOOD + "clinicians: [c1]\n", "clinicians: extra inputs are not permitted"),
        (GOOD.replace("north-2026", "North 2026"), "id: "),
    ],
    ids=["list", "broken", "no-measures", "no-payer", "clinicians", "id"],
)
def test_what_is_wrong_is_said_by_file_and_key(tmp_path, text, said):
    write(tmp_path, text)
    with pytest.raises(DeclarationError) as found:
        load_contracts(tmp_path)
    assert "contracts/one.yaml" in found.value.message
    assert said in found.value.message


def test_what_was_pasted_there_is_not_repeated(tmp_path):
    write(tmp_path, GOOD.replace("id: north-2026", "id: SECRET-PATIENT-77"))
    with pytest.raises(DeclarationError) as found:
        load_contracts(tmp_path)
    assert "SECRET" not in str(found.value) + str(found.value.hint)


def test_two_contracts_of_one_id_are_a_mistake(tmp_path):
    write(tmp_path, GOOD)
    write(tmp_path, GOOD, "two.yaml")
    with pytest.raises(DeclarationError, match=r"contracts/two.yaml: a contract 'north-2026' is declared already"):
        load_contracts(tmp_path)
