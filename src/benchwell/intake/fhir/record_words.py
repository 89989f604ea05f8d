"""Which word of ours a code of the source stands for: every table of the record mappers, and where it comes from.

A code that no table knows leaves the field unknown, with a finding; it is never guessed.
"""

from __future__ import annotations

from benchwell.terms import Purpose

CORE = "http://hl7.org/fhir/us/core/StructureDefinition/"

# Source: US Core, value set omb-race-category (CDC Race and Ethnicity, 2.16.840.1.113883.6.238). Several categories are
# one word, `multiple`: a person is counted once.
RACES = {
    "cdc-race|1002-5": "american_indian_or_alaska_native",
    "cdc-race|2028-9": "asian",
    "cdc-race|2054-5": "black",
    "cdc-race|2076-8": "native_hawaiian_or_pacific_islander",
    "cdc-race|2106-3": "white",
    "cdc-race|2131-1": "other",
}
MULTIPLE = "multiple"
# Source: US Core, value set omb-ethnicity-category.
ETHNICITIES = {"cdc-race|2135-2": "hispanic", "cdc-race|2186-5": "not_hispanic"}

# Source: US Core, us-core-birthsex (v3 AdministrativeGender), and us-core-sex from version 7 on (SNOMED CT).
SEXES = {"F": "female", "M": "male", "OTH": "other", "248152002": "female", "248153007": "male"}
GENDERS = {"female": "female", "male": "male", "other": "other"}
# "Unknown", "asked but declined", "not asked": said to be unknown, which is no finding.
NOT_KNOWN = {"UNK", "ASKU", "NASK", "unknown", "asked-unknown", "asked-declined", "asked-but-unknown", "184115007"}

# Source: FHIR, code system organization-type.
ORGANIZATION_KINDS = {
    "prov": "provider",
    "dept": "department",
    "team": "team",
    "govt": "government",
    "ins": "insurer",
    "pay": "payer",
    "edu": "education",
    "reli": "religious",
    "crs": "research_sponsor",
    "cg": "community_group",
    "bus": "business",
    "other": "other",
}

# Source: NUCC provider taxonomy, by the beginning of the code; the longest beginning wins.
DISCIPLINES = {
    "103T": "psychologist",
    "101Y": "counselor",
    "1041": "social_worker",
    "106H": "family_therapist",
    "2084P": "psychiatrist",
    "363LP0808": "psychiatric_nurse",
    "163WP08": "psychiatric_nurse",
    "364SP08": "psychiatric_nurse",
    "102L": "psychoanalyst",
    "207Q": "family_physician",
    "207R": "internist",
}

# Source: v3 ActCode, ActEncounterCode: what the class of an encounter says of kind and mode. By its definition AMB is
# care in the provider's facility.
ENCOUNTER_CLASSES: dict[str, tuple[str, str | None]] = {
    "AMB": ("outpatient", "in_person"),
    "VR": ("outpatient", "telehealth"),
    "HH": ("home", "in_person"),
    "FLD": ("field", "in_person"),
    "EMER": ("emergency", "in_person"),
    "IMP": ("inpatient", "in_person"),
    "ACUTE": ("inpatient", "in_person"),
    "NONAC": ("inpatient", "in_person"),
    "OBSENC": ("observation", "in_person"),
    "SS": ("short_stay", "in_person"),
    "PRENC": ("pre_admission", None),
}
STAYS = {"inpatient", "observation"}  # days, not minutes

# CPT numbers, without their wording: kinds of contact that outcomes tell apart, and contacts by telephone or online.
CONTACT_KINDS = {
    **dict.fromkeys(("90791", "90792"), "assessment"),
    **dict.fromkeys(("90832", "90833", "90834", "90836", "90837", "90838"), "psychotherapy"),
    **dict.fromkeys(("90839", "90840"), "crisis"),
    **dict.fromkeys(("90846", "90847"), "family_therapy"),
    **dict.fromkeys(("90849", "90853"), "group_therapy"),
}
CONTACT_MODES = {
    **dict.fromkeys(("98966", "98967", "98968", "99441", "99442", "99443"), "telehealth"),
    **dict.fromkeys(("98970", "98971", "98972", "99421", "99422", "99423"), "digital"),
}

