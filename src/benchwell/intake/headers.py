"""Header names in use, in English, German and Spanish, and the canonical column each one stands for."""

from __future__ import annotations

import re

# Canonical role -> spellings (normalized: lower case, letters and digits only).
_SPELLINGS: dict[str, str] = {
    "patients.patient_id": (
        "patientid patient patid patientnumber patientno subject subjectid subjid clientid client personid person id "
        "caseid code respondent respondentid participant participantid observationid "
        "patientennummer patientennr patientencode klient klientid fallnummer fallnr chiffre proband "
        "paciente idpaciente pacienteid idcliente cliente codigo"
    ),
    "assessments.date": (
        "date assessmentdate testdate dateassessed datecompleted completedon completiondate completed visitdate "
        "sessiondate measuredate scoredate administered datum testdatum messdatum erhebungsdatum ausfuelldatum "
        "ausfülldatum fecha fechaevaluacion fechadeevaluacion fechatest"
    ),
    "assessments.time": "time clocktime assessmenttime uhrzeit hora",
    "assessments.instrument": (
        "instrument questionnaire measure scale test form fragebogen verfahren skala cuestionario instrumento "
        "escala prueba"
    ),
    "assessments.total": (
        "total totalscore score sum sumscore rawtotal value result gesamtwert gesamtscore summe summenwert punkte wert "
        "puntaje puntuacion puntuación puntajetotal puntuaciontotal suma resultado"
    ),
    "assessments.unit": "unit einheit unidad",
    "assessments.version": "version",
    "assessments.informant": "informant",
    "episodes.episode_id": "episodeid episode courseid courseofcare referralid fallid behandlungsid idepisodio",
    "episodes.start_date": (
        "startdate start treatmentstart firstsession startdatum beginn therapiebeginn fechainicio inicio"
    ),
    "episodes.end_date": "enddate end treatmentend lastsession enddatum ende therapieende fechafin fin",
    "episodes.end_reason": "endreason reasonforending dischargereason beendigungsgrund endgrund motivofin",
    "episodes.referral_date": "referraldate ueberweisungsdatum überweisungsdatum fechaderivacion",
    "episodes.therapy": "therapy treatment therapytype intervention therapie behandlung terapia tratamiento",
    "episodes.condition": "condition diagnosis diagnose störung stoerung diagnostico diagnóstico",
    "episodes.format": "format setting therapieform formato",
    "episodes.mode": "mode modality modus modalidad",
    "episodes.practitioner_id": (
        "clinician clinicianid therapist therapistid practitioner practitionerid provider providerid therapeut "
        "therapeutid behandler terapeuta"
    ),
    "organizations.organization_id": (
        "clinic clinicid site siteid organization organizationid organisation organisationid practice practiceid "
        "centre center klinik praxis einrichtung standort clinica clínica centro"
    ),
    "organizations.name": "clinicname sitename organizationname practicename klinikname",
    "patients.birth_year": "birthyear yearofbirth yob geburtsjahr anonacimiento añonacimiento añodenacimiento",
    "patients.birth_date": "birthdate dateofbirth dob geburtsdatum fechanacimiento fechadenacimiento",
    "patients.sex": "sex gender geschlecht sexo genero género",
    "patients.language": "language lang sprache idioma",
    "patients.ethnicity": "ethnicity",
    "patients.race": "race",
    "patients.insurance": "insurance versicherung seguro",
    "patients.country": "country land pais país",
    "patients.region": "region",
}  # fmt: skip

ROLES: dict[str, str] = {spelling: role for role, names in _SPELLINGS.items() for spelling in names.split()}

# What a column of one visit is called in a wide table, and the synthetic day it stands for when no date is given.
VISITS: dict[str, int] = {
    "pre": 0, "baseline": 0, "bl": 0, "intake": 0, "before": 0, "start": 0, "t0": 0, "first": 0, "prä": 0, "prae": 0,
    "vorher": 0, "antes": 0, "mid": 42, "post": 84, "after": 84, "end": 84, "last": 84, "discharge": 84, "nachher": 84,
    "despues": 84, "después": 84, "fu": 180, "followup": 180, "katamnese": 180, "fu1": 180, "fu2": 360,
}  # fmt: skip


def normalized(name: str) -> str:
    """A header without case, spaces and signs.

    >>> normalized("Patient_ID ")
    'patientid'
    """
    return re.sub(r"[\W_]", "", name.lower())
