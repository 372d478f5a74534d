# Accept filter: the text of a TCP_ACCEPT_FILTER, "address" or "address/bits", checked and brought into one form.
#
# Rules:
#  - Numeric addresses only: a filter never asks a name server.
#  - IPv4 in all the classic notations (1 to 4 numbers; decimal, octal, hexadecimal), because libzmq takes them; the stored text is always
#    dotted decimal, so that whoever matches needs no second parser. IPv6 is stored as eight full groups.
#  - IPv6 texts need the IPV6 option to be on already, as in libzmq.
#  - Stricter than libzmq on purpose: bits after an IPv4 address are bits of that address, 0 to 32, whether or not IPV6 is on (libzmq counts them
#    in the mapped IPv6 address then, so that 127.0.0.1/8 lets everybody in); a zone (%eth0) is refused, since it could not be kept.
#  - The text ends at its first NUL, as a C string.

from libc.stdint cimport uint32_t, uint64_t
from libc.string cimport memcpy, memset
from libc.stdio cimport snprintf
from base.errors cimport EINVAL

cdef enum:
    ACCEPT_FILTER_TEXT = 48  # "xxxx:xxxx:xxxx:xxxx:xxxx:xxxx:xxxx:xxxx/128" and its NUL


cdef inline int _digit(char c) noexcept nogil:
    """Value of a hexadecimal digit, or 16."""
    if c'0' <= c <= c'9':
        return c - c'0'
    if c'a' <= c <= c'f':
        return c - c'a' + 10
    if c'A' <= c <= c'F':
        return c - c'A' + 10
    return 16


cdef inline int accept_filter_ipv4(const char *text, size_t size, unsigned char *address) noexcept nogil:
    """Any classic notation of an IPv4 address into 4 octets."""
    cdef size_t at = 0
    cdef int part = 0, base, digits, i
    cdef uint64_t numbers[4]
    cdef uint64_t number, whole = 0
    while True:
        if part == 4:
            return -EINVAL
        base = 10
        digits = 0
        number = 0
        if at < size and text[at] == c'0':
            base = 8
            if at + 1 < size and (text[at + 1] == c'x' or text[at + 1] == c'X'):
                base = 16
                at += 2
        while at < size and _digit(text[at]) < base:
            number = number * base + _digit(text[at])
            if number > 0xFFFFFFFFULL:
                return -EINVAL
            digits += 1
            at += 1
        if digits == 0:
            return -EINVAL
        numbers[part] = number
        part += 1
        if at == size:
            break
        if text[at] != c'.':
            return -EINVAL
        at += 1
    # all numbers but the last are one octet each; the last one fills what remains
    for i in range(part - 1):
        if numbers[i] > 255:
            return -EINVAL
        whole |= numbers[i] << (24 - 8 * i)
    if numbers[part - 1] >> (8 * (5 - part)):
        return -EINVAL
    whole |= numbers[part - 1]
    for i in range(4):
        address[i] = <unsigned char>(whole >> (24 - 8 * i))
    return 0


cdef inline int _dotted_quad(const char *text, size_t size, unsigned char *address) noexcept nogil:
    """The tail of an IPv6 address: exactly four decimal octets without leading zeros."""
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
        address[part] = <unsigned char>number
        if part < 3:
            if at == size or text[at] != c'.':
                return -EINVAL
            at += 1
    return 0 if at == size else -EINVAL


cdef inline int accept_filter_ipv6(const char *text, size_t size, unsigned char *address) noexcept nogil:
    """An IPv6 address, optionally in brackets, into 16 octets."""
    cdef size_t at = 0, start
    cdef int filled = 0, gap = -1, digits, moved
    cdef uint32_t group
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
            filled += 4
            at = size
            break
        address[filled] = <unsigned char>(group >> 8)
        address[filled + 1] = <unsigned char>(group & 255)
        filled += 2
        if at == size:
            break
        if text[at] != c':':
            return -EINVAL
        at += 1
        if at == size:
            return -EINVAL  # one colon at the end
        if text[at] == c':':
            if gap >= 0:
                return -EINVAL
            gap = filled
            at += 1
    if gap < 0:
        return 0 if filled == 16 else -EINVAL
    if filled == 16:
        return -EINVAL  # the gap stands for at least one group
    moved = filled - gap
    while moved > 0:
        moved -= 1
        address[16 - (filled - gap) + moved] = address[gap + moved]
        address[gap + moved] = 0
    return 0


cdef inline int _bits(const char *text, size_t size, int most) noexcept nogil:
    """What follows the slash, read as C's atoi does: blanks, a sign, digits up to the first other character. Zero only as "0" itself."""
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


cdef inline int accept_filter_normalise(const char *text, size_t size, int ipv6, char *out) noexcept nogil:
    """Checks a filter and writes its normal form to `out` (ACCEPT_FILTER_TEXT octets). The length written, or -EINVAL."""
    cdef unsigned char address[16]
    cdef size_t end = 0, slash
    cdef int bits, most
    while end < size and text[end] != 0:
        end += 1
    slash = end
    while slash > 0 and text[slash - 1] != c'/':
        slash -= 1
    # slash is now behind the last "/", or 0 when there is none
    if accept_filter_ipv4(text, slash - 1 if slash > 0 else end, address) == 0:
        most = 32
    elif ipv6 and accept_filter_ipv6(text, slash - 1 if slash > 0 else end, address) == 0:
        most = 128
    else:
        return -EINVAL
    bits = most
    if slash > 0:
        bits = _bits(text + slash, end - slash, most)
        if bits < 0:
            return bits
    if most == 32:
        return snprintf(out, ACCEPT_FILTER_TEXT, b"%d.%d.%d.%d/%d", <int>address[0], <int>address[1], <int>address[2], <int>address[3], bits)
    return snprintf(
        out, ACCEPT_FILTER_TEXT, b"%02x%02x:%02x%02x:%02x%02x:%02x%02x:%02x%02x:%02x%02x:%02x%02x:%02x%02x/%d",
        <int>address[0], <int>address[1], <int>address[2], <int>address[3], <int>address[4], <int>address[5], <int>address[6], <int>address[7],
        <int>address[8], <int>address[9], <int>address[10], <int>address[11], <int>address[12], <int>address[13], <int>address[14], <int>address[15], bits,
    )
