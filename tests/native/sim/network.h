/* The simulated network: stream sockets by tcp port and by path, and ends of connections. Part of sim/system.h.
 *
 * Rules
 * - A connection is two ends; each holds the octets on their way to it. Those that have arrived are `visible`; the rest follows by an event, in
 *   parts of any size. An end lives until both descriptors are closed and nothing is under way.
 * - Closing with unread octets, and writing to an end that is closed, resets the connection, as Linux does. A reset takes what is still under way;
 *   what has arrived can be read before ECONNRESET is.
 * - Every address is this machine's: only the port tells listeners apart.
 *
 * Raw peers: between sim_foreign(1) and sim_foreign(0) the very same calls (socket, bind, listen, accept4, connect, send, recv, shutdown, close)
 * make and use descriptors of a peer that is no ZeroMQ socket. Nothing fails or is cut short there by chance.
 * sim_peer_connect(port, path), sim_peer_listen(port, path) and sim_peer_accept(fd) do the usual steps; see sim/system.h.
 */
#ifndef SIM_NETWORK_H
#define SIM_NETWORK_H

enum { SIM_ENDS = 512, SIM_SYN_TRIES = 5 };

enum { SIM_CONNECTING = 1, SIM_CONNECTED = 2, SIM_BROKEN = 3 };

typedef struct sim_end {
    int used, state;
    uint64_t stamp;
    int peer;              /* index, -1: gone */
    int open;              /* its descriptor, or a place in a queue of accepts */
    int local;             /* unix domain */
    int error;             /* to be told once */
    unsigned char *data;   /* octets for this end: head .. head + len, of which `visible` have arrived */
    size_t room, head, len, visible;
    size_t allocated;      /* kept from world to world */
    int fin, fin_visible;  /* the peer will send nothing more */
    int shut;              /* this end will send nothing more */
    int coming;            /* an event of arrival is under way */
    int port_here, port_there;
    int tries;
    uint64_t since;        /* when the oldest visible octet became so, or the last read was */
} sim_end_t;

static sim_end_t sim_ends[SIM_ENDS];
static int sim_ends_end;     /* behind the highest one used in this world */
static int sim_next_port;
static uint64_t sim_octets;  /* moved in this world */
static uint64_t sim_others_octets; /* written by threads that are not the program's */
static uint64_t sim_resets;

SIM_FN int sim_end_new(int local) {
    for (int i = 0; i < SIM_ENDS; i++) {
        sim_end_t *e = &sim_ends[i];
        if (e->used) continue;
        unsigned char *data = e->data;
        size_t allocated = e->allocated;
        sim_fill(e, 0, sizeof *e);
        e->data = data;
        e->allocated = allocated;
        e->used = 1;
        e->stamp = ++sim_stamps;
        e->peer = -1;
        e->local = local;
        e->open = 1;
        if (i >= sim_ends_end) sim_ends_end = i + 1;
        size_t want = world.config.capacity ? world.config.capacity : 65536;
        e->room = want;
        if (e->allocated < want) {
            free(e->data);
            e->data = (unsigned char *)malloc(want);
            e->allocated = want;
        }
        return i;
    }
    sim_find(SIM_MISUSE, "the simulator has no room for more connections");
    return -1;
}

/* Frees an end that nobody can reach. */
SIM_FN void sim_end_done(int i) {
    sim_end_t *e = &sim_ends[i];
    if (e->open) return;
    if (e->peer >= 0) sim_ends[e->peer].peer = -1;
    e->used = 0;
}

SIM_FN uint64_t sim_delay(const sim_end_t *e) {
    return e->local || world.config.delay_ns == 0 ? 0 : 1 + sim_random(world.config.delay_ns);
}

SIM_FN size_t sim_cut(size_t n) {
    if (n > 1 && !world.foreign && sim_once_in(world.config.split)) return 1 + (size_t)sim_random(n);
    return n;
}

/* The connection is dead from this end's view. */
SIM_FN void sim_break(int i, int error) {
    sim_end_t *e = &sim_ends[i];
    if (e->state == SIM_BROKEN) return;
    e->state = SIM_BROKEN;
    e->error = error;
    e->len = e->visible;
    sim_progress(1);
    sim_changed();
}

SIM_FN void sim_break_arrives(int i, uint64_t stamp) {
    if (sim_ends[i].used && sim_ends[i].stamp == stamp) sim_break(i, ECONNRESET);
}

