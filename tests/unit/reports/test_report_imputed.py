"""Imputed follow-up in words: how far the missing may differ before what may be said changes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from benchwell.reports.imputed import imputed
from benchwell.signals import compare
from benchwell.signals.imputed_answers import ImputedLight
from benchwell.terms import Light
from signals_edition import MEASURE, edition

KAPPAS = (-1.0, 0.0, 1.0, 2.0)
FIGURES = (0.62, 0.6, 0.57, 0.53)
ALONE = (Light.ABOVE, Light.ABOVE, Light.ABOVE, Light.UNKNOWN)


@pytest.fixture(scope="module")
def comparison():
    return compare(edition(), "north", MEASURE["id"])


def swept(tipping: float | None, everybody: tuple[Light, ...] = ()) -> ImputedLight:
    return ImputedLight(KAPPAS, FIGURES, ALONE, everybody, (), tipping, 20)


def test_where_nothing_was_imputed_nothing_is_said(comparison):
    assert imputed(replace(comparison, imputed=None)) is None


def test_the_smallest_shift_that_changes_what_may_be_said_is_named(comparison):
    found = imputed(replace(comparison, imputed=swept(2.0)))
    assert "filled in 20 times" in found.text
    assert found.text.endswith("What may be said changes if the missing did 2 points less well than people like them.")


@pytest.mark.parametrize(
    ("tipping", "said"),
    [
        (None, "No shift of up to 2 points changes what may be said."),
        (-1.0, "What may be said changes if the missing did 1 point more well than people like them."),
        (0.0, "Already without a shift, filling in changes what may be said."),
    ],
)
def test_other_findings_are_said_too(comparison, tipping, said):
    assert imputed(replace(comparison, imputed=swept(tipping))).text.endswith(said)


def test_the_table_has_a_line_for_each_shift_and_leaves_out_what_was_not_asked(comparison):
    found = imputed(replace(comparison, imputed=swept(2.0))).table
    assert found.rows[0] == ("1 point more well", "62 %", "▲ clearly above")
    assert found.rows[1][0] == "as people like them"
    assert found.rows[3] == ("2 points less well", "53 %", "○ cannot tell yet")
    both = imputed(replace(comparison, imputed=swept(2.0, ALONE))).table
    assert len(both.columns) == len(found.columns) + 1
