# Refusals: what an answer of the ZAP handler does to a handshake, and the ERROR command, both ways.
#
# Rules:
# - Only 200 lets a peer in; and no handler at all, where the mechanism allows that. Whatever else comes keeps it out.
# - 300 is "not now": the peer is told nothing, and tries again when its timer is over. 400 and 500 are told in an ERROR.
# - Of an ERROR a monitor hears if its reason is one of these numbers.

from libc.stddef cimport size_t
from libc.stdint cimport uint32_t
from libc.string cimport memcpy

from base.errors cimport ECONNREFUSED, EFAULT, EPROTO
from base.monitor_events cimport (
    EVENT_HANDSHAKE_FAILED_AUTH, EVENT_HANDSHAKE_FAILED_NO_DETAIL, EVENT_HANDSHAKE_FAILED_PROTOCOL,
)
from mechanism.mechanism cimport MECHANISM_REFUSED, ZMTP_MALFORMED_COMMAND_ERROR, mechanism_fail, mechanism_t

cdef enum:
    STATUS_ADMITTED = 200
    STATUS_LATER = 300
    STATUS_LAST = 500
    STATUS_SIZE = 3                # the reason in an ERROR that tells a status: three digits
    REASON_SIZE = 1 + STATUS_SIZE  # with its length


cdef inline int refusal_decide(mechanism_t *m, int status, bint handler_required) noexcept nogil:
    """ZAP's answer, as zap_reply() gets it. 1: the peer may come in; 0: it is refused; negative errno."""
    if status == STATUS_ADMITTED or (status == -ECONNREFUSED and not handler_required):
        return 1
    if status == -ECONNREFUSED:
        return mechanism_fail(m, -EFAULT, EVENT_HANDSHAKE_FAILED_NO_DETAIL, EFAULT)
    if status < STATUS_LATER or status > STATUS_LAST or status % 100:
        return mechanism_fail(m, status if status < 0 else -EPROTO, 0, 0)
    m.state = MECHANISM_REFUSED
    m.event = EVENT_HANDSHAKE_FAILED_AUTH
    m.event_value = <uint32_t> status
    m.refusal = status if status != STATUS_LATER else 0
    return 0


cdef inline int refusal_next_command(mechanism_t *m, const char *name, size_t n, unsigned char *out, size_t room,
                                     size_t *size) noexcept nogil:
    """next_command of a mechanism that is REFUSED: the ERROR, once. The name that begins it has n octets."""
    if m.refusal == 0:
        return 0
    size[0] = n + REASON_SIZE
    if size[0] > room:
        return 1
    memcpy(out, name, n)
    memcpy(out + n, b"\x03x00", REASON_SIZE)
    out[n + 1] = <unsigned char> (c'0' + m.refusal // 100)
    m.refusal = 0
    return 1


cdef inline int refused_by_peer(mechanism_t *m, const unsigned char *p, size_t n) noexcept nogil:
    """The peer refuses us: p is its ERROR, behind the name. A negative errno."""
    if n < 1 or <size_t>p[0] > n - 1:
        return mechanism_fail(m, -EPROTO, EVENT_HANDSHAKE_FAILED_PROTOCOL, ZMTP_MALFORMED_COMMAND_ERROR)
    if p[0] == STATUS_SIZE and c'3' <= p[1] <= c'5' and p[2] == c'0' and p[3] == c'0':
        return mechanism_fail(m, -EPROTO, EVENT_HANDSHAKE_FAILED_AUTH, 100 * (p[1] - c'0'))
    return mechanism_fail(m, -EPROTO, 0, 0)
