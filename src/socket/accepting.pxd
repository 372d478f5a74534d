# Accepting: connections that have come to a listener, from the system's backlog to the beginning of a handshake. Lock held; nothing blocks.
#
# Who is let in, and who makes way, is decided in admission.pxd.

from libc.stdint cimport int32_t, uint32_t, uint64_t
from base.errors cimport EAGAIN, EMFILE, ENFILE, ENOBUFS, ENOMEM
from base.platform cimport zc_close
from reactor.pollset cimport pollset_mod
from session.session cimport session_t
from socket.admission cimport admission_make_way, admission_pend, admission_press
from socket.connections cimport connection_new
from socket.established cimport connection_handshake
from socket.monitor cimport monitor_emit, EVENT_ACCEPT_FAILED, EVENT_ACCEPTED
from socket.state cimport endpoint_t, socket_t
from io.timers cimport timers_retry
from socket.tuning cimport tuning_from
from transport.address cimport PROTO_TCP
from transport.ipc cimport ipc_accept, ipc_filter_t
from transport.tcp cimport tcp_accept, tuning_t

cdef enum:
    ACCEPT_BATCH = 16           # connections taken per look at a listener; others want their turn


cdef inline void connection_accept(socket_t *s, endpoint_t *e, uint64_t now) noexcept nogil:
    cdef tuning_t tuning
    cdef ipc_filter_t filters
    cdef session_t *x
    cdef char peer[128]
    cdef int fd
    cdef int _i
    tuning_from(s, &tuning)
    filters.uids = <const uint32_t *> s.opt.ipc_uid_filters.items
    filters.nuids = <int> s.opt.ipc_uid_filters.count
    filters.gids = <const uint32_t *> s.opt.ipc_gid_filters.items
    filters.ngids = <int> s.opt.ipc_gid_filters.count
    filters.pids = <const int32_t *> s.opt.ipc_pid_filters.items
    filters.npids = <int> s.opt.ipc_pid_filters.count
    for _i in range(ACCEPT_BATCH):
        if e.proto == PROTO_TCP:
            fd = tcp_accept(e.fd, &tuning, s.cidrs, <int> s.ncidrs, peer, sizeof(peer))
        else:
            fd = ipc_accept(e.fd, &tuning, &filters)
        if fd == -EAGAIN:
            return
        if fd < 0:
            monitor_emit(s, EVENT_ACCEPT_FAILED, <uint64_t> -fd, e.resolved)
            if fd == -EMFILE or fd == -ENFILE or fd == -ENOMEM or fd == -ENOBUFS:
                # The connection stays in the backlog and would be reported without end.
                admission_press(s, now)
                pollset_mod(&s.set, e.fd, 0, e)
                e.paused = True
                timers_retry(s, now)
                return
            continue
        if not admission_make_way(s):
            # Closed at once rather than left in the backlog: the peer learns of it, and can go elsewhere or come back.
            zc_close(fd)
            monitor_emit(s, EVENT_ACCEPT_FAILED, ENOBUFS, e.resolved)
            continue
        x = connection_new(s, e, False)
        if x == NULL:
            zc_close(fd)
            return
        monitor_emit(s, EVENT_ACCEPTED, fd, e.resolved)
        admission_pend(s, x, now)
        connection_handshake(s, x, fd, peer, now)
