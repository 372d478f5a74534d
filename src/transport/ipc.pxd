# ipc: local stream sockets, by path or by abstract name (Linux).
#
# Rules
# - A listener never takes a path away from a live one and never removes what is not a socket. A socket file that nobody
#   listens on is left over from a dead process and is replaced.
# - A path may be as long as the system takes one. One that a socket address has no room for stands in address_t.path.
# - The file has its owner and mode before anybody is let in.
# - The file goes with the listener: ipc_unlink removes it, but only while it is still the file that was made here.
#   A forked child must not call it: the file is the parent's.
# - Descriptors are non-blocking and close on exec; they are the caller's to close.

from libc.stddef cimport size_t
from libc.stdint cimport int32_t, uint32_t, uint64_t
from libc.stdio cimport snprintf
from libc.string cimport memchr, memcpy
from base.config cimport IPC_BUFFER
from base.engines cimport ENGINE_ZMTP
from base.errors cimport (
    EACCES, EADDRINUSE, EAFNOSUPPORT, EAGAIN, ECONNREFUSED, EINPROGRESS, EINVAL, ENAMETOOLONG, ENOENT, ENOMEM, EPROTONOSUPPORT,
)
from base.platform cimport (
    zc_accept, zc_bind, zc_bind_long, zc_close, zc_connect, zc_connect_long, zc_directory_remove, zc_file_give, zc_file_identity,
    zc_file_is_socket, zc_file_remove, zc_listen, zc_local_address, zc_peer_address, zc_peer_credentials, zc_peer_is_kin, zc_private_directory,
    zc_sa_is_of_descriptor, zc_sa_local_name, zc_sa_set_local, zc_set_option, zc_sockaddr_t, zc_socket_adopt, zc_socket_error,
    zc_socket_open, zc_user_in_group, ZC_FAMILY_LOCAL, ZC_LOCAL_MAX, ZC_OPT_RCVBUF, ZC_OPT_SNDBUF, ZC_PATH_MAX,
)
from transport.address cimport address_clear, address_t, ADDRESS_OWN_DIRECTORY, ADDRESS_WILDCARD
from transport.descriptor cimport descriptor_ops
from transport.ops cimport stream_t, transport_ops_t, visitors_t, TRANSPORT_STREAM
from transport.enclosed cimport enclosed_ops, enclosed_wanted
from transport.tuning cimport tuning_t

cdef enum:
    IPC_SCHEME = 6                 # length of "ipc://"
    IPC_PATH_MAX = 107             # the longest any system takes; zc_sa_set_local knows the shorter ones


# ---- addresses

cdef inline int ipc_parse(const char *path, size_t n, address_t *out) noexcept nogil:
    cdef char name[IPC_PATH_MAX + 1]
    address_clear(out)
    if n == 0 or memchr(path, 0, n) != NULL or (n == 1 and path[0] == c'@'):
        return -EINVAL
    out.family = ZC_FAMILY_LOCAL
    if n > IPC_PATH_MAX or n > <size_t>ZC_LOCAL_MAX:
        if path[0] == c'@' or n >= <size_t>ZC_PATH_MAX:
            return -ENAMETOOLONG
        out.path = path
        out.path_size = n
        return 0
    memcpy(name, path, n)
    if name[0] == c'@':
        name[0] = 0
    return zc_sa_set_local(&out.target, name, n)


cdef inline int ipc_parse_bind(const char *path, size_t n, bint ipv6, address_t *out) noexcept nogil:
    """transport_ops_t.parse_bind"""
    cdef int rc = ipc_parse(path, n, out)
    if rc == 0 and n == 1 and path[0] == c'*':
        out.flags |= ADDRESS_WILDCARD
    return rc


cdef inline int ipc_parse_connect(
        const char *path, size_t n, bint ipv6, bint allow_dns, const zc_sockaddr_t *behind,
        address_t *out) noexcept nogil:
    """transport_ops_t.parse_connect. Here `*` is a path like any other."""
    return ipc_parse(path, n, out)


cdef inline int ipc_check(const char *path, size_t n) noexcept nogil:
    """transport_ops_t.check"""
    cdef address_t scrap
    return ipc_parse(path, n, &scrap)


