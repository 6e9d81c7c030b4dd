"""One TLS context a process: building one blocks the loop of a starting call for 165 to 316 ms."""

import functools
import os
import ssl
from pathlib import Path

import certifi


class CaFileError(ValueError):
    """The CA file cannot be used; the message says which and what to do."""


@functools.cache
def shared_context(ca_file: str | None = None) -> ssl.SSLContext:
    """Give the process' context, made at the first call: make that one early, before any job.

    Args:
        ca_file: trust these certificates alone (a private model endpoint). Without it those in
            ``SSL_CERT_FILE`` or, as google-genai does, certifi's.

    Raises:
        CaFileError: the file is missing or holds no certificate.

    """
    chosen = ca_file or os.environ.get("SSL_CERT_FILE") or certifi.where()
    try:
        return ssl.create_default_context(cafile=chosen)
    except (OSError, ssl.SSLError) as error:
        message = (
            f"the CA file {chosen!r} cannot be used ({error}); point model.ca_file at a PEM file "
            "with the certificate of the model endpoint's authority, or leave it out"
        )
        raise CaFileError(message) from error


def ca_argument(ca_file: Path | None) -> str | None:
    """Write a setting as the key that ``shared_context`` is remembered by."""
    return str(ca_file) if ca_file is not None else None
