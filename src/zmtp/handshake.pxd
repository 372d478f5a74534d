# Handshake: from the first octet of a connection to the first octet of traffic.
#
# Rules:
# - Sans-IO: octets in (handshake_feed), octets out (`out`, outgoing_took()). Any fragmentation gives the same result.
# - We never wait for the peer before the signature, and say no more about ourselves than the peer's version is known to bear:
#
#     stage       | waits for                          | then sends
#     ------------+------------------------------------+----------------------------------------------------------
#     GREETING 0  | octet 0; not FF: ZMTP/1.0          | (signature sent at the start) 1.0: the routing id
#     GREETING 10 | octet 9; even: ZMTP/1.0            | 1.0: the routing id; else major version 03
#     GREETING 11 | octet 10, the peer's revision      | 00, 01: socket type and identity frame; else the rest of 64
#     GREETING 12 | octet 11, revisions 00 and 01 only | nothing; on to IDENTITY
#     GREETING 64 | octet 63                           | the mechanism's first command; on to COMMANDS
#     IDENTITY    | one frame, the peer's routing id   | DONE
#     COMMANDS    | the mechanism's steps              | DONE
#
# - The signature reads as the header of a long 1.0 identity frame, so an unversioned 1.0 peer gets the bare routing id next.
# - Revision 02 and those above 03 are treated as 3.1, as deployed peers do.
# - Announced lengths are checked against MAXMSGSIZE and a limit of our own, and never reserved.
# - Who the peer is, and what a monitor shall hear of a failure, is in `who` (introduction.pxd). Any error is final.
# - Driven by one thread at a time.

from base.config cimport ROUTING_ID_MAX
from libc.string cimport memcmp, memcpy, memset

from base.endian cimport store_be64
from base.errors cimport ENOMEM, EPROTO
from base.monitor_events cimport EVENT_HANDSHAKE_FAILED_PROTOCOL
from mechanism.mechanism cimport (
    MECHANISM_AUTHENTICATE, MECHANISM_NAME_SIZE, MECHANISM_READY, ZMTP_MECHANISM_MISMATCH, mechanism_t,
)
from zmtp.decoder cimport decoder_free, decoder_init, decoder_next, decoder_t
from zmtp.frame cimport (
    FRAME_COMMAND, FRAME_HEADER_MAX, FRAME_SHORT_MAX, FRAME_V1_HEADER_MAX, frame_put, frame_put_v1,
)
from zmtp.introduction cimport (
    HANDSHAKE_COMMAND_MAX, hs_config_t, introduction_free, introduction_hear, introduction_init,
    introduction_limit, introduction_name, introduction_own_id, introduction_ready, introduction_say, introduction_t,
    introduction_zap_reply,
)
from zmtp.outgoing cimport outgoing_free, outgoing_room, outgoing_say, outgoing_t


cdef enum:
    HS_MORE = 0
    HS_READY = 1
    HS_AUTHENTICATE = 2    # the mechanism wants ZAP's answer: introduction_zap_request, handshake_zap_reply, then feed again

    SIGNATURE_SIZE = 10
    GREETING_SIZE = 64
    GREETING_LEGACY_SIZE = 12      # of 2.0 and versioned 1.0 peers

cdef enum:
    STAGE_GREETING = 0
    STAGE_IDENTITY = 1
    STAGE_COMMANDS = 2
    STAGE_DONE = 3


cdef struct handshake_t:
    outgoing_t out             # what waits to be sent
    introduction_t who
    # What became known of the wire.
    int version                # 0 undecided, 1 ZMTP/1.0 framing, 2 ZMTP/2.0, 3 ZMTP/3.x
    int minor                  # of 3.x: 0 or 1
    int unversioned            # 1: a 1.0 peer without a versioned greeting (a publisher must feign its subscription)
    # Private.
    int stage
    int error
    int socket_type
    int as_server
    unsigned char greeting[GREETING_SIZE]
    int greeting_have
    decoder_t decoder


# ---- life ----

cdef inline int handshake_init(handshake_t *hs, const hs_config_t *config) noexcept nogil:
    """Start: the signature waits to be sent. 0; -EINVAL, -ENOTSUP (mechanism), -ENOMEM. handshake_free() is due in any case."""
    cdef unsigned char signature[SIGNATURE_SIZE]
    cdef int rc
    memset(hs, 0, sizeof(handshake_t))
    decoder_init(&hs.decoder, 0, -1)
    hs.socket_type = config.socket_type
    hs.as_server = config.security.as_server
    rc = introduction_init(&hs.who, config)
    if rc < 0:
        return rc
    signature[0] = 0xFF
    store_be64(signature + 1, hs.who.own_id_size + 1)
    signature[9] = 0x7F
    return outgoing_say(&hs.out, signature, SIGNATURE_SIZE)