cdef inline size_t ipc_path(const address_t *a, char *out) noexcept nogil:
    """The path as C string; empty for an abstract name. `out` has room for ZC_PATH_MAX."""
    cdef size_t n = a.path_size
    cdef const char *name = a.path
    if name == NULL:
        name = zc_sa_local_name(&a.target, &n)
    elif n != 0:
        memcpy(out, name, n)
        out[n] = 0
        return n
    if n == 0 or n > IPC_PATH_MAX or name[0] == 0:
        n = 0
    memcpy(out, name, n)
    out[n] = 0
    return n


cdef inline int ipc_text(const zc_sockaddr_t *sa, char *out, size_t cap) noexcept nogil:
    """"ipc://path" or "ipc://@name"; "ipc://" of a socket without a name, as connecting ones are. Length or -ENAMETOOLONG."""
    cdef size_t n = 0
    cdef const char *name = zc_sa_local_name(sa, &n)
    if n + IPC_SCHEME + 1 > cap:
        return -ENAMETOOLONG
    memcpy(out, b"ipc://", IPC_SCHEME)
    memcpy(out + IPC_SCHEME, name, n)
    if n != 0 and name[0] == 0:
        out[IPC_SCHEME] = c'@'
    out[IPC_SCHEME + n] = 0
    return IPC_SCHEME + <int>n


cdef inline int ipc_name(
        const transport_ops_t *o, int listener, const address_t *a, const char *given, size_t size, char *out,
        size_t cap) noexcept nogil:
    """transport_ops_t.name: "ipc://path" or "ipc://@name"."""
    cdef int n
    if a.path != NULL:
        if a.path_size + IPC_SCHEME + 1 > cap:
            return -ENAMETOOLONG
        memcpy(out, b"ipc://", IPC_SCHEME)
        memcpy(out + IPC_SCHEME, a.path, a.path_size)
        out[IPC_SCHEME + a.path_size] = 0
        return IPC_SCHEME + <int>a.path_size
    n = ipc_text(&a.target, out, cap)
    return n if n != IPC_SCHEME else -EINVAL


cdef inline int ipc_wildcard(char *path_out, size_t cap) noexcept nogil:
    """Makes a private directory and names a socket in it. Length of the path or -errno."""
    cdef int n = zc_private_directory(path_out, cap - 7)
    if n < 0:
        return n
    memcpy(path_out + n, b"/socket", 8)
    return n + 7


cdef inline void ipc_unlink(address_t *a) noexcept nogil:
    """Removes the socket file, and its directory where that was made for it."""
    cdef char path[ZC_PATH_MAX]
    cdef size_t n = ipc_path(a, path)
    if n != 0 and a.file != 0 and zc_file_identity(path) == a.file:
        zc_file_remove(path)
    a.file = 0
    if n != 0 and a.flags & ADDRESS_OWN_DIRECTORY:
        while n > 0 and path[n - 1] != c'/' and path[n - 1] != c'\\':
            n -= 1
        if n > 1:
            path[n - 1] = 0
            zc_directory_remove(path)
        a.flags &= ~ADDRESS_OWN_DIRECTORY


# ---- descriptors

cdef inline int ipc_socket() noexcept nogil:
    cdef int fd = zc_socket_open(ZC_FAMILY_LOCAL)
    return fd if fd != -EAFNOSUPPORT else -EPROTONOSUPPORT


cdef inline bint ipc_there() noexcept nogil:
    """transport_ops_t.there: Windows has such sockets from 10 on."""
    cdef int fd = ipc_socket()
    if fd >= 0:
        zc_close(fd)
    return fd != -EPROTONOSUPPORT


cdef inline void ipc_tune(int fd, const tuning_t *t) noexcept nogil:
    """A connection, ours or accepted (which inherits nothing from the listener). What the system refuses is left as it
    was."""
    # Linux counts what is under way against the sender's buffer, the BSDs against the receiver's.
    zc_set_option(fd, ZC_OPT_SNDBUF, t.sndbuf if t.sndbuf >= 0 else IPC_BUFFER)
    zc_set_option(fd, ZC_OPT_RCVBUF, t.rcvbuf if t.rcvbuf >= 0 else IPC_BUFFER)


