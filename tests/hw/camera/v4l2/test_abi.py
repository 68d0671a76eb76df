"""The structures and calls are those of the kernel's own header, as a C compiler reads it."""

from __future__ import annotations

import ctypes
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from passerelle_hw.camera.v4l2 import abi
from support import need

if TYPE_CHECKING:
    from collections.abc import Iterator

_CALLS: Final = {
    "VIDIOC_QUERYCAP": abi.QUERYCAP,
    "VIDIOC_ENUM_FMT": abi.ENUM_FMT,
    "VIDIOC_G_FMT": abi.G_FMT,
    "VIDIOC_S_FMT": abi.S_FMT,
    "VIDIOC_REQBUFS": abi.REQBUFS,
    "VIDIOC_QUERYBUF": abi.QUERYBUF,
    "VIDIOC_QBUF": abi.QBUF,
    "VIDIOC_DQBUF": abi.DQBUF,
    "VIDIOC_STREAMON": abi.STREAMON,
    "VIDIOC_STREAMOFF": abi.STREAMOFF,
    "VIDIOC_G_PARM": abi.G_PARM,
    "VIDIOC_S_PARM": abi.S_PARM,
    "VIDIOC_G_STD": abi.G_STD,
    "VIDIOC_S_STD": abi.S_STD,
    "VIDIOC_ENUMINPUT": abi.ENUMINPUT,
    "VIDIOC_G_INPUT": abi.G_INPUT,
    "VIDIOC_S_INPUT": abi.S_INPUT,
    "VIDIOC_QUERYSTD": abi.QUERYSTD,
    "VIDIOC_ENUM_FRAMESIZES": abi.ENUM_FRAMESIZES,
    "VIDIOC_ENUM_FRAMEINTERVALS": abi.ENUM_FRAMEINTERVALS,
    "VIDIOC_S_DV_TIMINGS": abi.S_DV_TIMINGS,
    "VIDIOC_DQEVENT": abi.DQEVENT,
    "VIDIOC_SUBSCRIBE_EVENT": abi.SUBSCRIBE_EVENT,
    "VIDIOC_QUERY_DV_TIMINGS": abi.QUERY_DV_TIMINGS,
    "V4L2_STD_525_60": abi.STANDARDS_525,
    "V4L2_IN_ST_NO_H_LOCK|V4L2_IN_ST_NO_V_LOCK|V4L2_IN_ST_NO_STD_LOCK|"
    "V4L2_IN_ST_NO_SYNC": abi.INPUT_UNLOCKED,
    "V4L2_IN_ST_NO_POWER": abi.INPUT_NO_POWER,
    "V4L2_IN_ST_NO_SIGNAL": abi.INPUT_NO_SIGNAL,
    "V4L2_IN_CAP_DV_TIMINGS": abi.INPUT_HAS_TIMINGS,
    "V4L2_IN_CAP_STD": abi.INPUT_HAS_STANDARDS,
    "V4L2_CAP_VIDEO_CAPTURE": abi.CAP_CAPTURE,
    "V4L2_CAP_STREAMING": abi.CAP_STREAMING,
    "V4L2_CAP_DEVICE_CAPS": abi.CAP_DEVICE_CAPS,
    "V4L2_BUF_FLAG_ERROR": abi.BUFFER_ERROR,
    "V4L2_BUF_FLAG_TIMESTAMP_MASK": abi.CLOCK_MASK,
    "V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC": abi.CLOCK_MONOTONIC,
    "V4L2_EVENT_SOURCE_CHANGE": abi.EVENT_SOURCE_CHANGE,
    "V4L2_COLORSPACE_JPEG": abi.COLORSPACE_JPEG,
}
_FIELDS: Final[dict[str, tuple[type[ctypes.Structure], dict[str, str]]]] = {
    "v4l2_capability": (abi.Capability, {"device_caps": "device_caps"}),
    "v4l2_fmtdesc": (abi.FormatDescription, {"pixelformat": "pixelformat"}),
    "v4l2_frmsizeenum": (abi.FrameSize, {"size": "discrete"}),
    "v4l2_frmivalenum": (abi.FrameInterval, {"interval": "discrete"}),
    "v4l2_pix_format": (abi.PixelFormat, {"quantization": "quantization"}),
    "v4l2_format": (abi.VideoFormat, {"fmt": "fmt"}),
    "v4l2_streamparm": (abi.StreamParameters, {"numerator": "parm.capture.timeperframe"}),
    "v4l2_requestbuffers": (abi.RequestBuffers, {"memory": "memory"}),
    "v4l2_buffer": (
        abi.Buffer,
        {
            "seconds": "timestamp.tv_sec",
            "microseconds": "timestamp.tv_usec",
            "sequence": "sequence",
            "offset": "m.offset",
            "length": "length",
        },
    ),
    "v4l2_input": (abi.Input, {"status": "status", "capabilities": "capabilities"}),
    "v4l2_dv_timings": (abi.Timings, {"width": "bt.width", "interlaced": "bt.interlaced"}),
    "v4l2_event_subscription": (abi.Subscription, {"id": "id"}),
    "v4l2_event": (abi.Event, {"changes": "u.src_change.changes", "id": "id"}),
}


def _questions() -> Iterator[tuple[str, int]]:
    yield from _CALLS.items()
    for name, (structure, fields) in _FIELDS.items():
        yield f"sizeof(struct {name})", ctypes.sizeof(structure)
        for field, member in fields.items():
            yield f"offsetof(struct {name}, {member})", getattr(structure, field).offset


@pytest.mark.skipif(sys.platform != "linux" or sys.maxsize < 1 << 32, reason="of 64-bit Linux")
def test_they_are_the_kernels(tmp_path: Path) -> None:
    need("cc")
    if not Path("/usr/include/linux/videodev2.h").exists():
        pytest.skip("the kernel's headers are not installed")
    questions = dict(_questions())
    lines = (f'printf("%llu\\n", (unsigned long long)({one}));' for one in questions)
    source, program = tmp_path / "ask.c", tmp_path / "ask"
    source.write_text(
        "#include <stddef.h>\n#include <stdio.h>\n#include <linux/videodev2.h>\n"
        f"int main(void) {{ {' '.join(lines)} return 0; }}"
    )
    subprocess.run(["cc", "-o", str(program), str(source)], check=True)
    told = subprocess.run([str(program)], check=True, capture_output=True, text=True).stdout
    answers = [int(line) for line in told.split()]
    assert dict(zip(questions, answers, strict=True)) == questions
