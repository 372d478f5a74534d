# Commands after the handshake: PING, PONG, SUBSCRIBE, CANCEL, JOIN, LEAVE, ERROR, and two of ours (engine/sharing.pxd).
#
# Rules:
# - A body is `name length (1) | name | data`. Names are compared exactly.
# - What is unknown or malformed is CMD_UNKNOWN and to be ignored, for the sake of later protocol versions. The one exception is a
#   PING without room for its TTL: that peer is broken and loses its connection.
# - Whether a command means anything to the local socket type is the session's question.
# - Parsed data points into the body that was given.

from libc.stdint cimport uint32_t
from libc.string cimport memcmp, memcpy

from base.config cimport GROUP_MAX
from base.errors cimport EPROTO
from base.endian cimport load_be16, store_be16
from zmtp.frame cimport FRAME_COMMAND, FRAME_SHORT_MAX, frame_put, frame_put_v1


cdef enum:
    CMD_UNKNOWN = 0
    CMD_PING = 1
    CMD_PONG = 2
    CMD_SUBSCRIBE = 3
    CMD_CANCEL = 4
    CMD_ERROR = 5
    CMD_JOIN = 6
    CMD_LEAVE = 7
    CMD_SEGMENT = 8
    CMD_BLOCK = 9

    PING_CONTEXT_MAX = 16  # longer contexts are cut: a PONG must stay small whatever a peer sends
    PING_TTL_MAX = 65535   # the field has 16 bits


cdef struct command_t:
    int kind
    const unsigned char *data    # PING, PONG: context; SUBSCRIBE, CANCEL: topic; JOIN, LEAVE: group; ERROR: reason; SEGMENT, BLOCK: all of it
    size_t size
    uint32_t ttl_ds              # PING: time to live in deciseconds, 0 = none


cdef inline const char *command_name(int kind) noexcept nogil:
    """Name with its length octet in front; NULL for what this module does not write."""
    if kind == CMD_PING:
        return "\x04PING"
    if kind == CMD_PONG:
        return "\x04PONG"
    if kind == CMD_SUBSCRIBE:
        return "\x09SUBSCRIBE"
    if kind == CMD_CANCEL:
        return "\x06CANCEL"
    if kind == CMD_ERROR:
        return "\x05ERROR"
    if kind == CMD_JOIN:
        return "\x04JOIN"
    if kind == CMD_LEAVE:
        return "\x05LEAVE"
    if kind == CMD_SEGMENT:
        return "\x09X-SEGMENT"
    if kind == CMD_BLOCK:
        return "\x07X-BLOCK"
    return NULL


cdef inline int command_parse(const unsigned char *body, size_t n, command_t *c) noexcept nogil:
    """Understand the body of a command frame. 0, or -EPROTO for a PING that is too short."""
    cdef const unsigned char *data
    cdef size_t size
    cdef int kind
    c.kind = CMD_UNKNOWN
    c.data = NULL
    c.size = 0
    c.ttl_ds = 0
    if n < 1 or n < <size_t>1 + body[0]:
        return 0
    for kind in range(CMD_PING, CMD_BLOCK + 1):
        # The length octet is part of the comparison, so no name is the prefix of another.
        if body[0] == <unsigned char>command_name(kind)[0] and memcmp(body, command_name(kind), <size_t>1 + body[0]) == 0:
            break
    else:
        return 0
    data = body + 1 + body[0]
    size = n - 1 - body[0]
    if kind == CMD_PING:
        if size < 2:
            return -EPROTO
        c.ttl_ds = load_be16(data)
        data += 2
        size -= 2
        if size > PING_CONTEXT_MAX:
            size = PING_CONTEXT_MAX
    elif kind == CMD_ERROR:
        if size < 1 or size < <size_t>1 + data[0]:
            return 0
        size = data[0]
        data += 1
    elif (kind == CMD_JOIN or kind == CMD_LEAVE) and size > GROUP_MAX:
        return 0
    c.kind = kind
    c.data = data
    c.size = size
    return 0


cdef inline size_t command_body_size(int kind, size_t n) noexcept nogil:
    cdef const char *name = command_name(kind)
    if name == NULL:
        return 0
    if kind == CMD_PING:
        n += 2
    elif kind == CMD_ERROR:
        n += 1
    return 1 + <size_t>name[0] + n


cdef inline size_t command_size(int kind, size_t n) noexcept nogil:
    """Octets of the complete frame of a command with n octets of data; 0 for an unknown kind."""
    cdef size_t body = command_body_size(kind, n)
    if body == 0:
        return 0
    return body + (2 if body <= FRAME_SHORT_MAX else 9)


cdef inline size_t command_put(unsigned char *out, int kind, uint32_t ttl_ds, const unsigned char *data,
                               size_t n) noexcept nogil:
    """Write the complete frame, header included, into command_size(kind, n) octets. The reason of an ERROR has at most 255."""
    cdef const char *name = command_name(kind)
    cdef unsigned char *p
    if name == NULL:
        return 0
    p = out + frame_put(out, command_body_size(kind, n), FRAME_COMMAND)
    memcpy(p, name, 1 + <size_t>name[0])
    p += 1 + <size_t>name[0]
    if kind == CMD_PING:
        store_be16(p, PING_TTL_MAX if ttl_ds > PING_TTL_MAX else ttl_ds)
        p += 2
    elif kind == CMD_ERROR:
        p[0] = <unsigned char>n
        p += 1
    if n:
        memcpy(p, data, n)
    return (p - out) + n


# Towards 3.0 and older publishers a subscription is an ordinary message, 01 or 00 and the topic. The size of the final body,
# not of the topic, decides between the short and the long header.

cdef inline size_t subscription_put_legacy(unsigned char *out, int subscribe, const unsigned char *topic,
                                           size_t n) noexcept nogil:
    """Write the message form for a 2.0 or 3.0 peer."""
    cdef unsigned char *p = out + frame_put(out, n + 1, 0)
    p[0] = 1 if subscribe else 0
    if n:
        memcpy(p + 1, topic, n)
    return (p - out) + 1 + n


cdef inline size_t subscription_put_legacy_v1(unsigned char *out, int subscribe, const unsigned char *topic,
                                              size_t n) noexcept nogil:
    """Write the message form for a 1.0 peer."""
    cdef unsigned char *p = out + frame_put_v1(out, n + 1, 0)
    p[0] = 1 if subscribe else 0
    if n:
        memcpy(p + 1, topic, n)
    return (p - out) + 1 + n
