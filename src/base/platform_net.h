/* Socket addresses, options, names, interfaces. Included by platform.h only.
 *
 * Rules
 * - zc_sockaddr_t is opaque above: families are 4, 6, 1 (ipc), 2 (vsock) and 3 (tipc) on every system, ports are in host order.
 * - Nothing blocks, except zc_resolve with names allowed (DNS).
 */

#if defined(_WIN32)
/* <afunix.h> is missing from older SDKs. */
typedef struct zc_sockaddr_un {
    unsigned short sun_family;
    char sun_path[108];
} zc_sockaddr_un_t;
#else
typedef struct sockaddr_un zc_sockaddr_un_t;
#endif

typedef struct zc_sockaddr {
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
        zc_sockaddr_un_t local;
#if defined(ZC_HAVE_FAMILIES)
        struct sockaddr_vm vm;
        struct sockaddr_tipc tipc;
#endif
    } u;
    uint32_t len; /* 0: no address */
} zc_sockaddr_t;

#define ZC_FAMILY_NONE 0
#define ZC_FAMILY_LOCAL 1
#define ZC_FAMILY_VSOCK 2
#define ZC_FAMILY_TIPC 3
#define ZC_FAMILY_V4 4
#define ZC_FAMILY_V6 6

static inline int zc_sa_native(int family) {
#if defined(ZC_HAVE_FAMILIES)
    if (family == ZC_FAMILY_VSOCK) return AF_VSOCK;
    if (family == ZC_FAMILY_TIPC) return AF_TIPC;
#endif
    return family == ZC_FAMILY_V6 ? AF_INET6 : family == ZC_FAMILY_V4 ? AF_INET : AF_UNIX;
}

static inline int zc_sa_family(const zc_sockaddr_t *sa) {
    if (sa->len == 0) return ZC_FAMILY_NONE;
    switch (sa->u.any.sa_family) {
    case AF_INET: return ZC_FAMILY_V4;
    case AF_INET6: return ZC_FAMILY_V6;
    case AF_UNIX: return ZC_FAMILY_LOCAL;
#if defined(ZC_HAVE_FAMILIES)
    case AF_VSOCK: return ZC_FAMILY_VSOCK;
    case AF_TIPC: return ZC_FAMILY_TIPC;
#endif
    default: return ZC_FAMILY_NONE;
    }
}

static inline void zc_sa_set_v4(zc_sockaddr_t *sa, const uint8_t *octets, int port) {
    memset(sa, 0, sizeof *sa);
    sa->u.v4.sin_family = AF_INET;
    sa->u.v4.sin_port = htons((uint16_t)port);
    memcpy(&sa->u.v4.sin_addr, octets, 4);
    sa->len = sizeof sa->u.v4;
#if defined(__APPLE__) || defined(__FreeBSD__)
    sa->u.v4.sin_len = sizeof sa->u.v4;
#endif
}

static inline void zc_sa_set_v6(zc_sockaddr_t *sa, const uint8_t *octets, int port, uint32_t scope) {
    memset(sa, 0, sizeof *sa);
    sa->u.v6.sin6_family = AF_INET6;
    sa->u.v6.sin6_port = htons((uint16_t)port);
    memcpy(&sa->u.v6.sin6_addr, octets, 16);
    sa->u.v6.sin6_scope_id = scope;
    sa->len = sizeof sa->u.v6;
#if defined(__APPLE__) || defined(__FreeBSD__)
    sa->u.v6.sin6_len = sizeof sa->u.v6;
#endif
}

/* Longest ipc name: the field minus the closing zero. 107 on Linux and Windows, 103 on the BSDs. */
#define ZC_LOCAL_MAX (sizeof(((zc_sockaddr_un_t *)0)->sun_path) - 1)

/* A first octet of zero is Linux' abstract namespace: there the length counts, without a closing zero. */
static inline int zc_sa_set_local(zc_sockaddr_t *sa, const char *path, size_t n) {
    if (n == 0) return -EINVAL;
    if (n > ZC_LOCAL_MAX) return -ENAMETOOLONG;
#if !defined(__linux__)
    if (path[0] == 0) return -EINVAL;
#endif
    memset(sa, 0, sizeof *sa);
    sa->u.local.sun_family = AF_UNIX;
    memcpy(sa->u.local.sun_path, path, n);
    sa->len = (uint32_t)(offsetof(zc_sockaddr_un_t, sun_path) + n + (path[0] != 0));
#if defined(__APPLE__) || defined(__FreeBSD__)
    sa->u.local.sun_len = (unsigned char)sa->len;
#endif
    return 0;
}

