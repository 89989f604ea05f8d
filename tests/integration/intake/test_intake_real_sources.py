"""The traps of real data sets, each named in its README, end as they should."""

from __future__ import annotations

import csv
import datetime as dt
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pyarrow.compute as pc
import pytest

from benchwell.errors import MappingError
from benchwell.intake import IntakeResult, guess_mapping, load_mapping, parse_mapping, read_source
from benchwell.registry import Registry

EXAMPLES = Path(__file__).parents[3] / "examples"
NHS = EXAMPLES / "nhs-iapt" / "iapt_key_measures_2019-02_to_2019-08.csv"
RATES = {
    "recovery": "recovery_rate", "improvement": "improvement_rate", "reliable_recovery": "reliable_recovery_rate",
    "first_treatment_6_weeks": "pct_first_treatment_6_weeks",
    "first_treatment_18_weeks": "pct_first_treatment_18_weeks",
}  # fmt: skip


def plain(path: Path, delimiter: str = ",") -> list[dict[str, str]]:
    """A slow reading of the same file that shares no code with the intake."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter=delimiter))


def take_in(path: Path, registry: Registry, mapping: str) -> IntakeResult:
    return read_source(path, registry, parse_mapping(mapping, "mapping.yaml"), as_of=dt.date(2026, 6, 30))


def check_nhs(path: Path, registry: Registry) -> IntakeResult:
    rows = plain(path)
    result = read_source(path, registry, load_mapping(EXAMPLES / "nhs-iapt" / "mapping.yaml"))
    # Activity that the source itself could not assign to a commissioner names no organization: refused with a reason.
    owned = {number for number, row in enumerate(rows, start=1) if "CCG" not in row["group_type"] or row["ccg_code"]}
    assert result.counts.read == len(rows)
    assert result.counts.accepted == len(owned)
    assert set(result.rejections["row"].to_pylist()) == set(range(1, len(rows) + 1)) - owned
    assert set(result.rejections["reason"].to_pylist()) == {"missing_id"}
    found = result.tables["published_rates"].to_pylist()
    assert len(found) == 5 * len(owned)
    words = {"*": "suppressed", "-": "no_activity"}
    expected = Counter(
        (measure, row["group_type"], words.get(row[column], "published"))
        for number, row in enumerate(rows, start=1)
        if number in owned
        for measure, column in RATES.items()
    )
    assert Counter((rate["measure"], rate["group_type"], rate["state"]) for rate in found) == expected
    by_source = {(rate["source_row"], rate["measure"]): rate for rate in found}
    for number, row in enumerate(rows, start=1):
        for measure, column in RATES.items() if number in owned else ():
            rate = by_source[number, measure]
            if row[column] in words:
                assert rate["rate"] is None
                assert rate["suppressed"] is (row[column] == "*")
            else:
                assert rate["rate"] == pytest.approx(float(row[column]) / 100, abs=1e-12)
            if row["finished_course"] == "*":
                assert rate["denominator"] is None
    return result


def test_nhs_example(registry: Registry) -> None:
    result = check_nhs(NHS, registry)
    rates = result.tables["published_rates"]
    england = rates.filter(pc.equal(rates["group_type"], "England")).to_pylist()
    assert {(rate["rate_rounding"], rate["rounding"]) for rate in england} == {(0.001, 1.0)}
    others = rates.filter(pc.not_equal(rates["group_type"], "England"))
    assert set(others["rate_rounding"].to_pylist()) == {0.01}
    assert set(others["rounding"].to_pylist()) == {5.0}
    recovery = next(rate for rate in england if rate["measure"] == "recovery")
    assert (recovery["period_start"], recovery["period_end"]) == (dt.date(2019, 2, 1), dt.date(2019, 2, 28))
    assert recovery["denominator"] == 46212
    assert "NOT the recovery rate's own denominator" in recovery["denominator_note"]
    kinds = Counter(result.tables["organizations"]["kind"].to_pylist())
    assert kinds["provider"] == 182
    assert kinds["country"] == 1


def test_nhs_whole_file(registry: Registry, shared: Callable[[str], Path]) -> None:
    check_nhs(shared("nhs-iapt-provider-monthly/iapt_key_measures_2019-02_to_2019-08.csv"), registry)


def test_hamd_sites(registry: Registry) -> None:
    path = EXAMPLES / "hamd-trial-sites" / "hamd_sites.csv"
    rows = plain(path)
    result = read_source(path, registry, load_mapping(path.parent / "mapping.yaml"))
    assert result.counts.accepted == len(rows) == 608
    people = {row["PATIENT"] for row in rows}
    assert result.tables["patients"].num_rows == result.tables["episodes"].num_rows == len(people) == 172
    assert set(result.tables["organizations"]["organization_id"].to_pylist()) == {row["POOLINV"] for row in rows}
    assert "006" in result.tables["organizations"]["organization_id"].to_pylist()
    origin = dt.date(2000, 1, 1)
    expected = {(row["PATIENT"], origin, float(row["BASVAL"])) for row in rows}
    expected |= {
        (row["PATIENT"], origin + dt.timedelta(days=int(row["RELDAYS"])), float(row["HAMDTL17"])) for row in rows
    }
    scores = result.tables["assessments"].to_pylist()
    assert {(score["patient_id"], score["date"], score["total"]) for score in scores} == expected
    assert len(scores) == len(expected) == 780
    assert set(result.tables["episodes"]["start_date"].to_pylist()) == {origin}
    assert any("synthetic" in note for note in result.notes)


def test_enrichd_days_and_first_edition_bdi(registry: Registry, shared: Callable[[str], Path]) -> None:
    path = shared("enrichd-bdi-cbt/enrichd_bdi.csv")
    # The file holds the first edition of the BDI: with no such instrument declared, it must not pass for BDI-II unseen.
    result = take_in(path, registry, """
    tables:
      assessments:
        patient_id: ID
        instrument: {constant: bdi-ii}
        version: {constant: "I"}
        date: {origin: 2000-01-01, day_offset: time}
        total: BDI
    """)  # fmt: skip
    rows = plain(path)
    assert result.counts.read == len(rows) == 7117
    assert result.tables["patients"].num_rows == len({row["ID"] for row in rows})
    reasons = Counter(result.rejections["reason"].to_pylist())
    kept = result.tables["assessments"].num_rows
    assert kept + result.counts.rejected + reasons["no_score"] == 7117
    assert set(result.tables["assessments"]["version"].to_pylist()) == {"I"}


def test_fictional_pre_post_words_as_days(registry: Registry, shared: Callable[[str], Path]) -> None:
    result = take_in(shared("clinical-change-small/antidepressants.csv"), registry, """
    notes: Fictional.
    tables:
      episodes: {therapy: condition}
      assessments:
        patient_id: subject_is_not_here
        instrument: {constant: bdi-ii}
        date: {origin: 2000-01-01, day_offset: measurement, values: {Before: 0, After: 84}}
        total: mom_di
    """.replace("subject_is_not_here", "patient"))  # fmt: skip
    assert result.counts.read == 1110
    days = Counter(result.tables["assessments"]["date"].to_pylist())
    assert set(days) == {dt.date(2000, 1, 1), dt.date(2000, 3, 25)}
    assert result.mapping.notes == "Fictional."


def test_several_instruments_per_visit_and_raw_who5(registry: Registry, shared: Callable[[str], Path]) -> None:
    path = shared("clinical-change-small/claus_2020.csv")
    text = """
    tables:
      patients: {patient_id: id, sex: sex}
      assessments:
        - for_each:
            - {instrument: bdi-ii, column: bdi, unit: reported}
            - {instrument: who-5, column: who, unit: raw}
            - {instrument: hamd-17, column: hamd, unit: reported}
          patient_id: id
          instrument: {constant: "{instrument}"}
          date: {origin: 2000-01-01, day_offset: time}
          total: "{column}"
          unit: {constant: "{unit}"}
    """
    result = take_in(path, registry, text)
    rows = plain(path)
    expected = sum(row[name] not in ("", "NA") for row in rows for name in ("bdi", "who", "hamd"))
    refused = result.rejections.num_rows
    assert result.tables["assessments"].num_rows + refused == expected
    assert set(result.tables["patients"]["sex"].to_pylist()) <= {"female", "male"}
    silent = take_in(path, registry, text.replace('unit: {constant: "{unit}"}', ""))
    assert set(silent.rejections["reason"].to_pylist()) >= {"unit_missing"}
    assert "who-5" not in silent.tables["assessments"]["instrument"].to_pylist()


def test_missing_post_scores_are_not_lost_people(registry: Registry, shared: Callable[[str], Path]) -> None:
    path = shared("clinical-change-small/hechler_2014.csv")
    result = take_in(path, registry, """
    tables:
      assessments:
        patient_id: patient
        instrument: {constant: bdi-ii}
        date: {origin: 2000-01-01, day_offset: measurement}
        total: disability
    """)  # fmt: skip
    rows = plain(path)
    empty = sum(row["disability"] in ("", "NA") for row in rows)
    assert empty > 0
    assert result.rejections["reason"].to_pylist().count("no_score") == empty
    assert result.tables["patients"].num_rows == 104


def test_answers_as_text(registry: Registry, shared: Callable[[str], Path]) -> None:
    path = shared("phq9-items-irt/PHQ9_data.csv")
    result = take_in(path, registry, """
    tables:
      assessments:
        patient_id: ObservationID
        instrument: {constant: phq-9}
        date: {origin: 2000-01-01, day: 0}
        total: SumScore
        items:
          columns: ["Item{1-9}"]
          values: {Not at all: 0, Several days: 1, More than half: 2, Almost every day: 3}
    """)  # fmt: skip
    assert result.counts.accepted == result.counts.read == 2177
    rows = plain(path)
    scores = sorted(result.tables["assessments"].to_pylist(), key=lambda score: score["source_row"])
    for row, score in zip(rows, scores, strict=True):
        assert score["items"] == [float(row[f"Item{n}_num"]) for n in range(1, 10)]


NHANES = """
tables:
  patients: {{patient_id: SEQN, sex: {{column: RIAGENDR, values: {{1: male, 2: female}}}}}}
  assessments:
    patient_id: SEQN
    instrument: {{constant: phq-9}}
    date: {{origin: 2016-01-01, day: 0}}
    items: {{columns: ["DPQ0{{1-9}}0"]{missing}}}
