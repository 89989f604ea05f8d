"""Patient: who somebody is, as far as a benchmark may know. Names, telephone numbers and streets are not decoded."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import cast

from benchwell.clinical.systems import code_text
from benchwell.intake.fhir.elements import Address, Extension
from benchwell.intake.fhir.record_codes import word_of
from benchwell.intake.fhir.record_rows import add_raw, day_of, own_id
from benchwell.intake.fhir.record_words import CORE, ETHNICITIES, GENDERS, MULTIPLE, NOT_KNOWN, RACES, SEXES
from benchwell.intake.fhir.resources import Patient
from benchwell.intake.fhir.rows import Context, Found, Rows

_OLDEST = 120


def map_patient(found: Found, context: Context, rows: Rows) -> None:
    """One row of `Patient`. `active: false` is no deletion: the person was in care.

    `sex` is the sex at birth (US Core, either extension); where the source has no such field, it is the administrative
    gender, which is what most systems hold. `gender` is always the administrative gender.
    """
    patient = cast("Patient", found.resource)
    id_ = own_id(found, rows)
    if id_ is None:
        return
    birth_date, birth_year = _birth(patient.birthDate, context.as_of, found, rows)
    gender = word_of(patient.gender, GENDERS, "Patient.gender", found, rows)
    region, country = place_of(patient.address)
    add_raw(
        rows,
        "Patient",
        found,
        id_,
        birth_date=birth_date,
        birth_year=birth_year,
        death_date=_death(patient, context.as_of, found, rows),
        sex=_sex(patient, gender, found, rows),
        gender=gender,
        race=_category(patient.extension, "race", RACES, found, rows),
        ethnicity=_category(patient.extension, "ethnicity", ETHNICITIES, found, rows),
        language=_language(patient),
        region=region,
        country=country,
    )


def place_of(addresses: Iterable[Address | None]) -> tuple[str | None, str | None]:
    """State and country of the address that is lived at: never an old one, a home before anything else.

    >>> place_of([Address(state="NV", use="old"), Address(state="CA", country="us")])
    ('CA', 'US')
    """
    usable = [one for one in addresses if one is not None and one.use != "old"]
    usable.sort(key=lambda one: one.use != "home")
    chosen = next((one for one in usable if one.state or one.country), None)
    if chosen is None:
        return None, None
    country = (chosen.country or "").strip()
    return (chosen.state or "").strip() or None, (country.upper() if len(country) == 2 else country) or None


def _birth(text: str | None, as_of: dt.date, found: Found, rows: Rows) -> tuple[dt.date | None, int | None]:
    if text is None:
        return None, None
    partial = len(text) in (4, 7) and text[:4].isascii() and text[:4].isdecimal()
    day = None if partial else day_of(text, "Patient.birthDate", found, rows)
    year = int(text[:4]) if partial else day.year if day is not None else None
    if year is None:
        return None, None
    if not as_of.year - _OLDEST <= year <= as_of.year:
        rows.note(found.row, "Patient.birthDate", "birth_year_impossible", "flagged")
        return None, None
    return day, year


def _death(patient: Patient, as_of: dt.date, found: Found, rows: Rows) -> dt.date | None:
    day = day_of(patient.deceasedDateTime, "Patient.deceasedDateTime", found, rows)
    if patient.deceasedBoolean and day is None:
        rows.note(found.row, "Patient.deceasedBoolean", "death_without_date")
    if day is not None and day > as_of:
        rows.note(found.row, "Patient.deceasedDateTime", "after_snapshot", "flagged")
        return None
    return day


def _sex(patient: Patient, gender: str | None, found: Found, rows: Rows) -> str | None:
    for name in ("us-core-birthsex", "us-core-sex"):
        extension = _named(patient.extension, CORE + name)
        if extension is not None:
            code = extension.valueCode or (extension.valueCoding.code if extension.valueCoding else None)
            return word_of(code, SEXES, f"Patient.extension[{name}]", found, rows)
    return gender


def _category(extensions: list[Extension], name: str, words: Mapping[str, str], found: Found, rows: Rows) -> str | None:
    whole = _named(extensions, f"{CORE}us-core-{name}")
    if whole is None:
        return None
    stated = [one.valueCoding for one in whole.extension if one.url == "ombCategory" and one.valueCoding is not None]
    codes = [code_text(one.system, one.code) for one in stated if one.code and one.code not in NOT_KNOWN]
    known = {words[code] for code in codes if code in words}
    if any(code not in words for code in codes):
        rows.note(found.row, f"Patient.extension[us-core-{name}]", "unread_code")
    return MULTIPLE if len(known) > 1 else next(iter(known), None)


def _language(patient: Patient) -> str | None:
    """The preferred language, or the only one: its first part, so that en-US and en-GB are one language."""
    spoken = patient.communication
    chosen = [one for one in spoken if one.preferred] or (spoken if len(spoken) == 1 else [])
    tags = [coding.code for one in chosen if one.language is not None for coding in one.language.coding if coding.code]
    return tags[0].replace("_", "-").partition("-")[0].strip().lower() or None if tags else None


def _named(extensions: list[Extension], url: str) -> Extension | None:
    return next((one for one in extensions if one.url == url), None)