cdef inline void handshake_free(handshake_t *hs) noexcept nogil:
    """Release everything; may be called again."""
    introduction_free(&hs.who)
    outgoing_free(&hs.out)
    decoder_free(&hs.decoder)


# ---- greeting ----

cdef inline int handshake_to_legacy(handshake_t *hs, int version) noexcept nogil:
    """The peer speaks 1.0 or 2.0: no mechanism, no metadata; identity frames are exchanged instead."""
    if not hs.who.mechanism.ops.legacy_peers:
        return -EPROTO
    hs.version = version
    decoder_init(&hs.decoder, version == 1, introduction_limit(&hs.who, ROUTING_ID_MAX))
    return 0


cdef inline int handshake_to_unversioned(handshake_t *hs) noexcept nogil:
    cdef int rc = handshake_to_legacy(hs, 1)
    if rc < 0:
        return rc
    hs.unversioned = 1
    hs.stage = STAGE_IDENTITY
    # The signature was the header of this frame.
    return outgoing_say(&hs.out, introduction_own_id(&hs.who), hs.who.own_id_size)


cdef inline int handshake_answer_legacy(handshake_t *hs) noexcept nogil:
    """The peer's revision is 00 or 01: one octet ends our greeting, then our identity frame."""
    cdef unsigned char head[1 + FRAME_V1_HEADER_MAX]
    cdef int rc = handshake_to_legacy(hs, 1 + hs.greeting[10])
    if rc < 0:
        return rc
    head[0] = <unsigned char>hs.socket_type
    if hs.version == 1:
        rc = 1 + frame_put_v1(head + 1, hs.who.own_id_size, 0)
    else:
        rc = 1 + frame_put(head + 1, hs.who.own_id_size, 0)
    rc = outgoing_say(&hs.out, head, rc)
    if rc < 0:
        return rc
    return outgoing_say(&hs.out, introduction_own_id(&hs.who), hs.who.own_id_size)


cdef inline int handshake_answer(handshake_t *hs) noexcept nogil:
    """The peer speaks 3.x: the rest of our greeting, from the minor version on."""
    cdef unsigned char rest[GREETING_SIZE - 11]
    hs.version = 3
    memset(rest, 0, sizeof(rest))
    rest[0] = 1
    memcpy(rest + 1, hs.who.mechanism.ops.name, MECHANISM_NAME_SIZE)
    rest[1 + MECHANISM_NAME_SIZE] = 1 if hs.as_server else 0
    return outgoing_say(&hs.out, rest, sizeof(rest))


cdef inline int handshake_greeted(handshake_t *hs) noexcept nogil:
    """All 64 octets are here."""
    hs.minor = 1 if hs.greeting[10] != 3 or hs.greeting[11] != 0 else 0
    if memcmp(hs.greeting + 12, hs.who.mechanism.ops.name, MECHANISM_NAME_SIZE) != 0:
        hs.who.event = EVENT_HANDSHAKE_FAILED_PROTOCOL
        hs.who.event_value = ZMTP_MECHANISM_MISMATCH
        return -EPROTO
    decoder_init(&hs.decoder, 0, introduction_limit(&hs.who, HANDSHAKE_COMMAND_MAX))
    hs.stage = STAGE_COMMANDS
    return 0


cdef inline int handshake_greeting_octet(handshake_t *hs, unsigned char octet) noexcept nogil:
    """Take one octet of the greeting, whose first one is FF. 0 or negative errno."""
    cdef unsigned char major = 3
    hs.greeting[hs.greeting_have] = octet
    hs.greeting_have += 1
    if hs.greeting_have == SIGNATURE_SIZE:
        if octet & 1:
            return outgoing_say(&hs.out, &major, 1)
        return handshake_to_unversioned(hs)
    if hs.greeting_have == SIGNATURE_SIZE + 1:
        if octet <= 1:
            return handshake_answer_legacy(hs)
        return handshake_answer(hs)
    if hs.greeting_have == GREETING_LEGACY_SIZE and hs.version < 3 and hs.version > 0:
        # The octet is the peer's socket type: told, not checked, for deployed peers do not either.
        hs.stage = STAGE_IDENTITY
    elif hs.greeting_have == GREETING_SIZE:
        return handshake_greeted(hs)
    return 0


