"""What a command told, and configs to run commands on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Told:
    code: int
    out: str
    err: str


def configured(folder: Path, more: str = "", *, destination: str | None = None) -> Path:
    """A config of one folder source and, unless another is given, one folder destination."""
    for name in ("acquisitions", "share"):
        (folder / name).mkdir(exist_ok=True)
    path = folder / "agent.toml"
    path.write_text(
        f"""
[agent]
name = "box"
data_dir = "data"
[equipment]
ae_title = "AGENT"
[[sources]]
name = "export"
type = "folder"
path = "acquisitions"
settle_s = 0.1
poll_s = 0.3
sidecar_wait_s = 0.5
{destination or SHARE}
[retention]
min_free = "0%"
{more}
""",
        "utf-8",
    )
    return path


SHARE = """
[[destinations]]
name = "share"
type = "folder"
path = "share"
"""