"""


def test_nhanes_codes_are_missing_or_refused_never_scores(registry: Registry, shared: Callable[[str], Path]) -> None:
    path = shared("phq9-items-nhanes-2015-2018/phq9_items_nhanes.csv")
    rows = plain(path)
    items = [f"DPQ0{n}0" for n in range(1, 10)]
    coded = sum(any(row[item] in ("7", "9") for item in items) for row in rows)
    declared = take_in(path, registry, NHANES.format(missing=", missing: [7, 9]"))
    assert declared.counts.rejected == 0
    assert declared.tables["assessments"].num_rows == sum(
        any(row[item] in ("0", "1", "2", "3") for item in items) for row in rows
    )
    undeclared = take_in(path, registry, NHANES.format(missing=""))
    assert undeclared.counts.rejected == coded > 0
    assert set(undeclared.rejections["reason"].to_pylist()) == {"above_range", "no_score"}


def test_wide_sessions_and_follow_ups(registry: Registry, shared: Callable[[str], Path]) -> None:
    path = shared("bdi-sessions-sudden-gains/sgdata.csv")
    visits = [{"column": f"bdi_s{n}", "day": 7 * n} for n in range(13)]
    visits += [{"column": "bdi_fu1", "day": 180}, {"column": "bdi_fu2", "day": 360}]
    result = take_in(path, registry, f"""
    layout: wide
    tables:
      assessments:
        for_each: {visits}
        patient_id: id
        instrument: {{constant: bdi-ii}}
        date: {{origin: 2000-01-01, day: "{{day}}"}}
        total: "{{column}}"
    """)  # fmt: skip
    rows = plain(path)
    filled = sum(row[str(visit["column"])] not in ("", "NA") for row in rows for visit in visits)
    assert result.tables["assessments"].num_rows == filled
    assert result.counts.accepted == 43
    with pytest.raises(MappingError, match="bdi_s0"):  # "BDI" may be the first or second edition: not for us to guess
        guess_mapping(path, registry)


@pytest.mark.parametrize(("name", "rows"), [("gad", None), ("ptsd", 131)])
def test_metapsy_line_breaks_in_quotes_and_decimal_commas(
    name: str, rows: int | None, registry: Registry, shared: Callable[[str], Path]
) -> None:
    path = shared(f"metapsy-{name}/data.csv")
    expected = plain(path, ";")
    assert rows is None or len(expected) == rows
    with pytest.raises(MappingError):
        guess_mapping(path, registry)
    result = take_in(path, registry, """
    tables:
      characteristics:
        patient_id: {column: column_1, prefix: "comparison-"}
        name: {constant: effect}
        date: {origin: 2000-01-01, day: 0}
        value: .g
    """)  # fmt: skip
    found = {one["source_row"]: one["value"] for one in result.tables["characteristics"].to_pylist()}
    assert result.counts.read == len(expected)
    for number, row in enumerate(expected, start=1):
        value = None if row[".g"] in ("NA", "") else float(row[".g"].replace(",", "."))
        assert found[number] == value
    assert set(result.rejections["reason"].to_pylist()) == {"decimal_comma"}
