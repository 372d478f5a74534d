/* Batches of datagrams in one system call. Included by platform.h only; opening sockets and groups: platform_multicast.h.
 *
 * Rules
 * - A zc_datagrams_t is one datagram, or several of one size and one address (the last may be shorter), back to back: what
 *   Linux takes and gives as one (UDP_SEGMENT, UDP_GRO). Elsewhere it is always one.
 */

#if defined(__linux__)
#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103 /* Linux 4.18; older C libraries do not name it */
#endif
#ifndef UDP_GRO
#define UDP_GRO 104 /* Linux 5.0 */
#endif
#ifndef SO_MEMINFO
#define SO_MEMINFO 55 /* Linux 4.12 */
#endif
enum { ZC_MEMINFO_DROPS = 8 }; /* SK_MEMINFO_DROPS of linux/sock_diag.h */
#endif

enum { ZC_DATAGRAMS_MAX = 16 }; /* in one call: the cost of the call itself is then lost among theirs */

typedef struct zc_datagrams {
    zc_sockaddr_t address; /* to, or from */
    zc_iovec_t *vectors;
    uint32_t nvectors;
    uint32_t size;    /* received: bytes in all */
    uint32_t segment; /* the size of each but the last; 0: it is one */
    uint32_t cut;     /* received: it was larger than the room for it */
} zc_datagrams_t;

/* Whether several datagrams may come as one. */
static inline void zc_datagrams_join(int fd) {
#if defined(__linux__)
    zc_opt_raw(fd, IPPROTO_UDP, UDP_GRO, 1);
#else
    (void)fd;
#endif
}

/* Whether zc_datagrams_send may be given several as one: asked of the system, without changing anything. */
static inline int zc_datagrams_can_join(int fd) {
#if defined(__linux__)
    int value = 0;
    socklen_t size = sizeof value;
    return getsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &value, &size) == 0;
#else
    (void)fd;
    return 0;
#endif
}

/* How many datagrams this socket has lost because its buffer was full: Linux counts them. 0 where nobody does. */
static inline uint32_t zc_datagrams_overrun(int fd) {
#if defined(__linux__)
    uint32_t told[16] = {0}; /* as many as a kernel may have; what it does not tell stays 0 */
    socklen_t size = sizeof told;
    return getsockopt(fd, SOL_SOCKET, SO_MEMINFO, told, &size) == 0 ? told[ZC_MEMINFO_DROPS] : 0;
#else
    (void)fd;
    return 0;
#endif
}

#if !defined(_WIN32)
static inline void zc_datagrams_header(struct msghdr *h, zc_datagrams_t *d, int sending) {
    memset(h, 0, sizeof *h);
    h->msg_name = &d->address.u;
    h->msg_namelen = sending ? (socklen_t)d->address.len : (socklen_t)sizeof d->address.u;
    h->msg_iov = d->vectors;
    h->msg_iovlen = d->nvectors; /* size_t in glibc, int elsewhere */
}
#endif

#if defined(__linux__)
typedef union zc_datagrams_control {
    struct cmsghdr aligned;
    char room[CMSG_SPACE(sizeof(int))];
} zc_datagrams_control_t;

static inline void zc_datagrams_ask(struct msghdr *h, zc_datagrams_control_t *c, uint32_t segment) {
    uint16_t value = (uint16_t)segment;
    struct cmsghdr *head = &c->aligned;
    memset(c, 0, sizeof *c);
    head->cmsg_level = IPPROTO_UDP;
    head->cmsg_type = UDP_SEGMENT;
    head->cmsg_len = CMSG_LEN(sizeof value);
    memcpy(CMSG_DATA(head), &value, sizeof value);
    h->msg_control = c;
    h->msg_controllen = CMSG_SPACE(sizeof value);
}

static inline uint32_t zc_datagrams_told(struct msghdr *h) {
    for (struct cmsghdr *c = CMSG_FIRSTHDR(h); c != NULL; c = CMSG_NXTHDR(h, c)) {
        int value = 0;
        if (c->cmsg_level != IPPROTO_UDP || c->cmsg_type != UDP_GRO) continue;
        memcpy(&value, CMSG_DATA(c), sizeof value);
        return value > 0 ? (uint32_t)value : 0;
    }
    return 0;
}
#endif

