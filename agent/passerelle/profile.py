"""Device profiles: what a device's files mean, as data."""

from __future__ import annotations

import json
import re
import sys
import tomllib
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import Field, ValidationError, field_validator, model_validator

from passerelle.arrangement import Crop, Mask, Orientation, Strict, each_size_once
from passerelle.errors import ConfigError

SopClassName = Literal[
    "SecondaryCapture",
    "Ultrasound",
    "VLEndoscopic",
    "VLMicroscopic",
    "VLPhotographic",
    "Ophthalmic8",
    "Ophthalmic16",
    "DX",
    "CR",
    "EncapsulatedPDF",
]
SyntaxName = Literal["JPEGLSLossless", "JPEG2000Lossless", "HTJ2KLossless", "RLELossless", "None"]
#: The encoders that are extras: what they import and what installs them.
_EXTRAS: Final[dict[SyntaxName, tuple[str, str]]] = {
    "JPEG2000Lossless": ("openjpeg", "passerelle[j2k]"),
    "HTJ2KLossless": ("imagecodecs", "passerelle[htj2k]"),
}


class RawLayout(Strict):
    """How to read a file that is nothing but samples."""

    rows: int = Field(ge=1, le=65535, description="Rows of a frame.")
    columns: int = Field(ge=1, le=65535, description="Columns of a frame.")
    bits_allocated: Literal[8, 16] = Field(8, description="Bits that a sample takes in the file.")
    bits_stored: int | None = Field(
        None, ge=1, le=16, description="Bits of a sample that mean something; all, when not given."
    )
    signed: bool = Field(default=False, description="Samples are two's complement.")
    samples: Literal[1, 3] = Field(1, description="1: grey; 3: red, green, blue interleaved.")
    byte_order: Literal["little", "big"] = Field("little", description="Of 16-bit samples.")
    header_bytes: int = Field(0, ge=0, description="Bytes to skip at the start of the file.")
    frames: int = Field(0, ge=0, description="Frames in the file; 0: as many as there are.")
    frame_time_ms: float | None = Field(
        None, gt=0, description="Time between two frames, for a sequence in time."
    )
    suffixes: tuple[str, ...] = Field(
        (".raw", ".bin"), description="Endings of the names that are read this way."
    )

    @model_validator(mode="after")
    def _bits_fit(self) -> RawLayout:
        if self.bits_stored is not None and self.bits_stored > self.bits_allocated:
            msg = f"bits_stored {self.bits_stored} is more than bits_allocated"
            raise ValueError(msg)
        return self


class Profile(Strict):
    """What a device's files become."""

    name: str = Field("", description="The profile's own name; the file's stem when empty.")
    summary: str = Field("", description="One line for `passerelle profile list`.")
    sop_class: SopClassName = Field(
        "SecondaryCapture",
        description="What a picture becomes; several frames take its multi-frame form.",
    )
    modality: str | None = Field(
        None, pattern="^[A-Z]{2,16}$", description="Instead of `[equipment].modality`."
    )
    filename: str | None = Field(
        None,
        description=(
            "A regular expression for the whole file name; its named groups are DICOM keywords, "
            r"for example (?P<PatientID>\d+)_(?P<AccessionNumber>\w+)\.png"
        ),
    )
    date_format: str | None = Field(
        None, description="strptime format of dates that `filename` finds, for example %d%m%Y."
    )
    attributes: dict[str, Annotated[str | int | float | list[str], Field(union_mode="smart")]] = (
        Field(default_factory=dict, description="DICOM keyword to value, where nothing else says.")
    )
    compression: tuple[SyntaxName, ...] = Field(
        ("JPEGLSLossless", "JPEG2000Lossless", "RLELossless", "None"),
        min_length=1,
        description="Lossless transfer syntaxes in order; the first whose encoder is here is used.",
    )
    raw: RawLayout | None = Field(None, description="For files that are nothing but samples.")

    region: tuple[str, str, str] | None = Field(
        None,
        description=(
            "The part of the body, as code, scheme and meaning; videos without it say Entire body: "
            '["71854001", "SCT", "Colon"]'
        ),
    )
    crop: tuple[Crop, ...] = Field(
        (), description="The part of the picture that is kept, for each size it may have."
    )
    masks: tuple[Mask, ...] = Field(
        (), description="Areas that are made black, for each size the picture may have."
    )
    orientation: tuple[Orientation, ...] = Field(
        (), description="How the picture is turned, after masks and crop, for each size."
    )

    _sizes = field_validator("crop", "masks", "orientation")(each_size_once)

    @field_validator("filename")
    @classmethod
    def _compiles(cls, value: str | None) -> str | None:
        if value is not None:
            try:
                re.compile(value)
            except re.error as error:
                msg = f"not a regular expression: {error}"
                raise ValueError(msg) from error
        return value


#: What a folder source does without a profile.
PLAIN = Profile(name="plain", summary="Any picture, as Secondary Capture")


def load_profile(name: str | None, beside: Path | None = None) -> Profile:
    """The profile `name`: a site's own beside the config first, else a shipped one.

    Without a name it is the plain profile: any picture, as Secondary Capture.

    Raises:
        ConfigError: There is none, or it cannot be used here.
    """
    if name is None:
        return PLAIN
    for folder in _folders(beside):
        path = folder / f"{name}.toml"
        if path.is_file():
            return _with_encoder(read_profile(path))
    known = ", ".join(sorted(profile_names(beside)))
    msg = f"profile {name}: unknown; known are: {known}"
    raise ConfigError(msg)


def _with_encoder(profile: Profile) -> Profile:
    """The profile, if there is an encoder for anything that it asks for."""
    extras = [_EXTRAS[name] for name in profile.compression if name in _EXTRAS]
    missing = [package for module, package in extras if find_spec(module) is None]
    if len(missing) == len(profile.compression):
        msg = f"profile {profile.name}: nothing here encodes its compression; install {missing[0]}"
        raise ConfigError(msg)
    return profile


def read_profile(path: Path) -> Profile:
    """One profile from its file.

    Raises:
        ConfigError: Every fault of the file, with its place.
    """
    try:
        table = tomllib.loads(path.read_text("utf-8"))
        # Dates of DICOM are text: one of TOML becomes no value, and so a fault with its place.
        profile = Profile.model_validate_json(json.dumps(table, default=lambda _: None))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        msg = f"{path}: {error}"
        raise ConfigError(msg) from error
    except ValidationError as error:
        lines = (
            f"{path}: {'.'.join(str(part) for part in fault['loc'])}: {fault['msg']}"
            for fault in error.errors(include_url=False)
        )
        raise ConfigError("\n".join(lines)) from error
    return profile if profile.name else profile.model_copy(update={"name": path.stem})


def profile_names(beside: Path | None = None) -> dict[str, Path]:
    """Every profile there is, by name; a site's own hides a shipped one of the same name."""
    found: dict[str, Path] = {}
    for folder in _folders(beside):
        for path in sorted(folder.glob("*.toml")):
            found.setdefault(path.stem, path)
    return found


def _folders(beside: Path | None) -> list[Path]:
    checkout = Path(__file__).parents[2] / "config" / "profiles"
    shipped = checkout if checkout.is_dir() else Path(sys.prefix, "share/passerelle/profiles")
    own = [beside / "profiles"] if beside else []
    return [folder for folder in (*own, shipped) if folder.is_dir()]
