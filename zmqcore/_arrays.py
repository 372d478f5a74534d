"""Arrays of NumPy as messages: a frame that tells dtype, shape and order, and a frame of the memory as it is. Nothing is pickled.

Rules
- NumPy is loaded when an array is sent or received, never before.
- The first frame comes from a peer: it is read as JSON of a fixed form, and its claims are compared with the bytes that are there.
"""

from __future__ import annotations

import json
import re
from typing import Any

from .error import ObjectError

# Numbers, booleans, times and texts of a fixed size; no objects, which only a pickle could carry, and no records.
DTYPE = re.compile(r"[<>|][biufcmMSU][1-9]\d{0,4}(\[\d{0,4}\w{1,7}\])?")
HEAD_MAX = 4096  # bytes; 64 dimensions take some 1,300
DIMENSIONS_MAX = 32  # of every release of NumPy


def _numpy() -> Any:
    try:
        import numpy
    except ImportError:
        raise ImportError("arrays need NumPy: pip install numpy") from None
    return numpy


def frames_of(array: Any) -> list[Any]:
    """The two frames. The second is the array's own memory if that is contiguous, in whatever order."""
    np = _numpy()
    array = np.asanyarray(array)
    if not DTYPE.fullmatch(array.dtype.str):
        raise TypeError(f"an array of dtype {array.dtype!r} cannot be sent: it takes numbers, booleans, times, and texts of a fixed size")
    fortran = array.flags.f_contiguous and not array.flags.c_contiguous
    if not (fortran or array.flags.c_contiguous):
        array = np.ascontiguousarray(array)
    head = {"dtype": array.dtype.str, "shape": array.shape, "order": "F" if fortran else "C"}
    return [json.dumps(head).encode(), memoryview(array.reshape(-1, order="F" if fortran else "C").view(np.uint8))]


def _claims(head: Any) -> tuple[str, tuple[int, ...], str]:
    try:
        told = json.loads(bytes(head)) if len(head) <= HEAD_MAX else None
    except (ValueError, RecursionError):
        told = None
    if not isinstance(told, dict) or told.keys() != {"dtype", "shape", "order"}:
        raise ObjectError("$", "not the description of an array")
    dtype, shape, order = told["dtype"], told["shape"], told["order"]
    if not isinstance(dtype, str) or not DTYPE.fullmatch(dtype) or order not in ("C", "F"):
        raise ObjectError("$.dtype", "not a dtype that an array can be received with")
    if not isinstance(shape, list) or len(shape) > DIMENSIONS_MAX or not all(type(size) is int and size >= 0 for size in shape):
        raise ObjectError("$.shape", "not a shape")
    return dtype, tuple(shape), order


def array_of(frames: list[Any]) -> Any:
    """The array, in the memory of the second frame."""
    np = _numpy()
    if len(frames) != 2:
        raise ObjectError("$", f"an array has two frames, not {len(frames)}")
    name, shape, order = _claims(frames[0])
    try:
        dtype = np.dtype(name)
    except TypeError:
        raise ObjectError("$.dtype", "not a dtype that an array can be received with") from None
    size = dtype.itemsize
    for one in shape:
        size *= one
    if size != len(frames[1]):
        raise ObjectError("$.shape", f"{len(frames[1])} bytes are not an array of this shape")
    return np.frombuffer(frames[1], dtype=np.uint8).view(dtype).reshape(shape, order=order)
