"""Builds the emulated box: Debian's kernel, a small root file system and the agent in it.

The slow parts are kept between runs in a folder outside the project, under a digest of what they
were made from: the packages' names and the code below. Nothing here needs a loop device or a mount.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

HERE: Final = Path(__file__).parent
ROOT: Final = HERE.parents[1]
_PACKAGES: Final = "python3,udev,kmod,iproute2,procps,e2fsprogs,dmsetup"
#: What the box must have; each brings what it depends on.
_MODULES: Final = (
    *("virtio_pci", "virtio_blk", "virtio_net", "ext4", "crc32c_generic", "9p", "9pnet_virtio"),
    *("vivid", "vhci_hcd", "uvcvideo", "cdc_acm", "ftdi_sio", "usbhid", "hid_generic", "evdev"),
    *("usb_storage", "sd_mod", "vfat", "nls_cp437", "nls_ascii"),
    *("dm_flakey", "sch_netem", "uinput"),
)
_EARLY: Final = ("virtio_pci", "virtio_blk", "crc32c_generic", "ext4")
_DISK_MB: Final = 900
TOOLS: Final = ("qemu-system-x86_64", "mmdebstrap", "mke2fs", "cpio", "depmod", "busybox", "socat")


def cache() -> Path:
    """Where what is slow to make is kept."""
    base = os.environ.get("PASSERELLE_HIL_CACHE") or "~/.cache/passerelle-hil"
    made_from = f"{_PACKAGES} {_MODULES} {_suite()} {sys.version_info[:2]}"
    return Path(base).expanduser() / hashlib.sha256(made_from.encode()).hexdigest()[:16]


def machine(folder: Path) -> tuple[Path, Path, Path]:
    """Kernel, initrd and the disk with today's code; the disk is made anew in `folder`."""
    kept = cache()
    if not (kept / "whole").exists():
        shutil.rmtree(kept, ignore_errors=True)
        kept.mkdir(parents=True)
        _tree(kept / "tree")
        _kernel(kept)
        _initrd(kept)
        _site(kept / "tree" / "opt" / "site")
        (kept / "whole").touch()
    return kept / "vmlinuz", kept / "initrd", _disk(kept / "tree", folder)


def _run(*command: str | Path, cwd: Path | None = None) -> str:
    told = subprocess.run(
        [str(part) for part in command], cwd=cwd, check=False, capture_output=True, text=True
    )
    if told.returncode:
        msg = f"{command[0]} failed: {told.stderr[-2000:]}"
        raise RuntimeError(msg)
    return told.stdout


def _suite() -> str:
    release = Path("/etc/os-release").read_text("utf-8")
    found = re.search(r"^VERSION_CODENAME=(\w+)", release, re.MULTILINE)
    return found[1] if found else "bookworm"


def _tree(tree: Path) -> None:
    """Debian's own packages, from wherever this machine has its own."""
    sources = [
        path
        for path in (
            Path("/etc/apt/sources.list"),
            *sorted(Path("/etc/apt/sources.list.d").glob("*.sources")),
            *sorted(Path("/etc/apt/sources.list.d").glob("*.list")),
        )
        if path.is_file() and path.stat().st_size
    ]
    tree.mkdir()
    leave_out = [
        f"--dpkgopt=path-exclude=/usr/share/{what}/*" for what in ("man", "doc", "locale", "info")
    ]
    _run(
        "mmdebstrap",
        "--mode=root",
        "--variant=minbase",
        f"--include={_PACKAGES}",
        '--aptopt=Apt::Install-Recommends "false"',
        *leave_out,
        _suite(),
        tree,
        *sources,
    )


def _kernel(kept: Path) -> None:
    """The kernel with the modules that are needed; its package's own scripts are not run."""
    depends = _run("apt-cache", "depends", "linux-image-amd64")
    found = re.search(r"Depends: (linux-image-\S+)", depends)
    if not found:
        msg = "this machine knows no package linux-image-amd64"
        raise RuntimeError(msg)
    fetched = kept / "kernel"
    fetched.mkdir()
    _run("apt-get", "-o", "APT::Sandbox::User=root", "download", found[1], cwd=fetched)
    _run("dpkg-deb", "-x", next(fetched.glob("*.deb")), fetched)
    version = found[1].removeprefix("linux-image-")
    shutil.copy(fetched / "boot" / f"vmlinuz-{version}", kept / "vmlinuz")
    _run("depmod", "-b", fetched, version)
    for name in _needed(fetched, version, _MODULES):
        target = kept / "tree" / name.relative_to(fetched)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(name, target)
    for listed in ("modules.builtin", "modules.builtin.modinfo", "modules.order"):
        shutil.copy(fetched / "lib/modules" / version / listed, kept / "tree/lib/modules" / version)
    _run("depmod", "-b", kept / "tree", version)