cdef inline int ipc_bind_to(int fd, const address_t *a, const char *path) noexcept nogil:
    return zc_bind(fd, &a.target) if a.path == NULL else zc_bind_long(fd, path)


cdef inline int ipc_connect_to(int fd, const address_t *a) noexcept nogil:
    cdef char path[ZC_PATH_MAX]
    if a.path == NULL:
        return zc_connect(fd, &a.target)
    ipc_path(a, path)
    return zc_connect_long(fd, path)


cdef inline bint ipc_is_live(const address_t *a) noexcept nogil:
    """Whether the path has a listener. Asked by connecting: the kernel refuses at once when it has none."""
    cdef int rc, fd = zc_socket_open(ZC_FAMILY_LOCAL)
    if fd < 0:
        return True                # cannot be told: leave it alone
    rc = ipc_connect_to(fd, a)
    zc_close(fd)
    return rc != -ECONNREFUSED


cdef inline int ipc_replace_dead(const address_t *a, const char *path) noexcept nogil:
    """Clears the way for a bind. 0, or -EADDRINUSE: a live listener, or not a socket."""
    cdef uint64_t file = zc_file_identity(path)
    cdef int kind = zc_file_is_socket(path)
    if kind == -ENOENT:
        return 0
    if kind != 1 or ipc_is_live(a):
        return -EADDRINUSE
    # Another process may have done the same meanwhile; then the file is another one.
    if zc_file_identity(path) != file:
        return -EADDRINUSE
    zc_file_remove(path)
    return 0


cdef inline bint ipc_gives(const tuning_t *t) noexcept nogil:
    return t.file_mode >= 0 or t.file_uid >= 0 or t.file_gid >= 0


cdef inline int ipc_listen_at(int fd, address_t *a, const char *path, const tuning_t *tuning) noexcept nogil:
    """Binds the descriptor and lets peers come. `path`: empty for an abstract name. 0 or a negative errno, and then ipc_unlink()
    follows."""
    cdef int rc = ipc_bind_to(fd, a, path)
    if rc == -EADDRINUSE and path[0]:
        rc = ipc_replace_dead(a, path)
        if rc == 0:
            rc = ipc_bind_to(fd, a, path)
    if rc == 0 and path[0]:
        a.file = zc_file_identity(path)
        if ipc_gives(tuning):
            rc = zc_file_give(path, tuning.file_uid, tuning.file_gid, tuning.file_mode)
            if not a.file:
                a.file = zc_file_identity(path)
    return rc if rc < 0 else zc_listen(fd, tuning.backlog)


cdef inline int ipc_listen(address_t *a, const tuning_t *tuning) noexcept nogil:
    """transport_ops_t.listen. A wildcard address becomes the address made up for it."""
    cdef char path[ZC_PATH_MAX]
    cdef int fd, rc
    if tuning.use_fd >= 0:
        rc = zc_socket_adopt(tuning.use_fd)
        return tuning.use_fd if rc == 0 else rc
    if a.flags & ADDRESS_WILDCARD:
        rc = ipc_wildcard(path, <size_t>ZC_LOCAL_MAX + 1)
        if rc < 0:
            return rc
        rc = zc_sa_set_local(&a.target, path, rc)
        if rc < 0:
            return rc
        a.flags |= ADDRESS_OWN_DIRECTORY
    if ipc_path(a, path) == 0 and ipc_gives(tuning):
        return -EINVAL             # everybody may connect to an abstract name
    fd = ipc_socket()
    if fd < 0:
        ipc_unlink(a)
        return fd
    rc = ipc_listen_at(fd, a, path, tuning)
    if rc < 0:
        zc_close(fd)
        ipc_unlink(a)
        return rc
    return fd


cdef inline int ipc_open(const address_t *a, const tuning_t *tuning, stream_t *out) noexcept nogil:
    """transport_ops_t.open"""
    cdef int fd, rc
    if a.target.len == 0 and a.path == NULL:
        return -EINVAL
    fd = ipc_socket()
    if fd < 0:
        return fd
    ipc_tune(fd, tuning)
    rc = ipc_connect_to(fd, a)
    if (rc == 0 or rc == -EINPROGRESS) and enclosed_wanted(out, tuning) < 0:
        rc = -ENOMEM
    if rc < 0 and rc != -EINPROGRESS:
        zc_close(fd)
        # Linux says so when the listener's queue is full: not now is the same to us as nobody there.
        return rc if rc != -EAGAIN else -ECONNREFUSED
    out.fd = fd
    return rc


