"""Starts the parts of an agent, restarts what fails, and stops them."""

from __future__ import annotations

import logging
import threading
import time
import traceback
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

from passerelle.assembly import Assembly
from passerelle.control import Door
from passerelle.errors import ConfigError, SourceError
from passerelle.monitor.health import DestinationView, SourceView, status_of
from passerelle.policy import backoff_s
from passerelle.reports import ReportListener
from passerelle.settings import DicomDestinationSettings
from passerelle.sources.folder import FolderSource
from passerelle.spool import Spool

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from passerelle.commitment import Prover
    from passerelle.control import Handler
    from passerelle.delivery import Courier
    from passerelle.identity.barcode import BarcodeReader
    from passerelle.intake import Intake
    from passerelle.model import CommitmentReport
    from passerelle.settings import Config, DestinationSettings
    from passerelle.source_settings import SourceSettings
    from passerelle.sources.received import ReceivedSource

_log = logging.getLogger(__name__)

_STOP_S: Final = 8.0
_LONGEST_RESTART_S: Final = 30.0
_STEADY_S: Final = 60.0  # a part that ran this long starts again at once


class Part(Protocol):
    """Something that runs in a thread of its own until told to stop."""

    name: str

    def run(self, stop: threading.Event) -> None:
        """Work until `stop` is set."""

    def wake(self) -> None:
        """Look at `stop`, or at what is due."""


