/* Datagram sockets that take part in multicast groups. Included by platform.h only.
 *
 * Rules
 * - An interface is its index here; 0 leaves the choice to the system.
 * - What a system cannot do returns -ENOSYS. Nothing blocks.
 */

/* A datagram socket, non-blocking and close on exec: of UDP, or (raw) of that protocol of IP. */
static inline int zc_datagram_open(int family, int raw) {
    int fault = zc_resource_fault();
    if (fault) return fault;
    int type = raw ? SOCK_RAW : SOCK_DGRAM;
#if defined(_WIN32)
    SOCKET s = WSASocketW(zc_sa_native(family), type, raw, NULL, 0, WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT);
    if (s == INVALID_SOCKET) return zc_net_error();
    int fd = (int)s;
#else
    int fd = socket(zc_sa_native(family), type, raw);
    if (fd < 0) return -errno;
#endif
    int rc = zc_socket_adopt(fd);
    if (rc == 0) return fd;
    zc_close(fd);
    return rc;
}

/* Several sockets may be bound to one port: all of them hear what is sent to a group. */
static inline int zc_group_share(int fd) {
    int rc = zc_opt_raw(fd, SOL_SOCKET, SO_REUSEADDR, 1);
#if defined(SO_REUSEPORT) && !defined(__linux__) && !defined(_WIN32)
    if (rc == 0) rc = zc_opt_raw(fd, SOL_SOCKET, SO_REUSEPORT, 1);
#endif
    return rc;
}

/* For a socket that joins that group alone. It hears what goes to the group, and nothing else that goes to the port; on
 * Windows, where a group's address cannot be bound, also what goes to this host alone. */
static inline int zc_group_bind(int fd, const zc_sockaddr_t *group) {
#if defined(_WIN32)
    static const uint8_t anywhere[16];
    zc_sockaddr_t sa;
    if (zc_sa_family(group) == ZC_FAMILY_V6)
        zc_sa_set_v6(&sa, anywhere, zc_sa_port(group), 0);
    else
        zc_sa_set_v4(&sa, anywhere, zc_sa_port(group));
    return zc_bind(fd, &sa);
#else
    return zc_bind(fd, group);
#endif
}

static inline int zc_group_join(int fd, const zc_sockaddr_t *group, uint32_t index) {
    int fault = zc_resource_fault();
    if (fault) return fault;
#if defined(_WIN32)
    if (zc_sa_family(group) == ZC_FAMILY_V6) {
        struct ipv6_mreq m;
        m.ipv6mr_multiaddr = group->u.v6.sin6_addr;
        m.ipv6mr_interface = index;
        return setsockopt(fd, IPPROTO_IPV6, IPV6_ADD_MEMBERSHIP, (const char *)&m, sizeof m) == 0 ? 0 : zc_net_error();
    }
    struct ip_mreq m;
    m.imr_multiaddr = group->u.v4.sin_addr;
    m.imr_interface.s_addr = zc_adapter_v4(index);
    return setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, (const char *)&m, sizeof m) == 0 ? 0 : zc_net_error();
#else
    struct group_req r;
    memset(&r, 0, sizeof r);
    r.gr_interface = index;
    memcpy(&r.gr_group, &group->u, group->len);
    int level = zc_sa_family(group) == ZC_FAMILY_V6 ? IPPROTO_IPV6 : IPPROTO_IP;
    return setsockopt(fd, level, MCAST_JOIN_GROUP, (const char *)&r, sizeof r) == 0 ? 0 : zc_net_error();
#endif
}

/* Only the groups that this socket has joined, not all that anybody on the host has. */
static inline int zc_group_only_joined(int fd, int family) {
#if defined(IP_MULTICAST_ALL) && defined(__linux__)
    if (family == ZC_FAMILY_V4) return zc_opt_raw(fd, IPPROTO_IP, IP_MULTICAST_ALL, 0);
#if defined(IPV6_MULTICAST_ALL)
    return zc_opt_raw(fd, IPPROTO_IPV6, IPV6_MULTICAST_ALL, 0);
#endif
#endif
    (void)fd, (void)family;
    return -ENOSYS;
}

/* The interface that packets to groups leave by. */
static inline int zc_group_interface(int fd, int family, uint32_t index) {
    if (family == ZC_FAMILY_V6) return zc_opt_raw(fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, (int)index);
#if defined(_WIN32)
    return zc_opt_raw(fd, IPPROTO_IP, IP_MULTICAST_IF, (int)zc_adapter_v4(index));
#else
    struct ip_mreqn m;
    memset(&m, 0, sizeof m);
    m.imr_ifindex = (int)index;
    return setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &m, sizeof m) == 0 ? 0 : -errno;
#endif
}