/* A reset travels to end `i`. */
SIM_FN void sim_send_reset(int i) {
    sim_resets++;
    if (sim_delay(&sim_ends[i]) == 0)
        sim_break(i, ECONNRESET);
    else
        sim_later(world.now + sim_delay(&sim_ends[i]), sim_break_arrives, i, sim_ends[i].stamp);
}

SIM_FN void sim_arrive(int i, uint64_t stamp);

SIM_FN void sim_schedule(int i) {
    sim_end_t *e = &sim_ends[i];
    uint64_t delay = sim_delay(e);
    if (delay == 0 && !e->coming) {
        if (e->visible == 0) e->since = world.now;
        e->visible = e->len;
        e->fin_visible = e->fin;
        sim_changed();
    } else if (!e->coming) {
        e->coming = 1;
        sim_later(world.now + (delay ? delay : 1), sim_arrive, i, e->stamp);
    }
}

SIM_FN void sim_arrive(int i, uint64_t stamp) {
    sim_end_t *e = &sim_ends[i];
    if (!e->used || e->stamp != stamp || e->state == SIM_BROKEN) return;
    e->coming = 0;
    if (e->visible == 0) e->since = world.now;
    if (e->len > e->visible) e->visible += sim_cut(e->len - e->visible);
    if (e->visible == e->len)
        e->fin_visible = e->fin;
    else
        sim_schedule(i);
    sim_changed();
}

SIM_FN uint32_t sim_stream_mask(sim_file_t *f) {
    sim_end_t *e = &sim_ends[f->end];
    uint32_t mask = 0;
    if (e->state == SIM_CONNECTING) return 0;
    if (e->state == SIM_BROKEN) return EPOLLIN | EPOLLOUT | EPOLLHUP | EPOLLRDHUP | (e->error ? EPOLLERR : 0u);
    if (e->visible || e->fin_visible) mask |= EPOLLIN;
    if (e->fin_visible) mask |= EPOLLRDHUP;
    if (e->fin_visible && e->shut) mask |= EPOLLHUP;
    if (e->peer < 0 || e->shut || sim_ends[e->peer].len < sim_ends[e->peer].room) mask |= EPOLLOUT;
    return mask;
}

/* ---- addresses ---- */

SIM_FN int sim_port_of(const struct sockaddr *sa) {
    return ntohs(sa->sa_family == AF_INET6 ? ((const struct sockaddr_in6 *)sa)->sin6_port : ((const struct sockaddr_in *)sa)->sin_port);
}

SIM_FN void sim_address(int family, int port, struct sockaddr *sa, socklen_t *len) {
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    struct sockaddr_un un;
    const void *from = &v4;
    socklen_t size = sizeof v4;
    memset(&v4, 0, sizeof v4);
    memset(&v6, 0, sizeof v6);
    memset(&un, 0, sizeof un);
    v4.sin_family = AF_INET;
    v4.sin_port = htons((uint16_t)port);
    v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons((uint16_t)port);
    v6.sin6_addr = in6addr_loopback;
    un.sun_family = AF_UNIX;
    if (family == AF_INET6) from = &v6, size = sizeof v6;
    if (family == AF_UNIX) from = &un, size = sizeof un.sun_family;
    memcpy(sa, from, size < *len ? size : *len);
    *len = size;
}

SIM_FN size_t sim_un_name(const struct sockaddr *sa, socklen_t len, const char **name) {
    const struct sockaddr_un *un = (const struct sockaddr_un *)sa;
    size_t n = len > offsetof(struct sockaddr_un, sun_path) ? len - offsetof(struct sockaddr_un, sun_path) : 0;
    *name = un->sun_path;
    if (n && un->sun_path[0] != 0) {
        const void *end = memchr(un->sun_path, 0, n);
        if (end != NULL) n = (size_t)((const char *)end - un->sun_path);
    }
    return n;
}

SIM_FN int sim_listener_find(int family, int port, const char *path, size_t size) {
    SIM_EACH_FD(fd) {
        sim_file_t *f = &sim_files[fd];
        if (f->kind != SIM_LISTENER || (f->family == AF_UNIX) != (family == AF_UNIX)) continue;
        if (family == AF_UNIX ? f->path_size == size && memcmp(f->path, path, size) == 0 : f->port == port) return fd;
    }
    return -1;
}