class Agent:
    """One agent on one data_dir: everything between `start` and `stop`."""

    def __init__(self, config: Config, folder: Path) -> None:
        """Nothing runs yet.

        Args:
            config: What to run.
            folder: The config file's folder, where a site's own profiles are.
        """
        self.config = config
        self._folder = folder
        self._stop = threading.Event()
        self._started_at = time.time()
        self._threads: list[threading.Thread] = []
        self._couriers: dict[str, Courier] = {}
        self._provers: dict[str, Prover] = {}
        self._sources: dict[str, tuple[FolderSource | ReceivedSource, Intake]] = {}
        self._barcode: BarcodeReader | None = None
        self._faults: dict[Part, str] = {}  # not by name: a courier and its prover share one

    def start(self) -> None:
        """Open the spool, repair what a crash left, and start every part.

        Raises:
            AlreadyRunning: Another agent owns the data_dir.
            ConfigError: A profile cannot be used.
        """
        self.spool = Spool.open(self.config.agent.data_dir)
        try:
            self._assembly = Assembly(self.config, self._folder, self.spool)
            self._parts = list(self._build())
        except BaseException:
            self.spool.close()
            raise
        for finding in self.spool.findings:
            _log.warning("spool: %s", finding)
        for part in self._parts:
            thread = threading.Thread(target=self._keep, args=(part,), name=part.name, daemon=True)
            self._threads.append(thread)
            thread.start()

    def stop(self) -> None:
        """Stop every part, end the children, close the spool; within 10 s."""
        self._stop.set()
        for part in self._parts:
            part.wake()
        for child in self._assembly.children:
            # An object half sent is sent again whole; waiting for it could take hours.
            child.close()
        deadline = time.monotonic() + _STOP_S
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        self.spool.close()

    def status(self) -> dict[str, Any]:
        """What `passerelle status --json` prints."""
        return status_of(
            name=self.config.agent.name,
            started_at=self._started_at,
            counts=self.spool.counts(),
            data_dir=self.config.agent.data_dir,
            destinations=[self._destination_view(name) for name in self._couriers],
            sources=[self._source_view(name) for name in self._sources],
            faults=[
                *self._other_faults(),
                *self._assembly.exams.problems(),
                *(self._barcode.problems() if self._barcode else ()),
                *self.spool.findings,
            ],
        )

    def ask(self, request: str, body: dict[str, Any]) -> dict[str, Any]:
        """What the control door answers, for who is in this process anyway.

        Raises:
            AgentError: It says why it cannot do that.
        """
        return self._handlers[request](body)

    def _build(self) -> Iterator[Part]:
        for destination in self.config.destinations:
            yield from self._build_destination(destination)
        for source in self.config.sources:
            yield from self._build_source(source)
        for port in sorted({port for one in self.config.destinations if (port := _port(one))}):
            yield ReportListener(port, self.config.equipment.ae_title, self._reported)
        yield self._assembly.retention()
        yield self._assembly.exams
        self._barcode = self._assembly.barcode_reader()
        if self._barcode:
            yield self._barcode
        decisions = self._assembly.decisions(on_changed=self._wake_couriers)
        self._handlers: dict[str, Handler] = {
            "status": lambda _body: self.status(),
            "trigger": self._press,
            **self._assembly.exams.handlers(),
            **decisions.handlers(),
        }
        door = Door(self.config.agent.data_dir, self._handlers)
        door.open()
        yield door

    def _build_destination(self, settings: DestinationSettings) -> Iterator[Part]:
        name = settings.name
        destination = self._assembly.destination(settings, self._reported)
        courier = self._assembly.courier(settings, destination, lambda: self._wake_prover(name))
        self._couriers[name] = courier
        yield courier
        prover = self._assembly.prover(settings, destination, courier.wake)
        if prover is not None:
            self._provers[name] = prover
            yield prover

    def _build_source(self, settings: SourceSettings) -> Iterator[Part]:
        source = self._assembly.source(settings)
        wrapper = self._assembly.wrapper(settings)
        intake = self._assembly.intake(settings, source, wrapper, self._wake_couriers)
        self._sources[settings.name] = (source, intake)
        yield intake
        if not isinstance(source, FolderSource):
            yield source.receiver

    def _keep(self, part: Part) -> None:
        """Run a part; when it fails, say so and start it again later."""
        failures = 0
        while not self._stop.is_set():
            began = time.monotonic()
            self._faults.pop(part, None)
            try:
                part.run(self._stop)
            except SourceError as error:
                self._faults[part] = str(error)
            except Exception as error:  # noqa: BLE001 - the one place: no part may end the others
                self._faults[part] = f"{part.name}: failed and restarts: {_place(error)}"
            else:
                return
            failures = 1 if time.monotonic() - began > _STEADY_S else failures + 1
            if not self._stop.is_set():
                _log.error("%s", self._faults[part])
            self._stop.wait(min(_LONGEST_RESTART_S, backoff_s(failures)))

    def _reported(self, report: CommitmentReport) -> None:
        known = self.spool.transaction(report.transaction_uid)
        prover = self._provers.get(known[0]) if known else None
        if prover is not None:
            prover.take(report)
        else:
            _log.warning("listener: report on an unknown transaction")

    def _press(self, body: Mapping[str, Any]) -> dict[str, Any]:
        source, _ = self._sources.get(body["source"], (None, None))
        press = getattr(getattr(source, "receiver", None), "press", None)
        if press is None:
            msg = f"trigger: {body['source']} is no source with a camera"
            raise ConfigError(msg)
        if not press(down=body["down"]):
            msg = f"trigger: the camera of {body['source']} does not run"
            raise ConfigError(msg)
        return {}

    def _wake_couriers(self) -> None:
        for courier in self._couriers.values():
            courier.wake()

    def _wake_prover(self, name: str) -> None:
        if name in self._provers:
            self._provers[name].wake()

    def _other_faults(self) -> list[str]:
        intakes = {intake for _, intake in self._sources.values()}
        # A copy: the parts' own threads add and remove.
        return [fault for part, fault in self._faults.copy().items() if part not in intakes]

    def _destination_view(self, name: str) -> DestinationView:
        courier, prover = self._couriers[name], self._provers.get(name)
        return DestinationView(
            name=name,
            reason=courier.circuit.reason,
            since=courier.circuit.since,
            next_attempt_s=courier.circuit.wait_s(),
            proof_reason=prover.reason if prover else "",
        )

    def _source_view(self, name: str) -> SourceView:
        source, intake = self._sources[name]
        reasons = [reason for reason in (self._faults.get(intake), intake.reason) if reason]
        return SourceView(
            name=name,
            reasons=[*reasons, *source.problems()],
            pending=source.pending,
            last_acquisition_at=intake.last_acquisition_at,
        )


@contextmanager
def deciding(config: Config, folder: Path) -> Iterator[dict[str, Handler]]:
    """An operator's decisions on a data_dir that no agent runs on, under its lock.

    Raises:
        AlreadyRunning: An agent started just now.
    """
    spool = Spool.open(config.agent.data_dir)
    try:
        assembly = Assembly(config, folder, spool)
        try:
            yield {**assembly.decisions().handlers(), **assembly.exams.handlers()}
        finally:
            for child in assembly.children:
                child.close()
    finally:
        spool.close()


def _port(settings: DestinationSettings) -> int | None:
    return settings.commitment.port if isinstance(settings, DicomDestinationSettings) else None


def _place(error: Exception) -> str:
    """Kind and place of a failure; its text may hold patient data."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} at {Path(frame.filename).name}:{frame.lineno}"
