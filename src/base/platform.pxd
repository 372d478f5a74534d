# The contract with the operating system: the Cython face of platform.h and the headers it includes.
#
# Rules
# - No condition on the system here or above: a wrapper returns -ENOSYS where the system lacks the thing.
# - Failures are negative errno values (errors.pxd). What can block says so.
# - Descriptors are ints on every system; times are monotonic nanoseconds; timeouts are nanoseconds, -1 = no limit.

from libc.stddef cimport ptrdiff_t
from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t

cdef extern from "base/platform.h" nogil:
    # ---- clock ----
    uint64_t zc_now_ns()
    bint zc_signals_interrupt()
    bint zc_cpu_has_aes()

    # ---- short lock: spins a little, then sleeps; released by the thread that acquired it ----
    ctypedef struct zc_lock_t:
        pass
    void zc_lock_init(zc_lock_t *l)
    void zc_lock_destroy(zc_lock_t *l)
    int zc_lock_try(zc_lock_t *l)                        # 1 = now held
    int zc_lock_wanted(zc_lock_t *l)                     # a thread waits for it
    void zc_lock_acquire(zc_lock_t *l)
    void zc_lock_release(zc_lock_t *l)

    # ---- mutex and condition variable ----
    ctypedef struct zc_mutex_t:
        pass
    ctypedef struct zc_cond_t:
        pass
    int zc_mutex_init(zc_mutex_t *m)
    void zc_mutex_destroy(zc_mutex_t *m)
    void zc_mutex_lock(zc_mutex_t *m)
    int zc_mutex_try(zc_mutex_t *m)             # 1: it has it now
    void zc_mutex_unlock(zc_mutex_t *m)
    int zc_cond_init(zc_cond_t *c)
    void zc_cond_destroy(zc_cond_t *c)
    void zc_cond_signal(zc_cond_t *c)
    void zc_cond_broadcast(zc_cond_t *c)
    int zc_cond_wait_until(zc_cond_t *c, zc_mutex_t *m, uint64_t abs_ns)   # 0 or -ETIMEDOUT; UINT64_MAX = no limit

    # ---- threads ----
    ctypedef struct zc_thread_t:
        pass
    int zc_thread_start(zc_thread_t *t, void (*fn)(void *) noexcept nogil, void *arg, const char *name,
                        int sched_policy, int sched_priority, const int *cpus, int ncpus)
    int zc_thread_join(zc_thread_t *t)                   # blocks
    void zc_thread_detach(zc_thread_t *t)                # instead: it ends by itself
    void zc_thread_tight_timers()                        # by a thread about itself
    int zc_cpus_available()
    void zc_yield()                                      # lets another thread have this processor
    uint32_t zc_thread_preempted()                       # how often it was taken from this one, at least; 0 where the system does not tell
    void *zc_thread_self()                               # tells threads that live at the same time from one another

    # ---- fork ----
    int zc_fork_install()
    uint32_t zc_fork_generation()                        # grows by one in every forked child

    # ---- random ----
    int zc_os_random(void *out, size_t n)

    # ---- wake-ups ----
    ctypedef struct zc_wake_t:
        int rfd
        int wfd
    int zc_wake_open(zc_wake_t *w)
    void zc_wake_close(zc_wake_t *w)
    void zc_wake_signal(zc_wake_t *w)                    # never blocks
    void zc_wake_drain(zc_wake_t *w)

    # ---- timers as descriptors (Linux) ----
    int zc_timer_open()
    int zc_timer_arm(int fd, uint64_t abs_ns)            # 0 disarms

    # ---- descriptors ----
    ctypedef struct zc_iovec_t:
        pass
    void zc_iov_set(zc_iovec_t *v, const void *base, size_t n)
    size_t zc_iov_len(const zc_iovec_t *v)
    void *zc_iov_base(const zc_iovec_t *v)

    int zc_net_init()
    ptrdiff_t zc_recv(int fd, void *out, size_t n)       # octets, 0 = end of stream, -EAGAIN = not now
    ptrdiff_t zc_readv(int fd, zc_iovec_t *v, int n)
    ptrdiff_t zc_send(int fd, const void *data, size_t n)
    ptrdiff_t zc_sendv(int fd, zc_iovec_t *v, int n)
    int zc_close(int fd)
    int zc_shutdown_write(int fd)
    long zc_unsent(int fd)
    int zc_socket_error(int fd)                          # 0 or -errno; reading clears it
    int zc_socket_adopt(int fd)                          # non-blocking, close on exec, no SIGPIPE

    # ---- poll ----
    ctypedef struct zc_pollfd_t:
        int fd
        short events
        short revents
    enum:
        ZC_POLLIN
        ZC_POLLOUT
        ZC_POLLPRI
        ZC_POLLERR
        ZC_POLLHUP
        ZC_POLLNVAL
    void zc_pollfd_set(zc_pollfd_t *p, int fd, int events)
    int zc_poll(zc_pollfd_t *fds, int n, int64_t timeout_ns)
    int zc_poll_refused(zc_pollfd_t *fds, int n)
    int zc_pollfds_error(const zc_pollfd_t *fds, int n)

    # ---- epoll ----
    ctypedef struct zc_epoll_event_t:
        uint32_t events
    enum:
        ZC_EPOLLIN
        ZC_EPOLLOUT
        ZC_EPOLLERR
        ZC_EPOLLHUP
        ZC_EPOLL_ADD
        ZC_EPOLL_MOD
        ZC_EPOLL_DEL
    int zc_epoll_create()
    int zc_epoll_ctl(int ep, int op, int fd, uint32_t events, void *tag)
    int zc_epoll_wait(int ep, zc_epoll_event_t *out, int max, int64_t timeout_ns)
    void *zc_epoll_tag(const zc_epoll_event_t *e)

    # ---- kqueue ----
    ctypedef struct zc_kevent_t:
        pass
    enum:
        ZC_KQ_READ
        ZC_KQ_WRITE
        ZC_KQ_ON
        ZC_KQ_OFF
        ZC_KQ_DELETE
    int zc_kqueue_create()
    int zc_kqueue_change(int kq, int fd, int filter, int state, void *tag)
    int zc_kqueue_wait(int kq, zc_kevent_t *out, int max, int64_t timeout_ns)
    void *zc_kevent_tag(const zc_kevent_t *e)
    int zc_kevent_filter(const zc_kevent_t *e)
    int zc_kevent_failed(const zc_kevent_t *e)

    # ---- socket addresses ----
    ctypedef struct zc_sockaddr_t:
        uint32_t len                                     # 0: no address
    enum:
        ZC_FAMILY_LOCAL
        ZC_FAMILY_VSOCK
        ZC_FAMILY_TIPC
        ZC_FAMILY_V4
        ZC_FAMILY_V6
        ZC_LOCAL_MAX
    int zc_sa_family(const zc_sockaddr_t *sa)
    void zc_sa_set_v4(zc_sockaddr_t *sa, const uint8_t *octets, int port)
    void zc_sa_set_v6(zc_sockaddr_t *sa, const uint8_t *octets, int port, uint32_t scope)
    int zc_sa_set_local(zc_sockaddr_t *sa, const char *path, size_t n)
    const char *zc_sa_local_name(const zc_sockaddr_t *sa, size_t *n)
    int zc_sa_port(const zc_sockaddr_t *sa)
    void zc_sa_set_port(zc_sockaddr_t *sa, int port)
    const uint8_t *zc_sa_octets(const zc_sockaddr_t *sa, int *n)
    int zc_sa_equal(const zc_sockaddr_t *a, const zc_sockaddr_t *b)
    # VSOCK and TIPC: -EAFNOSUPPORT where there are none
    enum:
        ZC_TIPC_NONE
        ZC_TIPC_SERVICE
        ZC_TIPC_RANGE
        ZC_TIPC_PORT
    uint32_t ZC_VSOCK_ANY
    int zc_sa_set_vsock(zc_sockaddr_t *sa, uint32_t cid, uint32_t port)
    int zc_sa_vsock(const zc_sockaddr_t *sa, uint32_t *cid, uint32_t *port)
    int zc_vsock_cid(uint32_t *cid)
    int zc_sa_set_tipc(zc_sockaddr_t *sa, int kind, uint32_t first, uint32_t second, uint32_t third)
    int zc_sa_tipc(const zc_sockaddr_t *sa, uint32_t *numbers)
    int zc_sa_text(const zc_sockaddr_t *sa, char *out, size_t cap)
    int zc_sa_parse_numeric(const char *text, int family, uint8_t *octets)

    # ---- stream sockets ----
    int zc_socket_open(int family)
    int zc_bind(int fd, const zc_sockaddr_t *sa)
    int zc_listen(int fd, int backlog)
    int zc_connect(int fd, const zc_sockaddr_t *sa)      # 0, -EINPROGRESS or -errno
    int zc_accept(int fd, zc_sockaddr_t *peer)
    int zc_local_address(int fd, zc_sockaddr_t *out)
    int zc_peer_address(int fd, zc_sockaddr_t *out)

    enum:
        ZC_OPT_REUSE
        ZC_OPT_NODELAY
        ZC_OPT_SNDBUF
        ZC_OPT_RCVBUF
        ZC_OPT_KEEPALIVE
        ZC_OPT_KEEPALIVE_CNT
        ZC_OPT_KEEPALIVE_IDLE
        ZC_OPT_KEEPALIVE_INTVL
        ZC_OPT_TOS
        ZC_OPT_PRIORITY
        ZC_OPT_MAXRT
        ZC_OPT_LOOPBACK_FASTPATH
        ZC_OPT_BUSY_POLL
        ZC_OPT_V6ONLY
        ZC_OPT_BIND_NO_PORT
    int zc_set_option(int fd, int option, int value)
    int zc_bind_device(int fd, const char *name)

    # ---- datagrams, multicast ----
    int zc_datagram_open(int family, int raw)
    int zc_group_share(int fd)
    int zc_group_bind(int fd, const zc_sockaddr_t *group)
    int zc_group_join(int fd, const zc_sockaddr_t *group, uint32_t index)
    int zc_group_only_joined(int fd, int family)
    int zc_group_interface(int fd, int family, uint32_t index)
    int zc_group_hops(int fd, int family, int hops)
    int zc_group_loop(int fd, int family, int loop)
    int zc_datagram_tell(int fd, int family)
    ptrdiff_t zc_datagram_recv(int fd, void *out, size_t room, zc_sockaddr_t *source, int *alone)
    int zc_datagram_send(int fd, const void *data, size_t n, const zc_sockaddr_t *to)
    int zc_datagram_filter(int fd, int raw, uint32_t offset, uint32_t mask)
    int zc_interface_find(const char *name, int family, const uint8_t *octets, int bits, zc_sockaddr_t *out)
    # ---- datagrams; see platform_datagram.h ----
    ctypedef struct zc_datagrams_t:
        zc_sockaddr_t address
        zc_iovec_t *vectors
        uint32_t nvectors
        uint32_t size
        uint32_t segment
        uint32_t cut
    void zc_datagrams_join(int fd)
    int zc_datagrams_can_join(int fd)
    uint32_t zc_datagrams_overrun(int fd)
    int zc_datagrams_send(int fd, zc_datagrams_t *d, int n)
    int zc_datagrams_recv(int fd, zc_datagrams_t *d, int n)
    int zc_sa_is_multicast(const zc_sockaddr_t *sa)
    uint32_t zc_sa_scope(const zc_sockaddr_t *sa)

    # ---- names, interfaces ----
    int zc_resolve_all(const char *host, int family, int allow_dns, zc_sockaddr_t *out, int room)   # may block with allow_dns
    int zc_resolve(const char *host, int family, int allow_dns, zc_sockaddr_t *out)                 # the same
    uint32_t zc_interface_index(const char *name)
    int zc_interface_address(const char *name, int family, zc_sockaddr_t *out)

    # ---- ipc: the peer, the files ----
    int zc_peer_credentials(int fd, uint32_t *uid, uint32_t *gid, int32_t *pid)
    int zc_user_in_group(uint32_t uid, uint32_t gid)
    int zc_file_remove(const char *path)
    int zc_directory_remove(const char *path)
    int zc_file_is_socket(const char *path)
    uint64_t zc_file_identity(const char *path)
    int zc_private_directory(char *out, size_t cap)
    enum:
        ZC_PATH_MAX
    int zc_bind_long(int fd, const char *path)
    int zc_connect_long(int fd, const char *path)
    int zc_sa_is_of_descriptor(const zc_sockaddr_t *sa)
    int zc_file_give(const char *path, int uid, int gid, int mode)

    # ---- memory shared by two processes; see platform_shared.h ----
    enum:
        ZC_PASS_MAX
    int zc_shared_there()
    int zc_shared_open(size_t n)
    int zc_shared_seal(int fd, int only_ours)
    int64_t zc_shared_size(int fd)
    void *zc_shared_map(int fd, size_t n, int writable)
    void zc_shared_unmap(void *p, size_t n)
    int zc_peer_is_kin(int fd)
    ptrdiff_t zc_send_passing(int fd, const void *data, size_t n, const int *fds, int count)
    ptrdiff_t zc_readv_passing(int fd, zc_iovec_t *v, int n, int *fds, int *count)