SIM_FN int sim_port_taken(int port) {
    SIM_EACH_FD(fd)
        if ((sim_files[fd].kind == SIM_LISTENER || sim_files[fd].kind == SIM_SOCKET) && sim_files[fd].port == port && sim_files[fd].family != AF_UNIX)
            return 1;
    return 0;
}

/* ---- making sockets ---- */

SIM_FN int sim_socket(int family, int type, int protocol) {
    (void)type, (void)protocol;
    sim_call(20);
    if (sim_refuses()) {
        static const int codes[] = {EMFILE, ENFILE, ENOBUFS, ENOMEM};
        return sim_errno(codes[sim_random(4)]);
    }
    int fd = sim_fd_new(SIM_SOCKET);
    if (fd >= 0) sim_files[fd].family = family;
    return fd;
}

SIM_FN int sim_bind(int fd, const struct sockaddr *sa, socklen_t len) {
    sim_call(21);
    sim_file_t *f = sim_file(fd, "bind");
    if (f == NULL) return -1;
    if (sim_refuses()) return sim_errno(sim_random(2) ? EADDRINUSE : ENOBUFS);
    if (sa->sa_family == AF_UNIX) {
        const char *name;
        size_t n = sim_un_name(sa, len, &name);
        if (n == 0 || sim_path_find(name, n) != NULL) return sim_errno(EADDRINUSE);
        if (name[0] != 0) {
            if (sim_path_new(name, n, 0) == NULL) return sim_errno(ENOSPC);
        } else if (sim_listener_find(AF_UNIX, 0, name, n) >= 0) {
            return sim_errno(EADDRINUSE);
        }
        memcpy(f->path, name, n);
        f->path_size = n;
        return 0;
    }
    int port = sim_port_of(sa);
    if (port == 0) {
        do port = 49152 + (sim_next_port++ & 8191);
        while (sim_port_taken(port));
    } else if (sim_port_taken(port)) {
        return sim_errno(EADDRINUSE);
    }
    f->port = port;
    return 0;
}

SIM_FN int sim_listen(int fd, int backlog) {
    sim_call(22);
    sim_file_t *f = sim_file(fd, "listen");
    if (f == NULL) return -1;
    if (sim_refuses()) return sim_errno(EADDRINUSE);
    f->kind = SIM_LISTENER;
    f->backlog = backlog < 1 ? 1 : backlog > 60 ? 60 : backlog;
    return 0;
}

/* A listener takes the connection of end `i`: 0, or the errno. */
SIM_FN int sim_establish(int i, int listener) {
    sim_file_t *l = &sim_files[listener];
    sim_end_t *e = &sim_ends[i];
    if (l->nqueue > l->backlog) return EAGAIN;
    int foreign = world.foreign;
    int other = sim_end_new(e->local);
    world.foreign = foreign;
    if (other < 0) return ENOBUFS;
    sim_end_t *o = &sim_ends[other];
    e->peer = other;
    o->peer = i;
    e->state = o->state = SIM_CONNECTED;
    o->port_here = e->port_there;
    o->port_there = e->port_here;
    l->queue[l->nqueue++] = other;
    sim_progress(1);
    sim_changed();
    return 0;
}

SIM_FN void sim_syn(int i, uint64_t stamp) {
    sim_end_t *e = &sim_ends[i];
    if (!e->used || e->stamp != stamp || e->state != SIM_CONNECTING) return;
    int listener = sim_listener_find(AF_INET, e->port_there, NULL, 0);
    int error = listener < 0 ? ECONNREFUSED : sim_establish(i, listener);
    if (error == EAGAIN && e->tries++ < SIM_SYN_TRIES) {
        sim_later(world.now + 1000000000u, sim_syn, i, stamp); /* the queue is full: the packet is lost, and sent again */
        return;
    }
    if (error == 0) return;
    e->state = SIM_BROKEN;
    e->error = error == EAGAIN ? ETIMEDOUT : error;
    sim_changed();
}

