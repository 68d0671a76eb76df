"""An archive behind a line that is slow and loses: nothing that was in a folder is lost."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from hil.guest.agent import BOX, committed, running, status, until, write_config


def run(asked: dict[str, Any]) -> dict[str, Any]:
    """Send so many pictures over 50 ms and 5 % loss."""
    subprocess.run(["modprobe", "sch_netem"], check=True)
    (card,) = [path.name for path in Path("/sys/class/net").glob("e*")]
    command = ["tc", "qdisc", "add", "dev", card, "root", "netem", "delay", "50ms", "loss", "5%"]
    subprocess.run(command, check=True)
    write_config(asked["archive"])
    content = Path("/share/picture.jpg").read_bytes()
    figures: dict[str, Any] = {"dropped into the folder": asked["count"]}
    with running(figures):
        for number in range(asked["count"]):
            said = json.dumps({"PatientID": f"P{number}"})
            (BOX / "export" / f"{number:03}.jpg.json").write_text(said)
            (BOX / "export" / f"{number:03}.jpg").write_bytes(content)
        figures["all committed after s"] = until(lambda: committed() >= asked["count"], 150)
        figures["problems"] = status()["problems"]
    shown = subprocess.run(["tc", "-s", "qdisc"], capture_output=True, text=True, check=True).stdout
    figures["line"] = " ".join(shown.split()[:30])
    return figures
