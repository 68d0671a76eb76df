"""Wraps an MP4 file as a video object, its stream verbatim (PS3.3 A.32.5 to A.32.7)."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Final, NoReturn

from passerelle.dicom import modules, part10, pixels
from passerelle.dicom.boxes import unpack
from passerelle.dicom.classes import VIDEO
from passerelle.dicom.media import open_media
from passerelle.dicom.modules import default
from passerelle.dicom.mp4 import read_movie
from passerelle.dicom.picture import Picture
from passerelle.dicom.request import Made
from passerelle.errors import EncodingError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from passerelle.dicom.classes import SopClass
    from passerelle.dicom.mp4 import Movie
    from passerelle.dicom.request import Wrapping

_PREFIX: Final = "1.2.840.10008.1.2.4."
_BLOCK: Final = 1 << 20
_FRAGMENT: Final = 0xFFFFFFFE  # bytes that one may hold (PS3.5 7.5)
_AVC: Final = "ISO_14496_10"
_CUT: Final = 1 << 30  # bytes of each of several
_BYTE: Final = 8
_MACROBLOCK: Final = 16
#: Level to transfer syntax and the limits of H.264 table A-1: macroblocks a frame and a second.
_H264: Final = {41: ("102", 8192, 245_760), 42: ("104", 8704, 522_240)}
_MAIN, _HIGH = 77, 100
_IS_CONSTRAINED: Final = 0x40  # constraint_set1_flag: a Main decoder, and so a High one, takes it
#: Profile to transfer syntax; level 5.1's pixels a frame and a second (H.265 tables A.8, A.9).
_HEVC: Final = {1: "107", 2: "108"}
_HEVC_LEVEL, _HEVC_FRAME, _HEVC_SECOND = 153, 8_912_896, 534_773_760
_ENCODE: Final = (
    "encode it anew: ffmpeg -i IN -map 0:v -c:v libx264 -profile:v high -level 4.1 "
    "-pix_fmt yuv420p OUT.mp4"
)


def encapsulate(wrapping: Wrapping) -> tuple[Made, tuple[str, ...]]:
    """The one instance of an MP4 file, and notes; memory does not grow with the file.

    Raises:
        EncodingError: It is damaged, cut off, or no transfer syntax of DICOM allows it.
        IdentityError: What was said of it cannot be right.
        SpoolFull: There is no room.
    """
    sop_class = _sop_class(wrapping)
    with open_media(wrapping.media) as file:
        movie = read_movie(file)
        picture = _picture(movie)
        dataset = modules.said(wrapping, {})
        modality = wrapping.profile.modality or sop_class.modality or ""
        modules.complete(dataset, wrapping, sop_class_uid=sop_class.uid, modality=modality)
        dataset.SOPInstanceUID = wrapping.origin.uid(0)
        sop_class.fill(dataset, picture)
        default(dataset, "CineRate", str(max(1, round(1000 / movie.frame_time_ms))))
        syntax = str(picture.verbatim_syntax)
        pixels.describe(dataset, picture, syntax)
        target = wrapping.into / f"tmp.{dataset.SOPInstanceUID}.dcm"
        fragment = _CUT if movie.size > _FRAGMENT else _FRAGMENT
        bulk = part10.Stream(blocks=_blocks(file, movie), size=movie.size, fragment=fragment)
        written = part10.write(target, dataset, syntax, bulk)
    return Made.of(dataset, syntax, written), picture.notes


def read_video(media: Path) -> Picture:
    """What is in an MP4 file, which has no frames that could be had one by one.

    Raises:
        EncodingError: It is damaged, cut off, or no transfer syntax of DICOM allows it.
        Changed: It cannot be read.
    """
    with open_media(media) as file:
        return _picture(read_movie(file))


def _sop_class(wrapping: Wrapping) -> SopClass:
    name = wrapping.profile.sop_class
    if name == "SecondaryCapture":
        return VIDEO["VLPhotographic"]
    if name not in VIDEO:
        msg = (
            f"profile {wrapping.profile.name}: {name} has no form for MP4; use a profile with "
            "sop_class VLEndoscopic, VLMicroscopic or VLPhotographic, or a clip of JPEGs (.mjpeg)"
        )
        raise EncodingError(msg)
    return VIDEO[name]


def _syntax(movie: Movie) -> tuple[str, str, str]:
    """The transfer syntax's number, the method (C.7.6.1.1.5.1), and a note.

    Raises:
        EncodingError: No transfer syntax allows this video.
    """
    if movie.codec == b"avcC":
        number, note = _h264(movie)
        return number, _AVC, note
    return _hevc(movie), "ISO_23008_2", ""


def _h264(movie: Movie) -> tuple[str, str]:
    """By PS3.5 8.2.7 and 8.2.8 (ISO/IEC 14496-15 5.3.3.1 is where the profile is said)."""
    profile, compatible, level = unpack("xBBB", movie.setup)
    is_lower = profile == _MAIN or (profile != _HIGH and compatible & _IS_CONSTRAINED)
    if profile != _HIGH and not (is_lower and profile <= _HIGH):
        _refuse(f"H.264 profile {profile}: DICOM has High and what a High decoder plays")
    if level > max(_H264):
        _refuse(f"H.264 level {level / 10}: DICOM goes to 4.2")
    number, most, most_a_second = _H264[41 if level <= min(_H264) else 42]
    blocks = -(-movie.rows // _MACROBLOCK) * -(-movie.columns // _MACROBLOCK)
    if blocks > most or blocks * 1000 / movie.frame_time_ms > most_a_second * 1.001:
        _refuse(f"{_shape(movie)} are more than level {level / 10}, which it names, allows")
    note = f"H.264 profile {profile}, below High: an archive may know no other than High"
    return number, note if is_lower else ""


def _hevc(movie: Movie) -> str:
    """By PS3.5 8.2.10 and 8.2.11 (ISO/IEC 14496-15 8.3.3.1)."""
    space_tier_profile, level = unpack("xB10xB", movie.setup)
    chroma, luma_bits, chroma_bits = unpack("16xBBB", movie.setup)
    profile, is_high_tier = space_tier_profile & 31, space_tier_profile & 32
    if profile not in _HEVC or is_high_tier or level > _HEVC_LEVEL:
        tier = "High" if is_high_tier else "Main"
        _refuse(
            f"HEVC profile {profile}, {tier} tier, level {level / 30}: DICOM has Main and Main 10"
        )
    bits = (luma_bits & 7) + _BYTE
    if chroma & 3 != 1 or chroma_bits & 7 != luma_bits & 7:
        _refuse("HEVC that is not 4:2:0 or has samples of several depths has no place in DICOM")
    if bits != _BYTE:
        _refuse(f"{bits} bits a sample: the video objects hold 8 (PS3.3 C.8.12.1.1.2)")
    size = movie.rows * movie.columns
    if size > _HEVC_FRAME or size * 1000 / movie.frame_time_ms > _HEVC_SECOND:
        _refuse(f"{_shape(movie)} are more than level 5.1 allows")
    return _HEVC[profile]


def _shape(movie: Movie) -> str:
    return f"{movie.columns} x {movie.rows} pixels at {1000 / movie.frame_time_ms:.5g} a second"


def _refuse(why: str) -> NoReturn:
    msg = f"MP4: {why}; {_ENCODE}"
    raise EncodingError(msg)


def _picture(movie: Movie) -> Picture:
    number, method, note = _syntax(movie)
    if movie.size > _FRAGMENT and method == _AVC:  # HEVC's are fragmentable (PS3.5 8.2.10)
        number += ".1"
    blanked = "what the file tells beside its video (udta, meta, uuid) was blanked"
    unpacked = movie.rows * movie.columns * 3 * movie.frames
    return Picture(
        format="MP4",
        rows=movie.rows,
        columns=movie.columns,
        samples=3,
        bits_allocated=_BYTE,
        bits_stored=_BYTE,
        photometric="YBR_PARTIAL_420",
        frames=lambda: iter(()),
        frame_count=movie.frames,
        frame_times_ms=(movie.frame_time_ms,) * movie.frames,
        is_clip=True,
        verbatim_syntax=_PREFIX + number,
        was_lossy=True,
        lossy_method=method,
        lossy_ratio=max(round(unpacked / movie.size, 2), 1.0),
        notes=tuple(filter(None, (note, blanked if movie.telling else ""))),
    )


def _blocks(file: IO[bytes], movie: Movie) -> Iterator[bytes]:
    """The file, with boxes that tell of more than the video made free space of their length.

    Nothing moves, so that every offset in the file stays right (ISO/IEC 14496-12 8.1.2).
    """
    file.seek(0)
    position = 0
    while block := bytearray(file.read(_BLOCK)):
        for start, end in movie.telling:
            for at, byte in enumerate(b"free", start + 4 - position):
                if 0 <= at < len(block):
                    block[at] = byte
            begin, stop = max(start + 8 - position, 0), min(end - position, len(block))
            if begin < stop:
                block[begin:stop] = bytes(stop - begin)
        position += len(block)
        yield bytes(block)