/* How many hops packets to groups go; 0: they do not leave the host. */
static inline int zc_group_hops(int fd, int family, int hops) {
    return family == ZC_FAMILY_V6 ? zc_opt_raw(fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, hops)
                                  : zc_opt_raw(fd, IPPROTO_IP, IP_MULTICAST_TTL, hops);
}

/* Whether the groups' members on this host hear them, too. (On Windows it is the receiver that decides.) */
static inline int zc_group_loop(int fd, int family, int loop) {
    return family == ZC_FAMILY_V6 ? zc_opt_raw(fd, IPPROTO_IPV6, IPV6_MULTICAST_LOOP, loop)
                                  : zc_opt_raw(fd, IPPROTO_IP, IP_MULTICAST_LOOP, loop);
}

/* From now on zc_datagram_recv() tells where a datagram went. */
static inline int zc_datagram_tell(int fd, int family) {
#if defined(_WIN32)
    (void)fd, (void)family;
    return -ENOSYS;
#else
#if defined(IPV6_RECVPKTINFO)
    if (family == ZC_FAMILY_V6) return zc_opt_raw(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
#endif
#if defined(IP_PKTINFO)
    return zc_opt_raw(fd, IPPROTO_IP, IP_PKTINFO, 1);
#elif defined(IP_RECVDSTADDR)
    return zc_opt_raw(fd, IPPROTO_IP, IP_RECVDSTADDR, 1);
#else
    (void)fd, (void)family;
    return -ENOSYS;
#endif
#endif
}

#if !defined(_WIN32)
/* 1: it went to this host alone, 0: to a group, or not known. */
static inline int zc_datagram_alone(struct msghdr *m) {
    for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c != NULL; c = CMSG_NXTHDR(m, c)) {
#if defined(IP_PKTINFO)
        if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
            struct in_pktinfo info;
            memcpy(&info, CMSG_DATA(c), sizeof info);
            return !IN_MULTICAST(ntohl(info.ipi_addr.s_addr));
        }
#elif defined(IP_RECVDSTADDR)
        if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_RECVDSTADDR) {
            struct in_addr to;
            memcpy(&to, CMSG_DATA(c), sizeof to);
            return !IN_MULTICAST(ntohl(to.s_addr));
        }
#endif
#if defined(IPV6_RECVPKTINFO)
        if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
            struct in6_pktinfo info;
            memcpy(&info, CMSG_DATA(c), sizeof info);
            return !IN6_IS_ADDR_MULTICAST(&info.ipi6_addr);
        }
#endif
    }
    return 0;
}
#endif

/* The next datagram: its size, -EAGAIN or -errno. What does not fit is cut off. alone: as zc_datagram_tell() was asked. */
static inline ptrdiff_t zc_datagram_recv(int fd, void *out, size_t room, zc_sockaddr_t *from, int *alone) {
    *alone = 0;
    from->len = 0;
#if defined(_WIN32)
    int len = sizeof from->u;
    int n = recvfrom((SOCKET)fd, (char *)out, (int)room, 0, &from->u.any, &len);
    if (n < 0) return zc_net_error();
    from->len = (uint32_t)len;
    return n;
#else
    union {
        struct cmsghdr align;
        char room[128];
    } control;
    struct iovec v = {out, room};
    struct msghdr m;
    memset(&m, 0, sizeof m);
    m.msg_name = &from->u;
    m.msg_namelen = sizeof from->u;
    m.msg_iov = &v;
    m.msg_iovlen = 1;
    m.msg_control = control.room;
    m.msg_controllen = sizeof control.room;
    ptrdiff_t n;
    do n = recvmsg(fd, &m, MSG_DONTWAIT);
    while (n < 0 && errno == EINTR);
    if (n < 0) return -errno;
    from->len = (uint32_t)m.msg_namelen;
    *alone = zc_datagram_alone(&m);
    return n;
#endif
}

/* 0 or -errno. -EAGAIN, -ENOBUFS: there is no room for it now. */
static inline int zc_datagram_send(int fd, const void *data, size_t n, const zc_sockaddr_t *to) {
#if defined(_WIN32)
    if (sendto((SOCKET)fd, (const char *)data, (int)n, 0, &to->u.any, (int)to->len) >= 0) return 0;
    return zc_net_error();
#else
    ptrdiff_t sent;
    do sent = sendto(fd, data, n, MSG_DONTWAIT, &to->u.any, (socklen_t)to->len);
    while (sent < 0 && errno == EINTR);
    return sent >= 0 ? 0 : -errno;
#endif
}

/* Lets in only packets whose octet at `offset` of the datagram (UDP: of what it carries; raw: behind the IPv4 header) has
 * one of the bits of `mask`: the others would wake us for nothing. Linux. */
