"""Whatever comes in: a clear error or rejections, never a traceback, a value in a message, or a loss in the lake."""

from __future__ import annotations

import csv
import os
import shutil
from pathlib import Path

import pytest

from benchwell import Workspace
from functional.product_cases import AS_OF, SECRET, practice_rows, write_rows

HEADER = "patient_id,date,instrument,total\n"


def binary(path: Path) -> None:
    path.write_bytes(bytes(range(256)) * 40)


def pdf(path: Path) -> None:
    path.write_bytes(b"%PDF-1.7\n1 0 obj << /Type /Catalog >> endobj\n\xff\xfe\x00\x01 trailer\n%%EOF\n")


def folder(path: Path) -> None:
    path.mkdir()


def missing(path: Path) -> None:
    """Nothing is there."""


def text(content: str):
    def write(path: Path) -> None:
        path.write_text(content, encoding="utf-8")

    write.__name__ = content[:20].strip() or "nothing"
    return write


CASES = {
    "empty.csv": (text(""), 12),
    "blank.csv": (text("\n\n  \n"), 12),
    "binary.csv": (binary, 12),
    "binary.xlsx": (binary, 12),
    "letter.csv": (pdf, 12),
    "folder.csv": (folder, 12),
    "missing.csv": (missing, 12),
    "header.csv": (text(HEADER), 12),
    "not-one.xlsx": (text("PK\x03\x04 this is no workbook"), 12),
    "words.csv": (text(f"Dear all,\nthe scores of {SECRET} follow by post.\n"), 13),
    "open-quote.csv": (text(HEADER + f'"{SECRET},2025-01-01,phq-9,12\n'), 12),
    "all-bad.csv": (text(HEADER + f"{SECRET},never,phq-9,12\n{SECRET},2025-01-01,phq-9,99\n"), 21),
    "all-ragged.csv": (text(HEADER + f"{SECRET},2025-01-01\n"), 21),
}


@pytest.mark.parametrize("name", CASES)
def test_a_file_that_cannot_be_used_ends_in_a_clear_error(cli, own_practice, tmp_path, name):
    write, code = CASES[name]
    write(tmp_path / name)
    before = own_practice.lake.snapshot().rows
    ran = cli("intake", tmp_path / name, "-w", own_practice.path)
    assert ran.code == code, ran.err
    assert ran.err.splitlines()[-1].startswith("Hint: ") or ran.err.startswith("Error: ")
    assert name in ran.err
    assert SECRET not in ran.out + ran.err
    after = own_practice.lake.snapshot().rows
    assert {table: n for table, n in after.items() if table != "rejections"} == {
        table: n for table, n in before.items() if table != "rejections"
    }


@pytest.mark.parametrize("name", ["empty.csv", "binary.csv", "letter.csv", "folder.csv", "missing.csv", "all-bad.csv"])
def test_a_report_of_it_is_refused_the_same_way(cli, tmp_path, name):
    write, code = CASES[name]
    write(tmp_path / name)
    ran = cli("report", tmp_path / name, "-o", tmp_path / "page.html")
    assert ran.code == (16 if name == "folder.csv" else code)
    assert SECRET not in ran.out + ran.err
    assert not (tmp_path / "page.html").exists()


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may read everything")
def test_a_file_that_may_not_be_read_is_said_to_be_one(cli, own_practice, tmp_path):
    path = write_rows(tmp_path / "locked.csv", practice_rows())
    path.chmod(0)
    ran = cli("intake", path, "-w", own_practice.path)
    assert ran.code == 12
    assert "permission" in ran.err


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    """Two good rows, then three bad ones of the planted patient."""
    rows = [
        {"patient_id": "new-1", "date": "2025-03-01", "instrument": "phq-9", "total": 14},
        {"patient_id": "new-2", "date": "2025-03-01", "instrument": "phq-9", "total": 15},
        {"patient_id": SECRET, "date": "2025-03-77", "instrument": "phq-9", "total": 16},
        {"patient_id": SECRET, "date": "2025-03-01", "instrument": "phq-9", "total": 777777},
        {"patient_id": SECRET, "date": "2025-03-01", "instrument": f"of {SECRET}", "total": 12},
    ]
    return write_rows(tmp_path / "mixed.csv", rows)


def test_good_rows_get_in_and_each_bad_one_is_named_without_its_value(cli, own_practice, mixed):
    before = own_practice.lake.snapshot().rows["assessments"]
    ran = cli("intake", mixed, "-w", own_practice.path)
    assert ran.code == 20
    assert own_practice.lake.snapshot().rows["assessments"] == before + 2
    (listed,) = (own_practice.path / "rejections").glob("mixed-*.csv")
    with listed.open(encoding="utf-8", newline="") as file:
        found = [(row["file"], row["row"], row["column"], row["reason"], row["action"]) for row in csv.DictReader(file)]
    assert found == [
        ("mixed.csv", "3", "date", "unparseable_date", "rejected"),
        ("mixed.csv", "4", "total", "above_range", "rejected"),
        ("mixed.csv", "5", "instrument", "unknown_instrument", "rejected"),
    ]
    assert "unparseable_date" in ran.out
    assert str(listed) in ran.err


