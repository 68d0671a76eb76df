from __future__ import annotations

import hashlib
import os
import sys
from typing import TYPE_CHECKING

import pytest

from passerelle.dicom.media import open_media, unchanged
from passerelle.errors import Changed
from pictures_support import written

if TYPE_CHECKING:
    from pathlib import Path

_SHA256 = hashlib.sha256(b"content").hexdigest()


def test_a_regular_file_is_opened(tmp_path: Path) -> None:
    with open_media(written(tmp_path, "a", b"content")) as file:
        assert file.read() == b"content"


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege there")
def test_a_link_is_not_followed(tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(written(tmp_path, "a", b"content"))
    with pytest.raises(Changed, match="media: cannot be opened"):
        open_media(link)


@pytest.mark.skipif(sys.platform == "win32", reason="no such files there")
def test_a_pipe_in_its_place_neither_blocks_nor_passes(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(Changed, match="no regular file"):
        open_media(tmp_path / "pipe")


def test_the_file_that_was_hashed_passes(tmp_path: Path) -> None:
    with unchanged(written(tmp_path, "a", b"content"), _SHA256):
        pass


def test_another_content_than_was_hashed_is_refused_before_anything_is_done(
    tmp_path: Path,
) -> None:
    with (
        pytest.raises(Changed, match="not what was hashed"),
        unchanged(written(tmp_path, "a", b"other"), _SHA256),
    ):
        pytest.fail("reached")


def test_a_file_that_grows_while_it_is_read_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, "a", b"content")
    with pytest.raises(Changed, match="changed while it was read"), unchanged(path, _SHA256):
        written(tmp_path, "a", b"content and more")


def test_a_file_that_another_replaces_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, "a", b"content")
    with pytest.raises(Changed, match="changed while it was read"), unchanged(path, _SHA256):
        written(tmp_path, "b", b"content").replace(path)


def test_a_file_that_goes_while_it_is_read_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, "a", b"content")
    with pytest.raises(Changed, match="is gone"), unchanged(path, _SHA256):
        path.unlink()
