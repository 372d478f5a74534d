# Handshake: from the first octet of a connection to the first octet of traffic.
#
# Rules:
# - Sans-IO: octets in (handshake_feed), octets out (`out`, handshake_took). Any fragmentation gives the same result.
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
# - Any error is final for the connection; `event` and `event_value` say what a monitor shall hear (0 = nothing).
# - Driven by one thread at a time.

from libc.stdint cimport int64_t, uint32_t
from base.config cimport ROUTING_ID_MAX
from base.mechanisms cimport CURVE_KEY_SIZE
from base.memory cimport free, malloc, realloc
from libc.string cimport memcmp, memcpy, memset, strcspn, strlen

from base.errors cimport EINVAL, ENOMEM, EPROTO
from base.monitor_events cimport EVENT_HANDSHAKE_FAILED_PROTOCOL
from mechanism.mechanism cimport (
    MECHANISM_AUTHENTICATE, MECHANISM_NAME_SIZE, MECHANISM_READY, ZMTP_MECHANISM_MISMATCH, ZMTP_UNEXPECTED_COMMAND,
    mechanism_config_t, mechanism_t, mechanism_zap_t,
)
from mechanism.crypto cimport crypto_t
from mechanism.security cimport security_t
from mechanism.select cimport mechanism_delete, mechanism_new
from zmtp.decoder cimport decoder_free, decoder_init, decoder_next, decoder_t
from base.endian cimport store_be64
from zmtp.frame cimport (
    FRAME_COMMAND, FRAME_HEADER_MAX, FRAME_SHORT_MAX, FRAME_V1_HEADER_MAX, frame_put, frame_put_v1,
)
from zmtp.metadata cimport metadata_find, metadata_parse, metadata_t, metadata_unref, property_put


cdef enum:
    HS_MORE = 0
    HS_READY = 1
    HS_AUTHENTICATE = 2    # the mechanism wants ZAP's answer: ops.zap_request, then handshake_zap_reply, then feed again

    SIGNATURE_SIZE = 10
    GREETING_SIZE = 64
    GREETING_LEGACY_SIZE = 12      # of 2.0 and versioned 1.0 peers

    # A command of an unauthenticated peer may have this many octets even without MAXMSGSIZE. READY holds a few hundred;
    # a thousand application properties of the longest kind fit.
    HANDSHAKE_COMMAND_MAX = 262144

cdef enum:
    STAGE_GREETING = 0
    STAGE_IDENTITY = 1
    STAGE_COMMANDS = 2
    STAGE_DONE = 3


cdef struct hs_config_t:       # all borrowed for the time of handshake_init
    int socket_type            # the number, for ZMTP/2.0
    const char *name           # of the socket type, as in the Socket-Type property. Static, as peers
    const char *peers          # names of the types it may talk to, one space between them
    int sends_identity         # READY holds the routing id, even an empty one
    int groups                 # what is subscribed to are groups: JOIN and LEAVE instead of SUBSCRIBE and CANCEL
    int unpinged               # peers of this type take a PING for a message: they get none
    const unsigned char *routing_id
    size_t routing_id_size
    const security_t *security
    const crypto_t *crypto     # of the mechanisms that need it; may be NULL
    int64_t maxmsgsize         # -1 = no limit
    const unsigned char *app_properties    # encoded already
    size_t app_properties_size


cdef struct handshake_t:
    # To send: out_size - out_taken octets from out + out_taken. The owner tells handshake_took() what it has sent.
    unsigned char *out
    size_t out_size
    size_t out_taken
    # What became known of the peer.
    int version                # 0 undecided, 1 ZMTP/1.0 framing, 2 ZMTP/2.0, 3 ZMTP/3.x
    int minor                  # of 3.x: 0 or 1
    int unversioned            # 1: a 1.0 peer without a versioned greeting (a publisher must feign its subscription)
    metadata_t *properties     # 3.x, once ready
    unsigned char identity[ROUTING_ID_MAX]
    int identity_size
    unsigned char peer_key[32]     # CURVE_KEY_SIZE, if peer_keyed: the public key that it has proved to have
    int peer_keyed
    int peer_expected              # it has proved to be the one that it had to be
    # What a monitor shall hear of a failure.
    int event
    uint32_t event_value
    # Private.
    size_t out_capacity
    int stage
    int error
    int socket_type
    const char *peers
    int as_server
    int64_t maxmsgsize
    mechanism_t *mechanism
    unsigned char *own         # our encoded metadata, then our routing id
    size_t own_properties_size
    size_t own_id_size
    unsigned char greeting[GREETING_SIZE]
    int greeting_have
    decoder_t decoder