# Source: FHIR R4, EncounterStatus; noshow is of appointments, and is sent of encounters too.
ATTENDED = {
    **dict.fromkeys(("arrived", "triaged", "in-progress", "onleave", "finished"), True),
    **dict.fromkeys(("cancelled", "noshow"), False),
    **dict.fromkeys(("planned", "unknown"), None),
}

# FHIR's `finished` says that no more care is planned, not that the plan was completed: it is a word of its own, and
# retention does not count it as completion.
END_REASONS = {"finished": "finished", "cancelled": "cancelled"}

# What a course is for, by the beginning of an ICD-10 code (any country's) or by a SNOMED CT code.
CONDITIONS_ICD = {
    "F31": "bipolar",
    "F32": "depression",
    "F33": "depression",
    "F341": "depression",
    "F40": "anxiety",
    "F41": "anxiety",
    "F42": "ocd",
    "F431": "ptsd",
    "F50": "eating_disorder",
    **dict.fromkeys((f"F1{digit}" for digit in "012345689"), "substance_use"),  # without tobacco, F17
    "F2": "psychosis",
    "E10": "diabetes",
    "E11": "diabetes",
}
CONDITIONS_SNOMED = {
    "35489007": "depression",
    "370143000": "depression",
    "36923009": "depression",
    "66344007": "depression",
    "197480006": "anxiety",
    "21897009": "anxiety",
    "371631005": "anxiety",
    "47505003": "ptsd",
    "191736004": "ocd",
    "13746004": "bipolar",
    "44054006": "diabetes",
}

# Who pays, in the words of the case-mix declarations: private, public, none. Source of Payment Typology by first digit:
# 1 Medicare, 2 Medicaid, 3 other government, 4 departments of corrections; 5 private, 6 Blue Cross; 8 no payment.
# 7 (managed care of which neither is known) and 9 (miscellaneous) stay unknown.
PAYERS_SOP = {
    **dict.fromkeys("1234", "public"),
    **dict.fromkeys("56", "private"),
    "8": "none",
}
PAYERS_SOP_UNKNOWN = {"7", "9"}
PAYERS = {
    # v3 ActCode, ActCoverageTypeCode
    **dict.fromkeys(("PUBLICPOL", "SUBSIDIZ", "SUBSIDMC", "MENTPRG", "SAFNET", "SUBPRG"), "public"),
    **dict.fromkeys(("EHCPOL", "HSAPOL"), "private"),
    # German basic profile, versicherungsart-de-basis: statutory, social care, accident; private; self-payer
    **dict.fromkeys(("GKV", "SOZ", "BG"), "public"),
    "PKV": "private",
    "SEL": "none",
    # FHIR, coverage-selfpay
    "pay": "none",
}

# Source: v3 ActReason. What has no certain counterpart (HOPERAT, HPAYMT, PUBHLTH: public health is not publication) is
# not read. Our own codes say any purpose exactly.
PURPOSE_SYSTEM = "urn:benchwell:purpose"
PURPOSES = {
    **dict.fromkeys(("TREAT", "ETREAT", "CAREMGT"), Purpose.CARE),
    "HQUALIMP": Purpose.LEARNING,
    **dict.fromkeys(("HRESCH", "CLINTRCH"), Purpose.RESEARCH),
}
# Source: FHIR R4, code system consentscope; the other scopes are about no purpose of ours.
SCOPES = {"treatment": Purpose.CARE, "research": Purpose.RESEARCH}


def by_beginning(code: str, words: dict[str, str]) -> str | None:
    """The word of the longest beginning of a code that a table knows.

    >>> by_beginning("F341", {"F34": "mood", "F341": "depression"}), by_beginning("Z00", {"F34": "mood"})
    ('depression', None)
    """
    return next((words[code[:size]] for size in range(len(code), 0, -1) if code[:size] in words), None)
