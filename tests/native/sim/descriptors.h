/* The simulated descriptor table: wake-ups, timers, poll sets, waiting on any of them. Part of sim/system.h. Stream sockets are in sim/network.h.
 *
 * Rules
 * - The lowest free number is given out, as a real kernel does: a number used after its descriptor was closed is soon somebody else's.
 * - A call on a number that is not open is a finding, unless a raw peer makes it.
 * - Descriptors of raw peers (sim_foreign) have numbers of their own, from SIM_FOREIGN on, are not counted against the limit, and may be left open.
 */
#ifndef SIM_DESCRIPTORS_H
#define SIM_DESCRIPTORS_H

enum { SIM_FDS = 1200, SIM_FOREIGN = 1100, SIM_FIRST = 3, SIM_MEMBERS = 96 };

enum { SIM_FREE, SIM_EVENTFD, SIM_TIMERFD, SIM_EPOLL, SIM_SOCKET, SIM_LISTENER, SIM_STREAM };

typedef struct sim_member {
    int fd;
    uint64_t stamp;
    uint32_t events;
    void *tag;
} sim_member_t;

typedef struct sim_file {
    int kind;
    uint64_t stamp;     /* differs for every descriptor of a world */
    uint64_t count;     /* eventfd; timerfd: 1 once it has fired */
    uint64_t armed;     /* timerfd: grows with every setting, so that an older event is told apart */
    sim_member_t *members;
    int nmembers, room;
    int watched;        /* poll sets it is a member of */
    int end;            /* SIM_STREAM: index of its end */
    int family;
    int port;           /* SIM_SOCKET, SIM_LISTENER */
    char path[112];     /* the same, local; [0] 0 and path[1] set: abstract */
    size_t path_size;
    int backlog;
    int queue[64];      /* ends that wait to be accepted */
    int nqueue;
    int reset_on_close;
} sim_file_t;

static sim_file_t sim_files[SIM_FDS];
static int sim_fds_end = SIM_FIRST, sim_foreign_end = SIM_FOREIGN; /* behind the highest number that was given out in this world, of either kind */
static uint64_t sim_stamps;

SIM_FN int sim_errno(int code) {
    errno = code;
    return -1;
}

/* All numbers that may be in use: short worlds use few of them. */
SIM_FN int sim_fd_next(int fd) {
    fd++;
    if (fd >= sim_fds_end && fd < SIM_FOREIGN) fd = SIM_FOREIGN;
    return fd < SIM_FOREIGN || fd < sim_foreign_end ? fd : SIM_FDS;
}
#define SIM_EACH_FD(fd) for (int fd = sim_fd_next(SIM_FIRST - 1); fd < SIM_FDS; fd = sim_fd_next(fd))

/* Whether this call shall fail for a reason of the world's. */
SIM_FN int sim_refuses(void) {
    if (world.foreign) return 0;
    world.fallible++;
    if (world.fallible == world.config.refused_at || sim_once_in(world.config.refused)) {
        world.refusals++;
        return 1;
    }
    return 0;
}

SIM_FN int sim_fd_new(int kind) {
    int from = world.foreign ? SIM_FOREIGN : SIM_FIRST;
    int to = world.foreign ? SIM_FDS : SIM_FIRST + (int)(world.config.descriptors ? world.config.descriptors : 1000);
    for (int fd = from; fd < to; fd++) {
        sim_file_t *f = &sim_files[fd];
        if (f->kind != SIM_FREE) continue;
        sim_member_t *members = f->members;
        int room = f->room;
        sim_fill(f, 0, sizeof *f);
        f->members = members;
        f->room = room;
        f->kind = kind;
        f->stamp = ++sim_stamps;
        f->end = -1;
        if (world.foreign) {
            if (fd >= sim_foreign_end) sim_foreign_end = fd + 1;
        } else if (fd >= sim_fds_end) {
            sim_fds_end = fd + 1;
        }
        return fd;
    }
    if (!world.foreign) world.refusals++;
    return sim_errno(EMFILE);
}

SIM_FN sim_file_t *sim_file(int fd, const char *call) {
    if (fd >= SIM_FIRST && fd < SIM_FDS && sim_files[fd].kind != SIM_FREE) return &sim_files[fd];
    if (!world.foreign) sim_find(SIM_MISUSE, "%s on descriptor %d, which is not open", call, fd);
    errno = EBADF;
    return NULL;
}

/* ---- readiness ---- */

SIM_FN uint32_t sim_stream_mask(sim_file_t *f);

SIM_FN uint32_t sim_mask(int fd) {
    sim_file_t *f = &sim_files[fd];
    switch (f->kind) {
    case SIM_EVENTFD: return (f->count ? EPOLLIN : 0u) | EPOLLOUT;
    case SIM_TIMERFD: return f->count ? EPOLLIN : 0u;
    case SIM_SOCKET: return EPOLLOUT | EPOLLHUP;
    case SIM_LISTENER: return f->nqueue ? EPOLLIN : 0u;
    case SIM_STREAM: return sim_stream_mask(f);
    case SIM_EPOLL:
        for (int i = 0; i < f->nmembers; i++)
            if (sim_mask(f->members[i].fd) & (f->members[i].events | EPOLLERR | EPOLLHUP)) return EPOLLIN;
        return 0;
    default: return 0;
    }
}

