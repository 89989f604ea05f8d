"""SMART backend services: the server checks our signature with the public key, and we keep what is secret."""

from __future__ import annotations

import base64
import json
import logging
from urllib.parse import parse_qs

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from benchwell.errors import BulkExportError
from benchwell.intake.bulk import BulkSettings
from bulk_server import Answer, ndjson, outcome, serving, verified

LARGE = ndjson("Patient", 20_000)


@pytest.mark.parametrize("kid", ["rsa-1", "ec-1"])
def test_both_kinds_of_key_get_a_token(server, fetch, credentials, clock, kid):
    known = credentials(kid)
    server.offer(server.hold("p"))
    assert fetch(credentials=known).files[0].lines == 3
    (claims,) = server.claims
    assert clock.time - 600 < claims["exp"] - 300 <= clock.time
    assert isinstance(claims["exp"], int)
    assert len(claims["jti"]) >= 32


def test_the_place_of_tokens_is_asked_of_the_server(server, fetch, credentials):
    server.offer()
    fetch(credentials=credentials())
    (asked,) = server.to("/fhir/.well-known/")
    assert asked.headers["accept"] == "application/json"
    assert "authorization" not in asked.headers


def test_a_given_place_and_scopes_are_taken(server, fetch, credentials):
    server.configuration = {}
    server.offer()
    fetch(credentials=credentials(token_url=f"{server.origin}/token", scopes=("system/*.rs",)))
    assert server.forms[0]["scope"] == ["system/*.rs"]
    assert server.to("/fhir/.well-known/") == []


@pytest.mark.parametrize(
    ("capabilities", "types", "scope"),
    [
        ([], (), "system/*.read"),
        (["permission-v1", "permission-v2"], (), "system/*.read"),
        (["permission-v2"], (), "system/*.rs"),
        (["permission-v2"], ("Patient", "Observation"), "system/Patient.rs system/Observation.rs"),
    ],
)
def test_only_reading_what_is_asked_for_is_asked_for(server, fetch, credentials, capabilities, types, scope):
    known = credentials()
    server.configuration["capabilities"] = capabilities
    server.offer()
    fetch(credentials=known, types=types)
    assert server.forms[0]["scope"] == [scope]


def test_one_token_serves_until_shortly_before_its_end(server, fetch, credentials, clock):
    known = credentials()
    server.polls.clear()
    server.polls.extend(Answer(202, {"Retry-After": "100"}) for _ in range(6))
    server.offer(server.hold("p"))
    fetch(credentials=known)
    assert len(server.claims) == 3  # 600 seconds, each token good for 270
    used = [one.headers["authorization"] for one in server.to("/status/")]
    assert len(set(used)) == 3


def test_a_token_refused_early_is_renewed_once(server, fetch, credentials):
    known = credentials()
    server.token_uses = 2
    server.offer(*(server.hold(f"p{number}") for number in range(5)))
    assert len(fetch(credentials=known).files) == 5
    assert len(server.claims) > 3
    assert len({claims["jti"] for claims in server.claims}) == len(server.claims)


def test_a_server_that_refuses_every_token_ends_the_run(server, fetch, credentials):
    known = credentials()
    server.token_uses = 0
    with pytest.raises(BulkExportError, match=r"answered 401 \(login\)"):
        fetch(credentials=known)
    assert len(server.claims) == 2


def test_a_token_that_ends_amid_a_transfer_is_renewed_for_the_rest(server, fetch, credentials):
    known = credentials()
    entry = server.hold("p", LARGE, breaks=[30_000])
    server.offer(entry)

    def expire(asked):
        if asked.path == "/files/p" and asked.headers.get("range") and len(server.to("/files/p")) == 2:
            server.tokens.clear()

    server.before = expire
    assert fetch(credentials=known).files[0].lines == 20_000
    assert len(server.claims) >= 2


def test_files_that_need_no_token_get_none(server, fetch, credentials):
    known = credentials()
    server.offer(server.hold("p"), token=False)
    fetch(credentials=known)
    assert "authorization" not in server.to("/files/p")[0].headers


def test_another_origin_never_sees_the_token(server, fetch, credentials):
    known = credentials()
    with serving() as other:
        server.offer(other.hold("p"), token=True)
        with pytest.raises(BulkExportError, match=f"{other.origin} would need the access token of {server.origin}"):
            fetch(credentials=known)
        assert other.asked == []


def test_an_origin_that_is_allowed_sees_it(server, fetch, credentials):
    known = credentials()
    with serving() as other:
        other.tokens = server.tokens
        server.offer(other.hold("p"), token=True)
        fetch(credentials=known, settings=BulkSettings(allowed_origins=(other.origin,)))
        assert other.to("/files/p")[0].headers["authorization"].startswith("Bearer secret-token")


