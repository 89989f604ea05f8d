"""Whatever bytes are given as value sets: whole sets, or our own error; never another one, never a part of a set."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchwell.errors import ValueSetError
from benchwell.quality.value_set_files import read_content
from benchwell.quality.value_set_listing import set_address
from benchwell.quality.value_sets import ValueSets

KEY = "2.16.840.1.113883.3.67.1.101.1.263"
URL = set_address(KEY)
MEMBERS = [
    *("resourceType", "expansion", "contains", "code", "system", "total", "offset", "entry", "resource", "url"),
    *("compose", "include", "concept", "parameter", "name", "extension", "version", "id", "identifier", "meta"),
    *("tag", "abstract", "valueInteger", "value", "title"),
]
codes = st.lists(st.from_regex(r"[A-Z0-9.\-]{1,8}", fullmatch=True), unique=True, max_size=12)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(MEMBERS),
            inner | st.sampled_from(["ValueSet", "Bundle", "count", "SUBSETTED"]),
            max_size=6,
        )
    ),
    max_leaves=20,
)
starts = st.sampled_from(
    [b"", b"{", b"[", b"<", b"PK\x03\x04", b"\x1f\x8b", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"Code\tCode System\n"]
)


def read(content: bytes) -> None:
    try:
        sets = ValueSets(read_content(content, "file"))
        for key in list(sets._by_key):
            sets.require(key, title="x")
    except ValueSetError:
        pass


@given(start=starts, rest=st.binary(max_size=300))
def test_any_bytes(start: bytes, rest: bytes) -> None:
    read(start + rest)


@given(value=json_values)
def test_any_json(value: Any) -> None:
    read(json.dumps(value).encode())


@given(text=st.text(alphabet='ab1.|,;\t\n\r"\x00 OIDCodeSystm', max_size=300))
def test_any_table(text: str) -> None:
    read(f"OID\t{KEY}\nCode\tCode System\n{text}".encode())


@given(listed=codes, missing=st.integers(min_value=0, max_value=3), size=st.integers(min_value=1, max_value=5))
def test_pages_are_whole_exactly_if_every_code_is_there(listed: list[str], missing: int, size: int) -> None:
    total = len(listed) + missing
    pages = [
        {
            "resourceType": "ValueSet",
            "url": URL,
            "expansion": {
                "total": total,
                "offset": start,
                "contains": [{"system": "http://loinc.org", "code": code} for code in listed[start : start + size]],
            },
        }
        for start in range(0, max(len(listed), 1), size)
    ]
    sets = ValueSets(read_content(json.dumps(pages[::-1]).encode(), "pages"))
    if missing:
        with pytest.raises(ValueSetError, match="cut off"):
            sets.require(KEY, title="x")
    else:
        assert sets.require(KEY, title="x").codes == {f"loinc|{code}" for code in listed}


@given(listed=codes, dropped=st.sets(st.integers(min_value=0, max_value=11)))
def test_a_set_with_codes_taken_out_is_never_taken_as_whole(listed: list[str], dropped: set[int]) -> None:
    kept = [code for position, code in enumerate(listed) if position not in dropped]
    expansion = {"total": len(listed), "contains": [{"system": "http://loinc.org", "code": code} for code in kept]}
    content = json.dumps({"resourceType": "ValueSet", "url": URL, "expansion": expansion}).encode()
    sets = ValueSets(read_content(content, "file"))
    if len(kept) < len(listed):
        with pytest.raises(ValueSetError):
            sets.require(URL, title="x")
    else:
        assert sets.require(URL, title="x").count == len(listed)
