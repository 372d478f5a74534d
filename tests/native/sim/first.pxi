# The smallest program: one PUSH, one PULL, a raw peer beside them. Shows how to use the seam; program.pxd has everything else.

from libc.stdint cimport uint64_t
from libc.string cimport memset
from base.errors cimport EAGAIN, EINTR
from base.platform cimport zc_lock_acquire, zc_lock_release
from message.message cimport msg_t, msg_close, msg_data, msg_init, msg_set
from reactor.pollset cimport POLLSET_EPOLL
from sim.system cimport (
    sim_begin, sim_config_t, sim_end, sim_fail, sim_idle, sim_peer_close, sim_peer_connect, sim_peer_recv, sim_peer_send, sim_progress, sim_run,
    sim_sleep, sim_spawn, world,
)
from io.end_call cimport socket_end_call
from io.wait cimport wait_t
from socket.endpoints cimport socket_bind, socket_connect
from socket.life cimport context_end, context_new, context_shutdown, context_unref, context_wait, socket_close, socket_new
from socket.state cimport context_t, socket_t
from socket.send_recv cimport socket_enter, socket_recv_wait, socket_send_wait
from io.wait cimport wait_begin
from socket.references cimport socket_unref

cdef enum:
    FIRST_PULL = 7
    FIRST_PUSH = 8
    FIRST_MESSAGES = 20

cdef struct first_t:
    context_t *ctx
    int messages


cdef void first_sender(void *arg) noexcept nogil:
    cdef first_t *t = <first_t *> arg
    cdef int rc = 0
    cdef int i
    cdef msg_t m
    cdef wait_t wait
    cdef socket_t *s = socket_new(t.ctx, FIRST_PUSH, False, &rc)
    if s == NULL or socket_connect(s, b"tcp://127.0.0.1:5555", 20) < 0:
        sim_fail(b"connect")
    for i in range(t.messages):
        msg_set(&m, &i, sizeof(int))
        zc_lock_acquire(&s.lock)
        wait_begin(&wait, -1)
        rc = -EINTR
        while rc == -EINTR:
            rc = socket_enter(s)
            if rc == 0:
                rc = socket_send_wait(s, &m, &wait)
        socket_end_call(s)
        zc_lock_release(&s.lock)
        msg_close(&m)
        if rc < 0:
            sim_fail(b"send")
        sim_progress(1)
    socket_close(s, -1, True)
    socket_unref(s)


cdef void first_say(int raw, const char *text, long n) noexcept nogil:
    """All of it, or as much as the other side wants to hear."""
    cdef long put
    while n > 0:
        put = sim_peer_send(raw, text, n)
        if put == -EAGAIN:
            sim_sleep(100000)
        elif put <= 0:
            return
        else:
            text += put
            n -= put


cdef void first_receiver(void *arg) noexcept nogil:
    cdef first_t *t = <first_t *> arg
    cdef int rc = 0
    cdef int i
    cdef int raw
    cdef unsigned char greeting[64]
    cdef msg_t m
    cdef wait_t wait
    cdef socket_t *s = socket_new(t.ctx, FIRST_PULL, False, &rc)
    if s == NULL or socket_bind(s, b"tcp://127.0.0.1:5555", 20) < 0:
        sim_fail(b"bind")
    # A peer that is no ZeroMQ socket: greeted, then refused for what it says.
    raw = sim_peer_connect(5555, NULL)
    if raw < 0:
        sim_fail(b"raw peer")
    first_say(raw, b"HTTP/1.1 hello, anybody there?\r\n\r\n", 34)
    sim_idle()
    if sim_peer_recv(raw, greeting, 64) == -EAGAIN:
        sim_fail(b"the raw peer was neither greeted nor closed")
    sim_peer_close(raw, 0, 0)
    for i in range(t.messages):
        msg_init(&m)
        zc_lock_acquire(&s.lock)
        wait_begin(&wait, -1)
        rc = -EINTR
        while rc == -EINTR:
            rc = socket_enter(s)
            if rc == 0:
                rc = socket_recv_wait(s, &m, &wait)
        socket_end_call(s)
        zc_lock_release(&s.lock)
        if rc < 0 or m.size != sizeof(int) or (<int *> msg_data(&m))[0] != i:
            sim_fail(b"received something else")
        msg_close(&m)
        sim_progress(1)
    socket_close(s, 0, True)
    socket_unref(s)


cdef void first_main(void *arg) noexcept nogil:
    """Makes the context, starts the two others, ends the context."""
    cdef first_t *t = <first_t *> arg
    t.ctx = context_new(POLLSET_EPOLL)
    sim_spawn(b"sender", first_sender, t)
    sim_spawn(b"receiver", first_receiver, t)
    sim_sleep(1000000)
    while t.ctx.sockets == NULL:
        sim_sleep(1000000)
    context_shutdown_when_empty(t.ctx)


cdef inline void context_shutdown_when_empty(context_t *ctx) noexcept nogil:
    while context_wait(ctx) != 0:
        pass
    context_shutdown(ctx)
    context_end(ctx)
    context_unref(ctx)


def run_first(uint64_t seed, int slice=30, int capacity=64, int split=2, int delay_ns=2000000, int soft=20):
    """One world with the program above: (finding, text, steps, simulated ns, digest)."""
    cdef sim_config_t c
    cdef first_t t
    cdef int rc
    memset(&c, 0, sizeof(c))
    c.seed = seed
    c.slice = slice
    c.capacity = capacity
    c.split = split
    c.delay_ns = delay_ns
    c.interrupted = soft
    c.not_now = soft
    t.ctx = NULL
    t.messages = FIRST_MESSAGES
    with nogil:
        sim_begin(&c)
        sim_spawn(b"main", first_main, &t)
        sim_run()
        rc = sim_end()
    return rc, (<bytes> world.text).decode(), world.steps, world.now, world.digest
