/* Descriptors: wake-ups, timers, sockets' reads and writes. Included by platform.h only.
 *
 * Rules
 * - A descriptor is an int on every system. Windows hands out socket handles that fit (their upper half is always zero).
 * - "Not now" is -EAGAIN, whatever the system calls it. A call interrupted before it moved an octet is repeated.
 * - No write raises SIGPIPE. Every descriptor made here is non-blocking and closes on exec.
 * - Sandboxes let plain send() and recv() through before anything else: what does the same with a newer or rarer call
 *   falls back to them where that call is forbidden.
 */

/* What sandboxes answer for system calls that they forbid. */
static inline int zc_forbidden(int code) { return code == EPERM || code == ENOSYS || code == EACCES; }

#if defined(_WIN32)

static inline int zc_wsa_errno(int code) {
    switch (code) {
    case 0: return 0;
    case WSAEINTR: return EINTR;
    case WSAEBADF: return EBADF;
    case WSAEACCES: return EACCES;
    case WSAEFAULT: return EFAULT;
    case WSAEINVAL: return EINVAL;
    case WSAEMFILE: return EMFILE;
    case WSAEWOULDBLOCK: return EAGAIN;
    case WSAEINPROGRESS: return EINPROGRESS;
    case WSAEALREADY: return EALREADY;
    case WSAENOTSOCK: return ENOTSOCK;
    case WSAEMSGSIZE: return EMSGSIZE;
    case WSAENOPROTOOPT: return ENOPROTOOPT;
    case WSAEPROTONOSUPPORT: return EPROTONOSUPPORT;
    case WSAEOPNOTSUPP: return EOPNOTSUPP;
    case WSAEAFNOSUPPORT: return EAFNOSUPPORT;
    case WSAEADDRINUSE: return EADDRINUSE;
    case WSAEADDRNOTAVAIL: return EADDRNOTAVAIL;
    case WSAENETDOWN: return ENETDOWN;
    case WSAENETUNREACH: return ENETUNREACH;
    case WSAENETRESET: return ENETRESET;
    case WSAECONNABORTED: return ECONNABORTED;
    case WSAECONNRESET: return ECONNRESET;
    case WSAENOBUFS: return ENOBUFS;
    case WSAEISCONN: return EISCONN;
    case WSAENOTCONN: return ENOTCONN;
    case WSAESHUTDOWN: return EPIPE;
    case WSAETIMEDOUT: return ETIMEDOUT;
    case WSAECONNREFUSED: return ECONNREFUSED;
    case WSAEHOSTUNREACH: return EHOSTUNREACH;
    case WSAENAMETOOLONG: return ENAMETOOLONG;
    case WSANOTINITIALISED: return ENETDOWN;
    case WSA_NOT_ENOUGH_MEMORY: return ENOMEM;
    default: return EIO;
    }
}

/* The last socket call's error as a negative errno. */
static inline int zc_net_error(void) { return -zc_wsa_errno(WSAGetLastError()); }

#else

static inline int zc_net_error(void) { return errno == EWOULDBLOCK ? -EAGAIN : -errno; }

#endif

/* To be called once before any socket call; harmless to repeat. */
static inline int zc_net_init(void) {
#if defined(_WIN32)
    WSADATA data;
    return -zc_wsa_errno(WSAStartup(MAKEWORD(2, 2), &data));
#else
    return 0;
#endif
}

static inline int zc_close(int fd) {
#if defined(_WIN32)
    return closesocket((SOCKET)fd) == 0 ? 0 : zc_net_error();
#else
    /* After EINTR the descriptor is gone already; closing again could hit somebody else's. */
    return close(fd) == 0 || errno == EINTR ? 0 : -errno;
#endif
}

static inline int zc_set_nonblocking(int fd) {
#if defined(_WIN32)
    u_long on = 1;
    return ioctlsocket((SOCKET)fd, FIONBIO, &on) == 0 ? 0 : zc_net_error();
#else
    int flags = fcntl(fd, F_GETFL, 0);
    if (flags < 0) return -errno;
    if (flags & O_NONBLOCK) return 0;
    return fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 ? -errno : 0;
#endif
}

static inline int zc_set_cloexec(int fd) {
#if defined(_WIN32)
    SetHandleInformation((HANDLE)(uintptr_t)(SOCKET)fd, HANDLE_FLAG_INHERIT, 0);
    return 0;
#else
    return fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 ? -errno : 0;
#endif
}

/* For a socket that came from elsewhere (accept, the application): non-blocking, close on exec, no SIGPIPE. */
static inline int zc_socket_adopt(int fd) {
    int rc = zc_set_nonblocking(fd);
    if (rc < 0) return rc;
#if defined(SO_NOSIGPIPE)
    int on = 1;
    setsockopt(fd, SOL_SOCKET, SO_NOSIGPIPE, &on, sizeof on);
#endif
    return zc_set_cloexec(fd);
}

