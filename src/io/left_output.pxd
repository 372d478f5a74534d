# Left output: what a thread has left to the end of a burst at one socket when it goes to wait at another. It writes that itself.
#
# Rules
# - Nobody knows better than this thread that the burst is over, and it has nothing else to do. The I/O thread would notice some 20 us later,
#   and has to be woken for it.
# - The context remembers one socket, the last one whose output began to wait, and the thread that left it (relaxed: what is overlooked for that,
#   or because the I/O thread is at work, is written by the I/O thread as ever).
# - To more than LEFT_MANY connections the I/O thread writes: the wait, with its timeout, would begin too late.
# - It is the wait that is the sign: a call that may not wait, and finds nothing, is no end of a burst.

from libc.stdint cimport uint32_t
from base.atomics cimport zc_add_u32, zc_load_relaxed_ptr, zc_load_relaxed_u32, zc_store_relaxed_ptr, zc_store_relaxed_u32
from base.platform cimport zc_lock_acquire, zc_lock_release, zc_thread_self
from reactor.io_thread cimport io_serve_left, io_thread_t
from socket.state cimport context_t, socket_t, SOCKET_OPEN


cdef inline void left_note(socket_t *s) noexcept nogil:
    """Output of this thread begins to wait. Lock held, and the socket has an I/O thread."""
    cdef context_t *ctx = s.ctx
    zc_store_relaxed_ptr(<void **> &ctx.left_at, s.client.io)
    zc_store_relaxed_u32(&ctx.left_slot, s.client.slot)
    zc_store_relaxed_ptr(&ctx.left_by, zc_thread_self())


cdef inline bint left_write(socket_t *s) noexcept nogil:
    """This thread is about to wait at the socket. Lock held; True: it was released meanwhile, and anything may have happened."""
    cdef context_t *ctx = s.ctx
    cdef io_thread_t *io
    cdef uint32_t slot
    if zc_load_relaxed_ptr(&ctx.left_by) != zc_thread_self() or s.state != SOCKET_OPEN:
        return False
    zc_store_relaxed_ptr(&ctx.left_by, NULL)
    io = <io_thread_t *> zc_load_relaxed_ptr(<void **> &ctx.left_at)    # there as long as the context has an open socket
    slot = zc_load_relaxed_u32(&ctx.left_slot)
    if io == s.client.io and slot == s.client.slot:
        return False            # it has looked for input, and so has written its own
    zc_add_u32(&io.helpers, 1)
    zc_lock_release(&s.lock)
    io_serve_left(io, slot)
    zc_lock_acquire(&s.lock)
    return True
