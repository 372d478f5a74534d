/* epoll, kqueue and poll behind thin wrappers. Included by platform.h only.
 *
 * Rules
 * - Every wrapper and every type exists on every system; what the kernel lacks returns -ENOSYS.
 * - Timeouts are nanoseconds, -1 = no limit. A wait may end late by the kernel's resolution, never early.
 * - Waits return -EINTR on a signal and do not repeat: the API above must let Python look at it.
 */

/* ---- poll ---- */

#if defined(_WIN32)
/* Same shape as POSIX; WSAPOLLFD holds a SOCKET, which is wider than int. */
typedef struct zc_pollfd {
    SOCKET fd;
    SHORT events;
    SHORT revents;
} zc_pollfd_t;
#define ZC_POLLPRI 0 /* WSAPoll refuses POLLPRI */
#else
typedef struct pollfd zc_pollfd_t;
#define ZC_POLLPRI POLLPRI
#endif
#define ZC_POLLIN POLLIN
#define ZC_POLLOUT POLLOUT
#define ZC_POLLERR POLLERR
#define ZC_POLLHUP POLLHUP
#define ZC_POLLNVAL POLLNVAL

static inline void zc_pollfd_set(zc_pollfd_t *p, int fd, int events) {
#if defined(_WIN32)
    p->fd = (SOCKET)fd;
#else
    p->fd = fd;
#endif
    p->events = (short)events;
    p->revents = 0;
}

/* Of what waits for output without an answer, how many are connections that have failed; they get one. -ENOSYS where poll() itself tells: before
 * Windows 10 2004, WSAPoll() says nothing of them. select() does, as an exception, for a few sockets at a time. */
static inline int zc_poll_refused(zc_pollfd_t *fds, int n) {
#if defined(_WIN32)
    const struct timeval now = {0, 0};
    int found = 0;
    for (int first = 0, i = 0; i < n; first = i) {
        fd_set failed;
        FD_ZERO(&failed);
        for (; i < n && failed.fd_count < FD_SETSIZE; i++)
            if ((fds[i].events & POLLOUT) && fds[i].revents == 0) FD_SET(fds[i].fd, &failed);
        if (failed.fd_count == 0 || select(0, NULL, NULL, &failed, &now) <= 0) continue;
        for (int k = first; k < i; k++) {
            if (!(fds[k].events & POLLOUT) || !FD_ISSET(fds[k].fd, &failed)) continue;
            fds[k].revents = POLLERR | POLLHUP | POLLOUT;
            found++;
        }
    }
    return found;
#else
    (void)fds, (void)n;
    return -ENOSYS;
#endif
}

#if defined(_WIN32)
/* How late a failed connection may be seen: the longest sleep beside one that is under way. */
#define ZC_POLL_REFUSED_MS 100

static inline int zc_wsapoll(zc_pollfd_t *fds, int n, int64_t timeout_ns) {
    const uint64_t until = timeout_ns < 0 ? UINT64_MAX : zc_now_ns() + (uint64_t)timeout_ns;
    int output = 0;
    for (int i = 0; i < n; i++) output |= fds[i].events & POLLOUT;
    for (;;) {
        int ms = timeout_ns < 0 ? -1 : zc_ns_to_ms((uint64_t)timeout_ns, INT_MAX);
        int part = output && (ms < 0 || ms > ZC_POLL_REFUSED_MS) ? ZC_POLL_REFUSED_MS : ms;
        int rc = WSAPoll((WSAPOLLFD *)fds, (ULONG)n, part);
        if (rc < 0) return zc_net_error();
        if (rc == 0) /* Wine does not count what is no socket */
            for (int i = 0; i < n; i++) rc += (fds[i].revents & POLLNVAL) != 0;
        if (rc == 0 && output) rc = zc_poll_refused(fds, n);
        if (rc != 0 || part == ms) return rc;
        if (timeout_ns >= 0) {
            uint64_t now = zc_now_ns();
            timeout_ns = now < until ? (int64_t)(until - now) : 0;
        }
    }
}
#endif

