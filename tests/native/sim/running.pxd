# What runs a program, as its operations see it: sockets and what is known of their peers, and what holds for each call.

from libc.stdint cimport int32_t, uint32_t, uint64_t, uint8_t
from base.errors cimport EAGAIN, EFSM, EHOSTUNREACH, EINVAL, ENOTSOCK, ENOTSUP, ETERM
from base.platform cimport zc_lock_release
from sim.model cimport model_t
from sim.program cimport SLOTS, op_t, program_t
from sim.system cimport SIM_MODEL, sim_find, sim_free, sim_heap, world
from io.end_call cimport socket_end_call
from io.overlap cimport overlap_flush
from socket.proxy cimport proxy_t
from socket.state cimport context_t, socket_t

cdef extern from "message/decref_queue.h" nogil:
    ctypedef struct zc_decref_node:
        zc_decref_node *next
        void *object
    zc_decref_node *zc_decref_take()

cdef extern from * nogil:
    """
    #define sim_core_free(p) zc_free(p)
    """
    void sim_core_free(void *p)

cdef enum:
    FRAMES_MAX = 32
    IDS = 4

cdef struct peer_t:         # of a ROUTER and the like, or of a SERVER
    uint8_t id[32]          # or its number
    uint32_t size           # 0: not known
    uint8_t owner           # one more than the socket it was learnt from, if it can never be another's; else 0

cdef struct slot_t:
    socket_t *s             # NULL: it could not be made
    socket_t *reader        # of its monitor
    bint monitored          # a thread is at it, or it is there
    bint closed
    peer_t peers[IDS]       # latest first come, round robin
    uint32_t next_peer

cdef struct run_t:
    program_t *program
    model_t *model
    context_t *ctx
    slot_t slots[SLOTS]
    bint watched[SLOTS]     # somebody watches its descriptor: nobody waits in it then (see docs/simulator.md)
    bint prompt             # of a machine on which waiting threads are served soon
    bint shut               # context_shutdown() was called
    bint relaying[8]        # the thread is in a proxy
    proxy_t proxies[8]      # ... in this one
    uint64_t moved          # frames that proxies of the past have moved
    op_t *at[8]             # what the thread is doing
    bint ended[8]
    int32_t lent            # objects lent to the core and not given back
    uint64_t calls


cdef inline bint unsettled(socket_t *s) noexcept nogil:
    return s.ndoomed != 0 or s.host.replan or s.grave != NULL or s.fd_exported or s.host.flush_now


cdef inline void leave(socket_t *s) noexcept nogil:
    """unlock_socket() of the API."""
    if unsettled(s):
        if s.host.flush_now:
            overlap_flush(s)
        socket_end_call(s)
    zc_lock_release(&s.lock)


cdef inline void take_back(run_t *r) noexcept nogil:
    """References that the core lets go of."""
    cdef zc_decref_node *node = zc_decref_take()
    cdef zc_decref_node *next
    while node != NULL:
        next = node.next
        sim_free(node.object)
        sim_core_free(node)
        r.lent -= 1
        node = next


cdef inline bint troubled(run_t *r) noexcept nogil:
    """Something was refused to the core, so its calls may fail for want of it."""
    return sim_heap.failures != 0 or world.refusals != 0


cdef inline void check_result(run_t *r, const char *what, int slot, int rc, uint32_t allowed) noexcept nogil:
    """allowed: bits of the errors below that make sense besides those of a closed socket and an ended context."""
    cdef bint good = rc >= 0
    if rc == -EAGAIN:
        good = allowed & 1
    elif rc == -EFSM:
        good = allowed & 2
    elif rc == -ENOTSUP:
        good = allowed & 4
    elif rc == -EHOSTUNREACH:
        good = allowed & 8
    elif rc == -ENOTSOCK:
        good = r.slots[slot].closed
    elif rc == -ETERM:
        good = r.shut
    elif rc == -EINVAL:
        good = allowed & 16
    if not good and not troubled(r):
        sim_find(SIM_MODEL, b"%s on socket %d answers errno %d", what, slot, -rc)


cdef inline void check_time(run_t *r, const char *what, int slot, uint64_t began, uint64_t jumped, int32_t timeout) noexcept nogil:
    """A call that may wait for `timeout` ms has returned."""
    cdef uint64_t took = world.now - began
    cdef uint64_t most = <uint64_t> (timeout if timeout > 0 else 0) * 1000000 + 1000000000 + (world.jumped - jumped)
    if took > most:
        sim_find(SIM_MODEL, b"%s on socket %d took %u ms, its limit was %d", what, slot, <uint32_t> (took // 1000000), timeout)
