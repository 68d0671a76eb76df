"""TLS as DICOM asks for it: BCP 195, TLS 1.2 at least, never a fall-back (PS3.15 B.12)."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import TYPE_CHECKING, Final

from passerelle.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable

#: What OpenSSL says of a refusal, and what an operator has to know; the first that is found wins.
_REASONS: Final = (
    ("WRONG_VERSION_NUMBER", "the peer does not speak TLS"),
    ("HTTP_REQUEST", "the peer speaks HTTP"),
    ("UNSUPPORTED_PROTOCOL", "the peer offers no TLS 1.2 or later"),
    ("ALERT_PROTOCOL_VERSION", "the peer offers no version of TLS that we accept"),
    ("CERTIFICATE_EXPIRED", "the peer says that our certificate has expired"),
    ("UNKNOWN_CA", "the peer does not know who signed our certificate"),
    ("CERTIFICATE_REQUIRED", "the peer wants a certificate of ours: set tls.cert and tls.key"),
    ("HANDSHAKE_FAILURE", "the peer accepts none of our ciphers, or wants a certificate of ours"),
    ("ALERT_BAD_CERTIFICATE", "the peer refuses our certificate"),
    ("ALERT_CERTIFICATE_UNKNOWN", "the peer refuses our certificate"),
)


def client_context(*, ca: str, cert: str, key: str, verify: bool) -> ssl.SSLContext:
    """What we connect with.

    Args:
        ca: PEM file of those whom we trust; "": the system's.
        cert: PEM file of our certificate with its chain; "": none.
        key: PEM file of its key.
        verify: Whether the peer's certificate and its name are checked.

    Raises:
        Unavailable: A file is missing or is not what it should be.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    for name in filter(None, (ca, cert, key)):
        if not Path(name).is_file():
            msg = f"tls: there is no file {name}"
            raise Unavailable(msg)
    if ca:
        _loaded(ca, lambda: context.load_verify_locations(ca))
    elif verify:
        context.load_default_certs()
    if cert:
        both = f"{cert} and {key}" if key else cert
        _loaded(both, lambda: context.load_cert_chain(cert, key or None))
    return context


def _loaded(what: str, load: Callable[[], None]) -> None:
    try:
        load()
    except OSError as error:  # an SSLError is one
        msg = f"tls: {what}: cannot be used ({getattr(error, 'reason', None) or error.strerror})"
        raise Unavailable(msg) from error


def reason(error: ssl.SSLError) -> str:
    """Why TLS ended, for an operator."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"TLS: the peer's certificate is refused: {error.verify_message}"
    said = (error.reason or "").upper()
    return next(
        (f"TLS: {meaning}" for sign, meaning in _REASONS if sign in said),
        f"TLS: the connection ended ({error.reason or type(error).__name__})",
    )
