"""A frame without compression as a picture: grey of 8 or 16 bits, or red, green and blue."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image

    from passerelle_hw.camera.frame import Format, Frame

    Bytes = NDArray[np.uint8]

# numpy and Pillow are imported where a picture is made: a camera of JPEGs needs neither.

#: BT.601 (ITU-R BT.601-7 2.5.1) and BT.709 (ITU-R BT.709-6 3.2): weights of red and blue in luma.
_BT601: Final = (0.299, 0.114)
_BT709: Final = (0.2126, 0.0722)
_HD_ROWS: Final = 720  # from here on video is BT.709
_DEEP: Final = {"Y10": 10, "Y12": 12, "Y16": 16}


def bits_of(given: Format) -> int:
    """Bits of a sample that mean something."""
    return _DEEP.get(given.pixels, 8)


def picture(frame: Frame) -> Image:
    """The picture; both fields of an interlaced one woven. Samples of 10 or 12 bits stay so.

    Raises:
        ValueError: It is a JPEG, or shorter than its format says.
    """
    from PIL import Image  # noqa: PLC0415

    given = frame.format
    if given.pixels == "MJPG":
        msg = "a JPEG is a picture already"
        raise ValueError(msg)
    return Image.fromarray(_samples(frame.data, given))


def _samples(data: bytes, given: Format) -> NDArray[Any]:
    import numpy as np  # noqa: PLC0415

    lines = _lines(data, given)
    match given.pixels:
        case "GREY":
            return np.ascontiguousarray(lines[:, : given.columns])
        case "Y10" | "Y12" | "Y16":
            return np.ascontiguousarray(lines[:, : 2 * given.columns]).view("<u2")
        case "RGB3" | "BGR3":
            pixels = lines[:, : 3 * given.columns].reshape(given.rows, given.columns, 3)
            return np.ascontiguousarray(pixels if given.pixels == "RGB3" else pixels[..., ::-1])
        case "NV12":
            chroma = _chroma_plane(data, given).repeat(2, axis=0)[: given.rows]
            return _rgb(lines[:, : given.columns], chroma, given)
        case _:
            packed = lines[:, : 2 * given.columns]
            luma, colour = (packed[:, 0::2], packed[:, 1::2])
            if given.pixels == "UYVY":
                luma, colour = colour, luma
            return _rgb(luma, colour.reshape(given.rows, -1, 2), given)


def _lines(data: bytes, given: Format) -> Bytes:
    import numpy as np  # noqa: PLC0415

    return np.frombuffer(data, np.uint8, given.stride * given.rows).reshape(given.rows, -1)


def _chroma_plane(data: bytes, given: Format) -> Bytes:
    """Blue and red differences of an NV12 frame, (rows / 2, columns / 2, 2)."""
    import numpy as np  # noqa: PLC0415

    rows = (given.rows + 1) // 2
    plane = np.frombuffer(data, np.uint8, given.stride * rows, offset=given.stride * given.rows)
    return plane.reshape(rows, -1)[:, : given.columns].reshape(rows, -1, 2)


def _rgb(luma: Bytes, chroma: Bytes, given: Format) -> Bytes:
    """Red, green and blue of luma and of differences that two columns share."""
    import numpy as np  # noqa: PLC0415

    red, blue = _BT709 if given.rows >= _HD_ROWS else _BT601
    black, luma_scale, chroma_scale = (
        (0, 1.0, 1.0) if given.full_range else (16, 255 / 219, 255 / 224)
    )
    y = (luma.astype(np.float32) - black) * luma_scale
    differences = (chroma.astype(np.float32) - 128) * chroma_scale
    differences = differences.repeat(2, axis=1)[:, : given.columns]
    cb, cr = differences[..., 0], differences[..., 1]
    r = y + 2 * (1 - red) * cr
    b = y + 2 * (1 - blue) * cb
    g = (y - red * r - blue * b) / (1 - red - blue)
    return np.stack([r, g, b], axis=-1).round().clip(0, 255).astype(np.uint8)
