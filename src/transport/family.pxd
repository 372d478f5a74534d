# Transports of plain stream sockets of a family of the system's that needs nothing but an address (vsock.pxd, tipc.pxd): all of the
# table but addresses and names. Nothing of a listener is left behind but its descriptor.

from libc.stddef cimport size_t
from base.engines cimport ENGINE_ZMTP
from base.errors cimport EINPROGRESS, EINVAL
from base.platform cimport (
    zc_accept, zc_bind, zc_close, zc_connect, zc_listen, zc_local_address, zc_peer_address, zc_set_option, zc_sockaddr_t,
    zc_socket_adopt, zc_socket_error, zc_socket_open, ZC_OPT_RCVBUF, ZC_OPT_SNDBUF,
)
from transport.address cimport address_t
from transport.descriptor cimport descriptor_ops
from transport.ops cimport stream_t, transport_ops_t, visitors_t, TRANSPORT_STREAM
from transport.tuning cimport tuning_t


cdef inline int family_check(int family) noexcept nogil:
    """Whether this system has such sockets. 0 or a negative errno: -EAFNOSUPPORT if it has none."""
    cdef int fd = zc_socket_open(family)
    if fd < 0:
        return fd
    zc_close(fd)
    return 0


cdef inline int family_socket(int family, const tuning_t *t) noexcept nogil:
    cdef int fd = zc_socket_open(family)
    if fd < 0:
        return fd
    if t.sndbuf >= 0:
        zc_set_option(fd, ZC_OPT_SNDBUF, t.sndbuf)
    if t.rcvbuf >= 0:
        zc_set_option(fd, ZC_OPT_RCVBUF, t.rcvbuf)
    return fd


cdef inline int family_listen(address_t *a, const tuning_t *tuning) noexcept nogil:
    """transport_ops_t.listen"""
    cdef int rc, fd
    if tuning.use_fd >= 0:
        rc = zc_socket_adopt(tuning.use_fd)
        return tuning.use_fd if rc == 0 else rc
    fd = family_socket(a.family, tuning)
    if fd < 0:
        return fd
    # An address that leaves the choice to the system has no length where binding is not needed for that.
    rc = zc_bind(fd, &a.target) if a.target.len else 0
    if rc == 0:
        rc = zc_listen(fd, tuning.backlog)
    if rc < 0:
        zc_close(fd)
        return rc
    return fd


cdef inline int family_accept(
        int listener, const tuning_t *tuning, const visitors_t *visitors, stream_t *out,
        char *peer, size_t room) noexcept nogil:
    """transport_ops_t.accept. No list of visitors is for these."""
    cdef zc_sockaddr_t there
    cdef int fd = zc_accept(listener, &there)
    peer[0] = 0
    if fd < 0:
        return fd
    out.fd = fd
    return 0


cdef inline void family_close_listener(int listener, address_t *address, bint adopted) noexcept nogil:
    """transport_ops_t.close_listener"""
    zc_close(listener)


cdef inline int family_open(const address_t *a, const tuning_t *tuning, stream_t *out) noexcept nogil:
    """transport_ops_t.open"""
    cdef int fd, rc
    if a.target.len == 0:
        return -EINVAL
    fd = family_socket(a.family, tuning)
    if fd < 0:
        return fd
    rc = zc_connect(fd, &a.target)
    if rc < 0 and rc != -EINPROGRESS:
        zc_close(fd)
    else:
        out.fd = fd
    return rc


cdef inline int family_finish(stream_t *t, const tuning_t *tuning) noexcept nogil:
    """transport_ops_t.finish"""
    return zc_socket_error(t.fd)


cdef inline int family_address(const stream_t *t, bint remote, zc_sockaddr_t *out) noexcept nogil:
    return zc_peer_address(t.fd, out) if remote else zc_local_address(t.fd, out)


cdef inline void family_ops(transport_ops_t *o) noexcept nogil:
    descriptor_ops(o)
    o.kind = TRANSPORT_STREAM
    o.engine = ENGINE_ZMTP
    o.optional = True
    o.listen = family_listen
    o.accept = family_accept
    o.close_listener = family_close_listener
    o.open = family_open
    o.finish = family_finish
