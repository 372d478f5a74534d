# The address of a multicast group: "interface;receive-groups[;send-group]:port", as pgm and epgm have it.
#
# The interface is a name, an address of it, a network ("192.168.1.0/24"), or empty: the first that does multicast. Groups
# are addresses, several with a comma between; one that is left out is 239.192.0.1, and what is sent goes to the first that
# is received from unless there is a second part. Addresses of IPv6 may stand in brackets.

from libc.stddef cimport size_t
from libc.stdint cimport uint8_t
from libc.string cimport memchr, memcpy
from base.errors cimport EINVAL
from base.platform cimport (
    zc_interface_find, zc_sa_parse_numeric, zc_sa_set_v4, zc_sa_set_v6, zc_sockaddr_t, ZC_FAMILY_V4,
    ZC_FAMILY_V6,
)
from transport.address cimport address_clear, address_t, ADDRESS_GROUPS
from transport.resolve cimport host_port_t, resolve_copy, resolve_number, resolve_split, HOST_MAX, PORT_MAX

cdef enum:
    GROUP_TEXT_MAX = 254            # of all before the port; libzmq takes no more


cdef inline int group_numeric(const char *text, size_t n, uint8_t *octets) noexcept nogil:
    """An address, in brackets or not. Its family, or -EINVAL."""
    cdef char host[HOST_MAX + 1]
    if n >= 2 and text[0] == c'[' and text[n - 1] == c']':
        text += 1
        n -= 2
    if resolve_copy(text, n, host) < 0:
        return -EINVAL
    if zc_sa_parse_numeric(host, ZC_FAMILY_V4, octets) == 0:
        return ZC_FAMILY_V4
    return ZC_FAMILY_V6 if zc_sa_parse_numeric(host, ZC_FAMILY_V6, octets) == 0 else -EINVAL


cdef inline int group_octets(const char *text, size_t n, uint8_t *octets) noexcept nogil:
    """The address of a group. Its family, or -EINVAL."""
    cdef int family = group_numeric(text, n, octets)
    if family == ZC_FAMILY_V4:
        return family if octets[0] & 0xf0 == 0xe0 else -EINVAL
    return family if family == ZC_FAMILY_V6 and octets[0] == 0xff else -EINVAL


cdef inline void group_sockaddr(int family, const uint8_t *octets, int port, unsigned int device,
                                zc_sockaddr_t *out) noexcept nogil:
    """device: the interface that addresses of IPv6 are meant on, where they do not say so themselves."""
    if family == ZC_FAMILY_V4:
        zc_sa_set_v4(out, octets, port)
    else:
        zc_sa_set_v6(out, octets, port, device)


cdef inline size_t group_until(const char *text, size_t n, char mark) noexcept nogil:
    """Where that character stands; n: nowhere."""
    cdef const char *at = <const char *> memchr(text, mark, n)
    return n if at == NULL else <size_t> (at - text)


cdef inline int group_list(const char *text, size_t n, address_t *out) noexcept nogil:
    """The groups to receive from. 0 or -EINVAL."""
    cdef size_t step
    cdef int family
    while True:
        step = group_until(text, n, c',')
        if out.ngroups == ADDRESS_GROUPS:
            return -EINVAL
        family = group_octets(text, step, out.groups[out.ngroups])
        if family < 0 or (out.family and family != out.family):
            return -EINVAL
        out.family = family
        out.ngroups += 1
        if step == n:
            return 0
        text += step + 1
        n -= step + 1


cdef inline int group_interface(const char *text, size_t n, address_t *out) noexcept nogil:
    """The interface, its address in out.source. 0, -EINVAL, -ENODEV, or what the system says."""
    cdef char name[HOST_MAX + 1]
    cdef uint8_t octets[16]
    cdef size_t slash = group_until(text, n, c'/')
    cdef int bits = 32 if out.family == ZC_FAMILY_V4 else 128
    cdef int family, rc
    if n == 0:
        rc = zc_interface_find(NULL, out.family, NULL, -1, &out.source)
    else:
        family = group_numeric(text, slash, octets)
        if family < 0:
            if slash != n or resolve_copy(text, n, name) < 0:
                return -EINVAL
            rc = zc_interface_find(name, out.family, NULL, -1, &out.source)
        else:
            if slash != n:
                bits = resolve_number(text + slash + 1, n - slash - 1, bits)
            if bits < 0 or family != out.family:
                return -EINVAL
            rc = zc_interface_find(NULL, out.family, octets, bits, &out.source)
    if rc < 0:
        return rc
    out.device = <unsigned int> rc
    return 0


cdef inline int group_parts(const char *text, size_t n, size_t *first, size_t *second) noexcept nogil:
    """Where the parts end that semicolons divide. 0; -EINVAL: there are more than three."""
    first[0] = group_until(text, n, c';')
    second[0] = n
    if first[0] == n:
        return 0
    second[0] = first[0] + 1 + group_until(text + first[0] + 1, n - first[0] - 1, c';')
    return 0 if second[0] == n or group_until(text + second[0] + 1, n - second[0] - 1, c';') == n - second[0] - 1 else -EINVAL


cdef inline int group_parse(const char *text, size_t n, address_t *out) noexcept nogil:
    """0; -EINVAL; -ENODEV: there is no such interface. Nothing blocks."""
    cdef uint8_t octets[16]
    cdef host_port_t parts
    cdef size_t first = 0, second = 0
    cdef int port, family, rc
    address_clear(out)
    if resolve_split(text, n, &parts) < 0 or parts.port - text - 1 > GROUP_TEXT_MAX:
        return -EINVAL
    port = resolve_number(parts.port, parts.port_len, PORT_MAX)
    n = parts.port - text - 1       # brackets may be those of a group
    if port <= 0 or memchr(text, 0, n) != NULL or group_parts(text, n, &first, &second) < 0:
        return -EINVAL
    if first + 1 < second:
        if group_list(text + first + 1, second - first - 1, out) < 0:
            return -EINVAL
    else:
        memcpy(out.groups[0], b"\xef\xc0\x00\x01", 4)
        out.family = ZC_FAMILY_V4
        out.ngroups = 1
    memcpy(octets, out.groups[0], 16)
    if second < n:
        family = group_octets(text + second + 1, n - second - 1, octets)
        if family != out.family:
            return -EINVAL
    rc = group_interface(text, first, out)
    if rc == 0:
        group_sockaddr(out.family, octets, port, out.device, &out.target)
    return rc
