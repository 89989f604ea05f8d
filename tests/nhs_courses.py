"""Made-up courses of talking therapy in FHIR: a course, its appointments and its two questionnaires."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from fhir_assessments import GAD7, response, score

Resource = dict[str, Any]
Scores = Sequence[tuple[int, int | None, int | None]]

START = dt.date(2026, 2, 2)
_GAD7_TOTAL = "70274-6"


def on(day: int, start: dt.date = START) -> str:
    """A day of a course; day 0 is its first."""
    return (start + dt.timedelta(days=day)).isoformat()


def course(
    person: str,
    scores: Scores,
    *,
    end: int | None = 70,
    attended: Sequence[int] = (0, 30, 60),
    missed: Sequence[int] = (),
    start: dt.date = START,
    number: int = 1,
) -> list[Resource]:
    """One course of care of a person.

    Args:
        person: `Patient.id`.
        scores: Day, PHQ-9 and GAD-7; None where one was not asked.
        end: Day of its end; None while it goes on.
        attended: Days of appointments that took place.
        missed: Days of appointments that did not.
        start: Day 0.
        number: Of the course, if a person has several.
    """
    subject, own = {"reference": f"Patient/{person}"}, f"{person}-{number}"
    period = {"start": on(0, start)} | ({} if end is None else {"end": on(end, start)})
    status = "active" if end is None else "finished"
    found: list[Resource] = [
        {"resourceType": "EpisodeOfCare", "id": own, "status": status, "patient": subject, "period": period}
    ]
    for day, took_place in (*((day, True) for day in attended), *((day, False) for day in missed)):
        contact = {
            "resourceType": "Encounter", "id": f"{own}-e{day}", "status": "finished" if took_place else "cancelled",
            "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"},
            "subject": subject, "episodeOfCare": [{"reference": f"EpisodeOfCare/{own}"}],
            "period": {"start": f"{on(day, start)}T10:00:00Z"},
        }  # fmt: skip
        found.append(contact)
    for day, phq, gad in scores:
        at = f"{on(day, start)}T09:30:00Z"
        if phq is not None:
            found.append(response(spread(phq, 9), f"{own}-p{day}", at=at, patient=person))
        if gad is not None:
            found.append(score(gad, f"{own}-g{day}", code=_GAD7_TOTAL, at=at, patient=person))
    return found


def spread(total: int, items: int) -> list[int | None]:
    """Answers of 0 to 3 that add up to a total.

    >>> spread(10, 9)
    [3, 3, 3, 1, 0, 0, 0, 0, 0]
    """
    return [min(3, max(0, total - 3 * place)) for place in range(items)]


def restated(person: str, day: int, phq: int, gad: int, *, number: int = 1) -> list[Resource]:
    """The same two scores once more, the other way round: PHQ-9 as a total, GAD-7 as a form."""
    own, at = f"{person}-{number}", f"{on(day)}T09:30:00Z"
    return [
        score(
            phq,
            f"{own}-pt{day}",
            at=at,
            patient=person,
            derivedFrom=[{"reference": f"QuestionnaireResponse/{own}-p{day}"}],
        ),
        response(spread(gad, 7), f"{own}-gr{day}", codes=GAD7, at=at, patient=person),
    ]


def people(names: Iterable[str]) -> list[Resource]:
    """Patients."""
    return [{"resourceType": "Patient", "id": name, "birthDate": "1980-05-05"} for name in names]


def write(folder: Path, resources: Iterable[Resource]) -> Path:
    """NDJSON, one file a resource type, as a bulk export has them."""
    lines: dict[str, list[str]] = {}
    for one in resources:
        lines.setdefault(one["resourceType"], []).append(json.dumps(one))
    folder.mkdir(parents=True, exist_ok=True)
    for kind, found in lines.items():
        (folder / f"{kind}.ndjson").write_text("\n".join(found) + "\n", encoding="utf-8")
    return folder
