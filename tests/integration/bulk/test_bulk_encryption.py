"""Encrypted, by a certificate that is trusted; plain only on this machine."""

from __future__ import annotations

import datetime as dt
import ipaddress
import ssl

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from benchwell.errors import BulkExportError
from benchwell.intake.bulk import BulkRequest, BulkSettings, export_bulk
from bulk_server import Answer, serving


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A certificate of this machine's own authority, with its key."""
    folder = tmp_path_factory.mktemp("certificate")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    today = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(today - dt.timedelta(days=1))
        .not_valid_after(today + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "both.pem").write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    (folder / "ca.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    return folder


@pytest.fixture
def secure(certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate / "both.pem")
    with serving(context) as running:
        yield running


def test_a_certificate_of_ones_own_authority_is_trusted_where_it_is_given(secure, certificate, clock, tmp_path):
    secure.offer(secure.hold("p"))
    settings = BulkSettings(ca_file=certificate / "ca.pem")
    assert export_bulk(BulkRequest(secure.base), tmp_path / "x", settings=settings, clock=clock).files[0].lines == 3


def test_any_other_certificate_is_not(secure, clock, tmp_path):
    with pytest.raises(BulkExportError, match=r"certificate of .* is not trusted"):
        export_bulk(BulkRequest(secure.base), tmp_path / "x", clock=clock)
    assert secure.asked == []


def test_a_file_without_certificates_is_told(clock, tmp_path):
    (tmp_path / "ca.pem").write_text("none")
    settings = BulkSettings(ca_file=tmp_path / "ca.pem")
    with pytest.raises(BulkExportError, match="holds no certificates"):
        export_bulk(BulkRequest("https://127.0.0.1:1"), tmp_path / "x", settings=settings, clock=clock)


def test_tls_before_1_2_is_not_spoken(tmp_path):
    from benchwell.intake.bulk.connection import encryption

    context = encryption(BulkSettings())
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2
    assert context.verify_mode == ssl.CERT_REQUIRED
    assert context.check_hostname


def test_a_server_that_speaks_only_tls_1_1_is_not_spoken_to(certificate, clock, tmp_path):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate / "both.pem")
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        context.minimum_version = ssl.TLSVersion.TLSv1_1
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    settings = BulkSettings(ca_file=certificate / "ca.pem", attempts=1)
    with serving(context) as old, pytest.raises(BulkExportError, match="cannot be reached"):
        export_bulk(BulkRequest(old.base), tmp_path / "x", settings=settings, clock=clock)
    assert old.asked == []


def test_plain_http_elsewhere_is_refused_before_anything_is_sent(clock, tmp_path):
    with pytest.raises(BulkExportError, match=r"http://ehr.example.org is not encrypted"):
        export_bulk(BulkRequest("http://ehr.example.org/fhir"), tmp_path / "x", clock=clock)


@pytest.mark.parametrize(
    "where", ["http://ehr.example.org/p", "ftp://127.0.0.1/p", "file:///etc/passwd", "http://[::1"]
)
def test_files_at_addresses_that_nobody_should_ask_are_refused(server, fetch, where):
    server.offer({"type": "Patient", "url": where})
    with pytest.raises(BulkExportError) as caught:
        fetch()
    assert "passwd" not in str(caught.value)


def test_a_redirect_out_of_encryption_is_refused(secure, certificate, clock, tmp_path):
    entry = secure.hold("p")
    secure.files["p"].first.append(Answer(302, {"Location": "http://files.example.org/p"}))
    secure.offer(entry)
    with pytest.raises(BulkExportError, match="not encrypted"):
        export_bulk(
            BulkRequest(secure.base), tmp_path / "x", settings=BulkSettings(ca_file=certificate / "ca.pem"), clock=clock
        )
