"""Builds the parts of an agent from its config; nothing is started here."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from passerelle.children.child import DEVICE, PEER, Child
from passerelle.children.pool import Pool, workers
from passerelle.commitment import Prover
from passerelle.decisions import Decisions
from passerelle.delivery import Courier
from passerelle.destinations.dicom import DicomDestination
from passerelle.destinations.folder import FolderDestination
from passerelle.identity.exam import ExamIdentifier, Exams
from passerelle.identity.filename import FilenameIdentifier
from passerelle.identity.sidecar import SidecarIdentifier
from passerelle.intake import Intake
from passerelle.profile import load_profile
from passerelle.retention import Retention
from passerelle.settings import DicomDestinationSettings, FolderDestinationSettings
from passerelle.source_settings import (
    FolderSourceSettings,
    GrabberSourceSettings,
    SerialSourceSettings,
)
from passerelle.sources.folder import FolderSource
from passerelle.spool.files import durable_move
from passerelle.wrapping import Wrapper

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from passerelle.identity.barcode import BarcodeReader
    from passerelle.interfaces import Destination, Identifier, Source
    from passerelle.model import Acquisition, CommitmentReport, Value
    from passerelle.profile import Profile
    from passerelle.settings import Config, DestinationSettings
    from passerelle.source_settings import SourceSettings
    from passerelle.sources.received import ReceivedSource
    from passerelle.sources.serial import SerialSource
    from passerelle.spool import Spool

#: Requests without a report after which a query counts as proof.
_UNANSWERED: Final = {"required": 3, "preferred": 1}
_FOLDER_TIMEOUT_S: Final = 600.0


class Assembly:
    """What a config describes, on one open spool."""

    def __init__(self, config: Config, folder: Path, spool: Spool) -> None:
        """Nothing is built yet.

        Args:
            config: What to build.
            folder: The config file's folder, where a site's own profiles are.
            spool: Opened by the caller, and closed by it.

        Raises:
            ConfigError: A profile cannot be used.
        """
        self.children: list[Child] = workers()
        self.workers = Pool(self.children)
        self._peers: list[Child] = []
        self.archive = config.agent.data_dir / "archive"
        self._config = config
        self._spool = spool
        self.exams = Exams(spool, max_h=config.identity.exam_max_h)
        self._profiles = {
            source.name: load_profile(source.profile, folder) for source in config.sources
        }

    def child(self, program: str) -> Child:
        """A child that is not started before its first request."""
        child = Child(program)
        self.children.append(child)
        return child

    def warm(self) -> None:
        """Something was found that a worker will soon be asked to wrap and a peer to send."""
        self.workers.warm()
        for peer in self._peers:
            peer.warm()

    def wrapper(self, settings: SourceSettings) -> Wrapper:
        """What makes instances of a source's files."""
        return Wrapper(
            self._spool,
            self.workers,
            profile=self._profiles[settings.name],
            equipment=self._config.equipment,
            destinations=lambda modality: self._owed_to(modality, settings.name),
        )

    def identifiers(self, settings: SourceSettings, *, in_exams: bool = False) -> list[Identifier]:
        """Who says whose a source's files are, in the config's order.

        Args:
            settings: The source's.
            in_exams: Whether the exam answers that was open: not for an original kept here, whose
                file is a copy of another time.
        """
        profile = self._profiles[settings.name]
        found: list[Identifier] = []
        for resolver in self._config.identity.resolvers:
            match resolver:
                case "sidecar":
                    # A camera's says how it was taken; its intake takes that in any case.
                    if not (in_exams and isinstance(settings, GrabberSourceSettings)):
                        found.append(SidecarIdentifier())
                case "filename":
                    if profile.filename:
                        found.append(FilenameIdentifier(profile.filename, profile.date_format))
                case "barcode":
                    if in_exams and self._config.identity.barcode:
                        found.append(ExamIdentifier(resolver, self.exams))
                case "session":
                    if in_exams:
                        found.append(ExamIdentifier(resolver, self.exams))
        return found

    def source(self, settings: SourceSettings) -> FolderSource | ReceivedSource:
        """A source of the config."""
        match settings:
            case FolderSourceSettings():
                return self.folder_source(settings)
            case SerialSourceSettings():
                return self.serial_source(settings)
            case GrabberSourceSettings():
                return self.grabber_source(settings)

    def folder_source(self, settings: FolderSourceSettings) -> FolderSource:
        """A source on a folder."""
        archive = self.archive / settings.name
        return FolderSource(
            settings.name,
            settings.path,
            recursive=settings.recursive,
            settle_s=settings.settle_s,
            poll_s=settings.poll_s,
            after=settings.after,
            sidecar_wait_s=settings.sidecar_wait_s,
            incomplete_s=settings.incomplete_s,
            raw_suffixes=_raw_suffixes(self._profiles[settings.name]),
            memory=self._spool.memory(settings.name),
            archive=lambda path: durable_move(path, archive / time.strftime("%Y-%m-%d")),
            on_found=self.warm,
            on_whole=self.wrapper(settings).prepare,
        )

    def serial_source(self, settings: SerialSourceSettings) -> SerialSource:
        """A source on a serial line."""
        from passerelle.sources.serial import SerialSource  # noqa: PLC0415 - for those who have one
        from passerelle_hw.serial.line import LineSettings  # noqa: PLC0415

        archive = self.archive / settings.name
        return SerialSource(
            settings.name,
            LineSettings(
                url=settings.port,
                baudrate=settings.baudrate,
                data_bits=settings.data_bits,
                parity=settings.parity,
                stop_bits=settings.stop_bits,
            ),
            self._config.agent.data_dir,
            room=lambda: self._spool.room(self._config.retention.min_free),
            archive=lambda path: durable_move(path, archive / time.strftime("%Y-%m-%d")),
            memory=self._spool.memory(settings.name),
            limit_bytes=settings.limit_mb << 20,
            protocol=settings.protocol,
            file_name=settings.file_name or settings.name,
            file_bytes=settings.file_bytes,
            after=settings.after,
            raw_suffixes=_raw_suffixes(self._profiles[settings.name]),
            on_found=self.warm,
        )

    def grabber_source(self, settings: GrabberSourceSettings) -> ReceivedSource:
        """A source on a camera."""
        from passerelle.sources.grabber import Grabber  # noqa: PLC0415 - for those who have one
        from passerelle.sources.inbox import Inbox  # noqa: PLC0415
        from passerelle.sources.received import ReceivedSource  # noqa: PLC0415
        from passerelle.sources.station import station_of  # noqa: PLC0415

        data_dir, archive = self._config.agent.data_dir, self.archive / settings.name
        inbox = Inbox(
            data_dir / "inbox" / settings.name,
            data_dir / "receiving" / settings.name,
            room=lambda: self._spool.room(self._config.retention.min_free),
        )
        # Not among `children`: it is told to end what it is taking, and closed after that.
        grabber = Grabber(settings.name, station_of(settings), inbox, Child(DEVICE))
        return ReceivedSource(
            settings.name,
            inbox,
            grabber,
            archive=lambda path: durable_move(path, archive / time.strftime("%Y-%m-%d")),
            memory=self._spool.memory(settings.name),
            after=settings.after,
            on_found=self.warm,
        )

    def intake(
        self,
        settings: SourceSettings,
        source: Source,
        wrapper: Wrapper,
        on_admitted: Callable[[], None],
    ) -> Intake:
        """The intake of a source."""
        return Intake(
            source,
            self._spool,
            wrapper,
            self.identifiers(settings, in_exams=True),
            agent=self._config.agent.name,
            min_free=self._config.retention.min_free,
            facts=_facts_of(settings),
            lanes=self.workers.size + 1,
            on_admitted=on_admitted,
        )

    def barcode_reader(self) -> BarcodeReader | None:
        """What opens exams by a scanner; None where there is none."""
        settings = self._config.identity.barcode
        if settings is None:
            return None
        from passerelle.identity.barcode import BarcodeReader  # noqa: PLC0415 - as above
        from passerelle.identity.scanning import scanner_settings  # noqa: PLC0415
        from passerelle_hw.scanner import open_scanner  # noqa: PLC0415

        scanner = open_scanner(scanner_settings(settings))
        return BarcodeReader(scanner, settings.pattern, self.exams)

    def destination(
        self, settings: DestinationSettings, on_report: Callable[[CommitmentReport], None]
    ) -> Destination:
        """A destination of the config."""
        match settings:
            case DicomDestinationSettings():
                peer = self.child(PEER)
                self._peers.append(peer)
                return DicomDestination(
                    settings,
                    calling_ae_title=self._config.equipment.ae_title,
                    peer=peer,
                    worker=self.workers,
                    scratch=self._spool.staging,
                    on_report=on_report,
                )
            case FolderDestinationSettings():
                return FolderDestination(settings.name, settings.path)

    def courier(
        self,
        settings: DestinationSettings,
        destination: Destination,
        on_stored: Callable[[], None],
    ) -> Courier:
        """The courier of a destination."""
        return Courier(self._spool, destination, may_prove=_proves(settings), on_stored=on_stored)

    def prover(
        self,
        settings: DestinationSettings,
        destination: Destination,
        on_lost: Callable[[], None],
    ) -> Prover | None:
        """The prover of a destination; None where STORED is enough."""
        if not _proves(settings):
            return None
        timeout_s, mode = _FOLDER_TIMEOUT_S, "required"
        if isinstance(settings, DicomDestinationSettings):
            timeout_s, mode = settings.commitment.timeout_s, settings.commitment.mode
        return Prover(
            self._spool,
            destination,
            timeout_s=timeout_s,
            unanswered_limit=_UNANSWERED[mode],
            on_lost=on_lost,
        )

    def retention(self) -> Retention:
        """What ends the stay of proven instances."""
        return Retention(
            self._spool,
            self.archive,
            committed_days=self._config.retention.committed_days,
            unproven_ok=[one.name for one in self._config.destinations if not _proves(one)],
        )

    def decisions(self, on_changed: Callable[[], None] = lambda: None) -> Decisions:
        """What an operator decides, carried out with the sources' own profiles."""
        wrappers: dict[str, tuple[Wrapper, Sequence[Identifier]]] = {
            source.name: (self.wrapper(source), self.identifiers(source))
            for source in self._config.sources
        }
        return Decisions(self._spool, wrappers, archive=self.archive, on_changed=on_changed)

    def _owed_to(self, modality: str, source: str) -> list[str]:
        return [
            one.name
            for one in self._config.destinations
            if (not one.route.modality or modality in one.route.modality)
            and (not one.route.source or source in one.route.source)
        ]


def _proves(settings: DestinationSettings) -> bool:
    return not (
        isinstance(settings, DicomDestinationSettings) and settings.commitment.mode == "off"
    )


def _facts_of(settings: SourceSettings) -> Callable[[Acquisition], Mapping[str, Value]]:
    """What a source itself says of its acquisitions, whoever says whose they are."""
    if isinstance(settings, GrabberSourceSettings):
        return SidecarIdentifier().said
    return lambda _: {}


def _raw_suffixes(profile: Profile) -> tuple[str, ...]:
    return profile.raw.suffixes if profile.raw else ()
