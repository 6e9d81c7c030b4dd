"""A server certificate and the authority that proves it, made or given: clients insist on TLS."""

import datetime as dt
import ipaddress
import ssl
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

VALID_DAYS = 30
GIVEN_FILES = CHAIN, KEY, AUTHORITY = "tls.crt", "tls.key", "ca.crt"
"""As a Secret of type kubernetes.io/tls has them, where it is mounted."""


class BadCertificatesError(Exception):
    """Certificates that were given cannot be used. The message says which and what to do."""


@dataclass(frozen=True, slots=True)
class Certificates:
    """Where the authority's certificate is, and the server's side of TLS."""

    ca_file: Path
    server: ssl.SSLContext


def read_certificates(folder: Path) -> Certificates:
    """Take the certificates that are in a folder: ``tls.crt``, ``tls.key`` and ``ca.crt``.

    Raises:
        BadCertificatesError: they are not there, or do not go together.

    """
    missing = [name for name in GIVEN_FILES if not (folder / name).is_file()]
    if missing:
        message = (
            f"{folder} has no {', '.join(missing)}; give a folder with {', '.join(GIVEN_FILES)}, "
            "or none to have certificates made"
        )
        raise BadCertificatesError(message)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(folder / CHAIN, folder / KEY)
    except OSError as error:
        message = (
            f"{CHAIN} and {KEY} in {folder} cannot be used together ({error}); they are to be a "
            "certificate and its own key, as PEM"
        )
        raise BadCertificatesError(message) from error
    return Certificates(ca_file=folder / AUTHORITY, server=context)


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey
) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(days=VALID_DAYS))
    )


def make_certificates(folder: Path, host: str) -> Certificates:
    """Make an authority and a certificate for localhost and ``host``, as files in ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    authority_key = ec.generate_private_key(ec.SECP256R1())
    authority_name = _name("callfleet emulator CA")
    authority = (
        _builder(authority_name, authority_name, authority_key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_authority_usage(), critical=True)
        .add_extension(
            x509.SubjectKeyIdentifier.from_public_key(authority_key.public_key()), critical=False
        )
        .sign(authority_key, hashes.SHA256())
    )
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = (
        _builder(_name(host), authority_name, key)
        .add_extension(x509.SubjectAlternativeName(_alternatives(host)), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()),
            critical=False,
        )
        .sign(authority_key, hashes.SHA256())
    )
    ca_file = folder / "ca.pem"
    chain_file = folder / "server.pem"
    ca_file.write_bytes(authority.public_bytes(serialization.Encoding.PEM))
    chain_file.touch(mode=0o600)
    chain_file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain_file)
    return Certificates(ca_file=ca_file, server=context)


def _alternatives(host: str) -> list[x509.GeneralName]:
    names: list[x509.GeneralName] = [
        x509.DNSName("localhost"),
        x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
    ]
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        if host != "localhost":
            names.append(x509.DNSName(host))
    else:
        if str(address) != "127.0.0.1":
            names.append(x509.IPAddress(address))
    return names


def _authority_usage() -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )
