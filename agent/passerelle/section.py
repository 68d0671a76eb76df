"""What all sections of a config have in common."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Name = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9._-]+$")]
Seconds = Annotated[float, Field(ge=0, le=86400)]


class Section(BaseModel):
    """Frozen and strict: an unknown key or another type is a fault."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)
