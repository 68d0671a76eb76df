"""Boots the emulated box, and hears what it says."""

from __future__ import annotations

import json
import subprocess
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hil.build import machine

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Told:
    """What a boot came to."""

    topics: dict[str, dict[str, Any]]
    console: str

    def figures(self, topic: str) -> dict[str, Any]:
        """What a topic found; fails with what it said where it failed."""
        told = self.topics.get(topic)
        assert told is not None, f"{topic} said nothing:\n{self.console[-4000:]}"
        assert "failed" not in told, f"{told['where']}\n{self.console[-2000:]}"
        figures: dict[str, Any] = told["figures"]
        return figures


@dataclass
class Box:
    """One emulated machine with two cores and a share with this one.

    It reaches nothing but the ports of this machine that are named, each as 10.0.2.100:PORT.
    """

    folder: Path
    ports: tuple[int, ...] = ()
    memory_mb: int = 1024
    asked: dict[str, Any] = field(default_factory=dict)

    def boot(self, *topics: str, timeout_s: float = 240) -> Told:
        """Boot, run the topics in the box, and wait until it is off."""
        share = self.folder / "share"
        share.mkdir(exist_ok=True)
        (share / "asked.json").write_text(json.dumps({**self.asked, "topics": topics}))
        console = self.folder / "console.log"
        kernel, initrd, disk = machine(self.folder)
        forwards = "".join(
            f",guestfwd=tcp:10.0.2.100:{port}-cmd:socat - TCP:127.0.0.1:{port}"
            for port in self.ports
        )
        options = {
            "-accel": "tcg,thread=multi,tb-size=512",
            "-machine": "q35",
            "-cpu": "max",
            "-smp": "2",
            "-m": str(self.memory_mb),
            "-display": "none",
            "-kernel": str(kernel),
            "-initrd": str(initrd),
            "-append": "console=ttyS0 quiet no_timer_check tsc=reliable mitigations=off panic=-1",
            "-drive": f"file={disk},format=raw,if=virtio,snapshot=on",
            "-serial": f"file:{console}",
            "-netdev": f"user,id=n0,restrict=on{forwards}",
            "-fsdev": f"local,id=f0,path={share},security_model=none",
        }
        command = ["qemu-system-x86_64", "-nodefaults", "-no-reboot"]
        for name, value in options.items():
            command += [name, value]
        for device in (
            "virtio-net-pci,netdev=n0",
            "virtio-rng-pci",
            "virtio-9p-pci,fsdev=f0,mount_tag=share",
        ):
            command += ["-device", device]
        with suppress(subprocess.TimeoutExpired):  # what it said until then tells where it hung
            subprocess.run(command, check=True, timeout=timeout_s, capture_output=True, text=True)
        said = console.read_text("utf-8", "replace")
        topics_said = {
            path.stem: json.loads(path.read_text())
            for path in share.glob("*.json")
            if path.stem in topics
        }
        assert "HIL-BEGIN" in said, f"it did not boot:\n{said[-4000:]}"
        return Told(topics_said, said)
