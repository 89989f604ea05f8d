"""Spoilt resources by the thousand, held against a plain reader; `./run bench fuzz` takes a hundred thousand."""

from __future__ import annotations

import json
import random
import sys
from collections import Counter
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[3]))  # the benches lie beside the package, at the root of the repository

from benchmarks.bench_fuzz import AS_OF, examine, spoilt_lines
from benchmarks.fuzz.judge import Verdict, judge
from benchmarks.fuzz.mutations import MARK, MUTATIONS
from benchmarks.fuzz.statements import statements

from benchwell.intake.fhir.read import read_fhir_bytes
from benchwell.registry import Registry

REGISTRY = Registry.load()


@pytest.mark.parametrize("seed", range(3))
def test_spoilt_resources_never_crash_get_lost_change_or_are_told(seed: int) -> None:
    used: Counter[str] = Counter()
    found = examine(spoilt_lines(random.Random(seed), 1000, used), REGISTRY)
    assert found.faults == []
    assert found.resources > 900
    assert found.numbers > 1000
    assert found.findings.total() > 200
    assert len(used) == len(MUTATIONS)


def test_sound_resources_come_in_whole_and_without_a_finding() -> None:
    rng = random.Random(5)
    resources = [one for mark in range(150) for one in statements(rng, str(mark))]
    lines = [json.dumps(one).encode() for one in resources]
    part = read_fhir_bytes(b"\n".join(lines), REGISTRY, as_of=AS_OF)
    assert part.counts.as_dict() | {"flagged": 0, "rejected": 0, "corrected": 0} == part.counts.as_dict()
    assert len(set(part.tables["assessments"]["patient_id"].to_pylist())) == 150
    assert judge(lines, part).faults == []


def test_the_judge_sees_a_changed_number_a_lost_one_and_a_value_that_is_told() -> None:
    line = json.dumps(
        {"resourceType": "Observation", "id": "1", "status": "final", "subject": {"reference": "Patient/1"},
         "code": {"coding": [{"system": "http://loinc.org", "code": "44261-6"}]},
         "effectiveDateTime": "2025-01-01", "valueInteger": 12}
    )  # fmt: skip
    part = read_fhir_bytes(line.encode(), REGISTRY, as_of=AS_OF)
    other = line.replace("12}", "13}").encode()
    assert _kinds(judge([line.encode()], part)) == set()
    assert _kinds(judge([other], part)) == {"a total that nobody stated", "a total lost in silence"}
    told = read_fhir_bytes(line.encode(), REGISTRY, as_of=AS_OF, file=MARK)
    object.__setattr__(told, "notes", (f"see {MARK}",))
    assert _kinds(judge([line.encode()], told)) == {"a value in a note"}


def _kinds(verdict: Verdict) -> set[str]:
    return {kind for kind, _ in verdict.faults}
