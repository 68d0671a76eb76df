"""What a device's file is, by its content, and the pictures in it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final, Literal

from passerelle.dicom.arranging import arranged, is_arranging
from passerelle.dicom.media import open_media
from passerelle.errors import EncodingError

if TYPE_CHECKING:
    from pathlib import Path

    from passerelle.dicom.picture import Picture
    from passerelle.profile import Profile

Kind = Literal["picture", "video", "pdf", "part10"]

_PICTURES: Final = {
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"\xff\xd8\xff": "JPEG",
    b"GIF87a": "GIF",
    b"GIF89a": "GIF",
    b"BM": "BMP",
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
    b"II+\0": "TIFF",
    b"MM\0+": "TIFF",
}
#: What only the name tells: a JPEG may be followed by others, such as its own previews.
_CLIPS: Final = frozenset({".mjpeg", ".mjpg", ".mjp"})
_SUFFIXES: Final = {
    ".png": "PNG",
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".jpe": "JPEG",
    ".gif": "GIF",
    ".bmp": "BMP",
    ".dib": "BMP",
    ".tif": "TIFF",
    ".tiff": "TIFF",
    ".pdf": "PDF",
    ".dcm": "DICOM",
    ".mjpeg": "MJPEG",
    ".mjpg": "MJPEG",
    ".mjp": "MJPEG",
    ".mp4": "MP4",
    ".m4v": "MP4",
}
#: Offset and bytes of what is often met and not taken, and what to say of it.
_FOREIGN: Final = (
    (4, b"ftypheic", "HEIC, which is not taken; export JPEG or PNG"),
    (4, b"ftypmif1", "HEIF, which is not taken; export JPEG or PNG"),
    (4, b"ftypavif", "AVIF, which is not taken; export JPEG or PNG"),
    (4, b"ftypqt", "a video (QuickTime MOV), which is not taken; export MP4"),
    (8, b"AVI ", "a video (AVI), which is not taken"),
    (8, b"WEBP", "WebP, which is not taken; export JPEG or PNG"),
    (0, b"\x1aE\xdf\xa3", "a video (Matroska or WebM), which is not taken"),
    (4, b"jP  \r\n\x87\n", "JPEG 2000, which is not taken as a file; export PNG or TIFF"),
    (0, b"\xff\x4f\xff\x51", "JPEG 2000, which is not taken as a file; export PNG or TIFF"),
    (0, b"PK\x03\x04", "a ZIP archive; export the pictures themselves"),
    (0, b"\x1f\x8b", "a gzip archive; export the pictures themselves"),
    (0, b"MZ", "a program"),
    (0, b"\x7fELF", "a program"),
    (0, b"\x02\0\0\0", "DICOM without its preamble, which is no Part 10 file"),
    (0, b"\x02\0\x10\0", "DICOM without its preamble, which is no Part 10 file"),
)
_HEAD: Final = 4096
_PDF_WITHIN: Final = 1024
_RAW: Final = "raw"


def kind(media: Path, profile: Profile) -> Kind:
    """How the file is to be wrapped.

    Raises:
        EncodingError: It is nothing that can be.
        Changed: It cannot be read.
    """
    format_ = recognise(media, profile)
    if is_arranging(profile) and format_ in ("PDF", "DICOM", "MP4"):
        msg = (
            f"profile {profile.name}: crops, masks or turns pictures, and cannot do so in {format_}"
        )
        raise EncodingError(msg)
    match format_:
        case "PDF":
            return "pdf"
        case "DICOM":
            return "part10"
        case "MP4":
            return "video"
        case _:
            return "picture"


def recognise(media: Path, profile: Profile) -> str:
    """The format of the file, by its content; raw only where the profile says so by suffix.

    Raises:
        EncodingError: It is empty, or of no format that is taken; the text says what it is.
        Changed: It cannot be read.
    """
    with open_media(media) as file:
        head = file.read(_HEAD)
    if not head:
        msg = "picture: the file is empty"
        raise EncodingError(msg)
    suffix = media.suffix.casefold()
    if profile.raw and suffix in {ending.casefold() for ending in profile.raw.suffixes}:
        return _RAW
    if head[128:132] == b"DICM":  # PS3.10 7.1; the preamble before it may be any format's
        return "DICOM"
    for magic, format_ in _PICTURES.items():
        if head.startswith(magic):
            return "MJPEG" if format_ == "JPEG" and suffix in _CLIPS else format_
    if head[4:8] == b"ftyp" and not _foreign(head):  # ISO/IEC 14496-12 4.3
        return "MP4"
    if b"%PDF-" in head[:_PDF_WITHIN]:
        return "PDF"
    named = f"the file ends in {suffix} but holds" if suffix in _SUFFIXES else "the file holds"
    msg = f"picture: {named} {_described(head)}"
    raise EncodingError(msg)


def read(media: Path, profile: Profile) -> list[Picture]:
    """The pictures in the file; several when its pages differ.

    Raises:
        EncodingError: It is none, damaged, cut off, too large or of a kind that DICOM cannot hold.
        Changed: It cannot be read.
    """
    format_ = recognise(media, profile)
    pictures = [arranged(picture, profile) for picture in _read(media, profile, format_)]
    named = _SUFFIXES.get(media.suffix.casefold(), format_)
    if format_ in (named, _RAW):
        return pictures
    note = f"the file is named like {named} but is {format_}"
    return [replace(picture, notes=(note, *picture.notes)) for picture in pictures]


def _read(media: Path, profile: Profile, format_: str) -> list[Picture]:
    # Each reader brings its libraries: only the one that is needed is imported.
    if format_ == "JPEG":
        from passerelle.dicom.jpeg_picture import read_jpeg  # noqa: PLC0415

        return read_jpeg(media, profile.sop_class)
    if format_ == "MJPEG":
        from passerelle.dicom.mjpeg import read_mjpeg  # noqa: PLC0415

        return read_mjpeg(media, profile.sop_class)
    if format_ == "TIFF":
        from passerelle.dicom.tiff import read_tiff  # noqa: PLC0415

        return read_tiff(media)
    if format_ == _RAW and profile.raw:
        from passerelle.dicom.raw import read_raw  # noqa: PLC0415

        return read_raw(media, profile.raw)
    if format_ in ("PNG", "GIF", "BMP"):
        from passerelle.dicom.stills import read_still  # noqa: PLC0415

        return read_still(media, format_)
    msg = f"picture: a {format_} file is no picture"
    raise EncodingError(msg)


def _foreign(head: bytes) -> str:
    kinds = (what for offset, magic, what in _FOREIGN if head[offset:].startswith(magic))
    return next(kinds, "")


def _described(head: bytes) -> str:
    if what := _foreign(head):
        return what
    if not any(head):
        return "nothing but zeros: its content was never written"
    try:
        text = head.decode("utf-8", "strict" if len(head) < _HEAD else "ignore")
    except UnicodeDecodeError:
        return "no format that is known"
    printable = all(character.isprintable() or character.isspace() for character in text)
    return "text" if printable else "no format that is known"
