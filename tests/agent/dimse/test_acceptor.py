"""The listener's side: real requestors are served, strangers cost little and soon nothing."""

from __future__ import annotations

import socket
import subprocess
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
from pydicom.dataset import Dataset
from pynetdicom import AE, build_role

from passerelle.dimse.acceptor import Acceptor
from passerelle.dimse.association import VERIFICATION
from passerelle.dimse.commitment import STORAGE_COMMITMENT, Report
from passerelle.errors import Unavailable
from peers_support import SECONDARY_CAPTURE
from support import peer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pynetdicom.association import Association

INSTANCE = "1.2.840.10008.1.20.1.1"
PATIENCE_S = 0.4


class Listening:
    """An acceptor in a thread, its reports and what it thought of its peers."""

    def __init__(self, *allow: str) -> None:
        self.reports: list[Report] = []
        self.faults: list[str] = []
        self.fails = False
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self._acceptor = Acceptor(
            "AGENT", allow, self._take, negotiation_s=PATIENCE_S, silence_s=PATIENCE_S
        )
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _take(self, report: Report) -> None:
        if self.fails:
            raise OSError
        self.reports.append(report)

    def _serve(self) -> None:
        while True:
            try:
                connection = self._listening.accept()[0]
            except OSError:
                return
            try:
                self._acceptor.serve(connection)
            except Unavailable as fault:
                self.faults.append(str(fault))

    def close(self) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._thread.join(10)


@pytest.fixture
def listening() -> Iterator[Listening]:
    listening = Listening()
    yield listening
    listening.close()


@pytest.fixture
def choosy() -> Iterator[Listening]:
    listening = Listening("ARCHIVE")
    yield listening
    listening.close()


def commitment_report() -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID = SECONDARY_CAPTURE
    item.ReferencedSOPInstanceUID = "1.2.3.4"
    dataset = Dataset()
    dataset.TransactionUID = "1.2.3"
    dataset.ReferencedSOPSequence = [item]
    return dataset


def archive_on(listening: Listening) -> Association:
    """An association of an archive that says that it is the SCP."""
    entity = AE("ARCHIVE")
    entity.add_requested_context(STORAGE_COMMITMENT)
    roles: list[Any] = [build_role(STORAGE_COMMITMENT, scp_role=True)]
    return entity.associate("127.0.0.1", listening.port, ae_title="AGENT", ext_neg=roles)


def test_a_report_is_answered_with_success_once_it_is_taken(listening: Listening) -> None:
    association = archive_on(listening)
    for number in (1, 2):
        status, _ = association.send_n_event_report(
            commitment_report(), 1, STORAGE_COMMITMENT, INSTANCE
        )
        assert status.Status == 0
        assert len(listening.reports) == number
    association.release()
    assert listening.reports[0] == {
        "transaction_uid": "1.2.3",
        "committed": ["1.2.3.4"],
        "failed": {},
    }


def test_an_archive_that_does_not_negotiate_its_role_is_accepted(listening: Listening) -> None:
    entity = AE("ARCHIVE")
    entity.add_requested_context(STORAGE_COMMITMENT)
    association = entity.associate("127.0.0.1", listening.port, ae_title="AGENT")
    assert association.accepted_contexts
    association.release()


def test_a_report_that_could_not_be_taken_is_answered_with_a_failure(
    listening: Listening,
) -> None:
    listening.fails = True
    association = archive_on(listening)
    status, _ = association.send_n_event_report(
        commitment_report(), 1, STORAGE_COMMITMENT, INSTANCE
    )
    assert status.Status == 0x0110
    association.release()


def test_echoscu_gets_its_echo(listening: Listening) -> None:
    command = [peer("echoscu"), "-aec", "AGENT", "127.0.0.1", str(listening.port)]
    subprocess.run(command, check=True, timeout=10)


def test_who_calls_another_name_is_rejected(listening: Listening) -> None:
    command = [peer("echoscu"), "-aec", "OTHER", "127.0.0.1", str(listening.port)]
    answer = subprocess.run(command, check=False, timeout=10, capture_output=True, text=True)
    assert answer.returncode
    assert "Called AE Title Not Recognized" in answer.stderr


def test_only_who_is_allowed_gets_in(choosy: Listening) -> None:
    def echo(calling: str) -> int:
        entity = AE(calling)
        entity.add_requested_context(VERIFICATION)
        association = entity.associate("127.0.0.1", choosy.port, ae_title="AGENT")
        status: int = association.send_c_echo().Status if association.is_established else -1
        association.release()
        return status

    assert echo("ARCHIVE") == 0
    assert echo("STRANGER") == -1


STRANGERS = [
    pytest.param(b"", "no answer in time", id="mute"),
    pytest.param(b"\x01\0", "stopped inside", id="half-open"),
    pytest.param(b"\x01\0\xff\xff\xff\xff" + bytes(1000), "announces a PDU", id="4 GiB PDU"),
    pytest.param(b"GET / HTTP/1.1\r\n\r\n", "speaks HTTP", id="HTTP"),
    pytest.param(b"\x16\x03\x01\x02\x00\x01", "speaks TLS", id="TLS"),
    pytest.param(b"\xde\xad\xbe\xef", "does not speak DICOM", id="rubbish"),
    pytest.param(b"\x01\0\0\0\0\x50" + bytes(80), "malformed", id="empty request"),
    pytest.param(b"\x05\0\0\0\0\x04\0\0\0\0", "begins with A_RELEASE_RQ", id="release first"),
]


@pytest.mark.parametrize(("said", "fault"), STRANGERS)
@pytest.mark.filterwarnings("ignore::UserWarning")  # pydicom about the values
def test_a_stranger_is_dropped_soon_and_the_next_peer_is_served(
    listening: Listening, said: bytes, fault: str
) -> None:
    with socket.create_connection(("127.0.0.1", listening.port)) as stranger:
        stranger.sendall(said)
        stranger.settimeout(PATIENCE_S + 1)
        with suppress(ConnectionResetError):
            assert stranger.recv(1) == b""
    test_echoscu_gets_its_echo(listening)
    assert fault in listening.faults[0]


def test_an_association_that_keeps_silent_is_ended(listening: Listening) -> None:
    entity = AE("ARCHIVE")
    entity.add_requested_context(VERIFICATION)
    association = entity.associate("127.0.0.1", listening.port, ae_title="AGENT")
    assert association.is_established
    deadline = time.monotonic() + 5
    while association.is_alive() and time.monotonic() < deadline:
        association.join(0.05)
    assert not association.is_established