static inline int zc_poll(zc_pollfd_t *fds, int n, int64_t timeout_ns) {
#if defined(_WIN32)
    if (n != 0) return zc_wsapoll(fds, n, timeout_ns);
    Sleep(timeout_ns < 0 ? INFINITE : (DWORD)zc_ns_to_ms((uint64_t)timeout_ns, INT_MAX)); /* WSAPoll() refuses an empty set */
    return 0;
#elif defined(__linux__) || defined(__FreeBSD__)
    struct timespec t;
    if (timeout_ns >= 0) t = zc_timespec((uint64_t)timeout_ns);
    int rc = ppoll(fds, (nfds_t)n, timeout_ns < 0 ? NULL : &t, NULL);
    if (rc >= 0 || !zc_forbidden(errno)) return rc >= 0 ? rc : -errno;
    rc = poll(fds, (nfds_t)n, timeout_ns < 0 ? -1 : zc_ns_to_ms((uint64_t)timeout_ns, INT_MAX));
    return rc >= 0 ? rc : -errno;
#else
    int rc = poll(fds, (nfds_t)n, timeout_ns < 0 ? -1 : zc_ns_to_ms((uint64_t)timeout_ns, INT_MAX));
    return rc >= 0 ? rc : -errno;
#endif
}

/* After a zc_poll: 0, or -ENOTSOCK where one of them can never be waited for. Windows polls sockets only; of what is none
 * the call itself says so if there is no socket beside it, a flag otherwise. */
static inline int zc_pollfds_error(const zc_pollfd_t *fds, int n) {
#if defined(_WIN32)
    for (int i = 0; i < n; i++)
        if (fds[i].revents & ZC_POLLNVAL) return -ENOTSOCK;
#else
    (void)fds, (void)n;
#endif
    return 0;
}

/* ---- epoll ---- */

#if defined(__linux__) && !defined(ZC_HAVE_KQUEUE)

typedef struct epoll_event zc_epoll_event_t;
#define ZC_EPOLLIN EPOLLIN
#define ZC_EPOLLOUT EPOLLOUT
#define ZC_EPOLLERR EPOLLERR
#define ZC_EPOLLHUP EPOLLHUP
#define ZC_EPOLL_ADD EPOLL_CTL_ADD
#define ZC_EPOLL_MOD EPOLL_CTL_MOD
#define ZC_EPOLL_DEL EPOLL_CTL_DEL

static inline int zc_epoll_create(void) {
    int fault = zc_resource_fault();
    if (fault) return fault;
    int fd = epoll_create1(EPOLL_CLOEXEC);
    if (fd >= 0) return fd;
    return zc_forbidden(errno) ? -ENOSYS : -errno;
}

static inline int zc_epoll_ctl(int ep, int op, int fd, uint32_t events, void *tag) {
    int fault = op == ZC_EPOLL_ADD ? zc_resource_fault() : 0;
    if (fault) return fault;
    struct epoll_event e;
    memset(&e, 0, sizeof e);
    e.events = events;
    e.data.ptr = tag;
    return epoll_ctl(ep, op, fd, &e) == 0 ? 0 : -errno;
}

/* epoll_pwait2 (Linux 5.11) takes nanoseconds. libc headers of the wheels' build image do not know it; the number is the
 * same on every architecture but alpha. */
#if !defined(SYS_epoll_pwait2) && !defined(__alpha__)
#define SYS_epoll_pwait2 441
#endif

/* -ENOSYS when the kernel has no such call. */
static inline int zc_epoll_pwait2(int ep, struct epoll_event *out, int max, int64_t timeout_ns) {
#if defined(SYS_epoll_pwait2)
    static uint32_t missing;
    if (zc_load_relaxed_u32(&missing)) return -ENOSYS;
    struct { int64_t sec; int64_t nsec; } t = {timeout_ns / 1000000000, timeout_ns % 1000000000};
    long rc = syscall(SYS_epoll_pwait2, ep, out, max, &t, NULL, (size_t)0);
    if (rc >= 0) return (int)rc;
    if (!zc_forbidden(errno)) return -errno;
    zc_store_relaxed_u32(&missing, 1);
#else
    (void)ep, (void)out, (void)max, (void)timeout_ns;
#endif
    return -ENOSYS;
}

static inline int zc_epoll_wait(int ep, zc_epoll_event_t *out, int max, int64_t timeout_ns) {
    int ms = timeout_ns < 0 ? -1 : zc_ns_to_ms((uint64_t)timeout_ns, INT_MAX);
    if (timeout_ns > 0 && timeout_ns % 1000000 != 0) {
        int rc = zc_epoll_pwait2(ep, out, max, timeout_ns);
        if (rc != -ENOSYS) return rc;
        struct pollfd p = {ep, POLLIN, 0};
        rc = zc_poll(&p, 1, timeout_ns);
        if (rc <= 0) return rc;
        ms = 0;
    }
    int rc = epoll_wait(ep, out, max, ms);
    return rc >= 0 ? rc : -errno;
}