/* ---- vectors ---- */

#if defined(_WIN32)
/* A WSABUF, but that its length has 32 bits only, and the padding is the rest of it here. */
typedef struct zc_iovec {
    size_t len;
    char *buf;
} zc_iovec_t;
_Static_assert(sizeof(zc_iovec_t) == sizeof(WSABUF) && offsetof(zc_iovec_t, buf) == offsetof(WSABUF, buf), "a WSABUF with a longer length");

/* What one call is given at most: the system locks all of it in memory, and refuses with WSAENOBUFS when that is too much. */
#define ZC_CALL_MAX ((size_t)16 << 20)

static inline void zc_iov_set(zc_iovec_t *v, const void *base, size_t n) {
    v->buf = (char *)base;
    v->len = n;
}
static inline size_t zc_iov_len(const zc_iovec_t *v) { return v->len; }
static inline void *zc_iov_base(const zc_iovec_t *v) { return v->buf; }
#else
typedef struct iovec zc_iovec_t;
static inline void zc_iov_set(zc_iovec_t *v, const void *base, size_t n) {
    v->iov_base = (void *)(uintptr_t)base;
    v->iov_len = n;
}
static inline size_t zc_iov_len(const zc_iovec_t *v) { return v->iov_len; }
static inline void *zc_iov_base(const zc_iovec_t *v) { return v->iov_base; }
#endif

#if !defined(MSG_NOSIGNAL)
#define MSG_NOSIGNAL 0 /* SO_NOSIGPIPE does it there, or there are no signals */
#endif

/* ---- reads and writes: octets moved, 0 = end of stream (reads), -errno ---- */

static inline ptrdiff_t zc_send(int fd, const void *data, size_t n) {
#if defined(_WIN32)
    int put = send((SOCKET)fd, (const char *)data, (int)(n > ZC_CALL_MAX ? ZC_CALL_MAX : n), 0);
    return put >= 0 ? put : zc_net_error();
#else
    for (;;) {
        ssize_t put = send(fd, data, n, MSG_NOSIGNAL);
        if (put >= 0) return put;
        if (errno != EINTR) return zc_net_error();
    }
#endif
}

static inline ptrdiff_t zc_recv(int fd, void *out, size_t n) {
#if defined(_WIN32)
    int got = recv((SOCKET)fd, (char *)out, (int)(n > ZC_CALL_MAX ? ZC_CALL_MAX : n), 0);
    return got >= 0 ? got : zc_net_error();
#else
    for (;;) {
        ssize_t got = recv(fd, out, n, 0);
        if (got >= 0) return got;
        if (errno != EINTR) return zc_net_error();
    }
#endif
}

#if !defined(_WIN32)
/* Vectors one by one, for sandboxes. Ends at the first that is not moved whole, as the one call does: callers take a short
 * count for "no more for now". */
static inline ptrdiff_t zc_each(int fd, const zc_iovec_t *v, int n, int sending) {
    ptrdiff_t all = 0;
    for (int i = 0; i < n; i++) {
        ptrdiff_t part = sending ? zc_send(fd, v[i].iov_base, v[i].iov_len) : zc_recv(fd, v[i].iov_base, v[i].iov_len);
        if (part < 0) return all > 0 ? all : part; /* an error is told by the next call */
        all += part;
        if ((size_t)part < v[i].iov_len) break;
    }
    return all;
}
#endif

#if defined(_WIN32)
/* How many of the vectors, from the first on, go into one call as they are. 0: the first alone is too much. */
static inline DWORD zc_iov_fitting(const zc_iovec_t *v, int n) {
    size_t all = 0;
    int i = 0;
    while (i < n && v[i].len <= ZC_CALL_MAX - all) all += v[i++].len;
    return (DWORD)i;
}
#endif

static inline ptrdiff_t zc_readv(int fd, zc_iovec_t *v, int n) {
#if defined(_WIN32)
    DWORD got = 0, flags = 0, fitting = zc_iov_fitting(v, n);
    if (fitting == 0) return zc_recv(fd, v[0].buf, v[0].len);
    return WSARecv((SOCKET)fd, (WSABUF *)v, fitting, &got, &flags, NULL, NULL) == 0 ? (ptrdiff_t)got : zc_net_error();
#else
    static uint32_t forbidden; /* of the process, and known for sure: the plain call worked where this one did not */
    if (zc_load_relaxed_u32(&forbidden)) return zc_each(fd, v, n, 0);
    for (;;) {
        ssize_t got = readv(fd, v, n);
        if (got >= 0) return got;
        if (errno == EINTR) continue;
        if (!zc_forbidden(errno)) return zc_net_error();
        ptrdiff_t plain = zc_each(fd, v, n, 0);
        if (plain > 0) zc_store_relaxed_u32(&forbidden, 1);
        return plain;
    }
#endif
}

