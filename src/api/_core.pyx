# zmqcore._core: the compiled API. The only place with Python objects and the GIL.
#
# Rules
# - Nobody waits for a socket lock while holding the GIL, and nobody asks for the GIL while holding a socket lock (see socket.pxi).
# - While a socket lock is held no reference of a foreign object is dropped and no Python code runs (it might call back into the same socket).
# - The core answers with negative errno values; raise_errno() turns them into zmqcore.error exceptions.
# - Blocking calls come up on EINTR, run signal handlers, and go on with the time that is left.

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_CheckExact, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.buffer cimport (
    Py_buffer, PyBuffer_FillInfo, PyBuffer_Release, PyBUF_ANY_CONTIGUOUS, PyBUF_WRITABLE, PyObject_GetBuffer,
)
from cpython.exc cimport PyErr_CheckSignals
from cpython.mem cimport PyMem_Free, PyMem_Malloc
from cpython.ref cimport Py_DECREF, Py_INCREF
from libc.stdint cimport int64_t, uint32_t, uint64_t, uintptr_t, UINT64_MAX
from libc.string cimport memcpy, memset

cimport cython

import atexit
import os
import sys
import threading
import weakref
from collections.abc import Iterable, Sequence      # annotations name them, as the next
from typing import Any

cdef extern from "api/platform_hooks.h":
    void zc_decref_drain()
    void zc_decref_install()
    void zc_decref_retire()
    int zc_decref_pending()
    void zc_unlock_check()
    int zc_last_error_get()
    void zc_last_error_set(int number)

cdef extern from "api/gil.h":
    void zc_gil_await() noexcept nogil

# A C variable: the names of this module may be gone when it is asked.
cdef object is_finalizing = sys.is_finalizing

include "errors.pxi"
include "frame.pxi"
include "context.pxi"
include "crypto.pxi"
include "libraries.pxi"
include "socket.pxi"
include "groups.pxi"
include "received.pxi"
include "spares.pxi"
include "security.pxi"
include "statistics.pxi"
include "deadline.pxi"
include "send_recv.pxi"
include "without_timeout.pxi"
include "loop_spin.pxi"
include "awaited.pxi"
include "lending.pxi"
include "poll.pxi"
include "standing_poll.pxi"
include "option_info.pxi"
include "module.pxi"

zc_net_init()
zc_fork_install()
zc_decref_install()


def _at_exit():
    """The last chance of what was sent, and of references lent to the core.

    Waits as long as peers take it, and until none has taken anything for exit_patience(): all contexts at once, or each would have that long. A signal
    handler that raises ends the wait.
    """
    cdef Context ctx
    cdef exit_wait_t wait
    cdef bint again = True
    contexts = list(_contexts.values())
    exit_wait_begin(&wait)
    try:
        while again:
            exit_wait_look(&wait)
            for ctx in contexts:
                if not ctx._closed and ctx.ctx.fork_generation == zc_fork_generation():
                    with nogil:
                        context_owed(ctx.ctx, &wait)
            with nogil:
                again = exit_wait_again(&wait)
            PyErr_CheckSignals()
    finally:
        zc_decref_retire()


atexit.register(_at_exit)
