"""Where a peer is, how long to be patient with it, and the connection to it."""

from __future__ import annotations

import socket
import ssl
import time
from dataclasses import dataclass
from typing import Any

from passerelle import tls
from passerelle.errors import Unavailable


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """Where a peer is and how long to be patient with it."""

    host: str
    port: int
    ae_title: str
    calling_ae_title: str
    connect_timeout_s: float = 10.0
    acse_timeout_s: float = 15.0
    dimse_timeout_s: float = 60.0  #: for an answer, from the last byte sent; and for a stall
    floor_kbps: float = 64.0  #: a transfer slower than this many kbit/s is given up
    max_pdu: int = 128 * 1024  #: also for a peer that sets no limit
    tls: dict[str, Any] | None = None  #: what `tls.client_context` takes; None: in clear

    def transfer_s(self, size: int) -> float:
        """How long an object of this many bytes may take."""
        return self.dimse_timeout_s + size * 8 / (self.floor_kbps * 1000)


def connected(node: Node) -> tuple[socket.socket, float]:
    """A connection, and how long a round trip to the peer takes, in seconds.

    Raises:
        Unavailable: There is none, and why.
    """
    where = f"{node.host}:{node.port}"
    try:
        addresses = socket.getaddrinfo(node.host, node.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        msg = f"host name unknown: {node.host}"
        raise Unavailable(msg) from error
    deadline = time.monotonic() + node.connect_timeout_s
    cause = ""
    for family, kind, protocol, _, address in addresses:
        sock = socket.socket(family, kind, protocol)
        began = time.monotonic()
        sock.settimeout(max(0.001, deadline - began))
        try:
            sock.connect(address)
            round_trip_s = time.monotonic() - began
            return (_encrypted(sock, node, deadline) if node.tls else sock), round_trip_s
        except Unavailable as error:
            cause = str(error)
        except TimeoutError:
            cause = f"no answer to the connection within {node.connect_timeout_s:g} s"
        except OSError as error:
            refused = isinstance(error, ConnectionRefusedError)
            cause = "connection refused" if refused else error.strerror or "cannot be reached"
        sock.close()
    msg = f"{cause} ({where})"
    raise Unavailable(msg)


def _encrypted(sock: socket.socket, node: Node, deadline: float) -> ssl.SSLSocket:
    context = tls.client_context(**(node.tls or {}))
    sock.settimeout(max(0.001, deadline - time.monotonic()))
    try:
        return context.wrap_socket(sock, server_hostname=node.host)
    except (ssl.SSLEOFError, ConnectionError, TimeoutError) as error:
        msg = "TLS: the peer ended the handshake, or does not speak TLS"
        raise Unavailable(msg) from error
    except ssl.SSLError as error:
        raise Unavailable(tls.reason(error)) from error