static inline ptrdiff_t zc_sendv(int fd, zc_iovec_t *v, int n) {
#if defined(_WIN32)
    DWORD put = 0, fitting = zc_iov_fitting(v, n);
    if (fitting == 0) return zc_send(fd, v[0].buf, v[0].len);
    return WSASend((SOCKET)fd, (WSABUF *)v, fitting, &put, 0, NULL, NULL) == 0 ? (ptrdiff_t)put : zc_net_error();
#else
    static uint32_t forbidden; /* as above; a firewall answers EPERM to both calls */
    if (zc_load_relaxed_u32(&forbidden)) return zc_each(fd, v, n, 1);
    struct msghdr m;
    memset(&m, 0, sizeof m);
    m.msg_iov = v;
    m.msg_iovlen = n; /* size_t in glibc, int elsewhere */
    for (;;) {
        ssize_t put = sendmsg(fd, &m, MSG_NOSIGNAL);
        if (put >= 0) return put;
        if (errno == EINTR) continue;
        if (!zc_forbidden(errno)) return zc_net_error();
        ptrdiff_t plain = zc_each(fd, v, n, 1);
        if (plain > 0) zc_store_relaxed_u32(&forbidden, 1);
        return plain;
    }
#endif
}

static inline int zc_shutdown_write(int fd) {
#if defined(_WIN32)
    return shutdown((SOCKET)fd, SD_SEND) == 0 ? 0 : zc_net_error();
#else
    return shutdown(fd, SHUT_WR) == 0 ? 0 : -errno;
#endif
}

/* Octets written but not yet taken by the peer's system (tcp) or the peer (ipc); -ENOSYS where the system does not tell. */
static inline long zc_unsent(int fd) {
#if defined(__linux__)
    int n = 0;
    return ioctl(fd, SIOCOUTQ, &n) == 0 ? n : -errno;
#elif defined(__APPLE__)
    int n = 0;
    socklen_t size = sizeof n;
    return getsockopt(fd, SOL_SOCKET, SO_NWRITE, &n, &size) == 0 ? n : -errno;
#else
    (void)fd;
    return -ENOSYS;
#endif
}

/* The error pending on a socket as -errno, 0 if none. Reading it clears it. */
static inline int zc_socket_error(int fd) {
    int code = 0;
    socklen_t size = sizeof code;
#if defined(_WIN32)
    if (getsockopt((SOCKET)fd, SOL_SOCKET, SO_ERROR, (char *)&code, &size) != 0) return zc_net_error();
    return -zc_wsa_errno(code);
#else
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &code, &size) != 0) return -errno;
    return -code;
#endif
}

/* ---- wake-ups: a thread that sits in a poll call is made to return ---- */

typedef struct zc_wake {
    int rfd; /* readable once signalled */
    int wfd; /* the same descriptor where there is eventfd, else the other end of a pipe */
} zc_wake_t;

#if defined(_WIN32)
/* Two connected loopback sockets. A stranger could connect to the listener first, so the ports are compared. */
static inline int zc_wake_pair(zc_wake_t *w) {
    struct sockaddr_in here, from, ours;
    int size = sizeof here, on = 1, rc = -EIO;
    SOCKET l = INVALID_SOCKET, c = INVALID_SOCKET, a = INVALID_SOCKET;
    memset(&here, 0, sizeof here);
    here.sin_family = AF_INET;
    here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    l = socket(AF_INET, SOCK_STREAM, IPPROTO_TCP);
    c = socket(AF_INET, SOCK_STREAM, IPPROTO_TCP);
    if (l == INVALID_SOCKET || c == INVALID_SOCKET) goto out;
    setsockopt(l, SOL_SOCKET, SO_EXCLUSIVEADDRUSE, (const char *)&on, sizeof on);
    if (bind(l, (struct sockaddr *)&here, sizeof here) != 0 || listen(l, 1) != 0) goto out;
    if (getsockname(l, (struct sockaddr *)&here, &size) != 0) goto out;
    if (connect(c, (struct sockaddr *)&here, sizeof here) != 0) goto out;
    size = sizeof from;
    a = accept(l, (struct sockaddr *)&from, &size);
    if (a == INVALID_SOCKET) goto out;
    size = sizeof ours;
    if (getsockname(c, (struct sockaddr *)&ours, &size) != 0) goto out;
    if (from.sin_port != ours.sin_port || from.sin_addr.s_addr != ours.sin_addr.s_addr) {
        WSASetLastError(WSAECONNABORTED);
        goto out;
    }
    setsockopt(c, IPPROTO_TCP, TCP_NODELAY, (const char *)&on, sizeof on);
    w->rfd = (int)a;
    w->wfd = (int)c;
    closesocket(l);
    rc = zc_socket_adopt(w->rfd);
    if (rc == 0) rc = zc_socket_adopt(w->wfd);
    if (rc == 0) return 0;
    l = INVALID_SOCKET;
    goto close;
out:
    rc = zc_net_error();
close:
    if (l != INVALID_SOCKET) closesocket(l);
    if (c != INVALID_SOCKET) closesocket(c);
    if (a != INVALID_SOCKET) closesocket(a);
    return rc;
}
#endif

