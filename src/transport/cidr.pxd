# Accept filter: the text of a TCP_ACCEPT_FILTER, "address" or "address/bits", and whether a peer matches it.
#
# Rules
# - Numeric addresses only: a filter never asks a name server.
# - IPv4 in all the classic notations (1 to 4 numbers; decimal, octal, hexadecimal), because libzmq takes them.
# - IPv6 texts need the IPV6 option to be on already, as in libzmq.
# - Stricter than libzmq on purpose: bits after an IPv4 address are bits of that address, 0 to 32, whether or not IPV6
#   is on (libzmq counts them in the mapped IPv6 address then, so that 127.0.0.1/8 lets everybody in); a zone (%eth0) is
#   refused, since it could not be kept.
# - A peer of a dual-stack listener is compared as the IPv4 address it is. So is a filter for such addresses
#   (::ffff:10.0.0.0/104).
# - The text ends at its first NUL, as a C string.

from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memcmp, memcpy, memset
from base.errors cimport EINVAL
from base.platform cimport zc_sa_octets, zc_sockaddr_t
from transport.resolve cimport resolve_unmap

cdef extern from "transport/cidr.h" nogil:
    ctypedef struct cidr_t:
        uint8_t bytes[16]
        int size                # of the address: 4 or 16 bytes
        int bits

cdef enum:
    MAPPED_BITS = 96            # what stands in front of an IPv4 address that is written as an IPv6 one


cdef inline int _digit(char c) noexcept nogil:
    """Value of a hexadecimal digit, or 16."""
    if c'0' <= c <= c'9':
        return c - c'0'
    if c'a' <= c <= c'f':
        return c - c'a' + 10
    if c'A' <= c <= c'F':
        return c - c'A' + 10
    return 16


cdef inline int _ipv4_number(const char *text, size_t size, size_t *at, uint64_t *number) noexcept nogil:
    """One number of an IPv4 address, in decimal, octal or hexadecimal; `at` moves behind it."""
    cdef int base = 10, digits = 0
    number[0] = 0
    if at[0] < size and text[at[0]] == c'0':
        base = 8
        if at[0] + 1 < size and (text[at[0] + 1] == c'x' or text[at[0] + 1] == c'X'):
            base = 16
            at[0] += 2
    while at[0] < size and _digit(text[at[0]]) < base:
        number[0] = number[0] * base + _digit(text[at[0]])
        if number[0] > 0xFFFFFFFFULL:
            return -EINVAL
        digits += 1
        at[0] += 1
    return 0 if digits else -EINVAL


cdef inline int _ipv4(const char *text, size_t size, uint8_t *address) noexcept nogil:
    """Any classic notation of an IPv4 address into 4 bytes."""
    cdef size_t at = 0
    cdef int part = 0, i
    cdef uint64_t numbers[4]
    cdef uint64_t whole = 0
    while True:
        if part == 4 or _ipv4_number(text, size, &at, &numbers[part]) < 0:
            return -EINVAL
        part += 1
        if at == size:
            break
        if text[at] != c'.':
            return -EINVAL
        at += 1
    # all numbers but the last are one byte each; the last one fills what remains
    for i in range(part - 1):
        if numbers[i] > 255:
            return -EINVAL
        whole |= numbers[i] << (24 - 8 * i)
    if numbers[part - 1] >> (8 * (5 - part)):
        return -EINVAL
    whole |= numbers[part - 1]
    for i in range(4):
        address[i] = <uint8_t>(whole >> (24 - 8 * i))
    return 0


cdef inline int _dotted_quad(const char *text, size_t size, uint8_t *address) noexcept nogil:
    """The tail of an IPv6 address: exactly four decimal numbers without leading zeros."""
    cdef size_t at = 0
    cdef int part, number, digits
    for part in range(4):
        number = 0
        digits = 0
        while at < size and c'0' <= text[at] <= c'9' and digits < 4:
            if digits == 1 and number == 0:
                return -EINVAL
            number = number * 10 + (text[at] - c'0')
            digits += 1
            at += 1
        if digits == 0 or number > 255:
            return -EINVAL
        address[part] = <uint8_t>number
        if part < 3:
            if at == size or text[at] != c'.':
                return -EINVAL
            at += 1
    return 0 if at == size else -EINVAL


