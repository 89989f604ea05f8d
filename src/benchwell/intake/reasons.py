"""Every reason code of an intake: what it means and what to do. `docs/rejections.md` is generated from here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Action = Literal["rejected", "corrected", "flagged"]


@dataclass(frozen=True)
class Reason:
    """One code: the usual action, what it means, and what a person can do about it."""

    code: str
    action: Action
    meaning: str
    todo: str


_ALL = [
    Reason(
        "ragged_row",
        "rejected",
        "The row has more or fewer cells than the header.",
        "Look for a missing or surplus delimiter, or a delimiter inside a text that is not in quotation marks.",
    ),
    Reason("missing_patient_id", "rejected", "No patient id.", "Fill in the id; without it a score has no owner."),
    Reason("missing_id", "rejected", "The record has no id and none can be derived.", "Fill in the id column."),
    Reason("missing_date", "rejected", "There is a score without a date.", "Fill in the day of the assessment."),
    Reason("missing_instrument", "rejected", "A score without an instrument.", "Name the instrument in the row."),
    Reason(
        "unparseable_date",
        "rejected",
        "The cell is not a date that exists.",
        "Write dates as YYYY-MM-DD, or declare the format in the mapping.",
    ),
    Reason(
        "ambiguous_date",
        "rejected",
        "Day and month could be swapped, and the whole column does not decide it.",
        "Declare `format: dmy` or `format: mdy` for this column in the mapping.",
    ),
    Reason(
        "two_digit_year",
        "corrected",
        "The year has two digits; it was read as the latest year that is not after the snapshot.",
        "Check a few rows; write years with four digits.",
    ),
    Reason(
        "not_a_number",
        "rejected",
        "Text stands where a number belongs.",
        "Correct the cell, or declare the text as a missing code or a value in the mapping.",
    ),
    Reason(
        "decimal_comma",
        "corrected",
        "A comma was read as the decimal sign.",
        "Nothing to do; `decimal: ','` in the mapping says that it is meant and ends this note.",
    ),
    Reason(
        "ambiguous_number",
        "rejected",
        "The column uses both comma and point as decimal sign.",
        "Declare `decimal` in the mapping, or write all numbers the same way.",
    ),
    Reason("negative_value", "rejected", "A score is below zero.", "Correct it, or declare the code as missing."),
    Reason(
        "below_range",
        "rejected",
        "A score is below the lowest value the instrument can give.",
        "Check instrument and scale, or declare the code as missing.",
    ),
    Reason(
        "above_range",
        "rejected",
        "A score is above the highest value the instrument can give.",
        "Check instrument and scale, or declare the code as missing (for example 7 and 9 as 'refused').",
    ),
    Reason(
        "non_integer",
        "rejected",
        "A score has decimals where the instrument gives whole numbers.",
        "Enter the raw score; a mean or an imputed score does not belong here.",
    ),
    Reason(
        "too_many_items",
        "rejected",
        "Answers stand in more item columns than the instrument has items.",
        "Check the instrument, and leave the item columns beyond its last item empty.",
    ),
    Reason(
        "total_differs",
        "flagged",
        "The stated total is not what the answers add up to. Both are kept; the answers are scored.",
        "Find out which of the two was mistyped.",
    ),
    Reason(
        "no_score",
        "flagged",
        "The row has neither a total nor an answer. Person and episode came in, an assessment did not.",
        "Nothing to do if the form was not filled in; it counts as missing follow-up where it matters.",
    ),
    Reason(
        "rate_not_stated",
        "rejected",
        "An official rate is blank: neither a number nor a mark for suppressed (`*`) or no activity (`-`).",
        "Give the rate or its mark; a blank never counts as 0.",
    ),
    Reason(
        "unit_missing",
        "rejected",
        "The total could be a raw sum or a converted score (or stand in one of two units), and nothing says which.",
        "Declare `unit` in the mapping (`raw` or `reported`, or the unit of the laboratory value).",
    ),
    Reason(
        "unknown_unit",
        "rejected",
        "The unit is neither `raw`, `reported` nor one of the instrument's.",
        "Declare `unit: raw` or `unit: reported`.",
    ),
    Reason(
        "unknown_instrument",
        "rejected",
        "No instrument of this name is declared.",
        "`benchwell instruments` lists the known ones; add a value map to the mapping, or declare the instrument.",
    ),
    Reason("unknown_scale", "rejected", "The instrument has no scale of this name.", "Use one of the declared scales."),
    Reason(
        "before_birth",
        "rejected",
        "The assessment lies before the person's birth.",
        "Correct the date of the assessment or the year of birth.",
    ),
    Reason(
        "after_snapshot",
        "rejected",
        "The date lies after the snapshot date (today, if none is given).",
        "Correct the date, or take in with a later `as_of`.",
    ),
    Reason(
        "birth_year_impossible",
        "rejected",
        "The year of birth is more than 120 years before the snapshot, or after it.",
        "Correct the year, or leave it empty.",
    ),
    Reason(
        "end_before_start",
        "rejected",
        "An episode or period ends before it starts.",
        "Correct one of the two dates.",
    ),
    Reason(
        "duplicate_row",
        "rejected",
        "The same record stands in an earlier row with the same values.",
        "Nothing to do: it is counted once.",
    ),
    Reason(
        "conflicting_duplicate",
        "flagged",
        "Two rows give different values for the same record. A row marked as reviewed wins, else the later row; "
        "the other one is rejected, and both are named here.",
        "Decide which is right and delete the other; a `time` column keeps two assessments of one day apart.",
    ),
    Reason(
        "conflicting_value",
        "flagged",
        "Rows of the same person, episode or organization disagree. The last row that has a value is used.",
        "Make them agree; two courses of care of one person need an `episode_id`.",
    ),
    Reason(
        "unknown_value",
        "rejected",
        "The cell is not one of the values that this column may have.",
        "Use one of the allowed values, or add a value map to the mapping.",
    ),
    Reason(
        "out_of_bounds",
        "rejected",
        "A rate is outside 0 to 100 %, or a count is negative.",
        "Check whether the column holds percentages (`percent: true`) and correct the cell.",
    ),
]

# FHIR
_FHIR = [
    Reason(
        "partial_date",
        "rejected",
        "Only a month or a year is written where a day is needed. A score does not come in; any other record comes in "
        "without that date, and is flagged.",
        "Send the full date; a day is never made up.",
    ),
    Reason(
        "not_finished",
        "rejected",
        "The form or result is not finished (in progress, stopped, preliminary, registered), or it has no status.",
        "Nothing to do: it comes in when its source says that it is complete.",
    ),
    Reason(
        "cancelled",
        "rejected",
        "The result was cancelled at its source.",
        "Nothing to do: it was never measured.",
    ),
    Reason(
        "answer_unknown",
        "flagged",
        "An answer cannot be understood: its code is not declared and no ordinal value comes with it. The item counts "
        "as missing, never as 0.",
        "Send the form's Questionnaire with ordinal values, or declare the code in the instrument.",
    ),
    Reason(
        "answer_unclear",
        "flagged",
        "An answer says two things: several answers to one question, two values in one, a code and an ordinal value "
        "that disagree, or a value beside the reason why there is none. It counts as missing.",
        "Correct the form or its ordinal values at the source.",
    ),
    Reason(
        "not_exact",
        "rejected",
        "The value is stated as less or more than a number.",
        "Send the number itself.",
    ),
    Reason(
        "value_absent",
        "rejected",
        "The result has no value.",
        "Nothing to do: it counts as missing.",
    ),
    Reason(
        "ambiguous_instrument",
        "rejected",
        "The code belongs to several instruments, and nothing else says which one was used.",
        "Send the panel or the answers with it, or a code of one instrument only.",
    ),
    Reason(
        "modifier_unread",
        "rejected",
        "The form or result brings a `modifierExtension`, which says that it means something else than it seems to.",
        "Send it without, or ask for that extension to be read.",
    ),
    Reason(
        "other_person",
        "rejected",
        "The result stands in one person's record but is about somebody else (`focus`).",
        "Send it with that person as its subject.",
    ),
    Reason(
        "same_time_twice",
        "flagged",
        "Two answers to one item at one time differ, and nothing says to which form each belongs. The item is missing.",
        "Send the panel that gathers the answers, or the filled-in form.",
    ),
    Reason(
        "too_few_answers",
        "flagged",
        "More answers are missing than the instrument allows, and a total is stated: the total counts alone.",
        "Send all answers.",
    ),
    Reason(
        "not_json",
        "rejected",
        "The line, or the whole file if it is one document, is not JSON: it breaks off, or holds what JSON forbids "
        "(NaN, half a character, bytes that are not UTF-8).",
        "Export the resource again; one resource a line, UTF-8.",
    ),
    Reason(
        "too_deep",
        "rejected",
        "The JSON is nested deeper than any real resource.",
        "Export the resource again; look at what wrote it.",
    ),
    Reason(
        "no_resource_type",
        "rejected",
        "The JSON has no `resourceType`, so it is no FHIR resource.",
        "Send FHIR R4 resources, Bundles, or the manifest of a Bulk Data export.",
    ),
    Reason(
        "wrong_type",
        "rejected",
        "A member of the resource is not of the type that FHIR R4 gives it; the column is its path.",
        "Correct the resource: a text stands where a number belongs, or one thing where a list belongs.",
    ),
    Reason(
        "fhir_stu3",
        "rejected",
        "The resource has the shape of FHIR STU3 or DSTU2, which means other things by the same names.",
        "Convert it to FHIR R4, and take it in again. Nothing of it was guessed.",
    ),
    Reason(
        "fhir_r5",
        "rejected",
        "The resource has the shape of FHIR R5.",
        "Ask the source for FHIR R4, or convert it. Nothing of it was guessed.",
    ),
    Reason(
        "unresolved_delete",
        "rejected",
        "A deletion does not say which resource is meant.",
        "Name the resource in `request.url` as `Type/id`.",
    ),
    Reason(
        "truncated_file",
        "rejected",
        "The compressed file breaks off or is damaged. What came before is in; the rest of the file is not.",
        "Copy or export the file again and take it in again: what is in already is not counted twice.",
    ),
    Reason(
        "missing_file",
        "rejected",
        "The manifest names a file that does not stand beside it.",
        "Put the files of the export into the manifest's folder, under their own names.",
    ),
    # FHIR: people, places, contacts
    Reason(
        "unread_code",
        "flagged",
        "A code is none of those that this field can hold. The field stays unknown.",
        "Send the code of a system that docs/fhir-records.md lists, or ask for yours to be added.",
    ),
    Reason(
        "death_without_date",
        "flagged",
        "The person is stated to have died, without a date. No date of death is known then.",
        "Send deceasedDateTime.",
    ),
    Reason(
        "consent_unread",
        "flagged",
        "A consent, or a part of it, cannot be read for certain: what it permits is limited in a way that is not read, "
        "or its purpose is not known. Nothing is granted by it; what it denies counts.",
        "State type and purpose in a provision without further limits.",
    ),
    Reason(
        "consent_not_decided",
        "rejected",
        "A consent is a draft or a proposal: nobody has decided anything yet.",
        "Nothing to do; send it again when it is active or rejected.",
    ),
    Reason(
        "older_version",
        "flagged",
        "The source holds a newer version of the same resource, and that one counts (by meta.lastUpdated, then "
        "meta.versionId, then the later row).",
        "Nothing to do; a resource that is not another version of the same thing needs an id of its own.",
    ),
    Reason(
        "deletion_not_applied",
        "flagged",
        "A deletion names a resource of which only parts are kept inside other records (a role, a place, a payer, a "
        "consent). What it said before still stands.",
        "State the new value in a resource; take a consent back with one whose status is inactive.",
    ),
]

FHIR_REASONS = frozenset(reason.code for reason in _FHIR)  # given by no table, only by resources
REASONS: dict[str, Reason] = {reason.code: reason for reason in (*_ALL, *_FHIR)}


def rejections_page() -> str:
    """The text of `docs/rejections.md`.

    >>> "| `ragged_row` |" in rejections_page()
    True
    """
    lines = [
        "# Reason codes of an intake",
        "",
        "Every refused, corrected or flagged cell is one row of the rejection table: file, row (1 = first data row),",
        "column, reason, action. It never holds a value. Good rows of the same file still come in.",
        "",
        "- **rejected**: the record did not come in.",
        "- **corrected**: it came in after a change of form.",
        "- **flagged**: it came in; somebody should look at it.",
        "",
        "A row counts as *rejected* if nothing of it came in; a row of which one record was refused and another came",
        "in counts as *flagged*. Read = accepted + corrected + flagged + rejected.",
        "",
        "This page is generated from `benchwell.intake.reasons`; a test keeps the two equal.",
        "",
        "| code | usual action | meaning | what to do |",
        "|---|---|---|---|",
    ]
    lines += [f"| `{r.code}` | {r.action} | {r.meaning} | {r.todo} |" for r in REASONS.values()]
    return "\n".join(lines) + "\n"
