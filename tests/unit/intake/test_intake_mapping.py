"""A mapping file says what it means, and a wrong one says what is wrong with it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import pytest

from benchwell.errors import MappingError, UnknownDeclarationError
from benchwell.intake import IntakeResult, load_mapping, parse_mapping, save_mapping
from benchwell.intake.mapping import expand_range

SMALL = "tables: {assessments: {patient_id: ID, date: DAY, instrument: {constant: phq-9}, total: SUM}}"
EXAMPLES = Path(__file__).parents[3] / "examples"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("tables: [", "not valid YAML at line 1"),
        ("just text", "holds no mapping"),
        ("layout: long", "tables: Field required"),
        ("tables: {scores: {a: b}}", "no table 'scores'"),
        ("tables: {patients: {shoe_size: X}}", "no column \\['shoe_size'\\]"),
        ("tables: {patients: {patient_id: {colum: X}}}", "colum: Extra inputs"),
        ("tables: {patients: {patient_id: {column: X, constant: 1}}}", "exactly one of"),
        ("tables: {patients: {patient_id: {by: X}}}", "needs `cases`"),
        ("tables: {assessments: {date: {day: 3}}}", "need `origin`"),
        ("tables: {patients: {patient_id: A, items: [b]}}", "only assessments have items"),
        ("tables: {assessments: {for_each: {a: 1}}}", "for_each is a list"),
        ("tables: {assessments: {items: []}}", "at least 1"),
        ("tables: {}", "at least 1"),
        ("tables: 3", "tables"),
    ],
)
def test_a_wrong_mapping_names_file_and_key(text: str, words: str) -> None:
    with pytest.raises(MappingError, match=words) as caught:
        parse_mapping(text, "mine.yaml")
    assert "mine.yaml" in str(caught.value)


def test_missing_columns_are_named_with_those_that_exist(take_in: Callable[..., IntakeResult]) -> None:
    with pytest.raises(MappingError, match=r"no column 'DAY', 'SUM'.*\n\n.*ID, DATE, SCORE"):
        take_in("ID,DATE,SCORE\n1,2026-01-01,3\n", SMALL)


def test_an_unknown_constant_instrument_is_refused_at_once(take_in: Callable[..., IntakeResult]) -> None:
    with pytest.raises(UnknownDeclarationError, match="phq-9"):
        take_in("ID,DAY,SUM\n1,2026-01-01,3\n", SMALL.replace("phq-9", "phq-9x"))


@pytest.mark.parametrize("missing", ["date", "instrument"])
def test_scores_need_date_and_instrument(missing: str, take_in: Callable[..., IntakeResult]) -> None:
    text = (
        SMALL.replace("date: DAY, ", "") if missing == "date" else SMALL.replace("instrument: {constant: phq-9}, ", "")
    )
    with pytest.raises(MappingError, match=f"no {missing}"):
        take_in("ID,DAY,SUM\n1,2026-01-01,3\n", text)


@pytest.mark.parametrize("name", ["hamd-trial-sites", "nhs-iapt"])
def test_saved_mappings_load_as_they_were(name: str, tmp_path: Path) -> None:
    mapping = load_mapping(EXAMPLES / name / "mapping.yaml")
    save_mapping(mapping, tmp_path / "again.yaml")
    assert load_mapping(tmp_path / "again.yaml") == mapping


def test_a_mapping_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(MappingError, match="cannot be read"):
        load_mapping(tmp_path / "none.yaml")


def test_ranges() -> None:
    assert expand_range("DPQ{1-3}0") == ["DPQ10", "DPQ20", "DPQ30"]
    assert expand_range("plain") == ["plain"]


def test_values_missing_codes_prefix_and_joins(take_in: Callable[..., IntakeResult]) -> None:
    text = """
    missing: [99]
    tables:
      patients: {patient_id: {column: ID, prefix: "north-"}, sex: {column: G, values: {1: male, 2: female, 3: null}}}
      assessments:
        patient_id: {column: ID, prefix: "north-"}
        instrument: {constant: phq-2}
        date: {column: DAY, format: dmy}
        items: {columns: ["q{1-2}"], values: {Never: 0, Daily: 3}, missing: [7]}
      episodes: {organization_id: {join: [A, B], separator: "-"}}
    """
    result = take_in(
        "ID,G,DAY,q1,q2,A,B\n1,2,3/4/2026,never,7,x,y\n2,3,4/4/2026,Daily,Daily,x,\n3,1,5/4/2026,99,NA,x,z\n", text
    )
    assert result.tables["patients"]["patient_id"].to_pylist() == ["north-1", "north-2", "north-3"]
    assert result.tables["patients"]["sex"].to_pylist() == ["female", None, "male"]
    assert result.tables["assessments"]["items"].to_pylist() == [[0.0, None], [3.0, 3.0]]
    assert result.tables["assessments"]["date"].to_pylist() == [dt.date(2026, 4, 3), dt.date(2026, 4, 4)]
    assert set(result.tables["organizations"]["organization_id"].to_pylist()) == {"x-y", "x-z"}
    assert result.rejections["reason"].to_pylist() == ["no_score"]


def test_declared_decimal_comma_needs_no_note(take_in: Callable[..., IntakeResult]) -> None:
    text = "decimal: ','\n" + SMALL.replace("phq-9", "hba1c")
    result = take_in("ID;DAY;SUM\n1;2026-01-01;7,5\n", text)
    assert result.tables["assessments"]["total"].to_pylist() == [7.5]
    assert result.counts.accepted == 1


def test_a_stated_unit_is_kept_and_checked_in_that_unit(take_in: Callable[..., IntakeResult]) -> None:
    text = SMALL.replace("total: SUM", "total: SUM, unit: U").replace("phq-9", "hba1c")
    result = take_in("ID,DAY,SUM,U\n1,2026-01-01,53,mmol/mol\n2,2026-01-01,7,%\n3,2026-01-01,53,%\n", text)
    assert result.tables["assessments"]["unit"].to_pylist() == ["mmol/mol", "%"]
    assert result.rejections["reason"].to_pylist() == ["above_range"]


def test_one_converted_value_shows_that_all_are(take_in: Callable[..., IntakeResult]) -> None:
    text = SMALL.replace("phq-9", "who-5")
    assert take_in("ID,DAY,SUM\n1,2026-01-01,20\n2,2026-01-01,64\n", text).counts.accepted == 2
    assert take_in("ID,DAY,SUM\n1,2026-01-01,20\n2,2026-01-01,24\n", text).counts.rejected == 2


def test_conflicting_copies_keep_the_reviewed_one(take_in: Callable[..., IntakeResult]) -> None:
    text = SMALL.replace("total: SUM", "total: SUM, reviewed: R")
    result = take_in("ID,DAY,SUM,R\n1,2026-01-01,9,yes\n1,2026-01-01,8,no\n1,2026-01-01,7,no\n", text)
    assert result.tables["assessments"]["total"].to_pylist() == [9.0]
    found = dict(zip(result.rejections["row"].to_pylist(), result.rejections["action"].to_pylist(), strict=True))
    assert found == {1: "flagged", 2: "rejected", 3: "rejected"}
    assert result.counts.as_dict() == {"read": 3, "accepted": 0, "corrected": 0, "flagged": 1, "rejected": 2}


def test_a_rejected_row_brings_no_person_in(take_in: Callable[..., IntakeResult]) -> None:
    result = take_in("ID,DAY,SUM\n1,2026-01-01,9\nTotal,,99\n", SMALL)
    assert result.tables["patients"]["patient_id"].to_pylist() == ["1"]


def test_a_person_without_a_score_comes_in(take_in: Callable[..., IntakeResult]) -> None:
    result = take_in("ID,DAY,SUM\n1,2026-01-01,9\n2,2026-01-01,\n", SMALL)
    assert result.tables["patients"]["patient_id"].to_pylist() == ["1", "2"]
    assert result.tables["episodes"]["start_date"].to_pylist().count(None) == 1
    assert result.counts.flagged == 1


@pytest.mark.parametrize(
    ("tables", "words"),
    [
        (
            "assessments: {date: A, instrument: {constant: phq-9}, total: B}",
            "assessments does not say where patient_id",
        ),
        ("assessments: {patient_id: A, date: A, instrument: {constant: phq-9}}", "total \\(or items\\)"),
        ("published_rates: {rate: A}", "source, organization_id, group_type, measure, period_start"),
        ("patients: {sex: A}", "patients does not say where patient_id"),
        ("episodes: {therapy: A}", "episodes does not say where episode_id"),
        ("consents: {patient_id: A}", "purpose, date, decision"),
        ("organizations: {name: A}", "organization_id"),
    ],
)
def test_what_a_table_cannot_do_without(tables: str, words: str, take_in: Callable[..., IntakeResult]) -> None:
    with pytest.raises(MappingError, match=words):
        take_in("A,B\n1,2\n", f"tables: {{{tables}}}")
