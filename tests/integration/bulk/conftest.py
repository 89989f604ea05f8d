"""A server, a clock that does not wait, and keys of both kinds."""

from __future__ import annotations

import json

import pytest
from joserfc.jwk import ECKey, RSAKey

from benchwell.intake.bulk import BackendCredentials, BulkRequest, export_bulk
from bulk_server import PatientClock, serving


@pytest.fixture
def server():
    with serving() as running:
        yield running


@pytest.fixture
def clock():
    return PatientClock()


@pytest.fixture
def fetch(server, clock, tmp_path):
    """Run an export against the server, by default of all patients into one folder."""

    def run(folder="export", credentials=None, *, settings=None, listener=None, base=None, **request):
        return export_bulk(
            BulkRequest(base or server.base, **request),
            tmp_path / folder,
            credentials,
            settings=settings,
            listener=listener,
            clock=clock,
        )

    return run


@pytest.fixture(scope="session")
def pairs():
    made = RSAKey.generate_key(2048, {"kid": "rsa-1"}), ECKey.generate_key("P-384", {"kid": "ec-1"})
    return {key.kid: (key.as_dict(private=True), key.as_dict(private=False)) for key in made}


@pytest.fixture
def credentials(server, pairs, tmp_path):
    """Credentials that the server knows."""

    def make(kid="ec-1", mode=0o600, **more):
        path = tmp_path / f"{kid}.json"
        path.write_text(json.dumps({"keys": [private for private, _ in pairs.values()]}))
        path.chmod(mode)
        server.keys = {name: public for name, (_, public) in pairs.items()}
        server.needs_token = True
        return BackendCredentials(**{"client_id": "benchwell-test", "key_file": path, "key_id": kid} | more)

    return make
