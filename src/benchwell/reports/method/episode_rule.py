"""The sections of an episode rule: which contacts count, and when a new course begins."""

from __future__ import annotations

from benchwell.registry.episode_rule import Diagnosis, EpisodeRule
from benchwell.reports.method.structure import Code, Listing, Section, Table, Words, joined, plain, table


def episode_rule_lead(one: EpisodeRule) -> list[Words]:
    """When a course begins and when the next one does, in sentences."""
    new = f"A contact more than {one.gap_days} days after the one before it opens a new course"
    if one.clean_days:
        new += f", but never less than {one.clean_days} days after the first day of the course before"
    return [
        "Used only where the source names no course of care; a course that it names is never changed. A contact on a "
        "day that a named course covers belongs to that course.",
        f"{_opener(one)} {new}.",
        f"{_place(one)} {_end(one)}",
    ]


def episode_rule_sections(one: EpisodeRule) -> list[Section]:
    """Every part of the rule in a row, the diagnosis, and the examples that are tests."""
    opens = one.opens
    rows = [
        ("contacts that count", "attended ones; a missed appointment joins a course that is open, and opens none"),
        ("kinds of contact", _kinds(one)),
        ("modes", "any" if opens.modes is None else plain(opens.modes)),
        ("longest break within a course", f"{one.gap_days} days"),
        ("shortest time from one course's first day to the next", f"{one.clean_days} days" if one.clean_days else "–"),
        ("contacts that share a course", _shared(one)),
        ("people with scores but without any contact", _scores(one)),
        ("end of a course", _ends(one)),
    ]
    examples = tuple(_example(example) for example in one.examples)
    return [
        Section("The rule", (table(["what", "as declared"], rows),)),
        Section("The diagnosis", _diagnosis(opens.diagnosis)),
        Section("Worked examples (they are tests)", (Listing(examples),)),
    ]


def _opener(one: EpisodeRule) -> str:
    diagnosis = one.opens.diagnosis
    needed = diagnosis is not None and diagnosis.required
    of_what = f" on a day with a diagnosis of {_name(diagnosis)}" if needed else ""
    return f"The first attended contact{of_what} opens a course."


def _name(diagnosis: Diagnosis | None) -> str:
    return diagnosis.label if diagnosis is not None and diagnosis.label else "the list below"


def _place(one: EpisodeRule) -> str:
    if "organization" in one.by:
        return "Contacts at another clinic belong to another course."
    return "A transfer to another clinic does not end a course; it counts for the clinic of the first contact."


def _end(one: EpisodeRule) -> str:
    return f"A course is over once more than {one.gap_days} days have passed without a contact; {_ends(one)}."


def _ends(one: EpisodeRule) -> str:
    return "it ended on its last contact" if one.ends == "last_contact" else "it ended when these days had passed"


def _kinds(one: EpisodeRule) -> str:
    if one.opens.kinds is not None:
        return f"only {plain(one.opens.kinds)}"
    return f"any but {plain(one.opens.not_kinds)}" if one.opens.not_kinds else "any"


def _shared(one: EpisodeRule) -> str:
    return f"those of one person with the same {' and '.join(one.by)}" if one.by else "all those of one person"


def _scores(one: EpisodeRule) -> str:
    if not one.first_score_opens:
        return "have no course"
    return "days with a valid score stand for contacts; such a course has no known end"


def _diagnosis(diagnosis: Diagnosis | None) -> tuple[Words | Table, ...]:
    if diagnosis is None:
        return ()
    rows = [
        ("every code that begins with", joined([Code(code) for code in diagnosis.prefixes])),
        ("exactly", joined([Code(code) for code in diagnosis.exact])),
        ("needed to open a course", diagnosis.required),
        ("may be first noted so many days after the contact", diagnosis.active_within_days),
        ("such a course is called", diagnosis.label),
    ]
    said = (
        "A diagnosis holds from its onset (else the day on which it was recorded, else the day of its contact) to its "
        "end. One that is over without a date holds up to the day on which it was recorded. Refuted ones and those "
        "entered in error never count."
    )
    return table(["diagnosis", "as declared"], [row for row in rows if row[1] != ()]), said


def _example(example: dict[str, object]) -> str:
    courses = example["expect"]
    told = f"contacts on days {plain(example['contacts'])}"
    if "diagnoses" in example:
        told += f", diagnosis (from day, to day) {plain(example['diagnoses'])}"
    return f"{told}: courses (first day, last contact) {plain(courses) or 'none'}"
