# Accepting: connections that have come to a listener, from the system's backlog to the beginning of a handshake. Lock
# held; nothing blocks.
#
# Who is let in, and who makes way, is decided in admission.pxd.

from libc.stdint cimport uint64_t
from libc.string cimport memset
from base.errors cimport EAGAIN, EBADF, EINVAL, EMFILE, ENFILE, ENOBUFS, ENOMEM
from base.monitor_events cimport EVENT_ACCEPTED, EVENT_ACCEPT_FAILED
from io.timers cimport timers_retry
from reactor.pollset cimport pollset_del
from session.session cimport session_t
from socket.admission cimport admission_make_way, admission_pend, admission_press
from socket.connections cimport connection_new
from socket.established cimport connection_handshake
from socket.occurrences cimport connection_note_ends, connection_occurrence, listener_occurrence
from socket.state cimport endpoint_t, socket_t
from socket.tuning cimport tuning_from
from transport.ops cimport stream_close, stream_clear, stream_t, visitors_t
from transport.tuning cimport tuning_t

cdef enum:
    ACCEPT_BATCH = 16           # connections taken per look at a listener; others want their turn


cdef inline bint accept_failed(socket_t *s, endpoint_t *e, int err, uint64_t now) noexcept nogil:
    """True: the listener rests for a while, for the system has nothing left to make connections of, or it listens no more (the application has shut
    down a descriptor of USE_FD)."""
    cdef bint deaf = err == -EINVAL or err == -EBADF
    listener_occurrence(s, e, EVENT_ACCEPT_FAILED, <uint64_t> -err)
    if not deaf and err != -EMFILE and err != -ENFILE and err != -ENOMEM and err != -ENOBUFS:
        return False
    # The connection stays in the backlog, or the hang-up stays what it is, and would be reported without end.
    if not deaf:
        admission_press(s, now)
    pollset_del(&s.set, e.fd)
    e.paused = True
    timers_retry(s, now)
    return True


cdef inline void connection_accept(socket_t *s, endpoint_t *e, uint64_t now) noexcept nogil:
    """A listener has something: takes a batch of it."""
    cdef tuning_t tuning
    cdef visitors_t everybody
    cdef const visitors_t *visitors = e.visitors
    cdef stream_t stream
    cdef session_t *x
    cdef char peer[128]
    cdef int rc
    cdef int _i
    tuning_from(s, e, &tuning)
    if visitors == NULL:
        memset(&everybody, 0, sizeof(everybody))
        visitors = &everybody
    for _i in range(ACCEPT_BATCH):
        stream_clear(&stream, e.transport)
        rc = e.transport.accept(e.fd, &tuning, visitors, &stream, peer, sizeof(peer))
        if rc == -EAGAIN:
            return
        if rc < 0:
            if accept_failed(s, e, rc, now):
                return
            continue
        if not admission_make_way(s):
            # Closed at once rather than left in the backlog: the peer learns of it, and can go elsewhere or come back.
            stream_close(&stream)
            listener_occurrence(s, e, EVENT_ACCEPT_FAILED, ENOBUFS)
            continue
        x = connection_new(s, e, False)
        if x == NULL:
            stream_close(&stream)
            return
        x.stream = stream
        connection_note_ends(x)
        connection_occurrence(x, EVENT_ACCEPTED, <uint64_t> stream.fd)
        admission_pend(s, x, now)
        connection_handshake(s, x, peer, now)
