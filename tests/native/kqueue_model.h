/* kqueue() and kevent() for Linux, made of epoll, so that the back end of macOS and FreeBSD meets all tests here.
 *
 * Rules
 * - What the manual pages promise of EVFILT_READ and EVFILT_WRITE on sockets, pipes and kqueues. It is a model: what the kernels do besides, only
 *   they can show.
 * - One descriptor for each kqueue, as there. A forked child has no use of them; that it inherits the descriptors is not as there.
 * - Which filters there are stands in a table, behind one lock; epoll is told the sum of a descriptor's two.
 */
#ifndef ZC_KQUEUE_MODEL_H
#define ZC_KQUEUE_MODEL_H

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

struct kevent {
    uintptr_t ident;
    short filter;
    unsigned short flags;
    unsigned int fflags;
    int64_t data;
    void *udata;
};

#define EVFILT_READ (-1)
#define EVFILT_WRITE (-2)
#define EV_ADD 0x1
#define EV_DELETE 0x2
#define EV_ENABLE 0x4
#define EV_DISABLE 0x8
#define EV_ERROR 0x4000
#define EV_EOF 0x8000
#define EV_SET(e, i, f, g, ff, d, u)                                                                        \
    (*(e) = (struct kevent){.ident = (i), .filter = (f), .flags = (g), .fflags = (ff), .data = (d), .udata = (u)})

#define MODEL_BATCH 64 /* descriptors looked at in one wait */

struct model_filter {
    int there, on;
    void *udata;
};

struct model_kqueue {
    int open;
    size_t room;
    struct model_filter (*filters)[2]; /* by descriptor: reading, writing */
};

static pthread_mutex_t model_lock = PTHREAD_MUTEX_INITIALIZER;
static struct model_kqueue **model_kqueues; /* by their own descriptor */
static size_t model_room;

static void model_before_fork(void) { pthread_mutex_lock(&model_lock); }
static void model_in_parent(void) { pthread_mutex_unlock(&model_lock); }
static void model_in_child(void) {
    for (size_t i = 0; i < model_room; i++)
        if (model_kqueues[i] != NULL) model_kqueues[i]->open = 0;
    pthread_mutex_unlock(&model_lock);
}

/* Room for `wanted` in an array of which `*room` elements of `size` are there; what is new is zero. */
static int model_grow(void **array, size_t *room, size_t wanted, size_t size) {
    if (wanted <= *room) return 0;
    size_t made = 2 * wanted;
    char *p = realloc(*array, made * size);
    if (p == NULL) return -1;
    memset(p + *room * size, 0, (made - *room) * size);
    *array = p;
    *room = made;
    return 0;
}

static int kqueue(void) {
    static int watched;
    int fd = epoll_create1(EPOLL_CLOEXEC), rc = 0;
    if (fd < 0) return -1;
    pthread_mutex_lock(&model_lock);
    if (!watched) watched = pthread_atfork(model_before_fork, model_in_parent, model_in_child) == 0;
    rc = model_grow((void **)&model_kqueues, &model_room, (size_t)fd + 1, sizeof *model_kqueues);
    if (rc == 0 && model_kqueues[fd] == NULL && (model_kqueues[fd] = calloc(1, sizeof **model_kqueues)) == NULL) rc = -1;
    if (rc == 0) {
        struct model_kqueue *k = model_kqueues[fd]; /* that of an earlier one, which was closed */
        if (k->room) memset(k->filters, 0, k->room * sizeof *k->filters);
        k->open = 1;
    }
    pthread_mutex_unlock(&model_lock);
    if (rc == 0) return fd;
    close(fd);
    errno = ENOMEM;
    return -1;
}

