# Raw peers of a program: what connects, or listens, and is no ZeroMQ socket. Scripts are chosen by two numbers of the operation.

from libc.stdint cimport uint32_t, uint8_t
from libc.string cimport memcpy, memset, strlen
from base.errors cimport EAGAIN
from sim.system cimport (
    sim_mix, sim_peer_accept, sim_peer_close, sim_peer_connect, sim_peer_listen, sim_peer_recv, sim_peer_send, sim_sleep,
)
from sim.types cimport type_name

cdef enum:
    WORDS = 4096

cdef struct stranger_t:
    uint8_t words[WORDS]
    uint32_t size


cdef inline void say(stranger_t *t, const void *data, uint32_t n) noexcept nogil:
    if t.size + n <= WORDS:
        memcpy(t.words + t.size, data, n)
        t.size += n


cdef inline void say_greeting(stranger_t *t, int major, int minor) noexcept nogil:
    cdef uint8_t g[64]
    memset(g, 0, 64)
    g[0] = 0xff
    g[9] = 0x7f
    g[10] = <uint8_t> major
    g[11] = <uint8_t> minor
    memcpy(g + 12, b"NULL", 4)
    say(t, g, 64)


cdef inline void say_ready(stranger_t *t, int type) noexcept nogil:
    cdef const char *name = type_name(type)
    cdef uint32_t n = <uint32_t> strlen(name)
    cdef uint8_t head[32]
    head[0] = 4
    head[1] = <uint8_t> (6 + 12 + 4 + n)
    memcpy(head + 2, b"\x05READY\x0bSocket-Type", 18)
    head[20] = head[21] = head[22] = 0
    head[23] = <uint8_t> n
    say(t, head, 24)
    say(t, name, n)


cdef inline void say_frame(stranger_t *t, int flags, const void *data, uint8_t n) noexcept nogil:
    cdef uint8_t head[2]
    head[0] = <uint8_t> flags
    head[1] = n
    say(t, head, 2)
    say(t, data, n)


cdef inline void say_script(stranger_t *t, int type, uint32_t b, uint32_t c) noexcept nogil:
    cdef uint32_t script = b % 12
    cdef uint8_t noise[200]
    cdef uint32_t i
    cdef uint32_t _i
    t.size = 0
    for i in range(200):
        noise[i] = <uint8_t> sim_mix(b * 131 + c + i)
    if script == 0:
        say(t, noise, c % 200)
        return
    if script == 1:
        say_greeting(t, 1 + c % 4, c % 3)
        say(t, noise, c % 30)
        return
    if script == 2:
        say_greeting(t, 3, 1)
        t.size = c % 64
        return
    say_greeting(t, 3, c % 2)
    say_ready(t, type)
    if script == 3:
        return
    if script == 4:
        say(t, noise, c % 200)
    elif script == 5:
        say(t, b"\x02\x7f\xff\xff\xff\xff\xff\xff\xff", 9)
    elif script == 6:
        for _i in range(c % 300):
            say_frame(t, 0, b"stranger", 8)
    elif script == 7:
        say_frame(t, 4, b"\x04PING\x00\x01context", 14)
        say_frame(t, 4, b"\x04PONG", 5)
    elif script == 8:
        say_frame(t, 0, b"\x01A", 2)
        say_frame(t, 4, b"\x09SUBSCRIBEB", 11)
        say_frame(t, 4, b"\x06CANCELB", 8)
        say_frame(t, 4, b"\x04JOINA", 6)
        say_frame(t, 4, b"\x05LEAVEA", 7)
    elif script == 9:
        say_frame(t, 1, b"half a message", 14)
    elif script == 10:
        say_frame(t, 1, b"", 0)
        say_frame(t, 0, b"a request", 9)
        say_frame(t, 3, noise, 100)
    else:
        for _i in range(60):
            say_frame(t, 4, b"\x05ERROR\x03bad", 10)


cdef inline void stranger_acts(int fd, stranger_t *t, uint32_t c) noexcept nogil:
    """Says it, in parts; listens a little or not at all; goes in one of several ways."""
    cdef uint32_t done = 0
    cdef uint32_t part
    cdef long put
    cdef int patience = 20
    cdef uint8_t sink[512]
    cdef int _i
    while done < t.size and patience:
        part = t.size - done
        if c & 1 and part > 1:
            part = 1 + <uint32_t> (sim_mix(c + done) % part)
        put = sim_peer_send(fd, t.words + done, part)
        if put == -EAGAIN:
            sim_sleep(1000000)
            patience -= 1
        elif put <= 0:
            break
        else:
            done += <uint32_t> put
            if c & 2:
                sim_sleep(100000)
    if c & 4:
        sim_sleep(20000000)
        for _i in range(8):
            if sim_peer_recv(fd, sink, sizeof(sink)) <= 0:
                break
    if c & 8:
        return                  # it stays, silent
    if c & 16:
        sim_peer_close(fd, 1, 0)
        sim_sleep(5000000)
    sim_peer_close(fd, 0, c & 32)


cdef inline void stranger_connects(int port, const char *path, int type, uint32_t b, uint32_t c) noexcept nogil:
    cdef stranger_t t
    cdef int fd = sim_peer_connect(port, path)
    if fd < 0:
        return
    say_script(&t, type, b, c)
    stranger_acts(fd, &t, c)


cdef inline void stranger_listens(int port, const char *path, int type, uint32_t b, uint32_t c) noexcept nogil:
    """For a while; some of its connections are never taken."""
    cdef stranger_t t
    cdef int listener = sim_peer_listen(port, path)
    cdef int fd
    cdef uint32_t _i
    if listener < 0:
        return
    for _i in range(1 + c % 5):
        sim_sleep(30000000)
        fd = sim_peer_accept(listener)
        if fd >= 0:
            say_script(&t, type, b, c)
            stranger_acts(fd, &t, c)
    sim_peer_close(listener, 0, 0)
