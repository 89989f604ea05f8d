"""Whatever fits the OpenAPI, or does not: no failure of ours, and every answer as it says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from starlette.testclient import TestClient

from benchwell.register.clients import SCOPES, add_client
from live_house import NORTH, OWN, House, add_scores, live_house

CHECKS = (not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with live_house(tmp_path_factory.mktemp("house")) as made:
        add_scores(made, OWN, "course-1", "phq-9", [("2026-06-02", 20), ("2026-06-20", 9)])
        yield made


@pytest.fixture(scope="module")
def key(house: House) -> str:
    return house.service.register.write(lambda connection: add_client(connection, 1.0, "EHR", [*SCOPES], NORTH))[1]


PATHS = (
    "/api/v1/scores", "/api/v1/people/{person_id}/course", "/api/v1/editions", "/api/v1/editions/{edition_id}/results",
    "/fhir", "/fhir/Bundle", "/fhir/Observation", "/fhir/QuestionnaireResponse", "/fhir/metadata",
)  # fmt: skip


@pytest.mark.parametrize("mode", list(GenerationMode), ids=str)
@pytest.mark.parametrize("path", PATHS)
def test_every_answer_is_as_the_openapi_says(house: House, key: str, path: str, mode: GenerationMode) -> None:
    loaded = schemathesis.openapi.from_asgi("/api/openapi.json", house.app)
    for method in loaded[path]:
        strategy = loaded[path][method].as_strategy(generation_mode=mode)

        @settings(
            max_examples=25,
            deadline=None,
            derandomize=True,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(strategy)
        def holds(case: Any) -> None:
            case.call_and_validate(headers={"authorization": f"Bearer {key}"}, checks=CHECKS)

        try:
            holds()
        except Unsatisfiable:
            assert mode is GenerationMode.NEGATIVE  # nothing about it can be wrong


def test_the_openapi_names_every_route_for_programs(house: House) -> None:
    paths = TestClient(house.app).get("/api/openapi.json").json()["paths"]
    assert set(paths) == set(PATHS)
