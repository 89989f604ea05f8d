"""The template needs no mapping, explains itself, and works for one person with a spreadsheet."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
import python_calamine

from benchwell.errors import SourceError
from benchwell.intake import TEMPLATE_COLUMNS, read_source, write_template
from benchwell.registry import Registry


def test_csv_template_is_read_without_a_mapping(tmp_path: Path, registry: Registry) -> None:
    path, beside = write_template(tmp_path / "scores.csv")
    with pytest.raises(SourceError, match="no data rows"):
        read_source(path, registry)
    cells = {"patient_id": "p1", "date": "2026-01-05", "instrument": "PHQ-9"} | {f"item_{n}": "1" for n in range(1, 10)}
    with path.open("a", encoding="utf-8") as file:
        file.write(",".join(cells.get(column.name, "") for column in TEMPLATE_COLUMNS) + "\n")
    result = read_source(path, registry)
    assert not result.guessed
    assert result.rejections.num_rows == 0
    assert result.tables["assessments"]["items"].to_pylist() == [[1.0] * 9]
    assert result.tables["organizations"]["name"].to_pylist() == ["My practice"]
    episode = result.tables["episodes"].to_pylist()[0]
    assert episode["start_date"] == dt.date(2026, 1, 5)
    assert episode["organization_id"] == "my-practice"
    assert result.tables["assessments"]["episode_id"].to_pylist() == [episode["episode_id"]]
    text = beside.read_text(encoding="utf-8")
    assert all(column.name in text and column.text in text for column in TEMPLATE_COLUMNS)


def test_the_examples_of_the_columns_make_a_valid_row(tmp_path: Path, registry: Registry) -> None:
    examples = {column.name: column.example for column in TEMPLATE_COLUMNS if not column.name.startswith("item_")}
    path = tmp_path / "a.csv"
    examples["unit"] = ""
    path.write_text(",".join(examples) + "\n" + ",".join(examples.values()) + "\n", encoding="utf-8")
    result = read_source(path, registry, as_of=dt.date(2026, 12, 31))
    assert result.counts.accepted == 1
    assert set(result.tables) == {"organizations", "practitioners", "patients", "episodes", "assessments"}
    assert result.tables["practitioners"]["organization_id"].to_pylist() == ["north"]


def test_xlsx_template_explains_every_column(tmp_path: Path, registry: Registry) -> None:
    (path,) = write_template(tmp_path / "scores.xlsx")
    book = python_calamine.CalamineWorkbook.from_path(str(path))
    assert book.sheet_names == ["scores", "columns"]
    explained = {row[0]: row[2] for row in book.get_sheet_by_name("columns").to_python()[1:]}
    assert explained == {column.name: column.text for column in TEMPLATE_COLUMNS}
    with pytest.raises(SourceError, match="no data rows"):
        read_source(path, registry)


def test_nothing_is_overwritten_and_the_suffix_is_known(tmp_path: Path) -> None:
    write_template(tmp_path / "a.csv")
    with pytest.raises(SourceError, match="already there"):
        write_template(tmp_path / "a.csv")
    with pytest.raises(SourceError, match=r"\.csv or \.xlsx"):
        write_template(tmp_path / "a.ods")
    with pytest.raises(SourceError, match="cannot be written"):
        write_template(tmp_path / "none" / "a.csv")
    with pytest.raises(SourceError, match="cannot be written"):
        write_template(tmp_path / "none" / "a.xlsx")
