# The end of a process: what was sent with sockets that are still open shall arrive.
#
# The wait is made of looks, one every EXIT_LOOK_NS. Each look adds up what is owed over all sockets of all contexts: more weight for what is still
# queued than for what it comes to on the wire, so that the sum falls with every octet that leaves. The wait lasts while it falls to where it has never
# been (heartbeats come and go), and until it has not fallen for as long as the most patient socket says.
# Owed is what was there when a connection was first looked at. Threads that are left may go on sending, to a peer that never takes all.
# Between the looks the caller handles signals; nothing here is touched by other threads.

from libc.stdint cimport uint32_t, uint64_t, UINT64_MAX
from base.atomics cimport zc_load_acquire_u32
from base.platform cimport zc_lock_acquire, zc_lock_release, zc_mutex_lock, zc_mutex_unlock, zc_now_ns, zc_poll
from io.flush cimport socket_flush
from pipe.pipe cimport pipe_t
from pipe.ring_counters cimport ring_queued, ring_queued_bytes
from session.lifecycle cimport session_has_output
from session.session cimport session_t, session_unsent, SESSION_DRAINING, SESSION_IDLE, SESSION_READY
from socket.connections cimport connections_plan
from socket.state cimport context_t, socket_t, SOCKET_OPEN

cdef enum:
    EXIT_LOOK_NS = 1000000
    EXIT_MESSAGE = 256          # more than the headers of a message, and what it is encrypted with
    EXIT_HELD = 65536           # more than a transport keeps of what it has taken: a record of TLS, a compressed block
    # Peers that take nothing for so long are not waited for: LINGER within these bounds, the lower one for those that are not there
    # yet. A peer that reads on takes nothing until half its kernel's buffer is free again, which may be 16 MB.
    EXIT_PATIENCE_NS = 1000000000
    EXIT_PATIENCE_MAX_NS = 10000000000


cdef struct exit_wait_t:
    uint64_t owed               # of one look; 0 = nothing
    uint64_t patience           # of one look: how long to wait for any of it to leave
    uint64_t least              # that has been owed
    uint64_t since              # when that was


cdef inline void exit_wait_begin(exit_wait_t *w) noexcept nogil:
    w.least = UINT64_MAX


cdef inline void exit_wait_look(exit_wait_t *w) noexcept nogil:
    """Before each look, which context_owed() of every context adds to."""
    w.owed = 0
    w.patience = EXIT_PATIENCE_NS


cdef inline bint exit_wait_again(exit_wait_t *w) noexcept nogil:
    """After each look. Whether there is another one, which begins in a moment."""
    cdef uint64_t now = zc_now_ns()
    if w.owed < w.least:
        w.least = w.owed
        w.since = now
    if w.owed == 0 or now - w.since >= w.patience:
        return False
    zc_poll(NULL, 0, EXIT_LOOK_NS)
    return True


cdef inline uint64_t exit_patience(const socket_t *s) noexcept nogil:
    """For connected peers of this socket."""
    cdef uint64_t linger = <uint64_t> s.opt.linger * 1000000
    if s.opt.linger < 0 or linger > EXIT_PATIENCE_MAX_NS:
        return EXIT_PATIENCE_MAX_NS
    return linger


cdef inline uint64_t session_owed(session_t *x) noexcept nogil:
    """0 = all that was there to be sent has left."""
    cdef pipe_t *p = x.pipe
    cdef uint64_t queued, written
    if p == NULL:
        return session_unsent(x) + 1
    if p.exit_connection != x.times_ready + 1:
        p.exit_connection = x.times_ready + 1       # a new connection is given again what an old one has not sent
        p.exit_messages = p.outr.wmsgs
        p.exit_octets = 0
    queued = ring_queued(p.outr)
    written = p.outr.wmsgs - p.exit_messages        # since then
    if queued > written:
        return session_unsent(x) + 1 + 2 * ring_queued_bytes(p.outr) + EXIT_MESSAGE * (queued - written)
    if written == 0:
        return session_unsent(x) + 1
    if p.exit_octets == 0:
        p.exit_octets = x.wire_out + session_unsent(x) + EXIT_HELD
    return p.exit_octets - x.wire_out if p.exit_octets > x.wire_out else 0


cdef inline void context_owed(context_t *ctx, exit_wait_t *w) noexcept nogil:
    """Of peers that are there, or just being connected to."""
    cdef socket_t *s
    cdef session_t *x
    cdef uint64_t owed
    cdef uint32_t i
    zc_mutex_lock(&ctx.mutex)
    s = ctx.sockets
    while s != NULL:
        zc_lock_acquire(&s.lock)
        if not zc_load_acquire_u32(&ctx.shutdown) or s.state != SOCKET_OPEN:
            socket_flush(s)
            for i in range(s.nsessions):
                x = s.sessions[i]
                if x.state != SESSION_IDLE and not x.tx_broken and session_has_output(x):
                    owed = session_owed(x)
                    w.owed += owed
                    if owed and x.state == SESSION_READY:
                        w.patience = max(w.patience, exit_patience(s))
                elif x.state == SESSION_DRAINING:
                    w.owed += 1
            if s.host.replan and s.set_open:
                connections_plan(s)
        zc_lock_release(&s.lock)
        s = s.ctx_next
    zc_mutex_unlock(&ctx.mutex)
