"""The sections of an expected course: model card of a curve before it has seen any data."""

from __future__ import annotations

from benchwell.registry.response_curve import CurveDeclaration
from benchwell.reports.method.structure import Code, Link, Listing, Section, Words, plain, table

_CLOCKS = {
    "weeks": "weeks since the first score of the course",
    "sessions": "number of the attended session at or before the score",
}
_UNITS = {"weeks": "week", "sessions": "session"}
_LIMITS = (
    "It is decision support: a person and a therapist decide. It never says what to do, and never that care is poor.",
    "It says what usually followed, not why: neither what caused a course nor what another treatment would have done.",
    'Late responders exist. The word is "review", and beside it stands how often no response followed, with n.',
    "Positive and negative predictive values hold for the share without a response that was found in the edition.",
    "People who stop giving scores are not at the end: the figures are of those who still gave one.",
    "It may be a regulated medical device where you work; ask before you switch it on.",
)


def response_curve_lead(one: CurveDeclaration) -> list[Words]:
    """What the curve says and when it is shown, in sentences."""
    within = round(100 * (2 * one.boundary - 1))
    return [
        "Switched off until a workspace sets `expected_course`; then fitted and checked in each edition, with the "
        "people treated there. A person can opt out of seeing it.",
        f"A score outside of the range that holds the central {within} % of people with the same first score, on the "
        "side towards worse, is marked for review.",
    ]


def response_curve_sections(one: CurveDeclaration) -> list[Section]:
    """The model, the rules, the checks before it is served, and its limits."""
    unit = _UNITS[one.clock]
    time = "log(weeks + 1)" if one.clock == "weeks" else "log(session)"
    model = [
        ("instrument", Link("instruments", one.instrument)),
        ("scale", "the primary one" if one.scale is None else Code(one.scale)),
        ("clock", _CLOCKS[one.clock]),
        ("first score", "the first valid one of the course; of several on a day, one counts"),
        ("people it speaks of", _start(one)),
        ("last occasion", f"{unit} {one.horizon:g}"),
        ("model", f"a straight line in {time} with a random intercept and slope for each person, fitted by REML to "
                  "everybody with enough scores; the expected score is conditional on the first one"),
        ("boundary", f"{one.boundary:.0%} of such people are expected within it"),
    ]  # fmt: skip
    return [
        Section("The curve", (table(["what", "as declared"], model),)),
        Section("The rules", (table(["what", "as declared"], _rules(one, unit)),)),
        Section("Before it is served", (table(["what", "as declared"], _gates(one)),)),
        Section("What it cannot tell", (Listing(_LIMITS),)),
    ]


def _start(one: CurveDeclaration) -> str:
    if one.start == "caseness":
        return "those who started in the clinical range (the instrument's caseness)"
    return "everybody" if one.start == "everybody" else f"those who started at {one.start:g} or worse"


def _rules(one: CurveDeclaration, unit: str) -> list[tuple[str, Words]]:
    rows: list[tuple[str, Words]] = [
        ("end", f"the last score from {unit} {one.end.from_occasion:g} to the last occasion"),
        ("response", f"{one.end.response_share:.0%} or more of the way from the first score to the healthy end"),
    ]
    if one.early is not None:
        early = one.early
        rows.append(
            ("little change early", f"less than {early.share:.0%} of the way by {unit} {early.by:g} "
                                    f"(the score closest to it, at most {early.within:g} away)")
        )  # fmt: skip
    return rows


def _gates(one: CurveDeclaration) -> list[tuple[str, Words]]:
    gates = one.gates
    low, high = gates.coverage
    return [
        ("people", f"{gates.people} of the population, with at least {gates.scores} scores each"),
        (
            "clinics",
            f"{gates.organizations}: split into {one.folds} parts, each judged by a curve fitted to the others",
        ),
        ("share within the range", f"{low:.0%} to {high:.0%} of scores in clinics that the curve was not fitted to"),
        ("the same by first score, " + plain(list(one.groups)), "{:.0%} to {:.0%}".format(*gates.group_coverage)),
        ("share beyond the boundary", f"at most {gates.beyond:.0%}"),
        ("mean score against mean expected, by first score and occasion", f"within {gates.calibration:g} points"),
        ("people behind any figure", f"{gates.cell}; a check counts from {gates.judged} on"),
        ("percentiles without a model", f"from {gates.empirical_band} people of a band at an occasion"),
    ]