cdef inline int ipc_finish(stream_t *t, const tuning_t *tuning) noexcept nogil:
    """transport_ops_t.finish"""
    return zc_socket_error(t.fd)


cdef inline void ipc_close_listener(int listener, address_t *address, bint adopted) noexcept nogil:
    """transport_ops_t.close_listener"""
    if not adopted:
        ipc_unlink(address)
    zc_close(listener)


# ---- who is there

cdef inline bint ipc_kin(const stream_t *t) noexcept nogil:
    """transport_ops_t.kin"""
    return zc_peer_is_kin(t.fd) != 0


cdef inline bint ipc_admits(const visitors_t *visitors, uint32_t uid, uint32_t gid, int32_t pid) noexcept nogil:
    cdef int i
    for i in range(visitors.nuids):
        if visitors.uids[i] == uid:
            return True
    for i in range(visitors.npids):
        if visitors.pids[i] == pid:
            return True
    for i in range(visitors.ngids):
        if visitors.gids[i] == gid or zc_user_in_group(uid, visitors.gids[i]):
            return True
    return False


cdef inline int ipc_accept(
        int listener, const tuning_t *tuning, const visitors_t *visitors, stream_t *out,
        char *peer, size_t room) noexcept nogil:
    """transport_ops_t.accept"""
    cdef zc_sockaddr_t there
    cdef uint32_t uid = 0, gid = 0
    cdef int32_t pid = 0
    cdef int rc, fd = zc_accept(listener, &there)
    peer[0] = 0
    if fd < 0:
        return fd
    if visitors.nuids != 0 or visitors.ngids != 0 or visitors.npids != 0:
        rc = zc_peer_credentials(fd, &uid, &gid, &pid)
        if rc < 0 or not ipc_admits(visitors, uid, gid, pid):
            zc_close(fd)
            return -EACCES
    if enclosed_wanted(out, tuning) < 0:
        zc_close(fd)
        return -ENOMEM
    ipc_tune(fd, tuning)
    out.fd = fd
    return 0


cdef inline int ipc_peer(const stream_t *t, char *out, size_t room) noexcept nogil:
    """transport_ops_t.peer: ":uid:gid:pid". -ENOSYS where the system does not tell."""
    cdef uint32_t uid = 0, gid = 0
    cdef int32_t pid = 0
    cdef int n, rc = zc_peer_credentials(t.fd, &uid, &gid, &pid)
    if rc < 0:
        return rc
    n = snprintf(out, room, b":%u:%u:%d", uid, gid, pid)
    return n if n >= 0 and <size_t>n < room else -ENAMETOOLONG


cdef inline int ipc_end(const stream_t *t, bint remote, char *out, size_t room) noexcept nogil:
    """transport_ops_t.end"""
    cdef zc_sockaddr_t sa
    cdef int rc = zc_peer_address(t.fd, &sa) if remote else zc_local_address(t.fd, &sa)
    if rc == 0 and zc_sa_is_of_descriptor(&sa):
        return -ENAMETOOLONG
    return rc if rc < 0 else ipc_text(&sa, out, room)


cdef inline void ipc_ops(transport_ops_t *o) noexcept nogil:
    descriptor_ops(o)
    enclosed_ops(o)
    o.scheme = "ipc"
    o.form = "path"
    o.kind = TRANSPORT_STREAM
    o.engine = ENGINE_ZMTP
    o.optional = True
    o.there = ipc_there
    o.parse_bind = ipc_parse_bind
    o.check = ipc_check
    o.parse_connect = ipc_parse_connect
    o.listen = ipc_listen
    o.name = ipc_name
    o.accept = ipc_accept
    o.close_listener = ipc_close_listener
    o.open = ipc_open
    o.finish = ipc_finish
    o.peer = ipc_peer
    o.end = ipc_end
    o.kin = ipc_kin
