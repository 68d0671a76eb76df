#!/usr/bin/env python3
"""Make `.venv` with the locked packages, then: demo | test | bench | any command of `passerelle`.

Needs Python 3.11 with pip, whose environment (PIP_INDEX_URL, …) says where packages come from.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent
VENV = HERE / ".venv"
SCRIPTS = VENV / ("Scripts" if os.name == "nt" else "bin")
PYTHON = SCRIPTS / ("python.exe" if os.name == "nt" else "python")
GATE = (
    ("ruff", "format", "--check", "."),
    ("ruff", "check", "."),
    ("mypy",),
    ("lint-imports", "--no-logo"),
    ("deptry", "agent", "hw"),
    ("pytest",),
)


def run(*command: str | Path) -> int:
    """Run a command here; its exit code."""
    return subprocess.run([str(part) for part in command], cwd=HERE, check=False).returncode  # noqa: S603 - our own programs


def installed(lock: str) -> bool:
    """Whether the environment holds exactly this lock and this pyproject."""
    stamp = VENV / f"{lock}.stamp"
    digest = hashlib.sha256()
    for name in (lock, "pyproject.toml"):
        digest.update((HERE / name).read_bytes())
    if stamp.exists() and stamp.read_text() == digest.hexdigest():
        return True
    print(f"installing the packages of {lock} into .venv …", flush=True)
    if not PYTHON.exists():
        # Without pip of its own: Debian's Python has no ensurepip.
        venv.create(VENV, symlinks=os.name != "nt")
    quiet = ("-q", "--disable-pip-version-check")
    pip = (sys.executable, "-m", "pip", "--python", PYTHON, "install", *quiet)
    if run(*pip, "--require-hashes", "-r", lock):
        return False
    if run(*pip, "--no-deps", "--no-build-isolation", "-e", "."):
        return False
    stamp.write_text(digest.hexdigest())
    return True


def main(arguments: list[str]) -> int:
    """Install what the command needs, and run it."""
    if sys.version_info < (3, 11):  # noqa: UP036 - the machine's Python, not the one we need
        print(f"Passerelle needs Python 3.11 or newer; this is {sys.version.split()[0]}")
        return 2
    testing = arguments[:1] in (["test"], ["bench"])
    if not installed("requirements-test.lock" if testing else "requirements.lock"):
        print("the packages could not be installed; pip says why above")
        return 1
    if not testing:
        return run(SCRIPTS / "passerelle", *arguments)
    if arguments[0] == "bench":
        os.environ["PYTHONPATH"] = str(HERE / "tests")
        return run(PYTHON, "-m", "bench", *arguments[1:])
    steps = [(*step, *arguments[1:]) if step[0] == "pytest" else step for step in GATE]
    return next((code for step in steps if (code := run(SCRIPTS / step[0], *step[1:]))), 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