SIM_FN int sim_connect(int fd, const struct sockaddr *sa, socklen_t len) {
    sim_call(23);
    sim_file_t *f = sim_file(fd, "connect");
    if (f == NULL) return -1;
    if (f->kind != SIM_SOCKET) return sim_errno(EISCONN);
    int local = sa->sa_family == AF_UNIX;
    if (sim_refuses()) {
        static const int codes[] = {ENETUNREACH, EHOSTUNREACH, EADDRNOTAVAIL, ENOBUFS};
        return sim_errno(local ? ENOMEM : codes[sim_random(4)]);
    }
    if (local) {
        const char *name;
        size_t n = sim_un_name(sa, len, &name);
        int listener = sim_listener_find(AF_UNIX, 0, name, n);
        if (listener < 0) return sim_errno(n && name[0] != 0 && sim_path_find(name, n) == NULL ? ENOENT : ECONNREFUSED);
        int i = sim_end_new(1);
        if (i < 0) return sim_errno(ENOBUFS);
        int error = sim_establish(i, listener);
        if (error != 0) {
            sim_ends[i].used = 0;
            return sim_errno(error);
        }
        f->kind = SIM_STREAM;
        f->end = i;
        return 0;
    }
    int i = sim_end_new(0);
    if (i < 0) return sim_errno(ENOBUFS);
    sim_end_t *e = &sim_ends[i];
    e->port_there = sim_port_of(sa);
    e->port_here = f->port ? f->port : 49152 + (sim_next_port++ & 8191);
    e->state = SIM_CONNECTING;
    f->kind = SIM_STREAM;
    f->end = i;
    if (world.foreign || sim_random(4) == 0) {
        /* Decided within the call, as a loopback device may. */
        sim_syn(i, e->stamp);
        if (e->state == SIM_CONNECTED) return 0;
        if (e->state == SIM_BROKEN) {
            int error = e->error;
            e->error = 0;
            return sim_errno(error);
        }
    } else {
        sim_later(world.now + 1000 + sim_delay(e), sim_syn, i, e->stamp);
    }
    return sim_errno(sim_once_in(world.config.interrupted) ? EINTR : EINPROGRESS);
}

SIM_FN int sim_accept4(int fd, struct sockaddr *sa, socklen_t *len, int flags) {
    (void)flags;
    sim_call(24);
    sim_file_t *f = sim_file(fd, "accept");
    if (f == NULL) return -1;
    if (f->kind != SIM_LISTENER) return sim_errno(EINVAL);
    if (sim_once_in(world.foreign ? 0 : world.config.interrupted)) return sim_errno(EINTR);
    if (f->nqueue == 0) return sim_errno(EAGAIN);
    if (sim_refuses()) {
        static const int codes[] = {EMFILE, ENFILE, ENOBUFS, ENOMEM, ECONNABORTED, EPROTO, EPERM};
        return sim_errno(codes[sim_random(7)]);
    }
    int c = sim_fd_new(SIM_STREAM);
    if (c < 0) return -1;
    f = &sim_files[fd];
    int end = f->queue[0];
    memmove(f->queue, f->queue + 1, (size_t)--f->nqueue * sizeof f->queue[0]);
    sim_files[c].end = end;
    sim_files[c].family = f->family;
    sim_address(f->family, sim_ends[end].port_there, sa, len);
    sim_progress(1);
    sim_changed();
    return c;
}

/* ---- octets ---- */

SIM_FN sim_end_t *sim_stream(int fd, const char *call, sim_file_t **file) {
    sim_file_t *f = sim_file(fd, call);
    if (f == NULL) return NULL;
    *file = f;
    if (f->kind == SIM_STREAM) return &sim_ends[f->end];
    errno = ENOTCONN;
    return NULL;
}

SIM_FN int sim_disturbed(int i) {
    if (world.foreign) return 0;
    if (sim_once_in(world.config.interrupted)) return EINTR;
    if (sim_once_in(world.config.not_now)) return EAGAIN;
    if (sim_once_in(world.config.reset)) {
        int other = sim_ends[i].peer;
        sim_break(i, 0);
        if (other >= 0) sim_send_reset(other);
        sim_resets++;
        return ECONNRESET;
    }
    return 0;
}

SIM_FN ssize_t sim_readv(int fd, const struct iovec *v, int n) {
    sim_call(25);
    sim_file_t *f;
    sim_end_t *e = sim_stream(fd, "recv", &f);
    if (e == NULL) return -1;
    int error = e->state == SIM_CONNECTED ? sim_disturbed(f->end) : 0;
    if (error) return sim_errno(error);
    if (e->state == SIM_CONNECTING) return sim_errno(EAGAIN);
    if (e->visible == 0) {
        if (e->error) {
            error = e->error;
            e->error = 0;
            return sim_errno(error);
        }
        return e->fin_visible || e->state == SIM_BROKEN ? 0 : sim_errno(EAGAIN);
    }
    size_t left = sim_cut(e->visible), done = 0;
    for (int k = 0; k < n && left; k++) {
        size_t part = v[k].iov_len < left ? v[k].iov_len : left;
        for (size_t got = 0; got < part;) {
            size_t run = e->room - e->head < part - got ? e->room - e->head : part - got;
            memcpy((char *)v[k].iov_base + got, e->data + e->head, run);
            e->head = (e->head + run) % e->room;
            got += run;
        }
        left -= part;
        done += part;
    }
    e->len -= done;
    e->visible -= done;
    e->since = world.now;
    sim_octets += done;
    if (done) sim_progress(done);
    sim_changed();
    return (ssize_t)done;
}

