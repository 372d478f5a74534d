# Bytes objects for large frames: laid ready before the frame comes, so that it is read straight into what recv() returns.
#
# Rules
# - Large frames tend to come in one size. After each that was handed out two objects of its size are laid ready (session_host_t.spares,
#   under the socket's lock). A favour: not done if another thread is inside; the frame is copied then.
# - What was handed out stays known (session_host_t.kept), and is filled again when nobody but the socket holds it. So a loop that lets its
#   frames go has them in the same memory again and again, without a page fault.
# - `kept` needs no lock: each place is an atomic word that is exchanged as a whole, by threads with the GIL, and by the one that gives all
#   back when the socket is quiet (socket/recycled.pxd) or closed.

from cpython.object cimport PyObject
from base.atomics cimport zc_cas_ptr, zc_load_relaxed_ptr, zc_swap_ptr
from base.config cimport RX_KEPT, RX_KEPT_MAX

# Without a GIL nobody can say that he is an object's only holder.
cdef bint holders_known = not hasattr(sys, "_is_gil_enabled") or sys._is_gil_enabled()

cdef extern from *:
    """
    #define zc_bytes_alone(o, n) (Py_REFCNT(o) == 1 && Py_SIZE(o) == (n))
    #define zc_bytes_idle(o) (Py_REFCNT(o) == 1 ? (size_t)Py_SIZE(o) : 0)
    /* The hash of the old content is forgotten. It is PyBytesObject's first field of its own; its name is deprecated. */
    #define zc_bytes_renew(o) (*(Py_hash_t *)((char *)(o) + sizeof(PyVarObject)) = -1)
    """
    bint zc_bytes_alone(PyObject *o, Py_ssize_t size) nogil
    size_t zc_bytes_idle(PyObject *o) nogil
    void zc_bytes_renew(PyObject *o) nogil


cdef inline void kept_add(socket_t *s, object taken) noexcept:
    """Keeps in mind what is handed out."""
    cdef void *old = <void *> taken
    cdef int k
    if not holders_known or PyBytes_GET_SIZE(taken) > RX_KEPT_MAX:
        return
    Py_INCREF(taken)
    for k in range(RX_KEPT):
        if zc_cas_ptr(&s.host.kept[k], NULL, old):
            break
    else:
        k = s.host.kept_next = (s.host.kept_next + 1) % RX_KEPT
        old = zc_swap_ptr(&s.host.kept[k], old)
        if old != NULL:
            Py_DECREF(<object> old)
    if zc_load_relaxed_u32(&s.state) != SOCKET_OPEN:
        # Closed by another thread meanwhile: nobody else will give it back.
        old = zc_swap_ptr(&s.host.kept[k], NULL)
        if old != NULL:
            Py_DECREF(<object> old)


cdef inline PyObject *kept_take(socket_t *s, Py_ssize_t size) noexcept:
    """One of them that nobody else holds, with its reference, or NULL."""
    cdef void *o
    cdef int k
    for k in range(RX_KEPT):
        if zc_load_relaxed_ptr(&s.host.kept[k]) == NULL:
            continue
        o = zc_swap_ptr(&s.host.kept[k], NULL)
        if o == NULL:
            continue
        if zc_bytes_alone(<PyObject *> o, size):
            zc_bytes_renew(<PyObject *> o)
            return <PyObject *> o
        if not zc_cas_ptr(&s.host.kept[k], NULL, o):
            Py_DECREF(<object> o)
    return NULL


cdef inline object bytes_of_size(socket_t *s, Py_ssize_t size):
    """A bytes object to be filled."""
    cdef PyObject *o = kept_take(s, size)
    cdef object made
    if o == NULL:
        return PyBytes_FromStringAndSize(NULL, size)
    made = <object> o
    Py_DECREF(made)
    return made


cdef inline int spares_missing(socket_t *s, size_t size) noexcept nogil:
    """Lock held."""
    return (s.host.spares[0].kind == MSG_EMPTY or s.host.spares[0].size != size) + (
        s.host.spares[1].kind == MSG_EMPTY or s.host.spares[1].size != size)


cdef inline void spare_lay(socket_t *s, msg_t *fresh, msg_t *old) noexcept nogil:
    """Lock held. Puts `fresh` where a spare is missing; `old` is what was there. One of them is to be released."""
    cdef int i
    for i in range(2):
        if s.host.spares[i].kind == MSG_EMPTY or s.host.spares[i].size != fresh.size:
            old[0] = s.host.spares[i]
            s.host.spares[i] = fresh[0]
            fresh.kind = MSG_EMPTY
            return


cdef inline void offer_spares(socket_t *s, Py_ssize_t size) noexcept:
    cdef msg_t fresh
    cdef msg_t old
    cdef int missing
    cdef int _i
    if not zc_lock_try(&s.lock):
        return
    missing = spares_missing(s, size) if s.state == SOCKET_OPEN else 0
    zc_lock_release(&s.lock)
    for _i in range(missing):
        # Made without the lock, for that may fail.
        try:
            msg_of_bytes(&fresh, bytes_of_size(s, size))
        except MemoryError:
            return              # what was received has found its room; the next frame will, or not
        old.kind = MSG_EMPTY
        if zc_lock_try(&s.lock):
            if s.state == SOCKET_OPEN:
                spare_lay(s, &fresh, &old)
            zc_lock_release(&s.lock)
        release(&fresh)
        release(&old)


cdef object large_bytes(socket_t *s, msg_t *m):
    """take_bytes() of a large frame from a connection, and what makes the next one cheaper."""
    cdef object taken
    cdef Py_ssize_t size = <Py_ssize_t> m.size
    if m.kind == MSG_PYOBJ and m.flags & MSG_EXACT:
        taken = take_bytes(m)
    else:
        try:
            taken = bytes_of_size(s, size)
            zc_copy(PyBytes_AS_STRING(taken), msg_data(m), size)
        finally:
            release(m)
    offer_spares(s, size)
    kept_add(s, taken)
    return taken