static inline void zc_wake_close(zc_wake_t *w) {
    if (w->rfd >= 0) zc_close(w->rfd);
    if (w->wfd >= 0 && w->wfd != w->rfd) zc_close(w->wfd);
    w->rfd = w->wfd = -1;
}

#if !defined(_WIN32)
static inline int zc_wake_pipe(zc_wake_t *w) {
    int fds[2];
#if defined(__linux__)
    if (pipe2(fds, O_NONBLOCK | O_CLOEXEC) != 0) return -errno;
    w->rfd = fds[0];
    w->wfd = fds[1];
    return 0;
#else
    int rc;
    if (pipe(fds) != 0) return -errno;
    w->rfd = fds[0];
    w->wfd = fds[1];
    if ((rc = zc_set_nonblocking(fds[0])) < 0 || (rc = zc_set_nonblocking(fds[1])) < 0 ||
        (rc = zc_set_cloexec(fds[0])) < 0 || (rc = zc_set_cloexec(fds[1])) < 0) {
        zc_wake_close(w);
        return rc;
    }
    return 0;
#endif
}
#endif

static inline int zc_wake_open(zc_wake_t *w) {
    w->rfd = w->wfd = -1;
    int fault = zc_resource_fault();
    if (fault) return fault;
#if defined(_WIN32)
    int rc = zc_wake_pair(w);
    if (rc < 0) w->rfd = w->wfd = -1;
    return rc;
#else
#if defined(__linux__)
    int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (fd >= 0) {
        w->rfd = w->wfd = fd;
        return 0;
    }
    if (!zc_forbidden(errno)) return -errno;
#endif
    return zc_wake_pipe(w);
#endif
}

/* Never blocks: a full channel is readable already, which is all a signal means. */
static inline void zc_wake_signal(zc_wake_t *w) {
#if defined(__linux__)
    uint64_t one = 1;
    while (write(w->wfd, &one, sizeof one) < 0 && errno == EINTR) {
    }
#elif defined(_WIN32)
    send((SOCKET)w->wfd, "w", 1, 0);
#else
    while (write(w->wfd, "w", 1) < 0 && errno == EINTR) {
    }
#endif
}

/* Forgets every signal sent so far. */
static inline void zc_wake_drain(zc_wake_t *w) {
#if defined(__linux__)
    uint64_t count;
    for (;;) {
        ssize_t got = read(w->rfd, &count, sizeof count);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0 || w->rfd == w->wfd) break; /* one read empties an eventfd, a pipe holds a word for each signal */
    }
#elif defined(_WIN32)
    char sink[256];
    while (recv((SOCKET)w->rfd, sink, sizeof sink, 0) == (int)sizeof sink) {
    }
#else
    char sink[256];
    for (;;) {
        ssize_t got = read(w->rfd, sink, sizeof sink);
        if (got == (ssize_t)sizeof sink || (got < 0 && errno == EINTR)) continue;
        break;
    }
#endif
}

/* ---- timers as descriptors ---- */

/* Readable from the monotonic time `abs_ns` on (a past time: at once); 0 disarms. Takes an earlier signal back. */
static inline int zc_timer_arm(int fd, uint64_t abs_ns) {
#if defined(__linux__)
    struct itimerspec t;
    memset(&t, 0, sizeof t);
    abs_ns = zc_system_ns(abs_ns);
    t.it_value.tv_sec = (time_t)(abs_ns / 1000000000u);
    t.it_value.tv_nsec = (long)(abs_ns % 1000000000u);
    return timerfd_settime(fd, TFD_TIMER_ABSTIME, &t, NULL) == 0 ? 0 : -errno;
#else
    (void)fd;
    (void)abs_ns;
    return -ENOSYS;
#endif
}

/* A timer that can be armed, or -errno: its user then has to wait with a timeout instead. */
static inline int zc_timer_open(void) {
#if defined(__linux__)
    int fault = zc_resource_fault();
    if (fault) return fault;
    int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (fd < 0) return -errno;
    int rc = zc_timer_arm(fd, 0);
    if (rc == 0) return fd;
    zc_close(fd);
    return rc;
#else
    return -ENOSYS;
#endif
}
