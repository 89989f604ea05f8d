"""Guesses from common headers, explained column by column."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import pyarrow as pa
import pytest

from benchwell.errors import MappingError
from benchwell.intake import IntakeResult, guess_mapping
from benchwell.registry import Registry

ITEMS = ",".join(f"{{0}}{n}" for n in range(1, 10))


@pytest.mark.parametrize(
    ("header", "row"),
    [
        ("patient_id,date,phq9_total", "p1,2026-01-05,9"),
        ("Client ID,Assessment Date,PHQ-9", "p1,2026-01-05,9"),
        ("Patientennummer;Datum;Fragebogen;Gesamtwert", "p1;05.01.2026;PHQ-9;9"),
        ("paciente,fecha,cuestionario,puntaje", "p1,2026-01-05,phq9,9"),
        ("id,date," + ITEMS.format("phq9_"), "p1,2026-01-05," + ",".join("1" * 9)),
        ("id,date," + ITEMS.format("phq9_q"), "p1,2026-01-05," + ",".join("1" * 9)),
        ("id,date,PHQ-9 total," + ITEMS.format("PHQ9_item"), "p1,2026-01-05,9," + ",".join("1" * 9)),
        ("id,date,measure," + ITEMS.format("q"), "p1,2026-01-05,PHQ-9," + ",".join("1" * 9)),
    ],
)
def test_long_layouts(header: str, row: str, take_in: Callable[..., IntakeResult]) -> None:
    result = take_in(f"{header}\n{row}\n")
    assert result.guessed
    (score,) = result.tables["assessments"].to_pylist()
    assert (score["patient_id"], score["date"], score["instrument"]) == ("p1", dt.date(2026, 1, 5), "phq-9")
    assert score["total"] == 9.0 or score["items"] == [1.0] * 9


def test_wide_with_dates_and_without(take_in: Callable[..., IntakeResult]) -> None:
    dated = take_in("id,date_pre,date_post,phq9_pre,phq9_post\np1,2026-01-05,2026-04-01,15,6\np2,2026-01-05,,9,\n")
    assert dated.mapping.layout == "wide"
    assert dated.tables["assessments"]["date"].to_pylist() == [dt.date(2026, 1, 5)] * 2 + [dt.date(2026, 4, 1)]
    assert dated.counts.accepted == 2
    bare = take_in("id,phq9_pre,phq9_post,gad7_pre,gad7_post\np1,15,6,9,3\n")
    assert sorted(bare.tables["assessments"]["instrument"].to_pylist()) == ["gad-7", "gad-7", "phq-9", "phq-9"]
    assert any("synthetic" in note for note in bare.notes)


def test_a_wide_row_keeps_its_good_visits(take_in: Callable[..., IntakeResult]) -> None:
    result = take_in("id,phq9_pre,phq9_post\np1,15,99\np2,99,99\n")
    assert result.tables["assessments"]["total"].to_pylist() == [15.0]
    assert result.counts.as_dict() == {"read": 2, "accepted": 0, "corrected": 0, "flagged": 1, "rejected": 1}
    assert result.tables["patients"]["patient_id"].to_pylist() == ["p1"]


def test_the_guess_is_explained(registry: Registry) -> None:
    frame = pa.table({"client": ["p1"], "date": ["2026-01-05"], "phq9": ["9"], "shoe size": ["42"], "site": ["n"]})
    mapping = guess_mapping(frame, registry)
    assert {choice.column for choice in mapping.guess} == {"client", "date", "phq9", "site"}
    assert all(choice.why and choice.confidence in ("certain", "likely", "unsure") for choice in mapping.guess)
    assert mapping.unused == ("shoe size",)


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ("date,phq9", "person's id"),
        ("id,date", "score"),
        ("id,phq9", "date"),
        ("id,date,score", "names the instrument"),
    ],
)
def test_no_guess(header: str, words: str, take_in: Callable[..., IntakeResult]) -> None:
    with pytest.raises(MappingError, match=words):
        take_in(header + "\n" + ",".join("1" for _ in header.split(",")) + "\n")


@pytest.mark.parametrize(
    ("table", "header", "row"),
    [
        ("patients", "patient_id,birth_year,sex", "p1,1980,F"),
        ("organizations", "organization_id,name,safety_net", "n,North,yes"),
        ("practitioners", "practitioner_id,licensed_year", "t1,2010"),
        ("episodes", "episode_id,patient_id,start_date", "e1,p1,2026-01-05"),
        ("encounters", "episode_id,date,kind,attended,minutes", "e1,2026-01-05,session,ja,50"),
        ("events", "patient_id,date,kind,quantity", "p1,2026-01-05,admission,1"),
        ("consents", "patient_id,purpose,date,decision", "p1,learning,2026-01-05,granted"),
        ("characteristics", "patient_id,name,date,value", "p1,comorbidities,2026-01-05,2"),
        ("ratings", "encounter_id,rater_id,scale,dimension,value", "c1,r1,ctrs,agenda,4"),
        (
            "published_rates",
            "source,organization_id,group_type,measure,period_start,rate",
            "s,o,provider,recovery,2026-01-01,0.5",
        ),
    ],
)
def test_sources_of_other_tables(table: str, header: str, row: str, take_in: Callable[..., IntakeResult]) -> None:
    result = take_in(f"{header}\n{row}\n")
    assert set(result.tables) - {"organizations"} == {table} - {"organizations"}
    assert result.tables[table].num_rows == 1
    assert result.counts.accepted == 1
    again = take_in(f"{header}\n{row}\n")
    assert again.tables[table].equals(result.tables[table])


def test_an_entity_without_its_id_is_refused(take_in: Callable[..., IntakeResult]) -> None:
    result = take_in("organization_id,name\nn,North\n,South\n")
    assert result.tables["organizations"]["name"].to_pylist() == ["North"]
    assert result.rejections["reason"].to_pylist() == ["missing_id"]
    assert result.counts.rejected == 1


def test_a_list_of_people_without_any_score_comes_in(take_in: Callable[..., IntakeResult]) -> None:
    result = take_in("patient_id,date,instrument,total,start_date,clinic\np1,,,,2026-01-05,\np2,,,,2026-01-06,\n")
    assert result.counts.as_dict() == {"read": 2, "accepted": 0, "corrected": 0, "flagged": 2, "rejected": 0}
    assert result.tables["episodes"].num_rows == 2
    assert "assessments" not in result.tables


@pytest.mark.parametrize("sign", ["_", " ", "-.", "q_"])
def test_a_name_of_thousands_of_signs_costs_no_time(take_in: Callable[..., IntakeResult], sign: str) -> None:
    """Taking such a name apart took the cube of its length: hours."""
    result = take_in(f"patient_id,date,phq9_total,{sign * 5000}x,x{sign * 5000}total1\np1,2026-01-05,9,1,1\n")
    assert result.tables["assessments"]["total"].to_pylist() == [9.0]