def test_a_redirect_of_a_file_to_another_origin_goes_without_the_token(server, fetch, credentials):
    known = credentials()
    with serving() as other:
        entry = server.hold("p")
        server.files["p"].first.append(Answer(302, {"Location": other.hold("q")["url"] + "?signature=hush"}))
        server.offer(entry, token=True)
        assert fetch(credentials=known).files[0].lines == 3
        (asked,) = other.asked
        assert "authorization" not in asked.headers
        assert dict(asked.query) == {"signature": "hush"}


def test_a_redirect_there_and_back_does_not_bring_the_token_back(server, fetch, credentials):
    known = credentials()
    with serving() as other:
        entry = server.hold("p")
        other.pages["/hop"] = Answer(307, {"Location": server.hold("q")["url"]})
        server.files["p"].first.append(Answer(307, {"Location": f"{other.origin}/hop"}))
        server.offer(entry, token=True)
        with pytest.raises(BulkExportError, match="answered 401"):
            fetch(credentials=known)
        assert "authorization" not in server.to("/files/q")[0].headers


def test_a_redirect_within_the_origin_keeps_the_token(server, fetch, credentials):
    known = credentials()
    entry = server.hold("p")
    server.files["p"].first.append(Answer(307, {"Location": server.hold("q")["url"]}))
    server.offer(entry, token=True)
    assert fetch(credentials=known).files[0].lines == 3


def test_a_kickoff_or_look_redirected_elsewhere_is_refused(server, fetch, credentials):
    known = credentials()
    with serving() as other:
        server.kickoffs.append(Answer(302, {"Location": f"{other.base}/$export"}))
        with pytest.raises(BulkExportError, match=f"redirects to {other.origin}"):
            fetch(credentials=known)
        server.polls.appendleft(Answer(302, {"Location": f"{other.origin}/status/1"}))
        with pytest.raises(BulkExportError, match=f"redirects to {other.origin}"):
            fetch("second", credentials=known)
        assert other.asked == []


def test_what_is_posted_is_never_redirected(server, fetch, credentials):
    known = credentials()
    with serving() as other:
        server.token_answers.append(Answer(307, {"Location": f"{other.origin}/token"}))
        with pytest.raises(BulkExportError, match="redirects what was sent"):
            fetch(credentials=known)
        assert other.asked == []


def test_redirects_without_end_are_refused(server, fetch):
    server.kickoffs.extend(Answer(302, {"Location": "/fhir/Patient/$export"}) for _ in range(20))
    with pytest.raises(BulkExportError, match="without end"):
        fetch()


def test_a_manifest_page_elsewhere_is_asked_for_without_the_token(server, fetch, credentials):
    known = credentials()
    with serving() as other:
        other.pages["/2"] = Answer(body={"transactionTime": "2026-01-01T00:00:00Z", "requiresAccessToken": False})
        server.offer(link=[{"relation": "next", "url": f"{other.origin}/2"}])
        fetch(credentials=known)
        assert "authorization" not in other.asked[0].headers


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (Answer(400, body={"error": "invalid_client", "error_description": "Jane Roe"}), r"\(invalid_client\)"),
        (Answer(400, body={"error": "Jane Roe"}), "No access token was given: the server answered 400"),
        (Answer(401, body=b"Jane Roe"), "answered 401"),
        (Answer(200, body=b"Jane Roe"), "is none"),
        (Answer(200, body={"access_token": "x", "token_type": "mac"}), "is none"),
        (Answer(200, body={"access_token": "hush\r\nX: y", "token_type": "bearer"}), "is none"),
    ],
)
def test_a_refused_token_is_told_in_codes_alone(server, fetch, credentials, answer, says):
    known = credentials()
    server.token_answers.append(answer)
    with pytest.raises(BulkExportError, match=says) as caught:
        fetch(credentials=known)
    assert "Jane" not in str(caught.value)
    assert "hush" not in str(caught.value)


def test_a_busy_token_endpoint_is_asked_again_with_a_new_statement(server, fetch, credentials, clock):
    known = credentials()
    server.token_answers.append(Answer(503, {"Retry-After": "21"}))
    server.offer()
    fetch(credentials=known)
    assert clock.waits[0] == 21
    first, second = (parse_qs(one.body.decode())["client_assertion"][0] for one in server.to("/token", "POST"))
    assert verified(first, server.keys)["jti"] != verified(second, server.keys)["jti"]


@pytest.mark.parametrize(
    ("configuration", "says"),
    [
        ({}, "does not say where it gives tokens"),
        ({"capabilities": []}, "cannot be read"),
        ({"token_endpoint": "x", "token_endpoint_auth_methods_supported": ["client_secret_basic"]}, "private_key_jwt"),
        ({"token_endpoint": "x", "token_endpoint_auth_signing_alg_values_supported": ["RS384"]}, "ES384"),
        ({"token_endpoint": "http://ehr.example.org/token"}, "not encrypted"),
    ],
)
def test_a_server_that_cannot_give_us_tokens_is_told_apart(server, fetch, credentials, configuration, says):
    known = credentials()
    server.configuration = configuration
    with pytest.raises(BulkExportError, match=says):
        fetch(credentials=known)
    assert server.to("/token", "POST") == []


