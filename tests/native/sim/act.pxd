# The other operations of a program, carried out as src/api does: the same order of lock, enter, call, settle, unlock.

from libc.stdint cimport uint64_t
from libc.string cimport memcpy
from base.errors cimport EINTR
from base.platform cimport zc_lock_acquire
from message.message cimport msg_alloc, msg_close, msg_data, msg_t
from sim.program cimport NOWAIT, op_t
from option.numbers cimport OPT_SUBSCRIBE
from socket.options cimport socket_join, socket_set_option
from socket.proxy cimport COUNT_BACKEND, COUNT_OUT, PROXY_MORE, proxy_free, proxy_init, proxy_run, proxy_t
from socket.state cimport socket_t
from socket.send_recv cimport socket_enter
from pattern.types cimport TYPE_DISH, TYPE_XSUB
from sim.running cimport leave, run_t, take_back
from sim.act_send cimport send_frames


cdef inline int act_set(run_t *r, int slot, int option, const void *value, size_t size) noexcept nogil:
    cdef socket_t *s = r.slots[slot].s
    cdef int rc
    zc_lock_acquire(&s.lock)
    rc = socket_enter(s)
    if rc == 0:
        rc = socket_set_option(s, option, value, size)
    leave(s)
    return rc


cdef inline int act_join(run_t *r, int slot, const char *group, bint add) noexcept nogil:
    """A DISH joins, or leaves, the group of one letter."""
    cdef socket_t *s = r.slots[slot].s
    cdef int rc
    zc_lock_acquire(&s.lock)
    rc = socket_join(s, <const unsigned char *> group, 1, add)
    leave(s)
    return rc


cdef inline int act_subscribe(run_t *r, op_t *o, bint add) noexcept nogil:
    """SUB by option, XSUB by message, DISH by group. Topics: all, A to D; groups: A to D, and one that no message is of."""
    cdef char topic[2]
    cdef msg_t m
    cdef int done = 0
    cdef int rc
    topic[0] = <char> add
    topic[1] = <char> (64 + o.a)
    if r.program.types[o.sock] == TYPE_DISH:
        return act_join(r, o.sock, topic + 1, add)
    if r.program.types[o.sock] != TYPE_XSUB:
        return act_set(r, o.sock, OPT_SUBSCRIBE if add else OPT_SUBSCRIBE + 1, topic + 1, 1 if o.a else 0)
    rc = msg_alloc(&m, 2 if o.a else 1)
    if rc < 0:
        return rc
    memcpy(msg_data(&m), topic, m.size)
    rc = send_frames(r.slots[o.sock].s, &m, 1, NOWAIT, &done)
    msg_close(&m)
    return rc


cdef inline uint64_t proxy_moved(proxy_t *p) noexcept nogil:
    return p.counts[COUNT_OUT] + p.counts[COUNT_BACKEND + COUNT_OUT]


cdef inline uint64_t moved_by_proxies(run_t *r) noexcept nogil:
    """Between sockets that are joined to each other in memory messages may go round for ever: the program's wish, and work with progress."""
    cdef uint64_t moved = r.moved
    cdef int i
    for i in range(r.program.nthreads):
        if r.relaying[i]:
            moved += proxy_moved(&r.proxies[i])
    return moved


cdef inline int act_proxy(run_t *r, op_t *o) noexcept nogil:
    cdef proxy_t *p = &r.proxies[o.thread]
    cdef int _i
    cdef int rc = PROXY_MORE
    if r.slots[o.a].s == NULL:
        return 0
    proxy_init(p, r.slots[o.sock].s, r.slots[o.a].s, NULL, NULL)
    r.relaying[o.thread] = True
    for _i in range(o.b):
        if rc == PROXY_MORE or rc == -EINTR:
            rc = proxy_run(p)
    r.relaying[o.thread] = False
    r.moved += proxy_moved(p)
    proxy_free(p)
    take_back(r)
    return rc
