"""A barcode scanner as a config describes it."""

from __future__ import annotations

import re
from typing import Annotated, Final, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

#: What a code on a wristband or an order may say of an exam.
_SCANNED: Final = frozenset(
    {
        "AccessionNumber",
        "AdmissionID",
        "IssuerOfPatientID",
        "PatientBirthDate",
        "PatientID",
        "PatientName",
        "PatientSex",
        "RequestedProcedureID",
        "StudyID",
    }
)


class BarcodeSettings(BaseModel):
    """A barcode scanner whose codes open exams."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    port: str = Field(
        "",
        description=(
            "A scanner on a serial port: its name, by preference below /dev/serial/by-id, or a URL "
            "of pyserial. Either this or `input`."
        ),
    )
    input: str = Field(
        "",
        description=(
            "A scanner that is a keyboard: its name, by preference below /dev/input/by-id. Set it "
            "to the US layout; what it types reaches nothing else."
        ),
    )
    baudrate: Annotated[int, Field(ge=50, le=4_000_000)] = Field(
        9600, description="Bits per second, on a serial port."
    )
    pattern: str = Field(
        r"(?P<PatientID>[0-9A-Za-z]+)",
        description=(
            "A regular expression for the whole code; its named groups are DICOM keywords, "
            "PatientID among them."
        ),
    )
    prefix: str = Field("", description="What the scanner puts before each code, to be removed.")
    suffix: str = Field(
        "", description="What it puts after each code, before Enter, Tab, CR or LF."
    )

    @field_validator("pattern")
    @classmethod
    def _names_a_patient(cls, value: str) -> str:
        try:
            groups = re.compile(value).groupindex
        except re.error as error:
            msg = f"not a regular expression: {error}"
            raise ValueError(msg) from error
        wrong = sorted(set(groups) - _SCANNED)
        if wrong:
            msg = f"a group is named {wrong[0]}, and not one of {', '.join(sorted(_SCANNED))}"
            raise ValueError(msg)
        if "PatientID" not in groups:
            msg = r"names no patient: a group (?P<PatientID>…) is missing"
            raise ValueError(msg)
        return value

    @model_validator(mode="after")
    def _is_somewhere(self) -> Self:
        if bool(self.port) == bool(self.input):
            msg = "say where the scanner is: either port or input"
            raise ValueError(msg)
        return self