def _needed(fetched: Path, version: str, modules: Iterable[str]) -> list[Path]:
    """The files of modules, each after those that it depends on."""
    needed: dict[Path, None] = {}
    for name in modules:
        shown = _run("modprobe", "-d", fetched, "-S", version, "--show-depends", name)
        for line in shown.splitlines():
            if line.startswith("insmod "):
                needed[Path(line.split()[1])] = None
    return list(needed)


def _initrd(kept: Path) -> None:
    """Finds the disk and goes on from there; uncompressed, as emulation is slow at that."""
    made = kept / "early"
    for folder in ("bin", "dev", "proc", "sys", "root", "modules"):
        (made / folder).mkdir(parents=True)
    shutil.copy(shutil.which("busybox") or "/bin/busybox", made / "bin" / "busybox")
    fetched = kept / "kernel"
    version = next((fetched / "lib/modules").iterdir()).name
    names = []
    for path in _needed(fetched, version, _EARLY):
        shutil.copy(path, made / "modules")
        names.append(path.name)
    init = made / "init"
    init.write_text(
        "#!/bin/busybox sh\n"
        "/bin/busybox --install -s /bin\n"
        "mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t devtmpfs dev /dev\n"
        + "".join(f"insmod /modules/{name}\n" for name in names)
        + "while [ ! -b /dev/vda ]; do sleep 0.1; done\n"
        "mount -t ext4 /dev/vda /root\n"
        "mount --move /proc /root/proc; mount --move /sys /root/sys; mount --move /dev /root/dev\n"
        "exec switch_root /root /opt/box/init\n"
    )
    init.chmod(0o755)
    packed_names = "\n".join(str(path.relative_to(made)) for path in sorted(made.rglob("*")))
    packed = subprocess.run(
        ["cpio", "-o", "-H", "newc", "--quiet"],
        input=packed_names.encode(),
        cwd=made,
        check=True,
        capture_output=True,
    )
    (kept / "initrd").write_bytes(packed.stdout)


def _site(site: Path) -> None:
    """The libraries of the agent, as they are installed here: the guest has the same Python."""
    site.mkdir(parents=True)
    for name in _closure("passerelle"):
        for file in distribution(name).files or ():
            source = Path(str(file.locate()))
            if ".." not in file.parts and source.is_file() and source.suffix != ".pyc":
                target = site / Path(*file.parts)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(source, target)


def _closure(root: str) -> set[str]:
    """What a distribution needs, without its extras."""
    found: set[str] = set()
    waiting = [root]
    while waiting:
        name = waiting.pop()
        try:
            needs = distribution(name).requires or ()
        except PackageNotFoundError:
            continue  # of another platform
        found.add(name)
        for need in needs:
            wanted = re.match(r"[A-Za-z0-9._-]+", need)
            if wanted and "extra ==" not in need and wanted[0] not in found:
                waiting.append(wanted[0])
    return found - {root}


def _disk(tree: Path, folder: Path) -> Path:
    """An ext4 of the tree, with the code as it is now."""
    box = tree / "opt" / "box"
    shutil.rmtree(box, ignore_errors=True)
    box.mkdir(parents=True)
    ignore = shutil.ignore_patterns("__pycache__")
    for source in (ROOT / "agent" / "passerelle", ROOT / "hw" / "passerelle_hw", ROOT / "config"):
        shutil.copytree(source, box / source.name, ignore=ignore)
    shutil.copytree(HERE / "guest", box / "hil" / "guest", ignore=ignore)
    shutil.copy(HERE / "guest" / "init", box / "init")
    (box / "init").chmod(0o755)
    disk = folder / "disk.img"
    _run("mke2fs", "-q", "-t", "ext4", "-O", "^has_journal", "-d", tree, disk, f"{_DISK_MB}M")
    return disk