/* The name without the closing zero; an abstract one starts with a zero octet. */
static inline const char *zc_sa_local_name(const zc_sockaddr_t *sa, size_t *n) {
    size_t fixed = offsetof(zc_sockaddr_un_t, sun_path);
    const char *path = sa->u.local.sun_path;
    *n = 0;
    if (zc_sa_family(sa) != ZC_FAMILY_LOCAL || sa->len <= fixed) return path;
    *n = sa->len - fixed;
    if (*n > sizeof sa->u.local.sun_path) *n = sizeof sa->u.local.sun_path;
    if (path[0] != 0) {
        const void *end = memchr(path, 0, *n);
        if (end != NULL) *n = (size_t)((const char *)end - path);
    }
    return path;
}

static inline int zc_sa_port(const zc_sockaddr_t *sa) {
    switch (zc_sa_family(sa)) {
    case ZC_FAMILY_V4: return ntohs(sa->u.v4.sin_port);
    case ZC_FAMILY_V6: return ntohs(sa->u.v6.sin6_port);
    default: return 0;
    }
}

static inline void zc_sa_set_port(zc_sockaddr_t *sa, int port) {
    switch (zc_sa_family(sa)) {
    case ZC_FAMILY_V4: sa->u.v4.sin_port = htons((uint16_t)port); break;
    case ZC_FAMILY_V6: sa->u.v6.sin6_port = htons((uint16_t)port); break;
    }
}

/* The address octets in network order: 4, 16 or 0 of them. */
static inline const uint8_t *zc_sa_octets(const zc_sockaddr_t *sa, int *n) {
    switch (zc_sa_family(sa)) {
    case ZC_FAMILY_V4: *n = 4; return (const uint8_t *)&sa->u.v4.sin_addr;
    case ZC_FAMILY_V6: *n = 16; return (const uint8_t *)&sa->u.v6.sin6_addr;
    default: *n = 0; return NULL;
    }
}

static inline int zc_sa_equal(const zc_sockaddr_t *a, const zc_sockaddr_t *b) {
    int na, nb;
    const uint8_t *oa = zc_sa_octets(a, &na), *ob = zc_sa_octets(b, &nb);
    return na != 0 && na == nb && zc_sa_port(a) == zc_sa_port(b) && memcmp(oa, ob, (size_t)na) == 0;
}

/* The numeric address without port, with %scope where there is one. Length or -errno. */
static inline int zc_sa_text(const zc_sockaddr_t *sa, char *out, size_t cap) {
    if (zc_sa_family(sa) != ZC_FAMILY_V4 && zc_sa_family(sa) != ZC_FAMILY_V6) return -EAFNOSUPPORT;
    if (getnameinfo(&sa->u.any, (socklen_t)sa->len, out, (socklen_t)cap, NULL, 0, NI_NUMERICHOST) != 0) return -EINVAL;
    return (int)strlen(out);
}

/* A numeric address without brackets, port and scope. 0 or -EINVAL. */
static inline int zc_sa_parse_numeric(const char *text, int family, uint8_t *octets) {
    return inet_pton(zc_sa_native(family), text, octets) == 1 ? 0 : -EINVAL;
}

/* ---- sockets ---- */

