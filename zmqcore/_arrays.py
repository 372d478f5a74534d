"""Arrays of NumPy as messages: a frame that tells dtype, shape and order, and a frame of the memory as it is. Nothing is pickled.

Rules
- NumPy is loaded when an array is sent or received, never before.
- The first frame comes from a peer: it is read as JSON of a fixed form, and its claims are compared with the bytes that are there.
- The memory is sent as it lies if it has no gaps, whatever the order of its axes.
"""

from __future__ import annotations

import json
import re
from typing import Any

from .error import ObjectError

# Numbers, booleans, times, texts and raw bytes of a fixed size; no objects, which only a pickle could carry.
# A step of times is never 0, which NumPy would take and then fail with at the first use.
DTYPE = re.compile(r"[<>|][biufcmMSUV][1-9]\d{0,4}(\[([1-9]\d{0,8})?[A-Za-z]{1,7}\])?", re.ASCII)
RECORD = {"names", "formats", "offsets", "itemsize"}
HEAD_MAX = 65536  # bytes; 64 dimensions take some 1,300, a field some 50
DIMENSIONS_MAX = 32  # of every release of NumPy
FIELDS_MAX = 1000
DEPTH_MAX = 8  # of records in records


def _numpy() -> Any:
    try:
        import numpy
    except ImportError:
        raise ImportError("arrays need NumPy: pip install numpy") from None
    return numpy


def frames_of(array: Any) -> list[Any]:
    """The two frames. The second is the array's own memory if that has no gaps."""
    np = _numpy()
    if np.ma.isMaskedArray(array):
        raise TypeError("a masked array cannot be sent: send its data and its mask")
    array = np.asarray(array)
    told = _told(array.dtype)
    order, lying = _order(array)
    if order is None:
        order, lying = "C", np.ascontiguousarray(array)
    head = {"dtype": told, "shape": array.shape, "order": order}
    return [json.dumps(head).encode(), memoryview(lying.reshape(-1).view(np.uint8))]


def _told(dtype: Any) -> Any:
    """A dtype in JSON: a text, [item, shape] of an array in a record, or a record."""
    if dtype.subdtype is not None:
        item, shape = dtype.subdtype
        return [_told(item), list(shape)]
    if dtype.names is not None:
        fields = [dtype.fields[name][:2] for name in dtype.names]
        return {
            "names": list(dtype.names),
            "formats": [_told(field) for field, _ in fields],
            "offsets": [offset for _, offset in fields],
            "itemsize": dtype.itemsize,
        }
    if not DTYPE.fullmatch(dtype.str):
        raise TypeError(
            f"an array of dtype {dtype!r} cannot be sent: it takes numbers, booleans, times, texts of a fixed size, and records of these"
        )
    return dtype.str


def _order(array: Any) -> tuple[Any, Any]:
    """The order of the axes in memory, "C", "F" or a list from the slowest to the fastest, and the array with its axes in that order; None of
    an array with gaps."""
    if array.flags.c_contiguous:
        return "C", array
    if array.flags.f_contiguous:
        return "F", array.T
    axes = sorted(range(array.ndim), key=lambda axis: -array.strides[axis])
    lying = array.transpose(axes)
    return (axes, lying) if lying.flags.c_contiguous else (None, None)


def _dtype_of(told: Any, depth: int = 0) -> Any:
    """What `_told` told, or an error of whatever kind."""
    np = _numpy()
    if isinstance(told, str) and DTYPE.fullmatch(told):
        return np.dtype(told)
    if depth < DEPTH_MAX and isinstance(told, list) and len(told) == 2 and _is_shape(told[1]):
        return np.dtype((_dtype_of(told[0], depth + 1), tuple(told[1])))
    if depth < DEPTH_MAX and isinstance(told, dict) and told.keys() == RECORD and _is_record(told):
        formats = [_dtype_of(one, depth + 1) for one in told["formats"]]
        return np.dtype({**told, "formats": formats})
    raise ValueError


def _is_shape(shape: Any) -> bool:
    return isinstance(shape, list) and len(shape) <= DIMENSIONS_MAX and all(type(size) is int and size >= 0 for size in shape)


def _is_record(told: dict[str, Any]) -> bool:
    names, formats, offsets = told["names"], told["formats"], told["offsets"]
    return (
        all(isinstance(one, list) and 0 < len(one) <= FIELDS_MAX for one in (names, formats, offsets))
        and all(isinstance(name, str) and name for name in names)
        and all(type(number) is int and number >= 0 for number in (*offsets, told["itemsize"]))
        and len(names) == len(formats) == len(offsets)
    )


def _claims(head: Any) -> tuple[Any, tuple[int, ...], Any]:
    try:
        told = json.loads(bytes(head)) if len(head) <= HEAD_MAX else None
    except (ValueError, RecursionError):
        told = None
    if not isinstance(told, dict) or told.keys() != {"dtype", "shape", "order"}:
        raise ObjectError("$", "not the description of an array")
    try:
        dtype = _dtype_of(told["dtype"])
    except (TypeError, ValueError, OverflowError, MemoryError):
        raise ObjectError("$.dtype", "not a dtype that an array can be received with") from None
    if not _is_shape(told["shape"]):
        raise ObjectError("$.shape", "not a shape")
    shape, order = tuple(told["shape"]), told["order"]
    if order not in ("C", "F") and not (
        isinstance(order, list) and all(type(axis) is int for axis in order) and sorted(order) == list(range(len(shape)))
    ):
        raise ObjectError("$.order", "not an order of the axes")
    return dtype, shape, order


def array_of(frames: list[Any]) -> Any:
    """The array, in the memory of the second frame."""
    np = _numpy()
    if len(frames) != 2:
        raise ObjectError("$", f"an array has two frames, not {len(frames)}")
    dtype, shape, order = _claims(frames[0])
    size = dtype.itemsize
    for one in shape:
        size *= one
    if size != len(frames[1]) or not dtype.itemsize:
        raise ObjectError("$.shape", f"{len(frames[1])} bytes are not an array of this shape")
    try:
        flat = np.frombuffer(frames[1], dtype=np.uint8).view(dtype)
        if isinstance(order, str):
            return flat.reshape(shape, order=order)
        return flat.reshape([shape[axis] for axis in order]).transpose(sorted(range(len(order)), key=order.__getitem__))
    except ValueError:  # an array in itself as dtype; a size of 0 whose other factors are too large
        raise ObjectError("$.shape", "not an array that NumPy can have") from None