SIM_FN void sim_changed(void) { world.changes++; }

/* ---- eventfd, timerfd ---- */

SIM_FN int sim_eventfd(unsigned start, int flags) {
    (void)flags;
    sim_call(1);
    if (sim_refuses()) return sim_errno(sim_random(2) ? EMFILE : ENOMEM);
    int fd = sim_fd_new(SIM_EVENTFD);
    if (fd >= 0) sim_files[fd].count = start;
    return fd;
}

SIM_FN ssize_t sim_write(int fd, const void *data, size_t n) {
    sim_call(2);
    sim_file_t *f = sim_file(fd, "write");
    if (f == NULL) return -1;
    if (sim_once_in(world.config.interrupted)) return sim_errno(EINTR);
    if (f->kind != SIM_EVENTFD || n != 8) return sim_errno(EINVAL);
    f->count += *(const uint64_t *)data;
    sim_changed();
    return 8;
}

SIM_FN ssize_t sim_read(int fd, void *out, size_t n) {
    sim_call(3);
    sim_file_t *f = sim_file(fd, "read");
    if (f == NULL) return -1;
    if (sim_once_in(world.config.interrupted)) return sim_errno(EINTR);
    if (f->kind != SIM_EVENTFD || n != 8) return sim_errno(EINVAL);
    if (f->count == 0) return sim_errno(EAGAIN);
    *(uint64_t *)out = f->count;
    f->count = 0;
    return 8;
}

SIM_FN int sim_timerfd_create(int clock, int flags) {
    (void)clock, (void)flags;
    sim_call(4);
    if (sim_refuses()) return sim_errno(EMFILE);
    return sim_fd_new(SIM_TIMERFD);
}

SIM_FN void sim_timer_fires(int fd, uint64_t stamp) {
    sim_file_t *f = &sim_files[fd];
    if (f->kind != SIM_TIMERFD || f->armed != stamp) return;
    f->count = 1;
    sim_changed();
}

SIM_FN int sim_timerfd_settime(int fd, int flags, const struct itimerspec *t, struct itimerspec *old) {
    (void)flags, (void)old;
    sim_call(5);
    sim_file_t *f = sim_file(fd, "timerfd_settime");
    if (f == NULL) return -1;
    if (f->kind != SIM_TIMERFD) return sim_errno(EINVAL);
    uint64_t at = (uint64_t)t->it_value.tv_sec * 1000000000u + (uint64_t)t->it_value.tv_nsec;
    f->armed = ++sim_stamps;
    f->count = 0;
    sim_forget(sim_timer_fires, fd); /* or else a busy program would fill the list with settings that are past */
    if (at != 0) sim_later(at, sim_timer_fires, fd, f->armed);
    sim_changed();
    return 0;
}

/* ---- waiting ---- */

SIM_FN uint64_t sim_until(int64_t ns) { return ns < 0 ? UINT64_MAX : world.now + (uint64_t)ns; }

SIM_FN int sim_pollfds_count(struct pollfd *fds, nfds_t n) {
    int ready = 0;
    for (nfds_t i = 0; i < n; i++) {
        fds[i].revents = 0;
        if (fds[i].fd < 0) continue;
        if (fds[i].fd >= SIM_FDS || sim_files[fds[i].fd].kind == SIM_FREE) {
            fds[i].revents = POLLNVAL;
        } else {
            uint32_t mask = sim_mask(fds[i].fd);
            fds[i].revents = (short)(mask & ((uint32_t)(unsigned short)fds[i].events | POLLERR | POLLHUP));
        }
        ready += fds[i].revents != 0;
    }
    return ready;
}

SIM_FN int sim_pollfds_ready(sim_fiber_t *f) {
    return sim_pollfds_count((struct pollfd *)f->wait_args[0], (nfds_t)(uintptr_t)f->wait_args[1]);
}

SIM_FN int sim_ppoll(struct pollfd *fds, nfds_t n, const struct timespec *timeout, const void *mask) {
    (void)mask;
    sim_call(6);
    int64_t ns = timeout == NULL ? -1 : (int64_t)timeout->tv_sec * 1000000000 + timeout->tv_nsec;
    int ready = sim_pollfds_count(fds, n);
    if (ready || ns == 0 || world.current == NULL) return ready;
    if (sim_once_in(world.config.interrupted)) return sim_errno(EINTR);
    world.current->wait_args[0] = fds;
    world.current->wait_args[1] = (void *)(uintptr_t)n;
    sim_wait(sim_pollfds_ready, fds, sim_until(ns));
    return sim_pollfds_count(fds, n);
}

SIM_FN int sim_epoll_create1(int flags) {
    (void)flags;
    sim_call(7);
    if (sim_refuses()) return sim_errno(sim_random(2) ? EMFILE : ENOMEM);
    return sim_fd_new(SIM_EPOLL);
}