SIM_FN ssize_t sim_recv(int fd, void *out, size_t n, int flags) {
    (void)flags;
    struct iovec v = {out, n};
    return sim_readv(fd, &v, 1);
}

SIM_FN ssize_t sim_writev(int fd, const struct iovec *v, int n) {
    sim_call(26);
    sim_file_t *f;
    sim_end_t *e = sim_stream(fd, "send", &f);
    if (e == NULL) return -1;
    int error = e->state == SIM_CONNECTED ? sim_disturbed(f->end) : 0;
    if (error) return sim_errno(error);
    if (e->state == SIM_CONNECTING) return sim_errno(EAGAIN);
    if (e->shut) return sim_errno(EPIPE);
    if (e->state == SIM_BROKEN) {
        error = e->error ? e->error : EPIPE;
        e->error = 0;
        return sim_errno(error);
    }
    size_t total = 0, done = 0;
    for (int k = 0; k < n; k++) total += v[k].iov_len;
    if (e->peer < 0 || !sim_ends[e->peer].open) {
        if (e->local) return sim_errno(EPIPE);
        sim_send_reset(f->end); /* sent into the void, which answers */
        return (ssize_t)total;
    }
    sim_end_t *o = &sim_ends[e->peer];
    size_t left = o->room - o->len;
    if (left == 0) return sim_errno(EAGAIN);
    if (left > total) left = total;
    left = sim_cut(left);
    for (int k = 0; k < n && left; k++) {
        size_t part = v[k].iov_len < left ? v[k].iov_len : left;
        for (size_t put = 0; put < part;) {
            size_t tail = (o->head + o->len) % o->room;
            size_t run = o->room - tail < part - put ? o->room - tail : part - put;
            memcpy(o->data + tail, (const char *)v[k].iov_base + put, run);
            o->len += run;
            put += run;
        }
        left -= part;
        done += part;
    }
    if (done) sim_progress(done);
    if (world.current != NULL && !world.current->app) sim_others_octets += done;
    sim_schedule(e->peer);
    return (ssize_t)done;
}

SIM_FN ssize_t sim_send(int fd, const void *data, size_t n, int flags) {
    (void)flags;
    struct iovec v = {(void *)(uintptr_t)data, n};
    return sim_writev(fd, &v, 1);
}

SIM_FN ssize_t sim_sendmsg(int fd, const struct msghdr *m, int flags) {
    (void)flags;
    return sim_writev(fd, m->msg_iov, (int)m->msg_iovlen);
}

/* ---- the end ---- */

SIM_FN void sim_finish_sending(sim_end_t *e) {
    if (e->shut || e->state != SIM_CONNECTED) return;
    e->shut = 1;
    if (e->peer < 0) return;
    sim_ends[e->peer].fin = 1;
    sim_schedule(e->peer);
    sim_progress(1);
    sim_changed();
}

SIM_FN int sim_shutdown(int fd, int how) {
    (void)how;
    sim_call(27);
    sim_file_t *f;
    sim_end_t *e = sim_stream(fd, "shutdown", &f);
    if (e == NULL) return -1;
    if (e->state != SIM_CONNECTED) return sim_errno(ENOTCONN);
    sim_finish_sending(e);
    return 0;
}

SIM_FN void sim_end_close(int i, int reset) {
    sim_end_t *e = &sim_ends[i];
    int other = e->peer;
    if (other >= 0 && e->state == SIM_CONNECTED) {
        if (reset || e->len)
            sim_send_reset(other);
        else
            sim_finish_sending(e);
    }
    e->open = 0;
    e->visible = e->len = 0;
    sim_progress(1);
    sim_changed();
    if (other >= 0 && !sim_ends[other].open) sim_end_done(other);
    if (other < 0 || !sim_ends[other].open) sim_end_done(i);
}