static int model_change(int kq, struct model_kqueue *k, const struct kevent *c) {
    struct epoll_event e;
    int fd = (int)c->ident;
    if (fcntl(fd, F_GETFD) < 0) return -1;
    if (model_grow((void **)&k->filters, &k->room, (size_t)fd + 1, sizeof *k->filters) < 0) return errno = ENOMEM, -1;
    struct model_filter *both = k->filters[fd], *f = &both[c->filter == EVFILT_WRITE];
    if (!f->there && !(c->flags & EV_ADD)) return errno = ENOENT, -1;
    f->there = !(c->flags & EV_DELETE);
    f->on = f->there && !(c->flags & EV_DISABLE);
    f->udata = c->udata;
    memset(&e, 0, sizeof e);
    e.data.fd = fd;
    e.events = (both[0].on ? EPOLLIN | EPOLLRDHUP : 0u) | (both[1].on ? EPOLLOUT : 0u);
    if (e.events == 0) return epoll_ctl(kq, EPOLL_CTL_DEL, fd, &e) == 0 || errno == ENOENT ? 0 : -1;
    if (epoll_ctl(kq, EPOLL_CTL_MOD, fd, &e) == 0) return 0;
    return errno == ENOENT ? epoll_ctl(kq, EPOLL_CTL_ADD, fd, &e) : -1;
}

/* What `seen` means for the filters of a descriptor, at most `room` events. */
static int model_tell(struct model_filter *both, const struct epoll_event *seen, struct kevent *out, int room, int first) {
    int n = 0;
    for (int i = 0; i < 2 && n < room; i++) {
        int writing = i ^ first;
        unsigned int ready = writing ? EPOLLOUT : EPOLLIN, ended = writing ? EPOLLHUP : EPOLLHUP | EPOLLRDHUP;
        if (!both[writing].on || !(seen->events & (ready | ended | EPOLLERR))) continue;
        memset(&out[n], 0, sizeof *out);
        out[n].ident = (uintptr_t)seen->data.fd;
        out[n].filter = writing ? EVFILT_WRITE : EVFILT_READ;
        out[n].flags = seen->events & (ended | EPOLLERR) ? EV_EOF : 0;
        out[n].fflags = seen->events & EPOLLERR ? ECONNRESET : 0;
        out[n].udata = both[writing].udata;
        n++;
    }
    return n;
}

static int model_wait(int kq, struct kevent *out, int room, const struct timespec *timeout) {
    static unsigned int turn; /* with room for one event, both filters of a descriptor have their turn */
    struct epoll_event seen[MODEL_BATCH];
    struct timespec end, now, left;
    if (timeout != NULL) clock_gettime(CLOCK_MONOTONIC, &end);
    for (;;) {
        struct pollfd p = {kq, POLLIN, 0};
        if (timeout != NULL) {
            clock_gettime(CLOCK_MONOTONIC, &now);
            int64_t ns = (end.tv_sec + timeout->tv_sec - now.tv_sec) * INT64_C(1000000000) + end.tv_nsec + timeout->tv_nsec - now.tv_nsec;
            left.tv_sec = ns > 0 ? ns / 1000000000 : 0;
            left.tv_nsec = ns > 0 ? ns % 1000000000 : 0;
        }
        int n = ppoll(&p, 1, timeout != NULL ? &left : NULL, NULL), told = 0;
        if (n <= 0) return n;
        n = epoll_wait(kq, seen, room < MODEL_BATCH ? room : MODEL_BATCH, 0);
        if (n < 0) return n;
        pthread_mutex_lock(&model_lock);
        struct model_kqueue *k = model_kqueues[kq];
        for (int i = 0; i < n && told < room; i++)
            told += model_tell(k->filters[seen[i].data.fd], &seen[i], out + told, room - told, __atomic_fetch_add(&turn, 1, __ATOMIC_RELAXED) & 1);
        pthread_mutex_unlock(&model_lock);
        if (told > 0) return told; /* else somebody has changed it meanwhile */
    }
}

static int kevent(int kq, const struct kevent *changes, int nchanges, struct kevent *out, int room, const struct timespec *timeout) {
    int rc = 0;
    pthread_mutex_lock(&model_lock);
    struct model_kqueue *k = kq >= 0 && (size_t)kq < model_room ? model_kqueues[kq] : NULL;
    if (k == NULL || !k->open) rc = (errno = EBADF, -1);
    for (int i = 0; i < nchanges && rc == 0; i++) rc = model_change(kq, k, &changes[i]);
    pthread_mutex_unlock(&model_lock);
    return rc < 0 || room == 0 ? rc : model_wait(kq, out, room, timeout);
}

#endif
