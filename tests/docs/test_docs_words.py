"""What must not appear: claims nobody could find, places of one machine, words that judge."""

from __future__ import annotations

import re

import pytest
import yaml

SHIPPED = (
    "src",
    "docs",
    "examples",
    "scripts",
    "benchmarks",
    "README.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
)
# Real names of organizations may contain anything: the two data files are as published.
DATA = {"iapt_key_measures_2019-02_to_2019-08.csv", "hamd_sites.csv"}


def not_found(repository) -> list[str]:
    lines = (repository.root / "tests" / "docs" / "not_found.txt").read_text(encoding="utf-8").splitlines()
    return [line.strip().lower() for line in lines if line.strip() and not line.startswith("#")]


def offenders(repository, pattern: re.Pattern[str]) -> list[str]:
    return [
        f"{path.relative_to(repository.root)}:{number}"
        for path, text in repository.texts(*SHIPPED)
        if path.name not in DATA
        for number, line in enumerate(text.splitlines(), start=1)
        if pattern.search(line)
    ]


def test_no_claim_that_nobody_could_find(repository):
    claims = not_found(repository)
    assert len(claims) >= 30
    assert offenders(repository, re.compile("|".join(map(re.escape, claims)), re.IGNORECASE)) == []


def test_the_list_of_claims_covers_the_names_in_the_fact_sheet(repository):
    sheet = repository.root.parent / "shared" / "facts" / "seed_claims.yaml"
    if not sheet.exists():
        pytest.skip("the shared fact sheet facts/seed_claims.yaml is not there")
    rows = yaml.safe_load(sheet.read_text(encoding="utf-8"))
    rows = rows if isinstance(rows, list) else next(value for value in rows.values() if isinstance(value, list))
    quotes = [row["quote"].lower() for row in rows if str(row["public_status"]).startswith("not found")]
    claims = not_found(repository)
    assert len(quotes) >= 26
    assert [quote for quote in quotes if not any(claim in quote for claim in claims)] == []


def test_no_absolute_path_of_a_machine(repository):
    assert offenders(repository, re.compile(r"(?<![\w.])/(?:home|root|Users|work|mnt)/\w")) == []


@pytest.mark.parametrize("extra", ["requirements.lock", "requirements-dev.lock", "pyproject.toml", "run", ".ci/run"])
def test_no_registry_host(repository, extra):
    # Files that install things name no address at all, so no host needs to be listed here.
    assert "://" not in (repository.root / extra).read_text(encoding="utf-8")
    pattern = re.compile(r"https?://\S*/simple|index-url|find-links", re.IGNORECASE)
    assert pattern.search((repository.root / extra).read_text(encoding="utf-8")) is None
    assert offenders(repository, pattern) == []


def test_pages_judge_nobody(repository):
    judging = re.compile(r"\b(best|worst|failing|outliers?|league|underperform\w*|rank(?:s|ed|ing)?)\b", re.IGNORECASE)
    refusals = {"README.md", "what-we-refuse.md", "architecture.md"}  # these say what we do not do, or name a column
    found = [
        f"{page.relative_to(repository.root)}:{number}: {line.strip()[:80]}"
        for page in repository.pages
        if page.name not in refusals and "methods" not in page.parts
        for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), start=1)
        if judging.search(re.sub(r"`[^`]*`", "", line))
    ]
    assert found == []
