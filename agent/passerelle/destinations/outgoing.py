"""What leaves for an archive, and who hears of it, as the peer child takes and tells it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from passerelle.children.program import Body
    from passerelle.interfaces import Outcome, Told
    from passerelle.model import Instance
    from passerelle.settings import DicomDestinationSettings


class Queue:
    """Instances on their way, for whoever is to hear of them."""

    def __init__(self, told: Told) -> None:
        self._told = told
        self.goes_on = True

    def told(self, instance: Instance, outcome: Outcome) -> None:
        """Pass it on."""
        self.goes_on = self._told(instance, outcome) and self.goes_on


class Copy:
    """An instance as it is sent: as it lies in the spool, or transcoded."""

    def __init__(
        self, instance: Instance, path: Path | None = None, transfer_syntax_uid: str = ""
    ) -> None:
        self.instance = instance
        self.path = path or instance.path
        self.transfer_syntax_uid = transfer_syntax_uid or instance.transfer_syntax_uid

    def to_json(self) -> Body:
        """As the peer child takes it; only what the spool wrote has a known hash."""
        return {
            "file": str(self.path),
            "sop_class_uid": self.instance.sop_class_uid,
            "sop_instance_uid": self.instance.sop_instance_uid,
            "transfer_syntax_uid": self.transfer_syntax_uid,
            "sha256": self.instance.sha256 if self.path == self.instance.path else "",
        }


def node_of(settings: DicomDestinationSettings, calling_ae_title: str) -> Body:
    """Where the archive is and how patient to be, as the peer child takes it."""
    return {
        "host": settings.host,
        "port": settings.port,
        "ae_title": settings.ae_title,
        "calling_ae_title": calling_ae_title,
        "connect_timeout_s": settings.connect_timeout_s,
        "dimse_timeout_s": settings.answer_timeout_s,
        "floor_kbps": settings.floor_kbps,
        "tls": settings.tls.model_dump() if settings.tls else None,
    }


def kind_of(instance: Instance) -> tuple[str, str]:
    """What an archive accepts or not: SOP Class and transfer syntax."""
    return instance.sop_class_uid, instance.transfer_syntax_uid


def reference(instance: Instance) -> Body:
    """The instance and where it belongs, by its UIDs."""
    return {
        "sop_class_uid": instance.sop_class_uid,
        "sop_instance_uid": instance.sop_instance_uid,
        "study_instance_uid": instance.study_instance_uid,
        "series_instance_uid": instance.series_instance_uid,
    }
