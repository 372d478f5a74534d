/* Sockets of VSOCK (virtual machines and their host) and of TIPC (nodes of a cluster). Linux only; elsewhere everything answers
 * -EAFNOSUPPORT. Included by platform.h only. Whether the kernel has them, zc_socket_open() tells. */

#define ZC_VSOCK_ANY 0xffffffffu /* any cid, any port */

enum { ZC_TIPC_NONE, ZC_TIPC_SERVICE, ZC_TIPC_RANGE, ZC_TIPC_PORT };

#if defined(ZC_HAVE_FAMILIES)

static inline int zc_sa_set_vsock(zc_sockaddr_t *sa, uint32_t cid, uint32_t port) {
    memset(sa, 0, sizeof *sa);
    sa->u.vm.svm_family = AF_VSOCK;
    sa->u.vm.svm_cid = cid;
    sa->u.vm.svm_port = port;
    sa->len = sizeof sa->u.vm;
    return 0;
}

static inline int zc_sa_vsock(const zc_sockaddr_t *sa, uint32_t *cid, uint32_t *port) {
    if (sa->len < sizeof sa->u.vm || sa->u.any.sa_family != AF_VSOCK) return -EAFNOSUPPORT;
    *cid = sa->u.vm.svm_cid;
    *port = sa->u.vm.svm_port;
    return 0;
}

/* The cid of this machine. -ENODEV: it has none. */
static inline int zc_vsock_cid(uint32_t *cid) {
    unsigned int found = ZC_VSOCK_ANY;
    int fd = open("/dev/vsock", O_RDONLY | O_CLOEXEC);
    if (fd < 0) return -ENODEV;
    int rc = ioctl(fd, IOCTL_VM_SOCKETS_GET_LOCAL_CID, &found);
    close(fd);
    *cid = found;
    return rc == 0 && found != ZC_VSOCK_ANY ? 0 : -ENODEV;
}

/* Of a service: type, instance, node to look on (0: anywhere). Of a range of services: type, first, last. Of a port: node, reference. */
static inline int zc_sa_set_tipc(zc_sockaddr_t *sa, int kind, uint32_t first, uint32_t second, uint32_t third) {
    struct sockaddr_tipc *t = &sa->u.tipc;
    memset(sa, 0, sizeof *sa);
    t->family = AF_TIPC;
    if (kind == ZC_TIPC_SERVICE) {
        t->addrtype = TIPC_ADDR_NAME;
        t->addr.name.name.type = first;
        t->addr.name.name.instance = second;
        t->addr.name.domain = third;
    } else if (kind == ZC_TIPC_RANGE) {
        t->addrtype = TIPC_ADDR_NAMESEQ;
        t->addr.nameseq.type = first;
        t->addr.nameseq.lower = second;
        t->addr.nameseq.upper = third;
        t->scope = TIPC_ZONE_SCOPE;
    } else {
        t->addrtype = TIPC_ADDR_ID;
        t->addr.id.node = first;
        t->addr.id.ref = second;
    }
    sa->len = sizeof *t;
    return 0;
}

/* ZC_TIPC_..., and the numbers as above; ZC_TIPC_NONE: it is none. */
static inline int zc_sa_tipc(const zc_sockaddr_t *sa, uint32_t *numbers) {
    const struct sockaddr_tipc *t = &sa->u.tipc;
    if (sa->len < sizeof *t || sa->u.any.sa_family != AF_TIPC) return ZC_TIPC_NONE;
    numbers[2] = 0;
    if (t->addrtype == TIPC_ADDR_NAME) {
        numbers[0] = t->addr.name.name.type;
        numbers[1] = t->addr.name.name.instance;
        numbers[2] = t->addr.name.domain;
        return ZC_TIPC_SERVICE;
    }
    if (t->addrtype == TIPC_ADDR_NAMESEQ) {
        numbers[0] = t->addr.nameseq.type;
        numbers[1] = t->addr.nameseq.lower;
        numbers[2] = t->addr.nameseq.upper;
        return ZC_TIPC_RANGE;
    }
    numbers[0] = t->addr.id.node;
    numbers[1] = t->addr.id.ref;
    return ZC_TIPC_PORT;
}

#else

static inline int zc_sa_set_vsock(zc_sockaddr_t *sa, uint32_t cid, uint32_t port) {
    (void)sa, (void)cid, (void)port;
    return -EAFNOSUPPORT;
}

static inline int zc_sa_vsock(const zc_sockaddr_t *sa, uint32_t *cid, uint32_t *port) {
    (void)sa, (void)cid, (void)port;
    return -EAFNOSUPPORT;
}

static inline int zc_vsock_cid(uint32_t *cid) {
    (void)cid;
    return -ENODEV;
}

static inline int zc_sa_set_tipc(zc_sockaddr_t *sa, int kind, uint32_t first, uint32_t second, uint32_t third) {
    (void)sa, (void)kind, (void)first, (void)second, (void)third;
    return -EAFNOSUPPORT;
}

static inline int zc_sa_tipc(const zc_sockaddr_t *sa, uint32_t *numbers) {
    (void)sa, (void)numbers;
    return ZC_TIPC_NONE;
}

#endif