SIM_FN int sim_epoll_ctl(int ep, int op, int fd, struct epoll_event *event) {
    sim_call(8);
    sim_file_t *p = sim_file(ep, "epoll_ctl"), *f = sim_file(fd, "epoll_ctl");
    if (p == NULL || f == NULL) return -1;
    int at = 0;
    while (at < p->nmembers && p->members[at].fd != fd) at++;
    if (op == EPOLL_CTL_ADD) {
        if (at < p->nmembers) return sim_errno(EEXIST);
        if (sim_refuses()) return sim_errno(sim_random(2) ? ENOMEM : ENOSPC);
        if (p->nmembers == p->room) {
            p->room = p->room * 2 + 8;
            p->members = (sim_member_t *)realloc(p->members, (size_t)p->room * sizeof *p->members);
        }
        p->nmembers++;
        p->members[at].fd = fd;
        p->members[at].stamp = f->stamp;
        f->watched++;
    } else if (at == p->nmembers) {
        return sim_errno(ENOENT);
    } else if (op == EPOLL_CTL_DEL) {
        p->members[at] = p->members[--p->nmembers];
        f->watched--;
        sim_changed();
        return 0;
    }
    p->members[at].events = event->events;
    p->members[at].tag = event->data.ptr;
    sim_changed();
    return 0;
}

SIM_FN int sim_epoll_collect(int ep, struct epoll_event *out, int max) {
    sim_file_t *p = &sim_files[ep];
    int n = 0, all = p->nmembers, from = all ? (int)sim_random((uint64_t)all) : 0;
    for (int i = 0; i < all && n < max; i++) {
        sim_member_t *m = &p->members[(from + i) % all];
        uint32_t mask = sim_mask(m->fd) & (m->events | EPOLLERR | EPOLLHUP);
        if (mask == 0) continue;
        out[n].events = mask;
        out[n].data.ptr = m->tag;
        n++;
    }
    return n;
}

SIM_FN int sim_epoll_ready(sim_fiber_t *f) {
    int ep = (int)(intptr_t)f->wait_args[0];
    return sim_files[ep].kind == SIM_EPOLL && sim_files[ep].stamp == (uint64_t)(uintptr_t)f->wait_args[1] && sim_mask(ep) != 0;
}

SIM_FN int sim_epoll_wait_ns(int ep, struct epoll_event *out, int max, int64_t ns) {
    sim_call(9);
    sim_file_t *p = sim_file(ep, "epoll_wait");
    if (p == NULL) return -1;
    if (sim_once_in(world.config.interrupted)) return sim_errno(EINTR);
    int n = sim_epoll_collect(ep, out, max);
    if (n || ns == 0 || world.current == NULL) return n;
    uint64_t stamp = p->stamp;
    world.current->wait_args[0] = (void *)(intptr_t)ep;
    world.current->wait_args[1] = (void *)(uintptr_t)stamp;
    sim_wait(sim_epoll_ready, p, sim_until(ns));
    if (p->kind != SIM_EPOLL || p->stamp != stamp) {
        sim_find(SIM_MISUSE, "a poll set was closed while %s waited on it", world.current->name);
        return sim_errno(EBADF);
    }
    return sim_epoll_collect(ep, out, max);
}

SIM_FN int sim_epoll_wait(int ep, struct epoll_event *out, int max, int ms) {
    return sim_epoll_wait_ns(ep, out, max, ms < 0 ? -1 : (int64_t)ms * 1000000);
}

/* ---- closing ---- */

SIM_FN void sim_stream_close(sim_file_t *f);
SIM_FN void sim_listener_close(sim_file_t *f);

SIM_FN void sim_unwatch(int fd) {
    for (int ep = SIM_FIRST; ep < sim_fds_end; ep++) {
        sim_file_t *p = &sim_files[ep];
        for (int i = 0; p->kind == SIM_EPOLL && i < p->nmembers; i++)
            if (p->members[i].fd == fd) p->members[i] = p->members[--p->nmembers];
    }
}

SIM_FN int sim_close(int fd) {
    sim_call(10);
    sim_file_t *f = sim_file(fd, "close");
    if (f == NULL) return -1;
    if (f->kind == SIM_EPOLL) {
        for (int i = 0; i < f->nmembers; i++) sim_files[f->members[i].fd].watched--;
        f->nmembers = 0;
    }
    if (f->watched) {
        /* A real epoll forgets it; a table of poll() goes on asking, and soon another descriptor has the number. Wake-ups and timers go together
         * with their poll set. */
        if (f->kind >= SIM_SOCKET) sim_find(SIM_MISUSE, "descriptor %d is closed while a poll set still watches it", fd);
        sim_unwatch(fd);
    }
    if (f->kind == SIM_STREAM) sim_stream_close(f);
    if (f->kind == SIM_LISTENER) sim_listener_close(f);
    f->kind = SIM_FREE;
    f->stamp = ++sim_stamps;
    sim_changed();
    return sim_once_in(world.config.interrupted) ? sim_errno(EINTR) : 0;
}

#endif
