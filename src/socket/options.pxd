# Setting an option of a socket, and what follows from it for what exists already. Lock held.

from libc.stdint cimport uint32_t
from base.atomics cimport zc_load_acquire_ptr, zc_store_relaxed_u32
from option.store cimport options_set
from option.table cimport ACTION_CANCEL, ACTION_MARKS, ACTION_SUBSCRIBE, option_bytes_t, options_t
from pattern.ops cimport NOTIFY_CONNECT, NOTIFY_DISCONNECT, RAW, octets_t, pattern_t
from pattern.pattern cimport pattern_is, pattern_out_ready, pattern_subscribe
from pipe.pipe cimport pipe_t, ATTENTION_OUT
from pipe.ring cimport ring_set_hwm
from socket.inproc cimport link_set_marks
from socket.state cimport socket_t, link_t
from io.flush cimport socket_flush
from io.wakeup cimport socket_notify


cdef inline void octets_from(octets_t *to, const option_bytes_t *source) noexcept nogil:
    to.data = source.data
    to.size = source.size


cdef inline void apply_pattern(socket_t *s) noexcept nogil:
    cdef pattern_t *p = &s.pattern
    cdef options_t *o = &s.opt
    p.raw = o.router_raw != 0 or pattern_is(p, RAW)
    p.router_mandatory = o.router_mandatory != 0 or pattern_is(p, RAW)
    p.router_handover = o.router_handover != 0
    p.router_notify = o.router_notify
    if p.raw:
        p.router_notify = NOTIFY_CONNECT | NOTIFY_DISCONNECT if o.stream_notify else 0
    p.probe_router = o.probe_router != 0
    p.req_correlate = o.req_correlate != 0
    p.req_relaxed = o.req_relaxed != 0
    p.xpub_verbose = o.xpub_verbose != 0
    p.xpub_verboser = o.xpub_verboser != 0
    p.xpub_nodrop = o.xpub_nodrop != 0
    p.xpub_manual = o.xpub_manual != 0
    p.xpub_manual_last_value = o.xpub_manual_last_value != 0
    p.invert_matching = o.invert_matching != 0
    p.only_first_subscribe = o.only_first_subscribe != 0
    p.max_subscriptions = <uint32_t> o.max_subscriptions
    p.xsub_verbose_unsubscribe = o.xsub_verbose_unsubscribe != 0
    octets_from(&p.welcome_msg, &o.xpub_welcome_msg)
    octets_from(&p.hello_msg, &o.hello_msg)
    octets_from(&p.disconnect_msg, &o.disconnect_msg)
    octets_from(&p.hiccup_msg, &o.hiccup_msg)


cdef inline void apply_marks(socket_t *s) noexcept nogil:
    cdef uint32_t i
    cdef pipe_t *p
    cdef link_t *link
    cdef int side
    for i in range(s.npipes):
        p = s.pipes[i]
        if p.link != NULL:
            link = <link_t *> p.link
            side = 0 if p == &link.ends[0] else 1
            # Each side writes its own pair; both write the rings' marks, and the last one to do so has seen both.
            zc_store_relaxed_u32(&link.hwm_out[side], <uint32_t> s.opt.sndhwm)
            zc_store_relaxed_u32(&link.hwm_in[side], <uint32_t> s.opt.rcvhwm)
            link_set_marks(link)
            if zc_load_acquire_ptr(&p.other.socket) != NULL:
                socket_notify(p.other, ATTENTION_OUT)       # perhaps it has room now
        else:
            ring_set_hwm(p.inr, <uint32_t> s.opt.rcvhwm)
            ring_set_hwm(p.outr, <uint32_t> s.opt.sndhwm)
        if not p.closed_out:
            pattern_out_ready(&s.pattern, p)


cdef inline int socket_set_option(socket_t *s, int option, const void *value, size_t size) noexcept nogil:
    """0 or a negative errno."""
    cdef int rc = options_set(&s.opt, s.type, option, value, size, False)
    if rc == ACTION_SUBSCRIBE or rc == ACTION_CANCEL:
        rc = pattern_subscribe(&s.pattern, <const unsigned char *> value, size, rc == ACTION_SUBSCRIBE)
        socket_flush(s)
    elif rc == ACTION_MARKS:
        apply_marks(s)
        rc = 0
    elif rc == 0:
        apply_pattern(s)
    return rc
