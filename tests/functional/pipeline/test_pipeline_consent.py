"""Who said no is counted as having said no, and nothing else of them is used."""

from __future__ import annotations

import narwhals as nw
import pytest
import yaml

from benchwell import Workspace, verify
from functional.product_cases import AS_OF, write_rows

RESPONSE = "network-phq9-response-12w"
COUNTS = ("n_eligible", "n_followed", "n_met")


def decisions(path, *rows):
    names = ("patient_id", "purpose", "date", "decision")
    return write_rows(path, [dict(zip(names, row, strict=True)) for row in rows])


def outcomes(edition, patient):
    return edition.table("outcomes").filter(nw.col("patient_id") == patient).rows(named=True)


def counts(edition):
    (row,) = (
        edition.table("organization_results")
        .filter(nw.col("period") == "all", nw.col("stratum") == "all")
        .select(COUNTS)
        .rows()
    )
    return row


def test_who_withdrew_is_opted_out_and_leaves_no_data(own_practice, tmp_path):
    # p00 and p01 had responded, p19 never came back, p02 withdrew from research only, p03 after the day of the build.
    said = decisions(
        tmp_path / "consents.csv",
        ("p00", "learning", "2025-06-01", "withdrawn"),
        ("p01", "learning", "2025-06-01", "declined"),
        ("p19", "learning", "2025-06-01", "withdrawn"),
        ("p02", "research", "2025-06-01", "withdrawn"),
        ("p03", "learning", "2026-06-01", "withdrawn"),
    )
    assert own_practice.intake(said, as_of="2026-12-31").records == {"consents": 5}
    edition = own_practice.build(as_of=AS_OF, benchmarks=[RESPONSE])
    assert counts(edition) == (17, 13, 6)
    for patient in ("p00", "p01", "p19"):
        (row,) = outcomes(edition, patient)
        assert (row["status"], row["reason"], row["eligible"]) == ("opted_out", "opted-out", False)
        kept = {name for name, value in row.items() if value is not None}
        assert not kept & {"baseline", "baseline_day", "followup", "followup_day", "met", "value", "weight"}, kept
    for patient in ("p02", "p03"):
        assert outcomes(edition, patient)[0]["status"] == "followed"
    flow = edition.table("exclusions").filter(nw.col("reason") == "opted-out").rows(named=True)
    assert [row["count"] for row in flow] == [3]
    assert verify(edition.path).passed


def test_who_changes_their_mind_is_back(own_practice, tmp_path):
    own_practice.intake(
        decisions(
            tmp_path / "consents.csv",
            ("p00", "learning", "2025-06-01", "withdrawn"),
            ("p00", "learning", "2025-07-01", "granted"),
        )
    )
    assert counts(own_practice.build(as_of=AS_OF, benchmarks=[RESPONSE])) == (20, 15, 8)


@pytest.fixture
def opt_in(own_practice) -> Workspace:
    """The same practice, where silence is no."""
    path = own_practice.path / "benchwell.yaml"
    settings = yaml.safe_load(path.read_text(encoding="utf-8")) | {"consent_rule": "opt_in"}
    path.write_text(yaml.safe_dump(settings), encoding="utf-8")
    return Workspace(own_practice.path)


def test_where_silence_is_no_only_those_who_said_yes_count(opt_in, tmp_path):
    nobody = opt_in.build(as_of=AS_OF, benchmarks=[RESPONSE])
    assert {row["status"] for row in nobody.table("outcomes").rows(named=True)} == {"opted_out"}
    yes = [(f"p{n:02d}", "learning", "2024-12-01", "granted") for n in range(12)]
    opt_in.intake(decisions(tmp_path / "consents.csv", *yes))
    some = opt_in.build(as_of=AS_OF, benchmarks=[RESPONSE])
    assert counts(some) == (12, 12, 8)
    assert some.manifest["identity"]["settings"]["consent_rule"] == "opt_in"
    assert verify(some.path).passed


def test_data_from_before_a_yes_are_not_used(opt_in, tmp_path):
    opt_in.intake(decisions(tmp_path / "consents.csv", ("p00", "learning", "2025-02-01", "granted")))
    edition = opt_in.build(as_of=AS_OF, benchmarks=[RESPONSE])
    (row,) = outcomes(edition, "p00")
    assert row["baseline"] is None  # taken on 6 January, before the yes
    assert row["status"] != "followed"
