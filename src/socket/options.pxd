# Setting an option of a socket, joining and leaving groups, and what follows for what exists already. Lock held.
#
# Most options are read where they matter, so nothing follows but the value. Endpoints that exist keep what they were made with (terms.pxd).

from libc.stdint cimport uint32_t, uint64_t
from base.atomics cimport zc_load_acquire_ptr, zc_store_relaxed_u32, zc_store_relaxed_u64
from base.errors cimport EINVAL, EPERM
from option.store cimport option_chooses_mechanism, option_settles, options_set
from option.table cimport (
    ACTION_CANCEL, ACTION_CANCEL_EXACT, ACTION_EXCLUDE, ACTION_INCLUDE, ACTION_MARKS, ACTION_OVERFLOW, ACTION_SUBSCRIBE,
    ACTION_SUBSCRIBE_EXACT, OVERFLOW_REFUSE, OVERFLOW_WAIT,
)
from pattern.ops cimport pattern_raw, PUBLISHES, REFINE_EXACT, REFINE_EXCLUDE
from pattern.pattern cimport pattern_is, pattern_join, pattern_out_ready, pattern_overflows, pattern_refine, pattern_subscribe
from pipe.pipe cimport pipe_t, MAIL_OUT
from pipe.ring cimport ring_set_hwm
from socket.inproc cimport link_set_marks
from socket.send_recv cimport socket_enter
from socket.state cimport socket_t, inproc_pair_t
from socket.terms cimport terms_settle
from io.flush cimport socket_flush
from io.wakeup cimport socket_notify


cdef inline void apply_marks(socket_t *s) noexcept nogil:
    cdef uint32_t i
    cdef pipe_t *p
    cdef inproc_pair_t *link
    cdef int side
    for i in range(s.npipes):
        p = s.pipes[i]
        if p.link != NULL:
            link = <inproc_pair_t *> p.link
            side = 0 if p == &link.ends[0] else 1
            # Each side writes its own pair; both write the rings' marks, and the last one to do so has seen both.
            zc_store_relaxed_u32(&link.hwm_out[side], <uint32_t> s.opt.sndhwm)
            zc_store_relaxed_u32(&link.hwm_in[side], <uint32_t> s.opt.rcvhwm)
            zc_store_relaxed_u64(&link.bytes_out[side], <uint64_t> s.opt.sndhwm_bytes)
            zc_store_relaxed_u64(&link.bytes_in[side], <uint64_t> s.opt.rcvhwm_bytes)
            link_set_marks(link)
            if zc_load_acquire_ptr(&p.other.socket) != NULL:
                socket_notify(p.other, MAIL_OUT)       # perhaps it has room now
        else:
            ring_set_hwm(p.inr, <uint32_t> s.opt.rcvhwm, <uint64_t> s.opt.rcvhwm_bytes)
            ring_set_hwm(p.outr, <uint32_t> s.opt.sndhwm, <uint64_t> s.opt.sndhwm_bytes)
        if not p.closed_out:
            pattern_out_ready(&s.pattern, p)


cdef inline int apply_overflow(socket_t *s, int before) noexcept nogil:
    """OVERFLOW has been set. 0, or -EINVAL: the type cannot do that."""
    if not pattern_overflows(&s.pattern, s.opt.overflow):
        s.opt.overflow = before
        return -EINVAL
    if pattern_is(&s.pattern, PUBLISHES):
        # With XPUB_NODROP it is one setting: the later one decides.
        s.opt.xpub_nodrop = s.opt.overflow == OVERFLOW_WAIT or s.opt.overflow == OVERFLOW_REFUSE
    return 0


cdef inline int socket_join(socket_t *s, const unsigned char *group, size_t size, bint add) noexcept nogil:
    """join() and leave(). 0 or a negative errno."""
    cdef int rc = socket_enter(s)
    if rc == 0:
        rc = pattern_join(&s.pattern, group, size, add)
        socket_flush(s)
    return rc


cdef inline int socket_set_option(socket_t *s, int option, const void *value, size_t size) noexcept nogil:
    """0 or a negative errno."""
    cdef int rc
    cdef int overflow = s.opt.overflow
    if s.secured and option_chooses_mechanism(option):
        return -EPERM
    if option_settles(option):
        rc = terms_settle(s)
        if rc < 0:
            return rc
    rc = options_set(&s.opt, s.type, option, value, size, False)
    if s.secured and pattern_raw(&s.pattern):
        s.opt.router_raw = 0            # raw connections have no handshake
        return -EPERM
    if rc == ACTION_SUBSCRIBE or rc == ACTION_CANCEL:
        rc = pattern_subscribe(&s.pattern, <const unsigned char *> value, size, rc == ACTION_SUBSCRIBE)
        socket_flush(s)
    elif rc == ACTION_SUBSCRIBE_EXACT or rc == ACTION_CANCEL_EXACT:
        rc = pattern_refine(&s.pattern, REFINE_EXACT, <const unsigned char *> value, size, rc == ACTION_SUBSCRIBE_EXACT)
        socket_flush(s)
    elif rc == ACTION_EXCLUDE or rc == ACTION_INCLUDE:
        rc = pattern_refine(&s.pattern, REFINE_EXCLUDE, <const unsigned char *> value, size, rc == ACTION_EXCLUDE)
    elif rc == ACTION_MARKS:
        apply_marks(s)
        rc = 0
    elif rc == ACTION_OVERFLOW:
        rc = apply_overflow(s, overflow)
    return rc