def test_no_secret_is_written_logged_or_shown(server, fetch, credentials, pairs, clock, tmp_path, caplog, capfd):
    known = credentials("rsa-1")
    secrets = [pairs["rsa-1"][0]["d"], pairs["ec-1"][0]["d"], "secret-token", "hush"]
    entry = server.hold("p", LARGE, breaks=[10_000] + [0] * 3)
    server.offer(entry | {"url": entry["url"] + "?signature=hush"}, token=True)
    server.token_seconds = 40
    shown = []
    with caplog.at_level(logging.DEBUG):
        for _ in range(2):
            try:
                shown.append(repr(fetch(credentials=known, settings=BulkSettings(attempts=4))))
            except BulkExportError as error:
                shown += [str(error), repr(error)]
                journal = (tmp_path / "export" / ".bulk-export.journal").read_text()
                assert not any(secret in journal for secret in secrets[:3])
    assert len(shown) == 3  # broke once, then came
    statements = [form["client_assertion"][0] for form in server.forms]
    assert statements
    kept = "".join(path.read_text() for path in (tmp_path / "export").iterdir())
    out = capfd.readouterr()
    for secret in [*secrets, *statements]:
        assert secret not in caplog.text
        assert secret not in kept
        assert secret not in out.out + out.err
        assert secret not in "".join([*shown, repr(known)])


def test_logs_of_others_who_use_httpx_are_left_alone(server, fetch, caplog):
    import httpx

    server.offer()
    with caplog.at_level(logging.INFO):
        fetch()
        assert "HTTP Request" not in caplog.text
        httpx.get(f"{server.base}/metadata", trust_env=False)
        assert "HTTP Request" in caplog.text


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666])
def test_a_key_that_others_may_read_is_refused(fetch, server, credentials, mode):
    with pytest.raises(BulkExportError, match="Others on this machine may read") as caught:
        fetch(credentials=credentials(mode=mode))
    assert "chmod 600" in str(caught.value)
    assert server.asked == []


def test_operation_outcomes_of_a_look_show_codes_alone(server, fetch, credentials):
    known = credentials()
    server.polls.appendleft(Answer(403, body=outcome("forbidden", "Jane Roe")))
    with pytest.raises(BulkExportError, match=r"403 \(forbidden\)") as caught:
        fetch(credentials=known)
    assert "Jane" not in str(caught.value)


def encoded(value):
    return base64.urlsafe_b64encode(value.to_bytes((value.bit_length() + 7) // 8)).rstrip(b"=").decode()


def write_key(tmp_path, content):
    path = tmp_path / "key.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    path.chmod(0o600)
    return path


def test_keys_that_cannot_sign_are_told_without_being_shown(fetch, server, credentials, pairs, tmp_path):
    from joserfc.jwk import ECKey

    private, public = pairs["ec-1"]
    small = ECKey.generate_key("P-256", {"kid": "k"}).as_dict(private=True)
    numbers = rsa.generate_private_key(65537, 1024).private_numbers()
    names = {"d": numbers.d, "p": numbers.p, "q": numbers.q, "dp": numbers.dmp1, "dq": numbers.dmq1}
    names |= {"qi": numbers.iqmp, "n": numbers.public_numbers.n, "e": numbers.public_numbers.e}
    weak = {"kty": "RSA", "kid": "k"} | {name: encoded(value) for name, value in names.items()}
    cases = [
        ("not json", "no JSON Web Key"),
        (public, "no private keys"),
        ({"keys": [private, private]}, "2 private keys"),
        ([private], "no private keys"),
        ({key: value for key, value in private.items() if key != "kid"}, "has no kid"),
        (small, "neither RS384 nor ES384"),
        (weak, "neither RS384 nor ES384"),
        (private | {"alg": "ES256"}, "neither RS384 nor ES384"),
        (private | {"d": "AAAA", "x": 5}, "cannot be read"),
        (private | {"kty": "oct", "k": "AAAA"}, "neither RSA nor EC"),
    ]
    for content, says in cases:
        known = credentials(key_file=write_key(tmp_path, content), key_id=None)
        with pytest.raises(BulkExportError, match=says) as caught:
            fetch(credentials=known)
        assert private["d"] not in str(caught.value)
    with pytest.raises(BulkExportError, match="There is no key file"):
        fetch(credentials=credentials(key_file=tmp_path / "none.json"))
    assert server.asked == []
