"""What a hospital would script instead: a shell loop of tools, or Orthanc told to make DICOM."""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import threading
from typing import TYPE_CHECKING, Self
from urllib.request import Request, urlopen

from bench.process import program
from peers_support import Orthanc
from support import PEER_PATH, wait_until

if TYPE_CHECKING:
    from pathlib import Path

_WHO = {"PatientID": "00042", "PatientName": "Invented^Patient"}
_SCRIPT = """
inotifywait -m -e close_write -e moved_to --format %f "$1" | while read -r file; do
  made="$2/${file%.*}"
  case "$file" in
    *.jpg) img2dcm "$1/$file" "$made.dcm" -k PatientID=00042 -k PatientName=Invented^Patient ;;
    *.png) pngtopnm "$1/$file" | ppmtobmp -quiet >"$made.bmp"
           img2dcm -i BMP "$made.bmp" "$made.raw" -k PatientID=00042 \
             -k PatientName=Invented^Patient && dcmcjpls "$made.raw" "$made.dcm" ;;
  esac
  dcmsend 127.0.0.1 "$3" "$made.dcm" && rm -f "$made".*
done
"""


class _Watching:
    """A process group that watches a folder."""

    def __init__(self, folder: Path, acquisitions: Path) -> None:
        self.acquisitions = acquisitions
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        acquisitions.mkdir(parents=True, exist_ok=True)
        self._process: subprocess.Popen[str] | None = None

    @property
    def pid(self) -> int:
        assert self._process
        return self._process.pid

    def _watch(self, *command: str) -> subprocess.Popen[str]:
        log = self._folder / "watch.log"
        with log.open("wb") as told:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=told,
                env={**os.environ, "PATH": PEER_PATH},
                start_new_session=True,
                text=True,
            )
        wait_until(lambda: "Watches established" in log.read_text())
        return self._process

    def __exit__(self, *_: object) -> None:
        os.killpg(self.pid, signal.SIGKILL)
        assert self._process
        self._process.communicate()


class ShellScript(_Watching):
    """inotifywait, img2dcm, dcmcjpls and dcmsend, one file after the other."""

    def __init__(self, folder: Path, acquisitions: Path, port: int) -> None:
        for tool in ("inotifywait", "img2dcm", "pngtopnm", "ppmtobmp", "dcmcjpls", "dcmsend"):
            program(tool)
        super().__init__(folder, acquisitions)
        self._port = port

    def __enter__(self) -> Self:
        script = ["bash", "-c", _SCRIPT, "bash"]
        self._watch(*script, str(self.acquisitions), str(self._folder), str(self._port))
        return self


class OrthancScript(_Watching):
    """inotifywait, and each file posted to an Orthanc that makes DICOM of it and routes it on."""

    def __init__(self, folder: Path, acquisitions: Path, port: int) -> None:
        program("inotifywait")
        program("Orthanc")
        super().__init__(folder, acquisitions)
        route = folder / "route.lua"
        route.write_text(
            "function OnStoredInstance(id, tags, metadata, origin)\n"
            "  Delete(SendToModality(id, 'pacs'))\nend\n"
        )
        pacs = ["STORESCP", "127.0.0.1", port]
        self._orthanc = Orthanc(
            folder / "orthanc", LuaScripts=[str(route)], DicomModalities={"pacs": pacs}
        )

    def __enter__(self) -> Self:
        self._orthanc.start()
        watch = ("inotifywait", "-m", "-e", "close_write", "-e", "moved_to", "--format", "%f")
        watching = self._watch(*watch, str(self.acquisitions))
        threading.Thread(target=self._post_all, args=(watching,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        super().__exit__()
        self._orthanc.kill()

    def _post_all(self, watching: subprocess.Popen[str]) -> None:
        assert watching.stdout
        for line in watching.stdout:
            self._post(line.strip())

    def _post(self, name: str) -> None:
        content = base64.b64encode((self.acquisitions / name).read_bytes()).decode()
        kind = "png" if name.endswith(".png") else "jpeg"
        tags = {**_WHO, "Modality": "OT", "SOPClassUID": "1.2.840.10008.5.1.4.1.1.7"}
        body = {"Tags": tags, "Content": f"data:image/{kind};base64,{content}"}
        address = f"http://127.0.0.1:{self._orthanc.http_port}/tools/create-dicom"
        with urlopen(Request(address, json.dumps(body).encode()), timeout=60):
            pass
