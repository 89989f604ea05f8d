"""Files of value sets that mean harm, or are merely broken: an error in words, quickly, and nothing else is read."""

from __future__ import annotations

import gzip
import io
import zipfile
from pathlib import Path

import pytest

from benchwell.errors import ValueSetError
from benchwell.quality import value_set_files
from benchwell.quality.value_set_files import read_content, read_listings
from benchwell.quality.value_set_listing import version_order

OID = "2.16.840.1.113883.3.67.1.101.1.263"
TABLE = f"OID,{OID}\nCode Count,{{count}}\nCode,Code System\n44261-6,LOINC\n"


def zipped(**members: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name.replace("__", "."), content)
    return packed.getvalue()


def refused(content: bytes) -> str:
    with pytest.raises(ValueSetError) as found:
        list(read_content(content, "given"))
    return found.value.message


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(value_set_files, "MOST", 1 << 20)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("pack", [gzip.compress, lambda content: zipped(a__csv=content), lambda content: content])
def test_what_unpacks_without_end_is_refused(tmp_path: Path, pack) -> None:
    path = tmp_path / "given"
    path.write_bytes(pack(b" " * (2 << 20)))
    with pytest.raises(ValueSetError, match="holds more than 1 MB"):
        list(read_listings([path]))


def test_archives_in_archives_come_to_an_end() -> None:
    content = zipped(a__csv=TABLE.format(count=1).encode())
    assert [one.key for one in read_content(content, "given")] == [OID]
    for _ in range(6):
        content = zipped(inner__zip=content)
    assert "too many archives" in refused(content)


def test_the_path_of_a_member_leads_nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("../../above.csv", TABLE.format(count=1))
        archive.writestr("/tmp/absolute.csv", TABLE.format(count=1))
    assert {one.file for one in read_content(packed.getvalue(), "given")} == {"given: above.csv", "given: absolute.csv"}
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("where", ["&told;", "&sum;"])
def test_entities_are_never_looked_up(tmp_path: Path, where: str) -> None:
    (tmp_path / "secret").write_text("Kennwort")
    begin = f'<!DOCTYPE a [<!ENTITY told SYSTEM "file://{tmp_path}/secret"><!ENTITY e0 "{"x" * 100}">'
    bomb = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 10)) + '<!ENTITY sum "&e9;">]>'
    message = refused(f'{begin}{bomb}<a><ValueSet ID="{OID}">{where}</ValueSet></a>'.encode())
    assert message == "given is not XML that can be read."


def test_a_cell_without_end_is_refused() -> None:
    assert "not a table" in refused(f'Code,Code System\n"{"x" * 200_000}",LOINC\n'.encode())


@pytest.mark.parametrize("count", ["²", "9" * 5000])
def test_a_count_that_is_none_is_no_count(count: str) -> None:
    (one,) = read_content(TABLE.format(count=count).encode(), "given")
    assert (one.entries, one.total) == (1, None)


def test_very_long_versions_have_an_order() -> None:
    assert min(["9" * 5000, "2"], key=version_order) == "2"