# ---- identity frame (1.0, 2.0) ----

cdef inline int handshake_identity(handshake_t *hs, const unsigned char *p, size_t n, size_t *used) noexcept nogil:
    """HS_MORE, HS_READY or negative errno. Flags are ignored: 1.0 peers set odd ones on this frame."""
    cdef const unsigned char *body = NULL
    cdef size_t size = 0
    cdef int flags = 0
    cdef int rc = decoder_next(&hs.decoder, p, n, used, &flags, &body, &size)
    if rc <= 0:
        return rc
    rc = introduction_name(&hs.who, body, size)
    if rc < 0:
        return rc
    hs.stage = STAGE_DONE
    return HS_READY


# ---- commands (3.x) ----

cdef inline int handshake_send_commands(handshake_t *hs) noexcept nogil:
    """Queue all that the mechanism has to say now. 0 or negative errno."""
    cdef unsigned char *to
    cdef size_t room = 0, size = 0
    cdef int header, rc
    while True:
        # The first call, without room, tells the size of the command.
        header = 2 if room <= FRAME_SHORT_MAX else FRAME_HEADER_MAX
        to = outgoing_room(&hs.out, header + room)
        if to == NULL:
            return -ENOMEM
        rc = introduction_say(&hs.who, to + header, room, &size)
        if rc <= 0:
            return rc
        if size > room:
            room = size
            continue
        hs.out.size += frame_put(to, size, FRAME_COMMAND) + size
        room = 0


cdef inline int handshake_commands(handshake_t *hs, const unsigned char *p, size_t n, size_t *used) noexcept nogil:
    """HS_MORE, HS_READY, HS_AUTHENTICATE or negative errno."""
    cdef mechanism_t *m = hs.who.mechanism
    cdef const unsigned char *body = NULL
    cdef size_t size = 0, taken = 0
    cdef int flags = 0, rc
    while True:
        rc = handshake_send_commands(hs)
        if rc < 0:
            return rc
        if m.state == MECHANISM_READY:
            rc = introduction_ready(&hs.who)
            if rc == 0:
                hs.stage = STAGE_DONE
            return rc if rc < 0 else HS_READY
        if m.state == MECHANISM_AUTHENTICATE:
            return HS_AUTHENTICATE
        rc = decoder_next(&hs.decoder, p + used[0], n - used[0], &taken, &flags, &body, &size)
        used[0] += taken
        if rc <= 0:
            return rc
        rc = introduction_hear(&hs.who, flags, body, size)
        if rc < 0:
            return rc


cdef inline int handshake_zap_reply(handshake_t *hs, int status) noexcept nogil:
    """After HS_AUTHENTICATE: as introduction_zap_reply(), then feed again."""
    cdef int rc
    if hs.error:
        return hs.error
    rc = introduction_zap_reply(&hs.who, status)
    if rc < 0:
        hs.error = rc
    return rc


# ---- the one entrance ----

cdef inline int handshake_feed(handshake_t *hs, const unsigned char *p, size_t n, size_t *used) noexcept nogil:
    """Take octets of the peer. HS_MORE: all taken, more needed. HS_READY: what follows *used is traffic. HS_AUTHENTICATE:
    what follows *used is to be given again after the answer. Negative errno: close; what waits in `out` may still be sent."""
    cdef size_t at = 0, taken = 0
    cdef int rc = HS_MORE
    used[0] = 0
    if hs.error:
        return hs.error
    if hs.stage == STAGE_DONE:
        return HS_READY
    while rc == 0 and hs.stage == STAGE_GREETING and at < n:
        if hs.greeting_have == 0 and p[at] != 0xFF:
            rc = handshake_to_unversioned(hs)
            break
        rc = handshake_greeting_octet(hs, p[at])
        at += 1
        if rc == 0 and hs.unversioned:
            # These ten octets were no greeting but the long header of an identity frame.
            rc = handshake_identity(hs, hs.greeting, SIGNATURE_SIZE, &taken)
    if rc == 0 and hs.stage == STAGE_IDENTITY:
        rc = handshake_identity(hs, p + at, n - at, &taken)
        at += taken
    elif rc == 0 and hs.stage == STAGE_COMMANDS:
        taken = 0
        rc = handshake_commands(hs, p + at, n - at, &taken)
        at += taken
    used[0] = at
    if rc < 0:
        hs.error = rc
    return rc