/* A stream socket: non-blocking, close on exec, no SIGPIPE. */
static inline int zc_socket_open(int family) {
    int fault = zc_resource_fault();
    if (fault) return fault;
#if !defined(ZC_HAVE_FAMILIES)
    if (family == ZC_FAMILY_VSOCK || family == ZC_FAMILY_TIPC) return -EAFNOSUPPORT;
#endif
    int native = zc_sa_native(family);
    int protocol = family == ZC_FAMILY_V4 || family == ZC_FAMILY_V6 ? IPPROTO_TCP : 0;
#if defined(_WIN32)
    SOCKET s = WSASocketW(native, SOCK_STREAM, protocol, NULL, 0, WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT);
    if (s == INVALID_SOCKET) return zc_net_error();
    int fd = (int)s;
#elif defined(SOCK_NONBLOCK) && defined(SOCK_CLOEXEC)
    int fd = socket(native, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
    if (fd < 0) return -errno;
    return fd;
#else
    int fd = socket(native, SOCK_STREAM, protocol);
    if (fd < 0) return -errno;
#endif
#if defined(_WIN32) || !defined(SOCK_NONBLOCK)
    int rc = zc_socket_adopt(fd);
    if (rc == 0) return fd;
    zc_close(fd);
    return rc;
#endif
}

static inline int zc_bind(int fd, const zc_sockaddr_t *sa) {
    int fault = zc_resource_fault();
    if (fault) return fault;
    return bind(fd, &sa->u.any, (socklen_t)sa->len) == 0 ? 0 : zc_net_error();
}

static inline int zc_listen(int fd, int backlog) {
    int fault = zc_resource_fault();
    if (fault) return fault;
    return listen(fd, backlog) == 0 ? 0 : zc_net_error();
}

/* 0, -EINPROGRESS (the socket becomes writable when it is decided) or -errno. */
static inline int zc_connect(int fd, const zc_sockaddr_t *sa) {
    if (connect(fd, &sa->u.any, (socklen_t)sa->len) == 0) return 0;
#if defined(_WIN32)
    if (WSAGetLastError() == WSAEWOULDBLOCK) return -EINPROGRESS;
#else
    if (errno == EINTR) return -EINPROGRESS; /* it goes on in the background */
#endif
    return zc_net_error();
}

/* A connection (ready as zc_socket_open's), -EAGAIN when none waits, or -errno. */
static inline int zc_accept(int fd, zc_sockaddr_t *from) {
    int fault = zc_resource_fault();
    if (fault) return fault;
    socklen_t len = sizeof from->u;
    memset(from, 0, sizeof *from);
#if defined(_WIN32)
    SOCKET s = accept((SOCKET)fd, &from->u.any, &len);
    if (s == INVALID_SOCKET) return zc_net_error();
    int c = (int)s;
#else
    int c;
#if defined(__linux__) || defined(__FreeBSD__)
    do c = accept4(fd, &from->u.any, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
    while (c < 0 && errno == EINTR);
    if (c >= 0) {
        from->len = len;
        return c;
    }
    if (!zc_forbidden(errno)) return zc_net_error();
    len = sizeof from->u;
#endif
    do c = accept(fd, &from->u.any, &len);
    while (c < 0 && errno == EINTR);
    if (c < 0) return zc_net_error();
#endif
    from->len = (uint32_t)len;
    int rc = zc_socket_adopt(c);
    if (rc == 0) return c;
    zc_close(c);
    return rc;
}

static inline int zc_local_address(int fd, zc_sockaddr_t *out) {
    socklen_t len = sizeof out->u;
    memset(out, 0, sizeof *out);
    if (getsockname(fd, &out->u.any, &len) != 0) return zc_net_error();
    out->len = (uint32_t)len;
    return 0;
}

static inline int zc_peer_address(int fd, zc_sockaddr_t *out) {
    socklen_t len = sizeof out->u;
    memset(out, 0, sizeof *out);
    if (getpeername(fd, &out->u.any, &len) != 0) return zc_net_error();
    out->len = (uint32_t)len;
    return 0;
}

/* ---- options: 0, -ENOSYS where the system has no such thing, or -errno ---- */

enum {
    ZC_OPT_REUSE = 1,       /* rebinding a port whose old connections linger */
    ZC_OPT_NODELAY,
    ZC_OPT_SNDBUF,
    ZC_OPT_RCVBUF,
    ZC_OPT_KEEPALIVE,
    ZC_OPT_KEEPALIVE_CNT,
    ZC_OPT_KEEPALIVE_IDLE,  /* seconds */
    ZC_OPT_KEEPALIVE_INTVL, /* seconds */
    ZC_OPT_TOS,             /* both families */
    ZC_OPT_PRIORITY,
    ZC_OPT_MAXRT,           /* ms until unacknowledged data breaks the connection */
    ZC_OPT_BUSY_POLL,       /* us */
    ZC_OPT_LOOPBACK_FASTPATH, /* before bind or connect; Windows */
    ZC_OPT_V6ONLY,
    ZC_OPT_BIND_NO_PORT     /* a source address with port 0 does not use up a port until connect */
};

static inline int zc_opt_raw(int fd, int level, int name, int value) {
    return setsockopt(fd, level, name, (const char *)&value, sizeof value) == 0 ? 0 : zc_net_error();
}

#if defined(_WIN32) && !defined(SIO_LOOPBACK_FAST_PATH)
#define SIO_LOOPBACK_FAST_PATH _WSAIOW(IOC_VENDOR, 16) /* since Windows 8; older headers do not have it */
#endif

static inline int zc_set_option(int fd, int option, int value) {
    switch (option) {
    case ZC_OPT_REUSE:
#if defined(_WIN32)
        /* SO_REUSEADDR there lets anybody take the port away; the default already allows rebinding. */
        return zc_opt_raw(fd, SOL_SOCKET, SO_EXCLUSIVEADDRUSE, value);
#else
        return zc_opt_raw(fd, SOL_SOCKET, SO_REUSEADDR, value);
#endif
    case ZC_OPT_NODELAY: return zc_opt_raw(fd, IPPROTO_TCP, TCP_NODELAY, value);
    case ZC_OPT_SNDBUF: return zc_opt_raw(fd, SOL_SOCKET, SO_SNDBUF, value);
    case ZC_OPT_RCVBUF: return zc_opt_raw(fd, SOL_SOCKET, SO_RCVBUF, value);
    case ZC_OPT_KEEPALIVE: return zc_opt_raw(fd, SOL_SOCKET, SO_KEEPALIVE, value);
#if defined(TCP_KEEPCNT)
    case ZC_OPT_KEEPALIVE_CNT: return zc_opt_raw(fd, IPPROTO_TCP, TCP_KEEPCNT, value);
#endif
#if defined(TCP_KEEPIDLE)
    case ZC_OPT_KEEPALIVE_IDLE: return zc_opt_raw(fd, IPPROTO_TCP, TCP_KEEPIDLE, value);
#elif defined(TCP_KEEPALIVE)
    case ZC_OPT_KEEPALIVE_IDLE: return zc_opt_raw(fd, IPPROTO_TCP, TCP_KEEPALIVE, value);
#endif
#if defined(TCP_KEEPINTVL)
    case ZC_OPT_KEEPALIVE_INTVL: return zc_opt_raw(fd, IPPROTO_TCP, TCP_KEEPINTVL, value);
#endif
    case ZC_OPT_TOS: {
        /* A v6 socket may carry v4 traffic, so both are tried; one success is a success. */
        int v4 = zc_opt_raw(fd, IPPROTO_IP, IP_TOS, value);
#if defined(IPV6_TCLASS)
        int v6 = zc_opt_raw(fd, IPPROTO_IPV6, IPV6_TCLASS, value);
        return v4 == 0 || v6 == 0 ? 0 : v4;
#else
        return v4;
#endif
    }
#if defined(SO_PRIORITY)
    case ZC_OPT_PRIORITY: return zc_opt_raw(fd, SOL_SOCKET, SO_PRIORITY, value);
#endif
#if defined(TCP_USER_TIMEOUT)
    case ZC_OPT_MAXRT: return zc_opt_raw(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, value);
#elif defined(TCP_MAXRT)
    case ZC_OPT_MAXRT: return zc_opt_raw(fd, IPPROTO_TCP, TCP_MAXRT, (value + 999) / 1000); /* seconds on Windows */
#elif defined(TCP_CONNECTIONTIMEOUT) && defined(TCP_RXT_CONNDROPTIME)
    case ZC_OPT_MAXRT: return zc_opt_raw(fd, IPPROTO_TCP, TCP_RXT_CONNDROPTIME, (value + 999) / 1000);
#endif
#if defined(SO_BUSY_POLL)
    case ZC_OPT_BUSY_POLL: return zc_opt_raw(fd, SOL_SOCKET, SO_BUSY_POLL, value);
#endif
#if defined(_WIN32)
    case ZC_OPT_LOOPBACK_FASTPATH: {
        DWORD answered = 0;
        return WSAIoctl((SOCKET)fd, SIO_LOOPBACK_FAST_PATH, &value, sizeof value, NULL, 0, &answered, NULL, NULL) == 0
                   ? 0
                   : zc_net_error();
    }
#endif
    case ZC_OPT_V6ONLY: return zc_opt_raw(fd, IPPROTO_IPV6, IPV6_V6ONLY, value);
#if defined(IP_BIND_ADDRESS_NO_PORT)
    case ZC_OPT_BIND_NO_PORT: return zc_opt_raw(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, value);
#endif
    default: return -ENOSYS;
    }
}

static inline int zc_bind_device(int fd, const char *name) {
#if defined(SO_BINDTODEVICE)
    return setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, name, (socklen_t)strlen(name)) == 0 ? 0 : -errno;
#else
    (void)fd, (void)name;
    return -ENOSYS;
#endif
}

/* ---- names ---- */

static inline int zc_gai_errno(int code) {
    switch (code) {
    case 0: return 0;
    case EAI_MEMORY: return ENOMEM;
#if defined(EAI_SYSTEM)
    case EAI_SYSTEM: return errno == EAGAIN || errno == 0 ? EHOSTUNREACH : errno;
#endif
    default: return EHOSTUNREACH;
    }
}

/* A host name or numeric address to at most `room` of its addresses of `family` (V4, V6; NONE takes what the system
 * prefers): how many, at least one. Numeric text never leaves the process; with `allow_dns` a name is looked up, which
 * BLOCKS. -EAGAIN: it is a name and lookups were not allowed. -EHOSTUNREACH: there is no such name or no such address of it. */
static inline int zc_resolve_all(const char *host, int family, int allow_dns, zc_sockaddr_t *out, int room) {
    struct addrinfo hints, *found = NULL;
    memset(&hints, 0, sizeof hints);
    hints.ai_family = family == ZC_FAMILY_NONE ? AF_UNSPEC : zc_sa_native(family);
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = allow_dns ? 0 : AI_NUMERICHOST;
    int rc = getaddrinfo(host, NULL, &hints, &found);
    if (rc != 0) return !allow_dns && rc != EAI_MEMORY ? -EAGAIN : -zc_gai_errno(rc);
    int n = 0;
    for (struct addrinfo *a = found; a != NULL && n < room; a = a->ai_next) {
        if ((a->ai_family != AF_INET && a->ai_family != AF_INET6) || a->ai_addrlen > sizeof out->u) continue;
        memset(&out[n], 0, sizeof *out);
        memcpy(&out[n].u, a->ai_addr, a->ai_addrlen);
        out[n].len = (uint32_t)a->ai_addrlen;
        n++;
    }
    freeaddrinfo(found);
    return n > 0 ? n : -EHOSTUNREACH;
}

/* The first of them. 0 or the same errors. */
static inline int zc_resolve(const char *host, int family, int allow_dns, zc_sockaddr_t *out) {
    int n = zc_resolve_all(host, family, allow_dns, out, 1);
    return n < 0 ? n : 0;
}

/* ---- interfaces ---- */

#if defined(_WIN32)
/* All interfaces with an address of that family, for zc_free(). NULL: none, or not to be had. */
static inline IP_ADAPTER_ADDRESSES *zc_adapters(int native) {
    /* The list can grow between two calls: ask again a few times with what the system says it needs. */
    ULONG size = 16384, flags = GAA_FLAG_SKIP_ANYCAST | GAA_FLAG_SKIP_MULTICAST | GAA_FLAG_SKIP_DNS_SERVER;
    IP_ADAPTER_ADDRESSES *list = NULL;
    ULONG got = ERROR_BUFFER_OVERFLOW;
    for (int tries = 0; tries < 5 && got == ERROR_BUFFER_OVERFLOW; tries++) {
        zc_free(list);
        list = (IP_ADAPTER_ADDRESSES *)zc_malloc(size);
        if (list == NULL) return NULL;
        got = GetAdaptersAddresses((ULONG)native, flags, NULL, list, &size);
    }
    if (got == NO_ERROR) return list;
    zc_free(list);
    return NULL;
}

/* By the system's name for it or by the one that people see ("Ethernet 2"). */
static inline int zc_adapter_called(const IP_ADAPTER_ADDRESSES *a, const char *name) {
    char friendly[256];
    int n = WideCharToMultiByte(CP_UTF8, 0, a->FriendlyName, -1, friendly, sizeof friendly, NULL, NULL);
    return strcmp(a->AdapterName, name) == 0 || (n > 0 && strcmp(friendly, name) == 0);
}

static inline uint32_t zc_adapter_index(const IP_ADAPTER_ADDRESSES *a, int family) {
    return family == ZC_FAMILY_V6 ? (uint32_t)a->Ipv6IfIndex : (uint32_t)a->IfIndex;
}

/* 0: it is of another family. */
static inline int zc_adapter_address(const IP_ADAPTER_UNICAST_ADDRESS *u, int family, zc_sockaddr_t *out) {
    if (u->Address.lpSockaddr->sa_family != zc_sa_native(family)) return 0;
    memset(out, 0, sizeof *out);
    memcpy(&out->u, u->Address.lpSockaddr, (size_t)u->Address.iSockaddrLength);
    out->len = (uint32_t)u->Address.iSockaddrLength;
    return 1;
}

/* An address of IPv4 of the interface with that index, as the network has it: Wine knows interfaces by nothing else, and
 * Windows takes both. 0: none, which leaves the choice to the system. */
static inline uint32_t zc_adapter_v4(uint32_t index) {
    uint32_t found = 0;
    IP_ADAPTER_ADDRESSES *list = index != 0 ? zc_adapters(AF_INET) : NULL;
    for (IP_ADAPTER_ADDRESSES *a = list; a != NULL && found == 0; a = a->Next) {
        zc_sockaddr_t own;
        if (a->IfIndex != index || a->FirstUnicastAddress == NULL) continue;
        if (zc_adapter_address(a->FirstUnicastAddress, ZC_FAMILY_V4, &own)) found = own.u.v4.sin_addr.s_addr;
    }
    zc_free(list);
    return found;
}
#endif

/* 0 when there is no such interface. */
static inline uint32_t zc_interface_index(const char *name) {
    uint32_t index = (uint32_t)if_nametoindex(name);
#if defined(_WIN32)
    IP_ADAPTER_ADDRESSES *list = index == 0 ? zc_adapters(AF_UNSPEC) : NULL;
    for (IP_ADAPTER_ADDRESSES *a = list; a != NULL && index == 0; a = a->Next)
        if (zc_adapter_called(a, name)) index = a->IfIndex != 0 ? (uint32_t)a->IfIndex : (uint32_t)a->Ipv6IfIndex;
    zc_free(list);
#endif
    return index;
}

/* The first address of `family` of the interface called `name`. -ENODEV: none. */
static inline int zc_interface_address(const char *name, int family, zc_sockaddr_t *out) {
    int native = zc_sa_native(family), rc = -ENODEV;
#if defined(_WIN32)
    IP_ADAPTER_ADDRESSES *list = zc_adapters(native);
    for (IP_ADAPTER_ADDRESSES *a = list; a != NULL && rc != 0; a = a->Next) {
        if (!zc_adapter_called(a, name)) continue;
        for (IP_ADAPTER_UNICAST_ADDRESS *u = a->FirstUnicastAddress; u != NULL && rc != 0; u = u->Next)
            if (zc_adapter_address(u, family, out)) rc = 0;
    }
    zc_free(list);
#else
    struct ifaddrs *list = NULL;
    if (getifaddrs(&list) != 0) return -errno;
    for (struct ifaddrs *a = list; a != NULL; a = a->ifa_next) {
        if (a->ifa_addr == NULL || a->ifa_addr->sa_family != native || strcmp(a->ifa_name, name) != 0) continue;
        size_t len = native == AF_INET ? sizeof out->u.v4 : sizeof out->u.v6;
        memset(out, 0, sizeof *out);
        memcpy(&out->u, a->ifa_addr, len);
        out->len = (uint32_t)len;
        rc = 0;
        break;
    }
    freeifaddrs(list);
#endif
    return rc;
}
