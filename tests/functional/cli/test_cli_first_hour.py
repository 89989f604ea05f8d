"""What a newcomer does in the first hour: template, fill, take in, build, verify, report."""

from __future__ import annotations

from pathlib import Path

import pytest
import xlsxwriter
from python_calamine import CalamineWorkbook

from functional.product_cases import AS_OF, practice_rows, write_rows

COMMANDS = (
    "init",
    "template",
    "intake",
    "build",
    "verify",
    "report",
    "score",
    "quality",
    "instruments",
    "measures",
    "casemix",
    "benchmarks",
)


def test_from_an_empty_folder_to_a_verified_report(cli, tmp_path):
    home, sheet = tmp_path / "home", tmp_path / "scores.csv"
    assert cli("init", home, "--name", "North Practice").code == 0
    assert cli("template", sheet).code == 0
    header = sheet.read_text(encoding="utf-8-sig").strip().split(",")
    filled = [{name: row.get(name, "") for name in header} for row in practice_rows()]
    write_rows(sheet, filled)

    taken = cli("intake", sheet, "-w", home, "--json")
    assert taken.code == 0
    (report,) = taken.json()
    assert (report["read"], report["accepted"], report["rejected"]) == (35, 35, 0)
    assert report["mapping"] is None  # our own template needs none

    built = cli("build", "-w", home, "--as-of", AS_OF, "-b", "network-phq9-response-12w", "--json")
    assert built.code == 0
    summary = built.json()
    (benchmark,) = summary["benchmarks"]
    assert benchmark["direction"] == "higher is better"
    assert benchmark["people"].endswith("15 of 20 eligible people followed up (75 %)")

    checked = cli("verify", summary["path"], "--json")
    assert checked.code == 0
    assert checked.json()["passed"]

    page = tmp_path / "report.html"
    own = cli("report", summary["path"], "-o", page, "--organization", "north", "--json")
    assert own.code == 0
    assert any("15 of" in sentence for sentence in own.json()["sentences"])
    assert "<html" in page.read_text(encoding="utf-8")


def test_the_spreadsheet_template_can_be_filled_and_read_back(cli, tmp_path):
    empty, filled = tmp_path / "template.xlsx", tmp_path / "filled.xlsx"
    assert cli("template", empty).code == 0
    header = CalamineWorkbook.from_path(str(empty)).get_sheet_by_name("scores").to_python()[0]
    with xlsxwriter.Workbook(str(filled), {"default_date_format": "yyyy-mm-dd"}) as book:
        sheet = book.add_worksheet("scores")
        sheet.write_row(0, 0, header)
        for place, row in enumerate(practice_rows(), start=1):
            for at, name in enumerate(header):
                if name in row:
                    sheet.write(place, at, row[name])
    taken = cli("intake", filled, "-w", _workspace(cli, tmp_path), "--json")
    assert taken.code == 0
    assert taken.json()[0]["records"] == {"assessments": 35, "episodes": 20, "organizations": 1, "patients": 20}


@pytest.mark.parametrize("suffix", ["csv", "xlsx"])
def test_an_empty_template_is_refused_kindly(cli, tmp_path, suffix):
    sheet = tmp_path / f"scores.{suffix}"
    cli("template", sheet)
    ran = cli("intake", sheet, "-w", _workspace(cli, tmp_path))
    assert ran.code == 12
    assert "no data rows" in ran.err


def test_a_template_never_overwrites(cli, tmp_path):
    sheet = tmp_path / "mine.csv"
    sheet.write_text("my own work", encoding="utf-8")
    assert cli("template", sheet).code == 12
    assert sheet.read_text(encoding="utf-8") == "my own work"


def test_a_template_of_another_kind_is_refused(cli, tmp_path):
    ran = cli("template", tmp_path / "scores.ods")
    assert ran.code == 12
    assert ".csv or .xlsx" in ran.err


def test_one_person_needs_no_workspace(cli, practice_csv, tmp_path):
    page = tmp_path / "out" / "own.html"
    ran = cli("report", practice_csv, "-o", page, "--as-of", AS_OF, "--json")
    assert ran.code == 0
    said = ran.json()
    assert said["path"] == str(page)
    response = next(text for text in said["sentences"] if text.startswith("Depression response at 12 weeks"))
    assert "15 of your 20 eligible people" in response
    assert "40 %" in response  # 8 of all 20
    assert "higher is better" in response
    text = page.read_text(encoding="utf-8")
    assert "http://" not in text.replace("http://www.w3.org", "")
    assert 'src="http' not in text


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(cli, command):
    ran = cli(command, "--help")
    assert ran.code == 0
    assert ran.out.startswith(f"Usage: root {command}") or f" {command} " in ran.out.splitlines()[0]
    assert len(ran.out.splitlines()) > 5


def test_the_commands_are_all_listed(cli):
    listed = cli("--help").out
    assert [command for command in COMMANDS if f"  {command} " not in listed] == []


def test_a_workspace_is_not_made_over_other_files(cli, tmp_path):
    (tmp_path / "letter.txt").write_text("mine", encoding="utf-8")
    ran = cli("init", tmp_path)
    assert ran.code == 15
    assert "holds other files" in ran.err
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]
    home = _workspace(cli, tmp_path)
    assert "is a workspace already" in cli("init", home).err


def _workspace(cli, folder: Path) -> Path:
    home = folder / "home"
    assert cli("init", home).code == 0
    return home