# ---- octets to send ----

cdef inline unsigned char *handshake_room(handshake_t *hs, size_t n) noexcept nogil:
    """Make room for n octets behind what waits to be sent; NULL without memory. out_size is left to the caller."""
    cdef unsigned char *grown
    cdef size_t capacity
    if hs.out_size + n > hs.out_capacity:
        capacity = 2 * (hs.out_size + n)
        grown = <unsigned char *>realloc(hs.out, capacity)
        if grown == NULL:
            return NULL
        hs.out = grown
        hs.out_capacity = capacity
    return hs.out + hs.out_size


cdef inline int handshake_say(handshake_t *hs, const unsigned char *p, size_t n) noexcept nogil:
    cdef unsigned char *to = handshake_room(hs, n)
    if to == NULL:
        return -ENOMEM
    if n:
        memcpy(to, p, n)
    hs.out_size += n
    return 0


cdef inline void handshake_took(handshake_t *hs, size_t n) noexcept nogil:
    """The owner has sent n octets."""
    hs.out_taken += n
    if hs.out_taken >= hs.out_size:
        hs.out_size = 0
        hs.out_taken = 0


# ---- life ----

cdef inline int handshake_own(handshake_t *hs, const hs_config_t *config) noexcept nogil:
    """Encode what we tell about ourselves, so that nothing of the configuration is needed later."""
    cdef const char *name = config.name
    cdef unsigned char *p
    if config.routing_id_size > ROUTING_ID_MAX:
        return -EINVAL
    # Two properties of ours take 5 octets each besides names and values.
    p = <unsigned char *>malloc(5 + 11 + strlen(name) + 5 + 8 + config.routing_id_size + config.app_properties_size
                                + config.routing_id_size)
    if p == NULL:
        return -ENOMEM
    hs.own = p
    p += property_put(p, b"Socket-Type", 11, <const unsigned char *>name, strlen(name))
    if config.sends_identity:
        p += property_put(p, b"Identity", 8, config.routing_id, config.routing_id_size)
    if config.app_properties_size:
        memcpy(p, config.app_properties, config.app_properties_size)
        p += config.app_properties_size
    hs.own_properties_size = p - hs.own
    if config.routing_id_size:
        memcpy(p, config.routing_id, config.routing_id_size)
    hs.own_id_size = config.routing_id_size
    return 0


cdef inline int handshake_init(handshake_t *hs, const hs_config_t *config) noexcept nogil:
    """Start: the signature waits to be sent. 0; -EINVAL, -ENOTSUP (mechanism), -ENOMEM. handshake_free() is due in any case."""
    cdef mechanism_config_t mechanism
    cdef unsigned char signature[SIGNATURE_SIZE]
    cdef int rc
    memset(hs, 0, sizeof(handshake_t))
    decoder_init(&hs.decoder, 0, -1)
    hs.socket_type = config.socket_type
    hs.peers = config.peers
    hs.as_server = config.security.as_server
    hs.maxmsgsize = config.maxmsgsize
    rc = handshake_own(hs, config)
    if rc < 0:
        return rc
    mechanism.security = config.security
    mechanism.crypto = config.crypto
    mechanism.properties = hs.own
    mechanism.properties_size = hs.own_properties_size
    rc = mechanism_new(&mechanism, &hs.mechanism)
    if rc < 0:
        return rc
    signature[0] = 0xFF
    store_be64(signature + 1, hs.own_id_size + 1)
    signature[9] = 0x7F
    return handshake_say(hs, signature, SIGNATURE_SIZE)


cdef inline void handshake_free(handshake_t *hs) noexcept nogil:
    """Release everything; may be called again."""
    mechanism_delete(hs.mechanism)
    hs.mechanism = NULL
    metadata_unref(hs.properties)
    hs.properties = NULL
    decoder_free(&hs.decoder)
    free(hs.own)
    hs.own = NULL
    free(hs.out)
    hs.out = NULL
    hs.out_size = 0
    hs.out_taken = 0
    hs.out_capacity = 0


cdef inline mechanism_t *handshake_take_mechanism(handshake_t *hs) noexcept nogil:
    """Once ready: the mechanism becomes the caller's, who encodes and decodes with it and deletes it."""
    cdef mechanism_t *m = hs.mechanism
    hs.mechanism = NULL
    return m


