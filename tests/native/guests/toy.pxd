# toy: a transport that no program needs, to show what a new one takes. tcp on this host alone, by port, with two
# peculiarities that tcp lacks and others have:
#
# - No byte crosses the wire as it is: each is scrambled. What does not go through the table cannot be understood.
# - It reads more from the system than it is asked for, and holds the rest for the next read (`pending`).
#
# Address: the port, or `*`. tests/guests builds a core with this file in src/transport and one line in select.pxd, and
# runs the tests of behaviour over it.

from libc.stddef cimport ptrdiff_t, size_t
from libc.stdint cimport uint8_t
from libc.stdio cimport snprintf
from libc.string cimport memcpy
from base.engines cimport ENGINE_ZMTP
from base.memory cimport free, malloc
from base.errors cimport ECONNREFUSED, EINPROGRESS, ENAMETOOLONG, ENOMEM
from base.platform cimport (
    ZC_FAMILY_V4, ZC_OPT_NODELAY, ZC_OPT_REUSE, zc_accept, zc_bind, zc_close, zc_connect, zc_iov_base, zc_iov_len,
    zc_iovec_t, zc_listen, zc_local_address, zc_peer_address, zc_recv, zc_sa_equal, zc_sa_port, zc_sa_set_v4,
    zc_sa_text, zc_send, zc_set_option, zc_sockaddr_t, zc_socket_error, zc_socket_open,
)
from transport.address cimport ADDRESS_WILDCARD, address_clear, address_t
from transport.descriptor cimport descriptor_shutdown, descriptor_unsent
from transport.ops cimport TRANSPORT_STREAM, stream_t, transport_ops_t, visitors_t
from transport.resolve cimport PORT_MAX, resolve_bind_port, resolve_number
from transport.tuning cimport tuning_t

cdef enum:
    TOY_MASK = 0x5a
    TOY_HOLDS = 1500            # bytes taken from the system at once; not a divisor of anything
    TOY_WRITES = 10000          # bytes handed to the system at once

cdef struct toy_state_t:
    int at
    int end
    uint8_t data[TOY_HOLDS]


cdef inline void toy_address(int port, address_t *out) noexcept nogil:
    cdef uint8_t here[4]
    here[0] = 127
    here[1] = here[2] = 0
    here[3] = 1
    address_clear(out)
    zc_sa_set_v4(&out.target, here, port)
    out.family = ZC_FAMILY_V4


cdef inline int toy_parse_bind(const char *text, size_t n, bint ipv6, address_t *out) noexcept nogil:
    cdef int port = resolve_bind_port(text, n)
    if port >= 0:
        toy_address(port, out)
    if port == 0:
        out.flags |= ADDRESS_WILDCARD
    return 0 if port >= 0 else port


cdef inline int toy_check(const char *text, size_t n) noexcept nogil:
    cdef int port = resolve_number(text, n, PORT_MAX)
    return 0 if port >= 0 else port


cdef inline int toy_parse_connect(
        const char *text, size_t n, bint ipv6, bint allow_dns, const zc_sockaddr_t *behind,
        address_t *out) noexcept nogil:
    toy_address(resolve_number(text, n, PORT_MAX), out)
    return 0


cdef inline int toy_listen(address_t *address, const tuning_t *tuning) noexcept nogil:
    cdef int rc, fd = zc_socket_open(ZC_FAMILY_V4)
    if fd < 0:
        return fd
    zc_set_option(fd, ZC_OPT_REUSE, 1)
    rc = zc_bind(fd, &address.target)
    if rc == 0:
        rc = zc_listen(fd, tuning.backlog)
    if rc < 0:
        zc_close(fd)
    return fd if rc == 0 else rc


cdef inline int toy_name(
        const transport_ops_t *o, int listener, const address_t *address, const char *text, size_t n, char *out,
        size_t room) noexcept nogil:
    cdef zc_sockaddr_t sa
    cdef int length, rc = zc_local_address(listener, &sa)
    if rc < 0:
        return rc
    length = snprintf(out, room, b"toy://%d", zc_sa_port(&sa))
    return length if <size_t> length < room else -ENAMETOOLONG


cdef inline int toy_begin(stream_t *t, int fd) noexcept nogil:
    """0, or -ENOMEM and the descriptor is closed."""
    cdef toy_state_t *state = <toy_state_t *> malloc(sizeof(toy_state_t))
    if state == NULL:
        zc_close(fd)
        return -ENOMEM
    zc_set_option(fd, ZC_OPT_NODELAY, 1)
    state.at = state.end = 0
    t.state = state
    t.fd = fd
    return 0


cdef inline int toy_accept(
        int listener, const tuning_t *tuning, const visitors_t *visitors, stream_t *out,
        char *peer, size_t room) noexcept nogil:
    cdef zc_sockaddr_t there
    cdef int fd = zc_accept(listener, &there)
    peer[0] = 0
    return fd if fd < 0 else toy_begin(out, fd)


