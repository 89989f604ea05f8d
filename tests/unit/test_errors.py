"""The error tree: what the module's drawing says is what the code has."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from benchwell import errors
from benchwell.errors import BenchwellError, UnknownDeclarationError

LINE = re.compile(r"^    (?P<branch>[│├└─ ]*)(?P<name>[A-Z]\w+Error) +(?P<code>\d+)  (?P<meaning>.+)$")


def drawn_tree() -> dict[str, tuple[str | None, int]]:
    """Name of each error in the drawing → its parent in the drawing and its exit code."""
    tree: dict[str, tuple[str | None, int]] = {}
    parents: dict[int, str] = {}
    for line in (errors.__doc__ or "").splitlines():
        if match := LINE.match(line):
            depth = len(match["branch"]) // 4
            parents[depth] = match["name"]
            tree[match["name"]] = (parents.get(depth - 1), int(match["code"]))
    return tree


def family(root: type[BenchwellError]) -> Iterator[type[BenchwellError]]:
    yield root
    for child in root.__subclasses__():
        yield from family(child)


def test_the_drawing_at_the_top_of_the_module_is_the_tree():
    coded = {
        kind.__name__: (None if kind is BenchwellError else kind.__bases__[0].__name__, kind.exit_code)
        for kind in family(BenchwellError)
        if kind.__module__ == errors.__name__
    }
    assert drawn_tree() == coded
    assert len(coded) == 21


def test_exit_codes_are_unique_and_leave_room_for_the_shell():
    codes = [kind.exit_code for kind in family(BenchwellError) if kind.__module__ == errors.__name__]
    assert len(codes) == len(set(codes))
    assert all(10 <= code < 64 for code in codes)


def test_a_case_of_a_kind_that_lives_elsewhere_ends_a_command_as_its_kind_does():
    pipeline_and_doors = ("benchwell.web.", "benchwell.pipeline.live.", "benchwell.register.")
    for kind in family(BenchwellError):
        if kind.__module__ != errors.__name__:
            assert kind.__module__.startswith(pipeline_and_doors), kind
            assert kind.exit_code == kind.__bases__[0].exit_code, kind


def test_every_error_says_what_it_means():
    assert [kind.__name__ for kind in family(BenchwellError) if not (kind.__doc__ or "").strip()] == []


def test_a_hint_is_printed_after_the_message_and_kept_apart():
    error = BenchwellError("The file is empty.", hint="write the header first")
    assert str(error) == "The file is empty.\n\nHint: write the header first"
    assert (error.message, error.hint) == ("The file is empty.", "write the header first")
    assert str(BenchwellError("The file is empty.")) == "The file is empty."


@pytest.mark.parametrize(("wanted", "guess"), [("phq9", "did you mean 'phq-9'? "), ("zzzz", "")])
def test_an_unknown_id_lists_what_would_have_worked(wanted, guess):
    error = UnknownDeclarationError.from_id("instrument", wanted, ["phq-9", "gad-7"])
    assert error.message == f"No instrument {wanted!r}."
    assert error.hint == f"{guess}Known: gad-7, phq-9"
