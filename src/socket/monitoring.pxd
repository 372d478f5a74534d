# Starting and stopping the monitor of a socket: the internal PAIR socket that its events are sent from. No lock is held
# by the caller.

from libc.stddef cimport size_t
from libc.stdint cimport uint32_t
from base.memory cimport calloc, free
from base.config cimport MONITOR_BACKLOG
from base.errors cimport EADDRINUSE, EAGAIN, EINVAL, ENOMEM, ENOTSOCK, EPROTONOSUPPORT
from base.monitor_events cimport EVENT_PIPES_STATS
from base.platform cimport zc_lock_acquire, zc_lock_release, zc_mutex_lock, zc_mutex_unlock
from io.end_call cimport socket_end_call
from pattern.pattern cimport pattern_attach
from pattern.types cimport TYPE_PAIR
from pipe.ring cimport ring_set_hwm
from socket.endpoint cimport endpoint_enlist, endpoint_free, endpoint_new
from socket.inproc cimport (
    inproc_awaited, inproc_find, inproc_name, inproc_register, inproc_serve_pending, link_abandon, link_new,
)
from socket.life cimport monitor_free, socket_new
from socket.monitor cimport monitor_take, monitor_wants, MONITOR_BOTH_ENDS
from socket.occurrences cimport pipe_occurrence
from socket.send_recv cimport socket_enter
from socket.state cimport context_t, endpoint_t, inproc_pair_t, monitor_t, socket_t, SOCKET_OPEN
from transport.ops cimport TRANSPORT_IN_PROCESS


cdef inline int socket_monitor_stop(socket_t *s) noexcept nogil:
    """Idempotent. No lock held."""
    cdef monitor_t *m
    zc_lock_acquire(&s.lock)
    m = monitor_take(s)
    zc_lock_release(&s.lock)
    monitor_free(m)
    return 0


cdef inline monitor_t *monitor_new(context_t *ctx, uint32_t events, int form, int *error) noexcept nogil:
    """A monitor whose PAIR is bound nowhere yet. NULL and an error number otherwise."""
    cdef monitor_t *m = <monitor_t *> calloc(1, sizeof(monitor_t))
    if m == NULL:
        error[0] = -ENOMEM
        return NULL
    m.events = events
    m.form = form
    m.pair = socket_new(ctx, TYPE_PAIR, True, error)
    if m.pair == NULL:
        free(m)
        return NULL
    return m


cdef inline int monitor_open_pipe(socket_t *pair, inproc_pair_t **out) noexcept nogil:
    """The pipe to a consumer that has not come yet. 0 or -ENOMEM. ctx.mutex and the PAIR's lock held."""
    cdef inproc_pair_t *link = link_new(pair)
    cdef int rc
    if link == NULL:
        return -ENOMEM
    ring_set_hwm(&link.rings[0], MONITOR_BACKLOG, 0)
    link.ends[0].connected = True
    rc = pattern_attach(&pair.pattern, &link.ends[0])
    if rc < 0:
        link_abandon(link)
        return rc
    out[0] = link
    return 0


cdef inline int monitor_bind(monitor_t *m, endpoint_t *e) noexcept nogil:
    """0: the endpoint is the PAIR's. A consumer that waits for it already is joined. -EADDRINUSE, -ENOMEM."""
    cdef context_t *ctx = m.pair.ctx
    cdef inproc_pair_t *link = NULL
    cdef int rc = 0
    zc_mutex_lock(&ctx.mutex)
    zc_lock_acquire(&m.pair.lock)
    if inproc_find(ctx, inproc_name(e)) != NULL:
        rc = -EADDRINUSE
    elif not inproc_awaited(ctx, inproc_name(e)):
        rc = monitor_open_pipe(m.pair, &link)
    if rc == 0:
        e.pipe = &link.ends[0] if link != NULL else NULL
        endpoint_enlist(m.pair, e)
        inproc_register(e)
    zc_lock_release(&m.pair.lock)
    if rc < 0:
        endpoint_free(e)
    elif link == NULL:
        # The consumer was here first.
        m.pair.opt.sndhwm = MONITOR_BACKLOG
        rc = inproc_serve_pending(e)
    zc_mutex_unlock(&ctx.mutex)
    return rc


cdef inline int socket_monitor_start(socket_t *s, const char *text, size_t n, uint32_t events, int form) noexcept nogil:
    """Events go to `text`, an endpoint within the process, from now on. -EPROTONOSUPPORT: it is not."""
    cdef int rc = 0
    cdef endpoint_t *e = endpoint_new(s.ctx, text, n, &rc)
    cdef monitor_t *m
    cdef monitor_t *old
    if e == NULL:
        return rc
    if e.transport.kind != TRANSPORT_IN_PROCESS:
        endpoint_free(e)
        return -EPROTONOSUPPORT
    socket_monitor_stop(s)
    m = monitor_new(s.ctx, events, form, &rc)
    if m == NULL:
        endpoint_free(e)
        return rc
    rc = monitor_bind(m, e)
    if rc < 0:
        monitor_free(m)
        return rc
    zc_lock_acquire(&s.lock)
    if s.state == SOCKET_OPEN:
        old = monitor_take(s)       # one that another thread installed meanwhile
        s.monitor = m
    else:
        rc = -ENOTSOCK
        old = m
    zc_lock_release(&s.lock)
    monitor_free(old)
    return rc


cdef inline int socket_monitor_pipes(socket_t *s) noexcept nogil:
    """An event for each pipe, with what waits in it. -EINVAL: no monitor that has the event; -EAGAIN: no pipe. No lock held."""
    cdef uint32_t i
    cdef int rc
    zc_lock_acquire(&s.lock)
    rc = socket_enter(s)
    if rc == 0 and (s.monitor == NULL or s.monitor.form != MONITOR_BOTH_ENDS):
        rc = -EINVAL
    elif rc == 0 and s.npipes == 0:
        rc = -EAGAIN
    if rc == 0 and monitor_wants(s, EVENT_PIPES_STATS):
        for i in range(s.npipes):
            pipe_occurrence(s, s.pipes[i])
    socket_end_call(s)
    zc_lock_release(&s.lock)
    return rc