cdef inline void toy_close_listener(int listener, address_t *address, bint adopted) noexcept nogil:
    zc_close(listener)


cdef inline int toy_open(const address_t *address, const tuning_t *tuning, stream_t *out) noexcept nogil:
    cdef int begun, rc, fd = zc_socket_open(ZC_FAMILY_V4)
    if fd < 0:
        return fd
    rc = zc_connect(fd, &address.target)
    if rc < 0 and rc != -EINPROGRESS:
        zc_close(fd)
        return rc
    begun = toy_begin(out, fd)
    return begun if begun < 0 else rc


cdef inline int toy_finish(stream_t *t, const tuning_t *tuning) noexcept nogil:
    cdef zc_sockaddr_t here, there
    cdef int rc = zc_socket_error(t.fd)
    if rc == 0 and zc_peer_address(t.fd, &there) == 0 and zc_local_address(t.fd, &here) == 0:
        if zc_sa_equal(&here, &there):
            rc = -ECONNREFUSED      # connected to itself, by a coincidence of ports
    return rc


cdef inline int toy_peer(const stream_t *t, char *out, size_t room) noexcept nogil:
    cdef zc_sockaddr_t sa
    cdef int rc = zc_peer_address(t.fd, &sa)
    return rc if rc < 0 else zc_sa_text(&sa, out, room)


cdef inline ptrdiff_t toy_fill(stream_t *t) noexcept nogil:
    """What is held, after asking the system if nothing is: bytes, 0 at the end of the stream, or a negative errno."""
    cdef toy_state_t *state = <toy_state_t *> t.state
    cdef ptrdiff_t n
    cdef int i
    if state.at < state.end:
        return state.end - state.at
    n = zc_recv(t.fd, state.data, TOY_HOLDS)
    if n <= 0:
        return n
    for i in range(<int> n):
        state.data[i] ^= TOY_MASK
    state.at = 0
    state.end = <int> n
    return n


cdef inline ptrdiff_t toy_read(stream_t *t, void *out, size_t n) noexcept nogil:
    cdef toy_state_t *state = <toy_state_t *> t.state
    cdef ptrdiff_t got = toy_fill(t)
    if got <= 0:
        return got
    if <size_t> got > n:
        got = <ptrdiff_t> n
    # Half of it at most: the rest is lost on a session that does not ask for it.
    if got > 1:
        got = got // 2
    memcpy(out, state.data + state.at, got)
    state.at += <int> got
    return got


cdef inline ptrdiff_t toy_readv(stream_t *t, zc_iovec_t *v, int n) noexcept nogil:
    cdef int i
    for i in range(n):
        if zc_iov_len(&v[i]):
            return toy_read(t, zc_iov_base(&v[i]), zc_iov_len(&v[i]))
    return toy_read(t, NULL, 0)


cdef inline bint toy_pending(const stream_t *t) noexcept nogil:
    cdef toy_state_t *state = <toy_state_t *> t.state
    return state.at < state.end


cdef inline ptrdiff_t toy_write(stream_t *t, const void *data, size_t n) noexcept nogil:
    cdef uint8_t scrambled[TOY_WRITES]
    cdef size_t i
    if n > TOY_WRITES:
        n = TOY_WRITES
    for i in range(n):
        scrambled[i] = (<const uint8_t *> data)[i] ^ TOY_MASK
    return zc_send(t.fd, scrambled, n)


cdef inline ptrdiff_t toy_writev(stream_t *t, zc_iovec_t *v, int n) noexcept nogil:
    cdef int i
    for i in range(n):
        if zc_iov_len(&v[i]):
            return toy_write(t, zc_iov_base(&v[i]), zc_iov_len(&v[i]))
    return 0


cdef inline void toy_close(stream_t *t) noexcept nogil:
    free(t.state)
    t.state = NULL
    zc_close(t.fd)
    t.fd = -1


cdef inline void toy_ops(transport_ops_t *o) noexcept nogil:
    o.scheme = "toy"
    o.form = "port"
    o.kind = TRANSPORT_STREAM
    o.engine = ENGINE_ZMTP
    o.optional = True
    o.parse_bind = toy_parse_bind
    o.check = toy_check
    o.parse_connect = toy_parse_connect
    o.listen = toy_listen
    o.name = toy_name
    o.accept = toy_accept
    o.close_listener = toy_close_listener
    o.open = toy_open
    o.finish = toy_finish
    o.peer = toy_peer
    o.read = toy_read
    o.readv = toy_readv
    o.pending = toy_pending
    o.write = toy_write
    o.writev = toy_writev
    o.unsent = descriptor_unsent
    o.shutdown = descriptor_shutdown
    o.close = toy_close