cdef inline int _ipv6_groups(const char *text, size_t size, size_t at, uint8_t *address, int *gap) noexcept nogil:
    """The groups from `at` on, written one behind the other. How many bytes they are; `gap`: where "::" stood among
    them."""
    cdef size_t start
    cdef int filled = 0, digits
    cdef uint32_t group
    while at < size:
        if filled == 16:
            return -EINVAL
        start = at
        group = 0
        digits = 0
        while at < size and _digit(text[at]) < 16 and digits < 5:
            group = group * 16 + _digit(text[at])
            digits += 1
            at += 1
        if digits == 0 or digits > 4:
            return -EINVAL
        if at < size and text[at] == c'.':
            if filled > 12 or _dotted_quad(text + start, size - start, address + filled) != 0:
                return -EINVAL
            return filled + 4
        address[filled] = <uint8_t>(group >> 8)
        address[filled + 1] = <uint8_t>(group & 255)
        filled += 2
        if at == size:
            return filled
        if text[at] != c':' or at + 1 == size:
            return -EINVAL
        at += 1
        if text[at] == c':':
            if gap[0] >= 0:
                return -EINVAL
            gap[0] = filled
            at += 1
    return filled


cdef inline int _ipv6(const char *text, size_t size, uint8_t *address) noexcept nogil:
    """An IPv6 address, optionally in brackets, into 16 bytes."""
    cdef size_t at = 0
    cdef int filled, gap = -1, moved
    if size >= 2 and text[0] == c'[':
        if text[size - 1] != c']':
            return -EINVAL
        text += 1
        size -= 2
    memset(address, 0, 16)
    if size < 2:
        return -EINVAL
    if text[0] == c':':
        if text[1] != c':':
            return -EINVAL
        gap = 0
        at = 2
    filled = _ipv6_groups(text, size, at, address, &gap)
    if filled < 0:
        return filled
    if gap < 0:
        return 0 if filled == 16 else -EINVAL
    if filled == 16:
        return -EINVAL          # the gap stands for at least one group
    moved = filled - gap
    while moved > 0:
        moved -= 1
        address[16 - (filled - gap) + moved] = address[gap + moved]
        address[gap + moved] = 0
    return 0


cdef inline int _bits(const char *text, size_t size, int most) noexcept nogil:
    """What follows the slash, read as C's atoi does: blanks, a sign, digits up to the first other character. Zero only
    as "0" itself."""
    cdef size_t at = 0
    cdef int number = 0
    if size == 1 and text[0] == c'0':
        return 0
    while at < size and (text[at] == c' ' or 9 <= text[at] <= 13):
        at += 1
    if at < size and text[at] == c'+':
        at += 1
    while at < size and c'0' <= text[at] <= c'9':
        number = number * 10 + (text[at] - c'0')
        if number > most:
            return -EINVAL
        at += 1
    return number if number > 0 else -EINVAL


cdef inline bint _mapped(const uint8_t *address) noexcept nogil:
    """Whether an IPv6 address stands for an IPv4 one."""
    cdef int i
    for i in range(10):
        if address[i] != 0:
            return False
    return address[10] == 0xff and address[11] == 0xff


cdef inline int cidr_parse(const char *text, size_t size, bint ipv6, cidr_t *out) noexcept nogil:
    """0 or -EINVAL."""
    cdef size_t end = 0, slash
    while end < size and text[end] != 0:
        end += 1
    slash = end
    while slash > 0 and text[slash - 1] != c'/':
        slash -= 1
    # slash is now behind the last "/", or 0 when there is none
    memset(out, 0, sizeof(cidr_t))      # records of equal filters are equal, byte for byte
    if _ipv4(text, slash - 1 if slash > 0 else end, out.bytes) == 0:
        out.size = 4
    elif ipv6 and _ipv6(text, slash - 1 if slash > 0 else end, out.bytes) == 0:
        out.size = 16
    else:
        return -EINVAL
    out.bits = out.size * 8
    if slash > 0:
        out.bits = _bits(text + slash, end - slash, out.bits)
        if out.bits < 0:
            return out.bits
    if out.size == 16 and out.bits >= MAPPED_BITS and _mapped(out.bytes):
        memcpy(out.bytes, out.bytes + 12, 4)
        memset(out.bytes + 4, 0, 12)
        out.size = 4
        out.bits -= MAPPED_BITS
    return 0


cdef inline bint cidr_match(const cidr_t *c, const zc_sockaddr_t *peer) noexcept nogil:
    cdef zc_sockaddr_t sa = peer[0]
    cdef const uint8_t *address
    cdef int n = 0, whole = c.bits // 8, rest = c.bits % 8
    cdef uint8_t mask
    resolve_unmap(&sa)
    address = zc_sa_octets(&sa, &n)
    if n != c.size or memcmp(address, c.bytes, whole) != 0:
        return False
    if rest == 0:
        return True
    mask = <uint8_t>(0xff << (8 - rest))
    return (address[whole] & mask) == (c.bytes[whole] & mask)
