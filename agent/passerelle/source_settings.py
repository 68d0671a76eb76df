"""The settings of the sources, each key described where it is defined."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - pydantic reads it
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from passerelle.section import Name, Seconds, Section
from passerelle.trigger_settings import HandTriggerSettings, TriggerSettings

SerialProtocol = Literal["frames", "xmodem", "xmodem-checksum", "ymodem"]


class FolderSourceSettings(Section):
    """A folder that a device or a person drops acquisitions into."""

    name: Name = Field(description="Names the source in status and in every UID; do not change it.")
    type: Literal["folder"] = Field(description="The kind of source.")
    path: Path = Field(description="The folder.")
    recursive: bool = Field(default=True, description="Sub-folders too.")
    profile: Name | None = Field(None, description="A device profile; see `profile list`.")
    settle_s: Seconds = Field(
        2.0, description="Size and mtime unchanged this long, then a structural end check."
    )
    poll_s: Annotated[float, Field(gt=0, le=3600)] = Field(
        5.0, description="The scan that finds everything; file events only hasten it."
    )
    after: Literal["archive", "delete", "keep"] = Field(
        "archive", description="What becomes of the original once it is durable here."
    )
    sidecar_wait_s: Seconds = Field(10.0, description="How long a picture waits for its sidecar.")
    incomplete_s: Seconds = Field(
        60.0, description="How long a file may stand still unfinished before it is quarantined."
    )


class SerialSourceSettings(Section):
    """A device on a serial line that hands over files."""

    name: Name = Field(description="Names the source in status and in every UID; do not change it.")
    type: Literal["serial"] = Field(description="The kind of source.")
    port: Annotated[str, Field(min_length=1)] = Field(
        description=(
            "The port, by preference by its name below /dev/serial/by-id (`passerelle devices`), "
            "or a URL that pyserial takes: socket://, rfc2217://, hwgrep://."
        )
    )
    baudrate: Annotated[int, Field(ge=50, le=4_000_000)] = Field(
        115200, description="Bits per second."
    )
    data_bits: Literal[7, 8] = Field(8, description="Bits of a character.")
    parity: Literal["none", "even", "odd"] = Field("none", description="Parity of a character.")
    stop_bits: Literal[1, 2] = Field(1, description="Stop bits of a character.")
    protocol: SerialProtocol = Field(
        "frames",
        description=(
            "How files cross the line; see hw/README.md. With xmodem and ymodem the box sends an "
            "invitation every 3 s; with xmodem-checksum one damaged block in 256 passes."
        ),
    )
    file_name: (
        Annotated[str, Field(max_length=100, pattern=r"^[A-Za-z0-9_][A-Za-z0-9._-]*$")] | None
    ) = Field(None, description="What files are called in xmodem, which has no names; else `name`.")
    file_bytes: Annotated[int, Field(ge=1)] | None = Field(
        None,
        description=(
            "How long each file is in xmodem, where that is known; the filling of its last block, "
            "up to 1023 bytes, stays otherwise."
        ),
    )
    profile: Name | None = Field(None, description="A device profile; see `profile list`.")
    after: Literal["archive", "delete"] = Field(
        "archive", description="What becomes of the file received once its object is durable here."
    )
    limit_mb: Annotated[int, Field(ge=1, le=4095)] = Field(
        256, description="A file larger than this many MiB is refused."
    )

    @model_validator(mode="after")
    def _files_fit_the_protocol(self) -> Self:
        if self.data_bits != 8:  # noqa: PLR2004 - a byte of a file
            msg = f"data_bits: {self.protocol} carries bytes of 8 bits"
            raise ValueError(msg)
        if not self.protocol.startswith("xmodem") and (self.file_name or self.file_bytes):
            msg = f"file_name and file_bytes: {self.protocol} has names and lengths of its own"
            raise ValueError(msg)
        return self


class BurstSettings(Section):
    """How many stills one press makes."""

    count: Annotated[int, Field(ge=2, le=1000)] = Field(5, description="How many.")
    interval_s: Annotated[float, Field(ge=0.02, le=60)] = Field(
        0.5, description="Seconds from one to the next."
    )


class GrabberSourceSettings(Section):
    """A camera or a frame grabber."""

    name: Name = Field(description="Names the source in status and in every UID; do not change it.")
    type: Literal["grabber"] = Field(description="The kind of source.")
    device: Annotated[str, Field(min_length=1)] = Field(
        description=(
            "The camera, by preference by its name below /dev/v4l/by-id (`passerelle devices`), "
            "with #N or #NAME behind it for an input; `test`, which draws; or what ffmpeg can "
            "open: rtsp://…, http://…, dshow:NAME (Windows), file:PATH."
        )
    )
    size: Annotated[str, Field(pattern=r"^[1-9]\d{1,4}x[1-9]\d{1,4}$")] | None = Field(
        None, description="Columns x rows; what the signal has, when not given."
    )
    rate: Annotated[float, Field(gt=0, le=1000)] | None = Field(
        None, description="Frames a second; the camera's own, when not given."
    )
    pixels: (
        Literal["MJPG", "YUYV", "UYVY", "NV12", "GREY", "Y10", "Y12", "Y16", "RGB3", "BGR3"] | None
    ) = Field(None, description="The camera's format; MJPG where there is any, when not given.")
    trigger: TriggerSettings = Field(
        default_factory=lambda: HandTriggerSettings(type="http"), description="What presses."
    )
    capture: Literal["still", "burst", "clip"] = Field("still", description="What a press makes.")
    burst: BurstSettings = Field(default_factory=BurstSettings, description="Of a burst.")
    pre_trigger_s: Annotated[float, Field(ge=0, le=120)] = Field(
        0.0, description="A clip begins so long before the press."
    )
    clip_s: Annotated[float, Field(ge=0, le=3600)] = Field(
        0.0, description="How long after the press; 0: until it is let go of, or pressed again."
    )
    longest_s: Annotated[float, Field(ge=1, le=7200)] = Field(
        600.0, description="A clip is ended after so long."
    )
    clip_format: Literal["mjpeg", "h264"] = Field(
        "mjpeg",
        description=(
            "mjpeg: the camera's own frames (lossless pages of a TIFF, where it has no JPEG); "
            "h264: encoded with a loss, by ffmpeg."
        ),
    )
    ring_mb: Annotated[int, Field(ge=1, le=1024)] = Field(
        64, description="Memory for the frames before the press, MiB."
    )
    latency_s: Annotated[float, Field(ge=0, le=5)] = Field(
        0.0, description="A frame is so much older than its driver says."
    )
    frozen_s: Annotated[float, Field(ge=0, le=3600)] = Field(
        10.0, description="A picture that has not changed for so long is told of; 0: never."
    )
    profile: Name | None = Field(None, description="A device profile; see `profile list`.")
    after: Literal["archive", "delete"] = Field(
        "archive", description="What becomes of a capture's file once its object is durable here."
    )

    @model_validator(mode="after")
    def _clip_is_meant(self) -> Self:
        if self.capture != "clip" and (self.pre_trigger_s or self.clip_s):
            msg = 'pre_trigger_s and clip_s are of a clip; set capture = "clip"'
            raise ValueError(msg)
        if self.longest_s <= self.pre_trigger_s + self.clip_s:
            msg = "longest_s is not more than pre_trigger_s and clip_s together"
            raise ValueError(msg)
        return self


SourceSettings = Annotated[
    FolderSourceSettings | SerialSourceSettings | GrabberSourceSettings, Field(discriminator="type")
]
