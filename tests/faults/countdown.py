"""Makes the core's n-th allocation, or its n-th call for a descriptor, thread or name, fail: the face of src/base/memory.h.

    with memory_fails(5) as fault:
        ...
    fault.happened      # False: fewer than five allocations were made

Only builds for tests can (ZMQCORE_PROBE=1, or the variants debug, asan and tsan): see `possible`.
"""

import contextlib
import ctypes
import errno
import importlib


class Countdown(ctypes.Structure):
    _fields_ = [("armed", ctypes.c_uint32), ("run", ctypes.c_uint32), ("next", ctypes.c_int64)]

    @property
    def happened(self):
        return self.next <= 0


class Faults(ctypes.Structure):
    _fields_ = [
        ("memory", Countdown),
        ("resources", Countdown),
        ("error", ctypes.c_uint64),
        ("blocks", ctypes.c_uint64),
        ("copied", ctypes.c_uint64),
        ("ahead", ctypes.c_uint64),
    ]


def of_module(name="zmqcore._core"):
    """The counters of a compiled module, or None: it was not built for tests."""
    library = ctypes.CDLL(importlib.import_module(name).__file__)
    try:
        return Faults.in_dll(library, "zc_faults")
    except ValueError:
        return None


faults = of_module()
possible = faults is not None


@contextlib.contextmanager
def _counting(countdown, nth, run):
    countdown.next = nth
    countdown.run = run
    countdown.armed = 1
    try:
        yield countdown
    finally:
        countdown.armed = 0


def memory_fails(nth, run=1):
    """Allocations number `nth` to `nth + run - 1` from here fail."""
    return _counting(faults.memory, nth, run)


def resources_fail(nth, run=1, error=errno.EMFILE):
    """The same for calls that make a descriptor or a thread, or take an address."""
    faults.error = error
    return _counting(faults.resources, nth, run)


def blocks():
    """How many blocks of memory the core holds."""
    return faults.blocks


def copied():
    """How many bytes of frames, large ones, the core has copied so far."""
    return faults.copied


def advance(seconds):
    """Sets the core's clock forward, for good. Who sleeps hears nothing of it."""
    faults.ahead += int(seconds * 1e9)
