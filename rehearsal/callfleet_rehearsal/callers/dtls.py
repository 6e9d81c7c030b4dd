"""DTLS 1.2 over memory: one handshake, the fingerprint checked, the SRTP keys out of it."""

import contextlib
import datetime as dt
import functools
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from OpenSSL import SSL
from pylibsrtp import Policy, Session

_LARGEST_DATAGRAM = 1200
_EXPORT_LABEL = b"EXTRACTOR-dtls_srtp"
_CERTIFICATE_DAYS = 30


class HandshakeError(ConnectionError):
    """The DTLS handshake failed, or its peer is not the one that signalling announced."""


@dataclass(frozen=True, slots=True)
class _Profile:
    srtp: int
    key_length: int
    salt_length: int


_PROFILES = {
    b"SRTP_AEAD_AES_128_GCM": _Profile(Policy.SRTP_PROFILE_AEAD_AES_128_GCM, 16, 12),
    b"SRTP_AES128_CM_SHA1_80": _Profile(Policy.SRTP_PROFILE_AES128_CM_SHA1_80, 16, 14),
}


@dataclass(frozen=True, slots=True)
class Identity:
    """The process' self-signed certificate, as a context for handshakes."""

    context: SSL.Context
    fingerprint: str


@functools.cache
def identity() -> Identity:
    """Make the certificate once for all callers of the process."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "callfleet caller")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=_CERTIFICATE_DAYS))
        .sign(key, hashes.SHA256())
    )
    context = SSL.Context(SSL.DTLS_METHOD)
    context.use_certificate(certificate)
    context.use_privatekey(key)
    # The peer's certificate is self-signed too: its fingerprint is checked after the handshake.
    context.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT, lambda *_: True)
    context.set_tlsext_use_srtp(b":".join(_PROFILES))
    return Identity(context, certificate.fingerprint(hashes.SHA256()).hex(":").upper())


class Dtls:
    """One side of a handshake. Feed it datagrams, send what ``outgoing`` gives."""

    def __init__(self, *, client: bool, remote_fingerprint: str) -> None:
        self._client = client
        self._remote_fingerprint = remote_fingerprint
        self._connection = SSL.Connection(identity().context)
        self._connection.set_ciphertext_mtu(_LARGEST_DATAGRAM)
        if client:
            self._connection.set_connect_state()
        else:
            self._connection.set_accept_state()
        self.done = False

    def advance(self, datagram: bytes = b"") -> None:
        """Go on with the handshake as far as it goes.

        Raises:
            HandshakeError: it has failed.

        """
        if datagram:
            self._connection.bio_write(datagram)
        if self.done:
            self._repeat_last_flight()
            return
        try:
            self._connection.do_handshake()
        except SSL.WantReadError:
            return
        except SSL.Error as error:
            message = f"the DTLS handshake with the SFU failed: {error}"
            raise HandshakeError(message) from error
        self._check_fingerprint()
        self.done = True

    def _repeat_last_flight(self) -> None:
        # Where our last words were lost, the other side repeats its own until it hears ours again;
        # OpenSSL does so when it is asked for data.
        with contextlib.suppress(SSL.Error):
            self._connection.recv(_LARGEST_DATAGRAM)

    def retransmit(self) -> None:
        """Repeat what was lost, where it is time to; an SFU's silence is no error here."""
        if not self.done:
            self._connection.DTLSv1_handle_timeout()

    def outgoing(self) -> list[bytes]:
        """Take the datagrams to send."""
        datagrams: list[bytes] = []
        while True:
            try:
                datagrams.append(self._connection.bio_read(_LARGEST_DATAGRAM + 300))
            except SSL.WantReadError:
                return datagrams

    def sessions(self) -> tuple[Session, Session]:
        """Make the SRTP sessions, outbound and inbound, from the handshake's keys."""
        profile = _PROFILES[self._connection.get_selected_srtp_profile()]
        keys, salts = profile.key_length, profile.salt_length
        material = self._connection.export_keying_material(_EXPORT_LABEL, 2 * (keys + salts))
        client = material[:keys] + material[2 * keys : 2 * keys + salts]
        server = material[keys : 2 * keys] + material[2 * keys + salts :]
        ours, theirs = (client, server) if self._client else (server, client)
        outbound = Policy(ours, Policy.SSRC_ANY_OUTBOUND, 0, profile.srtp)
        inbound = Policy(theirs, Policy.SSRC_ANY_INBOUND, 0, profile.srtp)
        # Wide enough for what a relay reorders.
        inbound.window_size = 1024
        return Session(outbound), Session(inbound)

    def _check_fingerprint(self) -> None:
        certificate = self._connection.get_peer_certificate(as_cryptography=True)
        seen = certificate.fingerprint(hashes.SHA256()).hex(":").upper() if certificate else "none"
        if seen != self._remote_fingerprint:
            message = (
                f"the SFU showed a certificate with fingerprint {seen}, but its answer announced "
                f"{self._remote_fingerprint}: something sits between the caller and the SFU"
            )
            raise HandshakeError(message)
