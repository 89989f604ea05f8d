"""docs/bulk-data.md says which requirement is held by which test: every one is there, and every test exists."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
SHARED = ROOT / "../shared/conformance"
PAGE = ROOT / "docs/bulk-data.md"
ROW = re.compile(r"^\| (?P<ids>[\d, ]+) \| (?P<level>[A-Z ]+) \| (?P<short>[^|]+) \| (?P<by>[^|]+) \|$", re.MULTILINE)
NAMED = re.compile(r"`(test_\w+)`")


def rows(title):
    """(Ids, level, held by) of one table."""
    section = PAGE.read_text(encoding="utf-8").split(f"## What we hold to: {title}\n")[1].split("\n## ")[0]
    found = [(row["ids"].split(", "), row["level"], row["by"]) for row in ROW.finditer(section)]
    assert len(found) == section.count("\n| ") - 1  # every line but the head is understood
    return found


def stated(title):
    return sorted((one, level) for ids, level, _ in rows(title) for one in ids)


@pytest.mark.shared
@pytest.mark.skipif(not SHARED.is_dir(), reason="needs the shared lists of requirements")
@pytest.mark.parametrize(
    ("title", "file", "first", "last"),
    [
        ("Bulk Data Access 2.0.0", "bulk-data/requirements-client-2.0.0.json", 1, 999),
        ("SMART backend services 2.2.0", "smart-app-launch/requirements-client-2.2.0.json", 225, 334),
    ],
)
def test_every_requirement_stands_on_the_page_once_at_its_level(title, file, first, last):
    listed = json.loads((SHARED / file).read_text(encoding="utf-8"))
    numbers = {row["id"]: row["conformance"] for row in listed if row["id"].isdigit()}
    assert stated(title) == sorted((one, level) for one, level in numbers.items() if first <= int(one) <= last)


@pytest.mark.parametrize("title", ["Bulk Data Access 2.0.0", "SMART backend services 2.2.0"])
def test_every_test_that_the_page_names_exists(title):
    tests = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").glob("*/bulk/test_*.py"))
    defined = set(re.findall(r"^def (test_\w+)\(", tests, re.MULTILINE))
    for ids, _, by in rows(title):
        named = NAMED.findall(by)
        assert set(named) <= defined, ids
        assert named or by.startswith(("not held: ", "nothing to hold: ")), ids


def test_every_shall_of_bulk_data_is_held():
    assert [
        ids for ids, level, by in rows("Bulk Data Access 2.0.0") if level.startswith("SH") and "not held" in by
    ] == []