static inline int zc_datagram_filter(int fd, int raw, uint32_t offset, uint32_t mask) {
#if defined(__linux__)
    struct sock_filter udp[] = {
        {BPF_LD | BPF_B | BPF_ABS, 0, 0, offset + 8},
        {BPF_JMP | BPF_JSET | BPF_K, 0, 1, mask},
        {BPF_RET | BPF_K, 0, 0, 0xFFFF},
        {BPF_RET | BPF_K, 0, 0, 0},
    };
    struct sock_filter ip[] = {
        {BPF_LDX | BPF_B | BPF_MSH, 0, 0, 0},
        {BPF_LD | BPF_B | BPF_IND, 0, 0, offset},
        {BPF_JMP | BPF_JSET | BPF_K, 0, 1, mask},
        {BPF_RET | BPF_K, 0, 0, 0xFFFF},
        {BPF_RET | BPF_K, 0, 0, 0},
    };
    struct sock_fprog program = {raw ? 5 : 4, raw ? ip : udp};
    return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) == 0 ? 0 : -errno;
#else
    (void)fd, (void)raw, (void)offset, (void)mask;
    return -ENOSYS;
#endif
}

/* Whether the first `bits` bits are the same. */
static inline int zc_bits_equal(const uint8_t *a, const uint8_t *b, int bits) {
    int whole = bits / 8, rest = bits % 8;
    if (memcmp(a, b, (size_t)whole) != 0) return 0;
    return rest == 0 || ((a[whole] ^ b[whole]) >> (8 - rest)) == 0;
}

#if defined(_WIN32)
/* As zc_interface_find() has it. */
static inline int zc_adapter_wanted(const IP_ADAPTER_ADDRESSES *a, const zc_sockaddr_t *own, const char *name,
                                    const uint8_t *octets, int bits) {
    int n;
    if (bits >= 0) return zc_bits_equal(zc_sa_octets(own, &n), octets, bits);
    return name != NULL ? zc_adapter_called(a, name) : !(a->Flags & IP_ADAPTER_NO_MULTICAST);
}
#endif

/* An interface that is up: the first whose address of `family` begins with these bits, or whose name is `name` (bits < 0);
 * with neither one that does multicast, the loopback only if there is no other. Its index, and its address without a port.
 * -ENODEV: none. */
static inline int zc_interface_find(const char *name, int family, const uint8_t *octets, int bits, zc_sockaddr_t *out) {
#if defined(_WIN32)
    IP_ADAPTER_ADDRESSES *list = zc_adapters(zc_sa_native(family));
    int rc = -ENODEV, loopback = -ENODEV;
    for (IP_ADAPTER_ADDRESSES *a = list; a != NULL && rc < 0; a = a->Next) {
        zc_sockaddr_t own;
        if (a->OperStatus != IfOperStatusUp) continue;
        for (IP_ADAPTER_UNICAST_ADDRESS *u = a->FirstUnicastAddress; u != NULL && rc < 0; u = u->Next) {
            if (!zc_adapter_address(u, family, &own) || !zc_adapter_wanted(a, &own, name, octets, bits)) continue;
            int last = bits < 0 && name == NULL && a->IfType == IF_TYPE_SOFTWARE_LOOPBACK;
            if (last && loopback >= 0) continue;
            *out = own;
            *(last ? &loopback : &rc) = (int)zc_adapter_index(a, family);
        }
    }
    zc_free(list);
    return rc >= 0 ? rc : loopback;
#else
    struct ifaddrs *list = NULL;
    int native = zc_sa_native(family), rc = -ENODEV, loopback = -ENODEV;
    if (getifaddrs(&list) != 0) return -errno;
    for (struct ifaddrs *a = list; a != NULL && rc < 0; a = a->ifa_next) {
        zc_sockaddr_t sa;
        int n;
        if (a->ifa_addr == NULL || a->ifa_addr->sa_family != native || !(a->ifa_flags & IFF_UP)) continue;
        memset(&sa, 0, sizeof sa);
        sa.len = native == AF_INET ? sizeof sa.u.v4 : sizeof sa.u.v6;
        memcpy(&sa.u, a->ifa_addr, sa.len);
        zc_sa_set_port(&sa, 0);
        const uint8_t *own = zc_sa_octets(&sa, &n);
        if (bits >= 0 ? !zc_bits_equal(own, octets, bits) : name != NULL && strcmp(a->ifa_name, name) != 0) continue;
        if (bits < 0 && name == NULL && a->ifa_flags & IFF_LOOPBACK) {
            if (loopback < 0) {
                loopback = (int)if_nametoindex(a->ifa_name);
                *out = sa;
            }
            continue;
        }
        if (bits < 0 && name == NULL && !(a->ifa_flags & IFF_MULTICAST)) continue;
        rc = (int)if_nametoindex(a->ifa_name);
        *out = sa;
    }
    freeifaddrs(list);
    return rc >= 0 ? rc : loopback;
#endif
}
