"""The repository itself: its layout, its locks, and what a wheel of it holds."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize(("folder", "package"), [("agent", "passerelle"), ("hw", "passerelle_hw")])
def test_a_source_root_holds_exactly_one_package(folder: str, package: str) -> None:
    found = [path.parent.name for path in (ROOT / folder).glob("*/__init__.py")]
    assert found == [package]


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-test.lock"])
def test_a_lock_has_a_hash_for_every_package_and_names_no_host(lock: str) -> None:
    text = (ROOT / lock).read_text("ascii")
    packages = re.findall(r"^[a-z0-9-]+==\S+", text, re.MULTILINE)
    assert packages
    assert all(f"{package} ;" in text or f"{package} \\" in text for package in packages)
    assert "://" not in text
    assert text.count("--hash=sha256:") >= len(packages)


def test_the_bootstrap_is_short_and_needs_nothing_but_the_standard_library() -> None:
    text = (ROOT / "run.py").read_text("utf-8")
    assert len(text.splitlines()) <= 80
    imported = set(re.findall(r"^(?:from|import) (\w+)", text, re.MULTILINE))
    assert imported - {"__future__"} <= sys.stdlib_module_names


def test_the_tests_lock_holds_what_the_agent_runs_on() -> None:
    def pinned(lock: str) -> set[str]:
        return set(re.findall(r"^[a-z0-9-]+==\S+", (ROOT / lock).read_text(), re.MULTILINE))

    missing = pinned("requirements.lock") - pinned("requirements-test.lock")
    assert missing == set()


def test_a_wheel_holds_both_packages_the_config_and_the_sql(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {"passerelle/model.py", "passerelle_hw/simulated.py"} <= names
    shared = "passerelle-0.1.0.data/data/share/passerelle"
    assert {f"{shared}/agent.toml", f"{shared}/profiles/ultrasound-still.toml"} <= names
    sql = {path.name for path in (ROOT / "agent/passerelle/spool/sql").iterdir()}
    assert {f"passerelle/spool/sql/{name}" for name in sql} <= names


def test_nothing_beside_the_mandated_stands_at_the_top() -> None:
    tracked = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, check=False, capture_output=True, text=True
    ).stdout.split()
    top = {name.split("/")[0] for name in tracked}
    assert top <= {
        "agent", "hw", "config", "tests", "image", "pyproject.toml", "README.md", "CHANGELOG.md",
        "LICENSE", "run.py", "requirements.lock", "requirements-test.lock", ".ci", ".gitignore",
    }  # fmt: skip