SIM_FN void sim_stream_close(sim_file_t *f) { sim_end_close(f->end, f->reset_on_close); }

SIM_FN void sim_listener_close(sim_file_t *f) {
    for (int i = 0; i < f->nqueue; i++) sim_end_close(f->queue[i], 1);
    f->nqueue = 0;
}

/* A connection of the program's is reset by the network: the `which`-th, round robin. 0: there is none. */
SIM_FN int sim_end_break(int which) {
    int n = 0;
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < sim_ends_end; i++) {
            if (!sim_ends[i].used || !sim_ends[i].open || sim_ends[i].state != SIM_CONNECTED) continue;
            if (round && n-- == 0) {
                int other = sim_ends[i].peer;
                sim_break(i, ECONNRESET);
                if (other >= 0) sim_send_reset(other);
                return 1;
            }
            n += round == 0;
        }
        if (n == 0) return 0;
        n = which % n;
    }
    return 0;
}

/* When the oldest octet that nobody has read became visible; 0: there is none. */
SIM_FN uint64_t sim_waiting_since(int fd) {
    if (fd < SIM_FIRST || fd >= SIM_FDS || sim_files[fd].kind != SIM_STREAM) return 0;
    return sim_ends[sim_files[fd].end].visible ? sim_ends[sim_files[fd].end].since : 0;
}

/* ---- questions ---- */

SIM_FN int sim_getsockopt(int fd, int level, int name, void *out, socklen_t *size) {
    sim_call(28);
    sim_file_t *f = sim_file(fd, "getsockopt");
    if (f == NULL) return -1;
    if (level == SOL_SOCKET && name == SO_ERROR) {
        int error = 0;
        if (f->kind == SIM_STREAM) {
            error = sim_ends[f->end].error;
            sim_ends[f->end].error = 0;
        }
        memcpy(out, &error, sizeof error);
        return 0;
    }
    if (level == SOL_SOCKET && name == SO_PEERCRED) {
        struct ucred c = {4242, 1000, 1000};
        memcpy(out, &c, *size < sizeof c ? *size : sizeof c);
        return 0;
    }
    memset(out, 0, *size);
    return 0;
}

SIM_FN int sim_setsockopt(int fd, int level, int name, const void *value, socklen_t size) {
    sim_call(29);
    sim_file_t *f = sim_file(fd, "setsockopt");
    if (f == NULL) return -1;
    if (level == SOL_SOCKET && name == SO_LINGER && size == sizeof(struct linger))
        f->reset_on_close = ((const struct linger *)value)->l_onoff && ((const struct linger *)value)->l_linger == 0;
    return 0;
}

SIM_FN int sim_getsockname(int fd, struct sockaddr *sa, socklen_t *len) {
    sim_call(30);
    sim_file_t *f = sim_file(fd, "getsockname");
    if (f == NULL) return -1;
    sim_address(f->family, f->kind == SIM_STREAM ? sim_ends[f->end].port_here : f->port, sa, len);
    return 0;
}

SIM_FN int sim_getpeername(int fd, struct sockaddr *sa, socklen_t *len) {
    sim_call(31);
    sim_file_t *f;
    sim_end_t *e = sim_stream(fd, "getpeername", &f);
    if (e == NULL) return -1;
    if (e->state != SIM_CONNECTED) return sim_errno(ENOTCONN);
    sim_address(f->family, e->port_there, sa, len);
    return 0;
}

/* SIOCOUTQ: what the other kernel (tcp) or the other program (local) has not taken yet. */
SIM_FN int sim_ioctl(int fd, unsigned long request, int *out) {
    sim_call(32);
    sim_file_t *f;
    sim_end_t *e = sim_stream(fd, "ioctl", &f);
    if (e == NULL) return -1;
    if (request != SIOCOUTQ) return sim_errno(EINVAL);
    *out = 0;
    if (e->state == SIM_CONNECTED && e->peer >= 0) {
        sim_end_t *o = &sim_ends[e->peer];
        *out = (int)(e->local ? o->len : o->len - o->visible);
    }
    return 0;
}

SIM_FN int sim_fcntl(int fd, int command, int value) {
    (void)value;
    sim_call(33);
    if (sim_file(fd, "fcntl") == NULL) return -1;
    return command == F_GETFL ? O_NONBLOCK : 0;
}

#endif