cdef inline metadata_t *handshake_take_properties(handshake_t *hs) noexcept nogil:
    """Once ready: the reference to the peer's properties becomes the caller's (NULL before 3.0)."""
    cdef metadata_t *md = hs.properties
    hs.properties = NULL
    return md


# ---- greeting ----

cdef inline int64_t handshake_limit(handshake_t *hs, int64_t most) noexcept nogil:
    return hs.maxmsgsize if 0 <= hs.maxmsgsize < most else most


cdef inline int handshake_to_legacy(handshake_t *hs, int version) noexcept nogil:
    """The peer speaks 1.0 or 2.0: no mechanism, no metadata; identity frames are exchanged instead."""
    if not hs.mechanism.ops.legacy_peers:
        return -EPROTO
    hs.version = version
    decoder_init(&hs.decoder, version == 1, handshake_limit(hs, ROUTING_ID_MAX))
    return 0


cdef inline int handshake_to_unversioned(handshake_t *hs) noexcept nogil:
    cdef int rc = handshake_to_legacy(hs, 1)
    if rc < 0:
        return rc
    hs.unversioned = 1
    hs.stage = STAGE_IDENTITY
    # The signature was the header of this frame.
    return handshake_say(hs, hs.own + hs.own_properties_size, hs.own_id_size)


cdef inline int handshake_answer_legacy(handshake_t *hs) noexcept nogil:
    """The peer's revision is 00 or 01: one octet ends our greeting, then our identity frame."""
    cdef unsigned char head[1 + FRAME_V1_HEADER_MAX]
    cdef int rc = handshake_to_legacy(hs, 1 + hs.greeting[10])
    if rc < 0:
        return rc
    head[0] = <unsigned char>hs.socket_type
    if hs.version == 1:
        rc = 1 + frame_put_v1(head + 1, hs.own_id_size, 0)
    else:
        rc = 1 + frame_put(head + 1, hs.own_id_size, 0)
    rc = handshake_say(hs, head, rc)
    if rc < 0:
        return rc
    return handshake_say(hs, hs.own + hs.own_properties_size, hs.own_id_size)


cdef inline int handshake_answer(handshake_t *hs) noexcept nogil:
    """The peer speaks 3.x: the rest of our greeting, from the minor version on."""
    cdef unsigned char rest[GREETING_SIZE - 11]
    hs.version = 3
    memset(rest, 0, sizeof(rest))
    rest[0] = 1
    memcpy(rest + 1, hs.mechanism.ops.name, MECHANISM_NAME_SIZE)
    rest[1 + MECHANISM_NAME_SIZE] = 1 if hs.as_server else 0
    return handshake_say(hs, rest, sizeof(rest))


cdef inline int handshake_greeted(handshake_t *hs) noexcept nogil:
    """All 64 octets are here."""
    hs.minor = 1 if hs.greeting[10] != 3 or hs.greeting[11] != 0 else 0
    if memcmp(hs.greeting + 12, hs.mechanism.ops.name, MECHANISM_NAME_SIZE) != 0:
        hs.event = EVENT_HANDSHAKE_FAILED_PROTOCOL
        hs.event_value = ZMTP_MECHANISM_MISMATCH
        return -EPROTO
    decoder_init(&hs.decoder, 0, handshake_limit(hs, HANDSHAKE_COMMAND_MAX))
    hs.stage = STAGE_COMMANDS
    return 0


cdef inline int handshake_greeting_octet(handshake_t *hs, unsigned char octet) noexcept nogil:
    """Take one octet of the greeting, whose first one is FF. 0 or negative errno."""
    cdef unsigned char major = 3
    hs.greeting[hs.greeting_have] = octet
    hs.greeting_have += 1
    if hs.greeting_have == SIGNATURE_SIZE:
        if octet & 1:
            return handshake_say(hs, &major, 1)
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
    if size:
        memcpy(hs.identity, body, size)    # the decoder's limit is ROUTING_ID_MAX
    hs.identity_size = <int>size
    hs.stage = STAGE_DONE
    return HS_READY


# ---- commands (3.x) ----