def test_rejections_can_be_allowed(cli, own_practice, mixed):
    assert cli("intake", mixed, "-w", own_practice.path, "--allow-rejections", "--json").json()[0]["rejected"] == 3
    again = cli("intake", mixed, "-w", own_practice.path, "--allow-rejections", "--json")
    assert again.code == 0
    assert again.json()[0]["already"]
    assert again.json()[0]["rejected"] == 3  # said again: they are still not in


def test_no_value_of_a_person_reaches_anything_that_is_read(cli, own_practice, mixed, tmp_path):
    said = [cli("intake", mixed, "-w", own_practice.path, *more) for more in ([], ["--json"])]
    built = cli("build", "-w", own_practice.path, "--as-of", AS_OF, "-b", "network-phq9-response-12w", "--json")
    edition = Path(built.json()["path"])
    said += [built, cli("verify", edition, "--all"), cli("verify", edition, "--json")]
    said += [cli("report", edition, "-o", tmp_path / "page.html"), cli("report", mixed, "-o", tmp_path / "own.html")]
    for ran in said:
        assert SECRET not in ran.out + ran.err
        assert "777777" not in ran.out + ran.err
        assert "new-1" not in ran.out + ran.err
    read = [tmp_path / "page.html", tmp_path / "own.html"]
    read += [path for path in own_practice.path.rglob("*") if path.is_file() and "lake" not in path.parts]
    private = edition / "rows"
    for path in read:
        content = path.read_bytes()
        assert SECRET.encode() not in content, path
        if private not in path.parents:
            assert b"new-1" not in content, path
    # Refused values are nowhere in the lake either; ids of people are, that is what it is for.
    for path in (own_practice.path / "lake").rglob("*.json"):
        assert SECRET.encode() not in path.read_bytes(), path


def test_sources_before_a_bad_one_are_in_and_told(cli, own_practice, tmp_path):
    first = write_rows(
        tmp_path / "first.csv", [{"patient_id": "f1", "date": "2025-01-01", "instrument": "phq-9", "total": 12}]
    )
    ran = cli("intake", first, tmp_path / "missing.csv", "-w", own_practice.path, "--json")
    assert ran.code == 12
    assert [report["file"] for report in ran.json()] == ["first.csv"]
    assert own_practice.intake(first).already


def test_a_lake_that_is_damaged_is_named(cli, own_practice, practice_csv):
    (own_practice.path / "lake" / "lake.json").write_text("{", encoding="utf-8")
    for verb in (["intake", practice_csv], ["build"]):
        ran = cli(*verb, "-w", own_practice.path)
        assert ran.code == 18
        assert "lake.json" in ran.err
    shutil.rmtree(own_practice.path / "lake")
    assert cli("build", "-w", own_practice.path).code == 18


def test_a_lake_that_lost_a_table_is_named(cli, own_practice):
    shutil.rmtree(own_practice.path / "lake" / "assessments")
    ran = cli("build", "-w", own_practice.path, "--as-of", AS_OF)
    assert ran.code == 18
    assert "assessments" in ran.err


@pytest.mark.parametrize(
    ("damage", "code"),
    [("id: [", 15), ("id: x\nno_such_key: 1\n", 15), ("", 15), ("id: x\nconsent_rule: perhaps\n", 15)],
)
def test_settings_that_are_damaged_are_named(cli, own_practice, damage, code):
    (own_practice.path / "benchwell.yaml").write_text(damage, encoding="utf-8")
    ran = cli("build", "-w", own_practice.path)
    assert ran.code == code
    assert "benchwell.yaml" in ran.err


def test_a_declaration_that_does_not_validate_is_named(cli, own_practice):
    place = own_practice.path / "declarations" / "measures"
    place.mkdir(parents=True, exist_ok=True)
    (place / "ours.yaml").write_text("id: ours\nrevision: one\n", encoding="utf-8")
    ran = cli("measures", "-w", own_practice.path)
    assert ran.code == 14
    assert "ours.yaml" in ran.err


def test_a_folder_that_is_no_edition_is_named(cli, own_practice, tmp_path):
    for verb in (["verify", own_practice.path], ["report", own_practice.path, "-o", tmp_path / "x.html"]):
        ran = cli(*verb)
        assert ran.code == 16
        assert "is not an edition" in ran.err


def test_a_page_that_cannot_be_written_is_said(cli, edition, tmp_path):
    ran = cli("report", edition.path, "-o", tmp_path)
    assert ran.code == 12
    assert "cannot be written" in ran.err


def test_a_workspace_inside_a_file_is_refused(cli, tmp_path):
    (tmp_path / "file").write_text("x", encoding="utf-8")
    for place in (tmp_path / "file", tmp_path / "file" / "deeper"):
        assert cli("init", place).code == 15


def test_a_frame_of_nonsense_is_refused(own_practice):
    from benchwell.errors import SourceError

    for source in (42, {"patient_id": [1]}, None):
        with pytest.raises(SourceError):
            own_practice.intake(source)


def test_reopening_a_workspace_that_holds_other_things_is_refused(tmp_path):
    from benchwell.errors import WorkspaceError

    (tmp_path / "x.txt").write_text("x", encoding="utf-8")
    with pytest.raises(WorkspaceError, match="is not a workspace"):
        Workspace(tmp_path)
