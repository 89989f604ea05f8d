"""Manifests as the standard's own examples write them."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchwell.intake.bulk.manifest import Manifest, plan_of, read_manifest

EXAMPLES = Path(__file__).parents[3] / "../shared/conformance/bulk-data/manifests"
WANTED = {
    "BulkDataManifestByTypeExample": (
        [
            "Patient.000.ndjson",
            "Observation.000.ndjson",
            "Observation.001.ndjson",
            "deleted.000.ndjson",
            "error.000.ndjson",
        ],
        None,
    ),
    "BulkDataManifestMinimalExample": (["Patient.000.ndjson"], None),
    "BulkDataManifestOrganizedByPatientExample": (
        [
            *("resources.000.ndjson", "resources.001.ndjson", "resources.002.ndjson"),
            *("deleted.000.ndjson", "error.000.ndjson"),
        ],
        "https://example.org/output/manifest-2.json",
    ),
    "BulkPublishManifestIncrementalUpdateExample": (["Organization.000.ndjson", "deleted.000.ndjson"], None),
    "BulkPublishManifestMinimalExample": (["Organization.000.ndjson", "Organization.001.ndjson"], None),
    "BulkPublishManifestPagedExample": (
        ["Organization.000.ndjson"],
        "https://example.com/manifests/provider-directory-page-2.json",
    ),
    "BulkPublishManifestPagedNextPageExample": (["Practitioner.000.ndjson", "PractitionerRole.000.ndjson"], None),
    "BulkPublishManifestPendingRootExample": (
        ["Organization.000.ndjson"],
        "https://example.com/manifests/provider-directory-update-1.json",
    ),
    "BulkPublishManifestPendingStubExample": ([], None),
    "BulkSubmitStatusManifestExample": (["error.000.ndjson", "error.001.ndjson"], None),
}


@pytest.mark.shared
@pytest.mark.skipif(not EXAMPLES.is_dir(), reason="needs the shared examples of manifests")
@pytest.mark.parametrize("name", sorted(WANTED))
def test_every_published_example_is_read(name):
    page = read_manifest((EXAMPLES / f"{name}.json").read_bytes())
    names, further = WANTED[name]
    assert [file.name for file in plan_of([("https://example.org/status", page)]).files] == names
    assert page.next_page == further


@pytest.mark.shared
@pytest.mark.skipif(not EXAMPLES.is_dir(), reason="needs the shared examples of manifests")
def test_no_published_example_is_left_out():
    assert {path.stem for path in EXAMPLES.glob("*.json")} == set(WANTED)


def test_no_server_chooses_a_name_on_our_disk():
    entries = b'[{"type": "../../etc", "url": "a"}, {"type": "Patient", "url": "b/../c"}, {"type": "P/t", "url": "d"}]'
    page = read_manifest(
        b'{"transactionTime": "2026-01-01T00:00:00Z", "requiresAccessToken": true, "output": %b}' % entries
    )
    assert [file.name for file in plan_of([("https://ehr.example.org/status/1", page)]).files] == [
        "resources.000.ndjson",
        "Patient.000.ndjson",
        "resources.001.ndjson",
    ]


def test_the_earliest_time_of_the_pages_counts_so_that_no_change_is_missed():
    pages = [Manifest(text, False) for text in ("2026-01-01T02:00:00+02:00", "2026-01-01T00:30:00+01:00")]
    assert plan_of([("https://x.example.org", page) for page in pages]).transaction_time == "2026-01-01T00:30:00+01:00"