/* How many of the n were taken, or -errno of the first if none was. */
static inline int zc_datagrams_send(int fd, zc_datagrams_t *d, int n) {
#if defined(__linux__)
    struct mmsghdr m[ZC_DATAGRAMS_MAX];
    zc_datagrams_control_t control[ZC_DATAGRAMS_MAX];
    for (int i = 0; i < n; i++) {
        zc_datagrams_header(&m[i].msg_hdr, &d[i], 1);
        if (d[i].segment) zc_datagrams_ask(&m[i].msg_hdr, &control[i], d[i].segment);
    }
    for (;;) {
        int rc = sendmmsg(fd, m, (unsigned)n, MSG_NOSIGNAL);
        if (rc >= 0) return rc;
        if (errno != EINTR) return zc_net_error();
    }
#elif defined(_WIN32)
    DWORD put = 0;
    (void)n;
    int rc = WSASendTo((SOCKET)fd, (WSABUF *)d->vectors, d->nvectors, &put, 0, &d->address.u.any, (int)d->address.len, NULL, NULL);
    return rc == 0 ? 1 : zc_net_error();
#else
    struct msghdr h;
    (void)n;
    zc_datagrams_header(&h, d, 1);
    for (;;) {
        if (sendmsg(fd, &h, MSG_NOSIGNAL) >= 0) return 1;
        if (errno != EINTR) return zc_net_error();
    }
#endif
}

/* How many of the n came, or -errno. */
static inline int zc_datagrams_recv(int fd, zc_datagrams_t *d, int n) {
#if defined(__linux__)
    struct mmsghdr m[ZC_DATAGRAMS_MAX];
    zc_datagrams_control_t control[ZC_DATAGRAMS_MAX];
    int rc;
    for (int i = 0; i < n; i++) {
        zc_datagrams_header(&m[i].msg_hdr, &d[i], 0);
        m[i].msg_hdr.msg_control = &control[i];
        m[i].msg_hdr.msg_controllen = sizeof control[i];
    }
    do {
        rc = recvmmsg(fd, m, (unsigned)n, 0, NULL);
    } while (rc < 0 && errno == EINTR);
    if (rc < 0) return zc_net_error();
    for (int i = 0; i < rc; i++) {
        d[i].size = m[i].msg_len;
        d[i].segment = zc_datagrams_told(&m[i].msg_hdr);
        d[i].cut = (m[i].msg_hdr.msg_flags & MSG_TRUNC) != 0;
        d[i].address.len = (uint32_t)m[i].msg_hdr.msg_namelen;
    }
    return rc;
#elif defined(_WIN32)
    DWORD got = 0, flags = 0;
    int len = sizeof d->address.u;
    (void)n;
    int rc = WSARecvFrom((SOCKET)fd, (WSABUF *)d->vectors, d->nvectors, &got, &flags, &d->address.u.any, &len, NULL, NULL);
    if (rc != 0 && WSAGetLastError() != WSAEMSGSIZE) return zc_net_error();
    d->cut = rc != 0;
    d->size = got;
    d->segment = 0;
    d->address.len = (uint32_t)len;
    return 1;
#else
    struct msghdr h;
    ssize_t rc;
    (void)n;
    zc_datagrams_header(&h, d, 0);
    do {
        rc = recvmsg(fd, &h, 0);
    } while (rc < 0 && errno == EINTR);
    if (rc < 0) return zc_net_error();
    d->size = (uint32_t)rc;
    d->segment = 0;
    d->cut = (h.msg_flags & MSG_TRUNC) != 0;
    d->address.len = (uint32_t)h.msg_namelen;
    return 1;
#endif
}

static inline int zc_sa_is_multicast(const zc_sockaddr_t *sa) {
    if (zc_sa_family(sa) == ZC_FAMILY_V4) return (ntohl(sa->u.v4.sin_addr.s_addr) >> 28) == 14;
    return zc_sa_family(sa) == ZC_FAMILY_V6 && sa->u.v6.sin6_addr.s6_addr[0] == 0xff;
}

static inline uint32_t zc_sa_scope(const zc_sockaddr_t *sa) {
    return zc_sa_family(sa) == ZC_FAMILY_V6 ? sa->u.v6.sin6_scope_id : 0;
}
