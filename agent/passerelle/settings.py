"""The settings of one agent: frozen, strict values, each key described where it is defined."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from passerelle.barcode import BarcodeSettings  # noqa: TC001 - pydantic reads it
from passerelle.section import Name, Section
from passerelle.source_settings import SourceSettings  # noqa: TC001 - pydantic reads it

AeTitle = Annotated[
    str, Field(min_length=1, max_length=16, pattern=r"^[!-\[\]-~][ -\[\]-~]*$")
]  # PS3.5 6.2: printable ASCII but the backslash, not spaces alone
Port = Annotated[int, Field(ge=1, le=65535)]
LongText = Annotated[str, Field(max_length=64)]
SyntaxName = Literal[
    "JPEGLSLossless",
    "JPEG2000Lossless",
    "HTJ2KLossless",
    "RLELossless",
    "ExplicitVRLittleEndian",
    "ImplicitVRLittleEndian",
]


class AgentSettings(Section):
    """This box."""

    name: Name = Field("passerelle", description="The box's own name; part of every UID it makes.")
    data_dir: Path = Field(
        Path("/var/lib/passerelle"), description="Holds queue.db, spool/, archive/, quarantine/."
    )
    log: Literal["text", "json"] = Field("text", description="Form of the lines on standard error.")
    reload: bool = Field(
        default=False, description="Re-read this file when it changes; SIGHUP always does."
    )


class EquipmentSettings(Section):
    """General Equipment and General Series (PS3.3 C.7.5.1, C.7.3.1)."""

    modality: str = Field("OT", pattern="^[A-Z]{2,16}$", description="Modality (0008,0060).")
    manufacturer: LongText = Field("", description="Manufacturer (0008,0070).")
    model_name: LongText = Field("", description="Manufacturer's Model Name (0008,1090).")
    device_serial_number: LongText = Field("", description="Device Serial Number (0018,1000).")
    station_name: Annotated[str, Field(max_length=16)] = Field(
        "", description="Station Name (0008,1010)."
    )
    institution_name: LongText = Field("", description="Institution Name (0008,0080).")
    department_name: LongText = Field("", description="Institutional Department Name (0008,1040).")
    ae_title: AeTitle = Field("PASSERELLE", description="Our calling AE title.")


class WorklistSettings(Section):
    """A Modality Worklist SCP (PS3.4 K)."""

    host: str = Field(min_length=1, description="Host name or address.")
    port: Port = Field(104, description="TCP port.")
    ae_title: AeTitle = Field(description="Its AE title.")
    keep_h: Annotated[int, Field(ge=1, le=744)] = Field(
        72, description="How many hours a cached worklist may be shown."
    )
    fallback_charset: str = Field(
        "ISO_IR 192", description="Character set of answers that declare none and are not ASCII."
    )


class IdentitySettings(Section):
    """Whose an acquisition is."""

    resolvers: tuple[Literal["sidecar", "filename", "barcode", "session"], ...] = Field(
        ("sidecar", "filename", "barcode", "session"),
        description=(
            "Asked in this order; the first that answers wins. barcode and session answer for what "
            "was acquired, by the time of its file, while an exam was open that a scan or "
            "`passerelle exam open` had opened."
        ),
    )
    unidentified: Literal["hold"] = Field(
        "hold", description="What becomes of an acquisition that nobody answers for."
    )
    worklist: WorklistSettings | None = Field(None, description="Where `passerelle worklist` asks.")
    barcode: BarcodeSettings | None = Field(None, description="The scanner that opens exams.")
    exam_max_h: Annotated[float, Field(gt=0, le=168)] = Field(
        12.0, description="An exam answers for nothing later than so many hours after its opening."
    )


class CommitmentSettings(Section):
    """Storage Commitment (PS3.4 J)."""

    mode: Literal["required", "preferred", "off"] = Field(
        "required",
        description=(
            "required: ask until proven, and by query after three unanswered requests; preferred: "
            "by query after the first; off: STORED is enough. An archive without storage "
            "commitment is asked by query in both."
        ),
    )
    port: Port | None = Field(
        None, description="Where we listen for reports on a new association; none when not given."
    )
    timeout_s: Annotated[float, Field(ge=1, le=604800)] = Field(
        600.0, description="How long to wait for a report before asking again."
    )


class TlsSettings(Section):
    """TLS towards a peer (PS3.15 B.12): TLS 1.2 or later, never a fall-back to clear."""

    ca: str = Field("", description="PEM file of whom to trust; the system's own when empty.")
    cert: str = Field("", description="PEM file of our certificate, with its chain.")
    key: str = Field("", description="PEM file of its key.")
    verify: bool = Field(
        default=True, description="Check the peer's certificate and that it bears the host's name."
    )


class RouteSettings(Section):
    """What goes to a destination; an empty list does not restrict."""

    modality: tuple[str, ...] = Field((), description="Only these modalities.")
    source: tuple[Name, ...] = Field((), description="Only from these sources.")


StatusRule = Literal["stored", "unavailable", "defer", "refuse"]


class DicomDestinationSettings(Section):
    """A Storage SCP (PS3.4 B)."""

    name: Name = Field(description="Names the destination in status and in the queue.")
    type: Literal["dicom"] = Field(description="The kind of destination.")
    host: str = Field(min_length=1, description="Host name or address.")
    port: Port = Field(104, description="TCP port.")
    ae_title: AeTitle = Field(description="Its AE title.")
    commitment: CommitmentSettings = Field(
        default_factory=CommitmentSettings, description="How delivery is proven."
    )
    transfer_syntaxes: tuple[SyntaxName, ...] = Field(
        ("JPEGLSLossless", "ExplicitVRLittleEndian", "ImplicitVRLittleEndian"),
        min_length=1,
        description="Fallbacks in order, transcoded losslessly, when the object's own is refused.",
    )
    route: RouteSettings = Field(
        default_factory=RouteSettings, description="What goes there; empty: everything."
    )
    connect_timeout_s: Annotated[float, Field(ge=1, le=60)] = Field(
        10.0, description="For the TCP connection."
    )
    answer_timeout_s: Annotated[float, Field(ge=1, le=3600)] = Field(
        60.0, description="For an answer, counted from the last byte sent."
    )
    floor_kbps: Annotated[float, Field(gt=0)] = Field(
        64.0, description="A transfer slower than this many kbit/s is given up and tried again."
    )
    associations: Annotated[int, Field(ge=1, le=16)] = Field(
        1,
        description=(
            "At most so many at once. On a line with a long round trip all of them are used; else "
            "as many as make the archive faster."
        ),
    )
    tls: TlsSettings | None = Field(None, description="TLS; in clear when not given.")
    status: dict[Annotated[str, Field(pattern="^[0-9A-F]{4}$")], StatusRule] = Field(
        default_factory=dict,
        description='Overrides of the status table, for example { A700 = "refuse" }.',
    )


class FolderDestinationSettings(Section):
    """A folder that takes the objects, for example an import share."""

    name: Name = Field(description="Names the destination in status and in the queue.")
    type: Literal["folder"] = Field(description="The kind of destination.")
    path: Path = Field(description="The folder; it must exist.")
    route: RouteSettings = Field(
        default_factory=RouteSettings, description="What goes there; empty: everything."
    )


class RetentionSettings(Section):
    """What is kept here after it was proven."""

    committed_days: Annotated[float, Field(ge=0, le=36500)] = Field(
        7.0, description="Days that a proven instance stays in the spool, and an original archived."
    )
    min_free: Annotated[str, Field(pattern=r"^(\d{1,2}(\.\d+)?%|\d+)$")] = Field(
        "5%",
        description="Free space, percent or bytes, below which sources stop; nothing is removed.",
    )


DestinationSettings = Annotated[
    DicomDestinationSettings | FolderDestinationSettings, Field(discriminator="type")
]


class Config(Section):
    """One agent."""

    agent: AgentSettings = Field(default_factory=AgentSettings)
    equipment: EquipmentSettings = Field(default_factory=EquipmentSettings)
    sources: tuple[SourceSettings, ...] = ()
    identity: IdentitySettings = Field(default_factory=IdentitySettings)
    destinations: tuple[DestinationSettings, ...] = ()
    retention: RetentionSettings = Field(default_factory=RetentionSettings)

    @model_validator(mode="after")
    def _names_are_unique(self) -> Self:
        for kind, names in (
            ("sources", [source.name for source in self.sources]),
            ("destinations", [destination.name for destination in self.destinations]),
        ):
            twice = sorted({name for name in names if names.count(name) > 1})
            if twice:
                msg = f"{kind}: the name {twice[0]} is used twice"
                raise ValueError(msg)
        return self