#else

typedef struct zc_epoll_event {
    uint32_t events;
    union { void *ptr; } data;
} zc_epoll_event_t;
#define ZC_EPOLLIN 1u
#define ZC_EPOLLOUT 4u
#define ZC_EPOLLERR 8u
#define ZC_EPOLLHUP 16u
#define ZC_EPOLL_ADD 1
#define ZC_EPOLL_DEL 2
#define ZC_EPOLL_MOD 3

static inline int zc_epoll_create(void) { return -ENOSYS; }
static inline int zc_epoll_ctl(int ep, int op, int fd, uint32_t events, void *tag) {
    (void)ep, (void)op, (void)fd, (void)events, (void)tag;
    return -ENOSYS;
}
static inline int zc_epoll_wait(int ep, zc_epoll_event_t *out, int max, int64_t timeout_ns) {
    (void)ep, (void)out, (void)max, (void)timeout_ns;
    return -ENOSYS;
}

#endif

static inline void *zc_epoll_tag(const zc_epoll_event_t *e) { return e->data.ptr; }

/* ---- kqueue ---- */

#define ZC_KQ_READ 1
#define ZC_KQ_WRITE 2

/* What a filter shall be. */
#define ZC_KQ_ON 1
#define ZC_KQ_OFF 2    /* registered, silent */
#define ZC_KQ_DELETE 3

#if defined(ZC_HAVE_KQUEUE)

typedef struct kevent zc_kevent_t;

static inline int zc_kqueue_create(void) {
    int fault = zc_resource_fault();
    if (fault) return fault;
    int fd = kqueue();
    if (fd < 0) return -errno;
    int rc = zc_set_cloexec(fd);
    if (rc == 0) return fd;
    close(fd);
    return rc;
}

/* One filter of one descriptor. Deleting what is not there is -ENOENT. */
static inline int zc_kqueue_change(int kq, int fd, int filter, int state, void *tag) {
    struct kevent e;
    unsigned short flags = state == ZC_KQ_DELETE ? EV_DELETE
                         : state == ZC_KQ_OFF    ? (unsigned short)(EV_ADD | EV_DISABLE)
                                                 : (unsigned short)(EV_ADD | EV_ENABLE);
    EV_SET(&e, (uintptr_t)fd, filter == ZC_KQ_WRITE ? EVFILT_WRITE : EVFILT_READ, flags, 0, 0, tag);
    for (;;) {
        if (kevent(kq, &e, 1, NULL, 0, NULL) == 0) return 0;
        if (errno != EINTR) return -errno;
    }
}

static inline int zc_kqueue_wait(int kq, zc_kevent_t *out, int max, int64_t timeout_ns) {
    struct timespec t;
    if (timeout_ns >= 0) t = zc_timespec((uint64_t)timeout_ns);
    int rc = kevent(kq, NULL, 0, out, max, timeout_ns < 0 ? NULL : &t);
    return rc >= 0 ? rc : -errno;
}

static inline void *zc_kevent_tag(const zc_kevent_t *e) { return (void *)e->udata; }
static inline int zc_kevent_filter(const zc_kevent_t *e) {
    return e->filter == EVFILT_WRITE ? ZC_KQ_WRITE : ZC_KQ_READ;
}
/* 1 when the connection is broken: an error is pending, or nobody will read what is written. The end of the peer's
 * stream alone is no error: it is read as such. */
static inline int zc_kevent_failed(const zc_kevent_t *e) {
    if (e->flags & EV_ERROR) return 1;
    return (e->flags & EV_EOF) && (e->fflags != 0 || e->filter == EVFILT_WRITE);
}

#else

typedef struct zc_kevent { void *udata; } zc_kevent_t;

static inline int zc_kqueue_create(void) { return -ENOSYS; }
static inline int zc_kqueue_change(int kq, int fd, int filter, int state, void *tag) {
    (void)kq, (void)fd, (void)filter, (void)state, (void)tag;
    return -ENOSYS;
}
static inline int zc_kqueue_wait(int kq, zc_kevent_t *out, int max, int64_t timeout_ns) {
    (void)kq, (void)out, (void)max, (void)timeout_ns;
    return -ENOSYS;
}
static inline void *zc_kevent_tag(const zc_kevent_t *e) { return e->udata; }
static inline int zc_kevent_filter(const zc_kevent_t *e) { (void)e; return 0; }
static inline int zc_kevent_failed(const zc_kevent_t *e) { (void)e; return 0; }

#endif
