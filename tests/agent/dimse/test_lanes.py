"""Several associations share one queue; each instance is begun once, and its end is told."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from passerelle.dimse.association import Association, associate
from passerelle.dimse.lanes import Lanes
from passerelle.dimse.node import Node
from passerelle.dimse.store import Outgoing
from passerelle.errors import Unavailable
from peers_support import Orthanc, Server, Storescp, instance

if TYPE_CHECKING:
    from collections.abc import Callable

    from passerelle.errors import DeliveryError

FAR_S = 1.0
CONTEXTS = [("1.2.840.10008.5.1.4.1.1.7", "1.2.840.10008.1.2.1")]


class Heard:
    """What a queue's owner hears."""

    def __init__(self, until: int = 10**6) -> None:
        self.lanes = 0
        self.became: dict[str, object] = {}
        self.until = until
        self._turn = threading.Lock()

    def begun(self, lanes: int) -> None:
        self.lanes = lanes

    def answered(self, outgoing: Outgoing, status: int, comment: str) -> None:
        self._note(outgoing, (status, comment))

    def not_accepted(self, outgoing: Outgoing, accepted: list[str]) -> None:
        self._note(outgoing, accepted)

    def failed(self, outgoing: Outgoing, error: DeliveryError) -> None:
        self._note(outgoing, error)

    def progress(self, sent: int, size: int) -> None:
        assert 0 <= sent <= size

    def goes_on(self) -> bool:
        return len(self.became) < self.until

    def _note(self, outgoing: Outgoing, what: object) -> None:
        with self._turn:
            assert outgoing.sop_instance_uid not in self.became, "told twice"
            self.became[outgoing.sop_instance_uid] = what


def opened(peer: Server) -> Association:
    known: dict[str, Any] = peer.node(dimse_timeout_s=5.0, acse_timeout_s=5.0)
    return associate(Node(**known), CONTEXTS, lambda _event, _syntax: 0)


def queue(folder: Path, count: int) -> list[Outgoing]:
    bodies = [instance(folder, number) for number in range(count)]
    return [
        Outgoing(
            path=Path(body["file"]),
            pair=(body["sop_class_uid"], body["transfer_syntax_uid"]),
            sop_instance_uid=body["sop_instance_uid"],
        )
        for body in bodies
    ]


def far_lanes(peer: Server, another: Callable[[], Association] | None = None) -> Lanes:
    """Lanes on a line as long as one to another continent, so that all are used at once."""
    first = opened(peer)
    first.round_trip_s = FAR_S
    return Lanes(first, another or (lambda: opened(peer)))


def end(lanes: Lanes) -> int:
    associations = lanes.close()
    for association in associations:
        association.release()
    return len(associations)


def test_four_associations_deliver_each_instance_once(tmp_path: Path) -> None:
    with Orthanc(tmp_path / "peer") as archive:
        lanes, heard = far_lanes(archive), Heard()
        for part in range(3):
            lanes.send(queue(tmp_path, 60)[20 * part : 20 * part + 20], 4, heard)
        assert list(heard.became.values()) == [(0, "")] * 60
        assert heard.lanes == 4
        assert end(lanes) == 4
        assert archive.count() == 60


def test_a_node_that_serves_one_association_at_a_time_keeps_no_queue_waiting(
    tmp_path: Path,
) -> None:
    with Storescp(tmp_path / "peer") as archive:
        lanes, heard, began = far_lanes(archive), Heard(), time.monotonic()
        lanes.send(queue(tmp_path, 30), 4, heard)
        assert time.monotonic() - began < 3
        assert list(heard.became.values()) == [(0, "")] * 30
        assert len(archive.received()) == 30
        end(lanes)


def test_a_node_that_lets_no_further_association_in_gets_all_over_one(tmp_path: Path) -> None:
    asked = []

    def refused() -> Association:
        asked.append(1)
        msg = "no association: rejected: local limit exceeded (transient)"
        raise Unavailable(msg)

    with Storescp(tmp_path / "peer") as archive:
        lanes, heard = far_lanes(archive, refused), Heard()
        for part in range(3):
            lanes.send(queue(tmp_path, 30)[10 * part : 10 * part + 10], 2, heard)
        assert list(heard.became.values()) == [(0, "")] * 30
        assert len(asked) == 1, "it is not asked again at once"
        assert end(lanes) == 1


def test_when_no_more_is_wanted_nothing_more_is_begun(tmp_path: Path) -> None:
    with Orthanc(tmp_path / "peer") as archive:
        lanes, heard = far_lanes(archive), Heard(until=3)
        lanes.send(queue(tmp_path, 20), 2, heard)
        assert 3 <= len(heard.became) <= 4
        end(lanes)


def test_no_more_are_begun_than_were_told_and_lanes_there_are(tmp_path: Path) -> None:
    with Orthanc(tmp_path / "peer") as archive:
        lanes, heard = far_lanes(archive), Heard()
        files = queue(tmp_path, 200)
        sending = threading.Thread(target=_quietly, args=(lanes, files, heard))
        sending.start()
        while len(heard.became) < 20:
            time.sleep(0.001)
        archive.kill()
        sending.join(20)
        assert not sending.is_alive()
        told = [file.sop_instance_uid in heard.became for file in files]
        last = max(number for number, was_told in enumerate(told) if was_told)
        assert told[: last + 1].count(False) <= heard.lanes
        assert len(heard.became) < 200
        for association in lanes.close():
            association.abort()


def _quietly(lanes: Lanes, files: list[Outgoing], heard: Heard) -> None:
    try:
        lanes.send(files, 4, heard)
    except Unavailable:
        return


def test_what_fails_in_a_lane_is_not_swallowed(tmp_path: Path) -> None:
    class Broken(Heard):
        def answered(self, outgoing: Outgoing, status: int, comment: str) -> None:
            raise ZeroDivisionError(outgoing, status, comment)

    with Storescp(tmp_path / "peer") as archive:
        lanes = far_lanes(archive)
        with pytest.raises(ZeroDivisionError):
            lanes.send(queue(tmp_path, 2), 1, Broken())
        end(lanes)
