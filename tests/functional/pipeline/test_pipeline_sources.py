"""Workspaces without any questionnaire: official rates alone, contacts alone."""

from __future__ import annotations

import narwhals as nw
import pytest

from benchwell import Workspace, verify
from benchwell.errors import WorkspaceError
from benchwell.registry import Registry
from functional.product_cases import write_rows

RECOVERY = "nhs-published-recovery"


@pytest.fixture
def official(tmp_path) -> Workspace:
    """Twelve providers, two months of official rates; one is suppressed in the second."""
    endpoint = Registry.load().measure(RECOVERY).endpoint
    rows = [
        {
            "source": endpoint.source,
            "organization_id": f"R{n:02d}",
            "group_type": endpoint.group_type,
            "measure": endpoint.name,
            "period_start": start,
            "period_end": end,
            "rate": "*" if (n, start) == (0, "2019-03-01") else 0.40 + n / 100,
            "denominator": 100,
        }
        for start, end in (("2019-02-01", "2019-02-28"), ("2019-03-01", "2019-03-31"))
        for n in range(12)
    ]
    workspace = Workspace(tmp_path / "official")
    assert workspace.intake(write_rows(tmp_path / "rates.csv", rows)).rejected == 0
    return workspace


def periods(edition):
    return set(edition.table("statistics")["period"].to_list())


def test_official_rates_alone_make_an_edition(official):
    edition = official.build(as_of="2019-12-31", benchmarks=["nhs-published-recovery-plain"])
    assert periods(edition) >= {"2019-02", "2019-03", "all"}
    suppressed = edition.table("organization_results").filter(
        nw.col("organization_id") == "R00", nw.col("period") == "2019-03"
    )
    (row,) = suppressed.rows(named=True)
    assert (row["status"], row["estimate"]) == ("suppressed", None)
    assert verify(edition.path).passed


def test_an_official_rate_is_not_seen_before_its_period_is_over(official):
    edition = official.build(as_of="2019-03-30", benchmarks=["nhs-published-recovery-plain"])
    assert periods(edition) == {"2019-02", "all"}
    with pytest.raises(WorkspaceError, match="nothing to benchmark"):
        official.build(as_of="2019-02-27")


def test_contacts_alone_make_an_edition_of_waits_and_retention(tmp_path):
    people = range(24)
    courses = [
        {
            "episode_id": f"e{n}",
            "patient_id": f"p{n}",
            "organization_id": "north",
            "referral_date": "2025-01-01",
            "start_date": "2025-01-01",
        }
        for n in people
    ]
    contacts = [
        {
            "encounter_id": f"c{n}",
            "episode_id": f"e{n}",
            "date": "2025-01-31" if n < 16 else "2025-03-31",
            "attended": True,
        }
        for n in people
    ]
    workspace = Workspace(tmp_path / "contacts")
    assert workspace.intake(write_rows(tmp_path / "episodes.csv", courses)).records["episodes"] == 24
    assert workspace.intake(write_rows(tmp_path / "encounters.csv", contacts)).records == {"encounters": 24}
    edition = workspace.build(as_of="2026-01-31", benchmarks=["network-wait-within-6-weeks"])
    (row,) = (
        edition.table("organization_results")
        .filter(nw.col("period") == "all", nw.col("stratum") == "all")
        .rows(named=True)
    )
    assert (row["n_eligible"], row["n_met"]) == (24, 16)  # within 42 days; the others came after 89
    assert verify(edition.path).passed