cdef inline int handshake_send_commands(handshake_t *hs) noexcept nogil:
    """Queue all that the mechanism has to say now. 0 or negative errno."""
    cdef mechanism_t *m = hs.mechanism
    cdef unsigned char *to
    cdef size_t room = 0, size = 0
    cdef int header, rc
    while True:
        # The first call, without room, tells the size of the command.
        header = 2 if room <= FRAME_SHORT_MAX else FRAME_HEADER_MAX
        to = handshake_room(hs, header + room)
        if to == NULL:
            return -ENOMEM
        rc = m.ops.next_command(m, to + header, room, &size)
        if rc <= 0:
            return rc
        if size > room:
            room = size
            continue
        hs.out_size += frame_put(to, size, FRAME_COMMAND) + size
        room = 0


cdef inline bint handshake_is_peer(const char *peers, const unsigned char *name, size_t n) noexcept nogil:
    """Is the socket type of this name one of the list?"""
    cdef size_t size
    while True:
        size = strcspn(peers, b" ")
        if size == n and n > 0 and memcmp(peers, name, n) == 0:
            return True
        if peers[size] == 0:
            return False
        peers += size + 1


cdef inline int handshake_ready(handshake_t *hs) noexcept nogil:
    """The mechanism is content; is the peer one for us? HS_READY or negative errno."""
    cdef mechanism_t *m = hs.mechanism
    cdef const unsigned char *value = NULL
    cdef size_t size = 0
    cdef int rc = metadata_parse(m.peer_properties, m.peer_properties_size, &hs.properties)
    if rc < 0:
        if rc == -EPROTO and m.invalid_metadata_value:
            hs.event = EVENT_HANDSHAKE_FAILED_PROTOCOL
            hs.event_value = m.invalid_metadata_value
        return rc
    if m.peer_key != NULL:
        memcpy(hs.peer_key, m.peer_key, CURVE_KEY_SIZE)
        hs.peer_keyed = 1
    hs.peer_expected = m.peer_expected
    if m.ops.settle != NULL:
        m.ops.settle(m)
    if metadata_find(hs.properties, b"Socket-Type", 11, &value, &size) == 0:
        if not handshake_is_peer(hs.peers, value, size):
            return -EINVAL
    if metadata_find(hs.properties, b"Identity", 8, &value, &size) == 0:
        if size > ROUTING_ID_MAX:
            return -EPROTO
        if size:
            memcpy(hs.identity, value, size)
        hs.identity_size = <int>size
    hs.stage = STAGE_DONE
    return HS_READY


cdef inline int handshake_failed_step(handshake_t *hs, int rc) noexcept nogil:
    hs.event = hs.mechanism.event
    hs.event_value = hs.mechanism.event_value
    return rc


cdef inline int handshake_commands(handshake_t *hs, const unsigned char *p, size_t n, size_t *used) noexcept nogil:
    """HS_MORE, HS_READY, HS_AUTHENTICATE or negative errno."""
    cdef mechanism_t *m = hs.mechanism
    cdef const unsigned char *body = NULL
    cdef size_t size = 0, taken = 0
    cdef int flags = 0, rc
    while True:
        rc = handshake_send_commands(hs)
        if rc < 0:
            return handshake_failed_step(hs, rc)
        if m.state == MECHANISM_READY:
            return handshake_ready(hs)
        if m.state == MECHANISM_AUTHENTICATE:
            return HS_AUTHENTICATE
        rc = decoder_next(&hs.decoder, p + used[0], n - used[0], &taken, &flags, &body, &size)
        used[0] += taken
        if rc <= 0:
            return rc
        if (flags & FRAME_COMMAND) == 0:
            hs.event = EVENT_HANDSHAKE_FAILED_PROTOCOL
            hs.event_value = ZMTP_UNEXPECTED_COMMAND
            return -EPROTO
        rc = m.ops.process_command(m, body, size)
        if rc < 0:
            return handshake_failed_step(hs, rc)


cdef inline void handshake_zap_request(handshake_t *hs, mechanism_zap_t *request) noexcept nogil:
    """After HS_AUTHENTICATE: what to ask the ZAP handler. Borrowed until the reply."""
    request.proved = 0
    request.properties = NULL
    request.properties_size = 0
    hs.mechanism.ops.zap_request(hs.mechanism, request)


cdef inline int handshake_zap_reply(handshake_t *hs, int status) noexcept nogil:
    """After HS_AUTHENTICATE: ZAP's status code, or a negative errno when no answer can come. 0 (feed again; with an event: the
    peer is refused) or negative errno."""
    cdef int rc
    if hs.error:
        return hs.error
    rc = hs.mechanism.ops.zap_reply(hs.mechanism, status)
    handshake_failed_step(hs, rc)
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
