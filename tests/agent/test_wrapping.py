"""Reading a file once: never through a link, never while it changes, and what makes its origin."""

from __future__ import annotations

import hashlib
import os
import sys
from typing import TYPE_CHECKING, Any

import pytest

from intake_support import PATIENT, Desk, png
from passerelle.children.child import WORKER, Child
from passerelle.children.pool import Pool
from passerelle.errors import Changed, EncodingError, IdentityError
from passerelle.model import Acquisition, Fingerprint, Identity
from passerelle.wrapping import origin_of, read_once

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from passerelle.children.program import Body


@pytest.fixture
def media(tmp_path: Path) -> Path:
    path = tmp_path / "a.png"
    path.write_bytes(png())
    return path


def acquisition(media: Path, sidecar: Path | None = None) -> Acquisition:
    return Acquisition(
        source="export",
        media=media,
        name=media.name,
        fingerprint=Fingerprint.of(media.stat()),
        sidecar=sidecar,
    )


@pytest.mark.parametrize("size", [0, 1, 132, (1 << 20) + 133])
def test_every_byte_is_hashed(tmp_path: Path, size: int) -> None:
    content = os.urandom(size)
    path = tmp_path / "a"
    path.write_bytes(content)
    read = read_once(path, Fingerprint.of(path.stat()))
    assert (read.sha256, read.size) == (hashlib.sha256(content).hexdigest(), size)
    assert not read.is_part10


def test_a_dicom_file_is_told_by_its_preamble(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(bytes(128) + b"DICM and more")
    assert read_once(path).is_part10


def test_a_file_that_is_not_the_one_that_was_offered_is_not_taken(media: Path) -> None:
    seen = Fingerprint.of(media.stat())
    for other in (
        seen._replace(size=seen.size + 1),
        seen._replace(mtime_ns=seen.mtime_ns + 1),
        seen._replace(inode=seen.inode + 1),
    ):
        with pytest.raises(Changed, match="changed while it was read"):
            read_once(media, other)


def test_what_has_vanished_is_not_taken(media: Path) -> None:
    media.unlink()
    with pytest.raises(Changed) as caught:
        read_once(media)
    assert "a.png" not in str(caught.value), "a device's file name can name a patient"


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
def test_a_link_is_never_followed(tmp_path: Path, media: Path) -> None:
    link = tmp_path / "link.png"
    link.symlink_to(media)
    with pytest.raises(Changed, match="cannot be read"):
        read_once(link)


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX has FIFOs")
def test_a_fifo_neither_blocks_nor_is_taken(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo.png"
    os.mkfifo(fifo)
    with pytest.raises(Changed, match="is no regular file"):
        read_once(fifo)


def test_a_folder_is_not_taken(tmp_path: Path) -> None:
    with pytest.raises(Changed, match="is no regular file"):
        read_once(tmp_path)


def test_the_same_file_has_the_same_origin_and_any_difference_another(
    tmp_path: Path, media: Path
) -> None:
    def uid(media: Path, sidecar: Path | None = None, agent: str = "box") -> str:
        offered = acquisition(media, sidecar)
        return origin_of(agent, offered, read_once(offered.media)).uid()

    sidecar = tmp_path / "a.png.json"
    sidecar.write_text("{}")
    renamed, edited = tmp_path / "b.png", tmp_path / "deeper" / "a.png"
    renamed.write_bytes(png())
    edited.parent.mkdir()
    edited.write_bytes(png(7))
    assert uid(media) == uid(media)
    different = [uid(media), uid(renamed), uid(edited), uid(media, sidecar)]
    sidecar.write_text('{"PatientID": "1"}')
    different += [uid(media, sidecar), uid(media, agent="other")]
    assert len(set(different)) == len(different)


def test_a_sidecar_that_vanished_is_waited_for(tmp_path: Path, media: Path) -> None:
    offered = acquisition(media, tmp_path / "gone.json")
    with pytest.raises(Changed):
        origin_of("box", offered, read_once(media))


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    worker = Child(WORKER)
    desk = Desk(tmp_path, worker)
    yield desk
    desk.spool.close()
    worker.close()


def wrap(desk: Desk, offered: Acquisition, identity: Identity | None) -> list[str]:
    media = read_once(offered.media)
    origin = origin_of("box", offered, media)
    return desk.wrapper().wrap(offered.media, media, origin, identity)


def test_a_wrapped_file_is_owed_and_what_cannot_be_leaves_nothing_behind(desk: Desk) -> None:
    whose = Identity(attributes=PATIENT, resolver="sidecar")
    assert wrap(desk, desk.drop("a.png"), whose) == []
    assert [row["state"] for row in desk.rows()] == ["PENDING"]
    with pytest.raises(EncodingError):
        wrap(desk, desk.drop("b.png", b"no picture"), whose)
    with pytest.raises(IdentityError):
        wrap(desk, desk.drop("c.png"), None)
    assert len(desk.rows()) == 1
    assert list(desk.spool.staging.iterdir()) == []


def test_a_file_that_changes_between_hash_and_build_is_not_spooled(desk: Desk) -> None:
    offered = desk.drop("a.png")
    media = read_once(offered.media)
    origin = origin_of("box", offered, media)
    offered.media.write_bytes(png(7))
    with pytest.raises(Changed):
        desk.wrapper().wrap(
            offered.media, media, origin, Identity(attributes=PATIENT, resolver="sidecar")
        )
    assert desk.rows() == []


def test_what_was_prepared_while_it_settled_is_asked_of_who_prepared_it(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, str]] = []
    pool, wrapper = Pool([desk.worker]), desk.wrapper()
    request = pool.request
    monkeypatch.setattr(wrapper, "_workers", pool)

    def requested(kind: str, body: Body, *, subject: str, **more: Any) -> Body:  # noqa: ANN401
        asked.append((kind, subject))
        return request(kind, body, subject=subject, **more)

    monkeypatch.setattr(pool, "prepare", lambda subject, _: asked.append(("prepare", subject)))
    monkeypatch.setattr(pool, "request", requested)
    offered = desk.drop("a.png")
    wrapper.prepare(offered.media)
    for unprepared in (desk.drop("b.jpg").media, desk.folder / "gone.png"):
        wrapper.prepare(unprepared)
    media = read_once(offered.media)
    whose = Identity(attributes=PATIENT, resolver="sidecar")
    wrapper.wrap(offered.media, media, origin_of("box", offered, media), whose)
    assert asked == [("prepare", str(offered.media)), ("wrap", str(offered.media))]
