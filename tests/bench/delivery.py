"""The agent's own way from the spool to an archive, timed: courier, destination, peer child.

    python -m bench.delivery DATA_DIR COUNT SIZE DESTINATION

does that in a process of its own, for a destination given as JSON, and prints the values.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.objects import Load
from bench.process import cpu_s, peak_bytes
from passerelle.children.child import PEER, WORKER, Child
from passerelle.delivery import Courier
from passerelle.destinations.dicom import DicomDestination
from passerelle.model import DeliveryState
from passerelle.settings import DicomDestinationSettings
from passerelle.spool import Spool

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.certificates import Certificates
    from bench.measure import Values
    from passerelle.interfaces import Outcome
    from passerelle.model import Instance

_PATIENCE_S = 1800.0
_LOOK_S = 0.05


def settings(
    name: str,
    *,
    host: str = "127.0.0.1",
    port: int,
    ae_title: str,
    tls: Certificates | None = None,
    **more: Any,  # noqa: ANN401 - a destination's own
) -> DicomDestinationSettings:
    """A destination as the config would describe it, its commitment off."""
    told: dict[str, Any] = {
        "name": name,
        "type": "dicom",
        "host": host,
        "port": port,
        "ae_title": ae_title,
        "commitment": {"mode": "off"},
        **more,
    }
    if tls:
        key, certificate = tls.client
        told["tls"] = {"ca": str(tls.authority), "key": str(key), "cert": str(certificate)}
    return DicomDestinationSettings.model_validate(told)


def delivered(spool: Spool, load: Load, described: DicomDestinationSettings) -> Values:
    """Deliver what is due there, in the parts that `assembly` would build.

    The child is up and has shown that the archive answers; then the clock runs from the first
    lease to the last outcome in the ledger.
    """
    peer, worker, last = Child(PEER), Child(WORKER), [0.0]

    def on_stored() -> None:
        last[0] = time.perf_counter()

    destination = DicomDestination(
        described,
        calling_ae_title="AGENT",
        peer=peer,
        worker=worker,
        scratch=spool.staging,
        on_report=lambda _: None,
    )
    courier = Courier(spool, destination, may_prove=False, on_stored=on_stored)
    stop = threading.Event()
    thread = threading.Thread(target=courier.run, args=(stop,), daemon=True)
    try:
        destination.probe()
        assert peer.pid
        child_before, main_before = cpu_s(peer.pid), time.process_time()
        began = time.perf_counter()
        thread.start()
        while _stored(spool, described.name) < load.count:
            assert time.perf_counter() - began < _PATIENCE_S, courier.circuit.reason
            assert thread.is_alive(), "the courier failed"
            time.sleep(_LOOK_S)
        took = last[0] - began
        main = time.process_time() - main_before
        child, peak = cpu_s(peer.pid) - child_before, peak_bytes(peer.pid)
    finally:
        stop.set()
        courier.wake()
        peer.close()
        worker.close()
        thread.join(10)
    return {
        "instances_s": load.count / took,
        "bytes_s": load.bytes / took,
        "cpu_s_each": child / load.count,
        "all_cpu_s_each": (child + main) / load.count,
        "peak_bytes": float(peak),
    }


def sent_alone(spool: Spool, uids: Sequence[str], described: DicomDestinationSettings) -> Values:
    """Send objects as `passerelle send` does: by the peer child, without a ledger or a hash."""
    peer, worker = Child(PEER), Child(WORKER)
    destination = DicomDestination(
        described,
        calling_ae_title="AGENT",
        peer=peer,
        worker=worker,
        scratch=spool.staging,
        on_report=lambda _: None,
    )
    owed = [spool.delivery(described.name, uid) for uid in uids]
    instances = [replace(one.instance, sha256="") for one in owed if one]
    stored = []

    def told(_instance: Instance, outcome: Outcome) -> bool:
        stored.append(outcome == "")
        return True

    try:
        destination.probe()
        assert peer.pid
        before, began = cpu_s(peer.pid), time.perf_counter()
        destination.store(instances, told)
        took, child = time.perf_counter() - began, cpu_s(peer.pid) - before
        destination.release()
    finally:
        peer.close()
        worker.close()
    assert stored == [True] * len(uids)
    return {
        "alone_instances_s": len(uids) / took,
        "alone_bytes_s": sum(one.size for one in instances) / took,
        "alone_cpu_s_each": child / len(uids),
    }


def _stored(spool: Spool, destination: str) -> int:
    states = spool.counts().by_destination.get(destination, {})
    return states.get(DeliveryState.STORED, 0)


def main(data_dir: str, count: str, size: str, destination: str) -> None:
    with Spool.open(Path(data_dir)) as spool:
        values = delivered(spool, Load(int(count), int(size)), settings(**json.loads(destination)))
    print(json.dumps(values))


if __name__ == "__main__":
    main(*sys.argv[1:])
