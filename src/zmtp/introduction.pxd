# Introduction: through a mechanism two peers tell each other who they are. What carries the commands is not its question:
# frames of ZMTP, messages of a WebSocket.
#
# Rules:
# - What we tell is encoded at the start, so that nothing of the configuration is needed later.
# - The mechanism decides what is said and when (mechanism.pxd); whether the peer is one for us is decided here, once it is
#   content: by the type of its socket, and the size of its routing id.
# - `event` and `event_value` say what a monitor shall hear of a failure (0 = nothing).

from libc.stdint cimport int64_t, uint32_t
from base.config cimport ROUTING_ID_MAX
from base.mechanisms cimport CURVE_KEY_SIZE
from base.memory cimport free, malloc
from libc.string cimport memcmp, memcpy, strcspn, strlen

from base.errors cimport EINVAL, ENOMEM, EPROTO
from base.monitor_events cimport EVENT_HANDSHAKE_FAILED_PROTOCOL
from mechanism.crypto cimport crypto_t
from mechanism.mechanism cimport (
    ZMTP_UNEXPECTED_COMMAND, mechanism_config_t, mechanism_own_t, mechanism_t, mechanism_zap_t,
)
from mechanism.security cimport security_t
from mechanism.select cimport mechanism_delete, mechanism_new
from zmtp.frame cimport FRAME_COMMAND
from zmtp.metadata cimport metadata_find, metadata_parse, metadata_t, metadata_unref, property_put

cdef enum:
    # A command of an unauthenticated peer may have this many octets even without MAXMSGSIZE. READY holds a few hundred;
    # a thousand application properties of the longest kind fit.
    HANDSHAKE_COMMAND_MAX = 262144


cdef struct hs_config_t:       # all borrowed for the time of introduction_init
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
    int shares                 # tell that payloads may come through shared memory


cdef struct introduction_t:
    # What became known of the peer.
    metadata_t *properties     # through a mechanism, once ready
    unsigned char identity[ROUTING_ID_MAX]
    int identity_size
    unsigned char peer_key[CURVE_KEY_SIZE]  # if peer_keyed: the public key that it has proved to have
    int peer_keyed
    int peer_expected              # it has proved to be the one that it had to be
    # What a monitor shall hear of a failure.
    int event
    uint32_t event_value
    # Private.
    const char *peers
    int64_t maxmsgsize
    mechanism_t *mechanism
    unsigned char *own         # our encoded metadata, then our routing id
    size_t own_properties_size
    size_t own_id_size


cdef inline const char *shared_property() noexcept nogil:
    """By this property, whose value is "1", a peer says that it understands X-SEGMENT and X-BLOCK (engine/sharing.pxd)."""
    return "X-Shared-Memory"


cdef inline int introduction_own(introduction_t *w, const hs_config_t *config) noexcept nogil:
    """What we tell about ourselves. 0, -EINVAL, -ENOMEM."""
    cdef const char *name = config.name
    cdef unsigned char *p
    if config.routing_id_size > ROUTING_ID_MAX:
        return -EINVAL
    # Properties of ours take 5 octets each besides names and values.
    p = <unsigned char *>malloc(5 + 11 + strlen(name) + 5 + 8 + config.routing_id_size + config.app_properties_size
                                + 5 + strlen(shared_property()) + 1
                                + config.routing_id_size)
    if p == NULL:
        return -ENOMEM
    w.own = p
    p += property_put(p, b"Socket-Type", 11, <const unsigned char *>name, strlen(name))
    if config.sends_identity:
        p += property_put(p, b"Identity", 8, config.routing_id, config.routing_id_size)
    if config.app_properties_size:
        memcpy(p, config.app_properties, config.app_properties_size)
        p += config.app_properties_size
    if config.shares:
        p += property_put(p, <const unsigned char *>shared_property(), strlen(shared_property()), b"1", 1)
    w.own_properties_size = p - w.own
    if config.routing_id_size:
        memcpy(p, config.routing_id, config.routing_id_size)
    w.own_id_size = config.routing_id_size
    return 0


cdef inline int introduction_init(introduction_t *w, const hs_config_t *config) noexcept nogil:
    """*w is all zero. 0; -EINVAL, -ENOTSUP (mechanism), -ENOMEM. introduction_free() is due in any case."""
    cdef mechanism_config_t mechanism
    cdef int rc = introduction_own(w, config)
    if rc < 0:
        return rc
    w.peers = config.peers
    w.maxmsgsize = config.maxmsgsize
    mechanism.security = config.security
    mechanism.crypto = config.crypto
    return mechanism_new(&mechanism, &w.mechanism)


cdef inline void introduction_free(introduction_t *w) noexcept nogil:
    """Release everything; may be called again."""
    mechanism_delete(w.mechanism)
    w.mechanism = NULL
    metadata_unref(w.properties)
    w.properties = NULL
    free(w.own)
    w.own = NULL


cdef inline const unsigned char *introduction_own_id(const introduction_t *w) noexcept nogil:
    """Our routing id, own_id_size octets."""
    return w.own + w.own_properties_size


cdef inline int64_t introduction_limit(const introduction_t *w, int64_t most) noexcept nogil:
    """The largest body of a frame that is taken from a peer that has not been introduced."""
    return w.maxmsgsize if 0 <= w.maxmsgsize < most else most


cdef inline mechanism_t *introduction_take_mechanism(introduction_t *w) noexcept nogil:
    """Once ready: the mechanism becomes the caller's, who encodes and decodes with it and deletes it."""
    cdef mechanism_t *m = w.mechanism
    w.mechanism = NULL
    return m


cdef inline metadata_t *introduction_take_properties(introduction_t *w) noexcept nogil:
    """Once ready: the reference to the peer's properties becomes the caller's (NULL: it has told none)."""
    cdef metadata_t *md = w.properties
    w.properties = NULL
    return md


cdef inline int introduction_failed(introduction_t *w, int rc) noexcept nogil:
    """The mechanism has returned `rc`; returns it."""
    w.event = w.mechanism.event
    w.event_value = w.mechanism.event_value
    return rc


cdef inline int introduction_say(introduction_t *w, unsigned char *out, size_t room, size_t *size) noexcept nogil:
    """What the mechanism has to say now: as its next_command."""
    cdef mechanism_own_t own
    cdef int rc
    own.properties = w.own
    own.size = w.own_properties_size
    rc = w.mechanism.ops.next_command(w.mechanism, &own, out, room, size)
    return introduction_failed(w, rc) if rc < 0 else rc


cdef inline int introduction_hear(introduction_t *w, int flags, const unsigned char *body, size_t size) noexcept nogil:
    """A frame of the peer. 0 or negative errno."""
    cdef int rc
    if (flags & FRAME_COMMAND) == 0:
        w.event = EVENT_HANDSHAKE_FAILED_PROTOCOL
        w.event_value = ZMTP_UNEXPECTED_COMMAND
        return -EPROTO
    rc = w.mechanism.ops.process_command(w.mechanism, body, size)
    return introduction_failed(w, rc) if rc < 0 else 0


cdef inline bint introduction_is_peer(const char *peers, const unsigned char *name, size_t n) noexcept nogil:
    """Is the socket type of this name one of the list?"""
    cdef size_t size
    while True:
        size = strcspn(peers, b" ")
        if size == n and n > 0 and memcmp(peers, name, n) == 0:
            return True
        if peers[size] == 0:
            return False
        peers += size + 1


cdef inline int introduction_name(introduction_t *w, const unsigned char *id, size_t size) noexcept nogil:
    """The peer's routing id. 0 or -EPROTO."""
    if size > ROUTING_ID_MAX:
        return -EPROTO
    if size:
        memcpy(w.identity, id, size)
    w.identity_size = <int>size
    return 0


cdef inline int introduction_ready(introduction_t *w) noexcept nogil:
    """The mechanism is content; is the peer one for us? 0 or negative errno."""
    cdef mechanism_t *m = w.mechanism
    cdef const unsigned char *value = NULL
    cdef size_t size = 0
    cdef int rc = metadata_parse(m.peer_properties, m.peer_properties_size, &w.properties)
    if rc < 0:
        if rc == -EPROTO and m.invalid_metadata_value:
            w.event = EVENT_HANDSHAKE_FAILED_PROTOCOL
            w.event_value = m.invalid_metadata_value
        return rc
    if m.peer_key != NULL:
        memcpy(w.peer_key, m.peer_key, CURVE_KEY_SIZE)
        w.peer_keyed = 1
    w.peer_expected = m.peer_expected
    if m.ops.settle != NULL:
        m.ops.settle(m)
    if metadata_find(w.properties, b"Socket-Type", 11, &value, &size) == 0:
        if not introduction_is_peer(w.peers, value, size):
            return -EINVAL
    if metadata_find(w.properties, b"Identity", 8, &value, &size) == 0:
        return introduction_name(w, value, size)
    return 0


cdef inline void introduction_zap_request(introduction_t *w, mechanism_zap_t *request) noexcept nogil:
    """The mechanism asks: what to ask the ZAP handler. Borrowed until the reply."""
    request.proved = 0
    request.properties = NULL
    request.properties_size = 0
    w.mechanism.ops.zap_request(w.mechanism, request)


cdef inline int introduction_zap_reply(introduction_t *w, int status) noexcept nogil:
    """ZAP's status code, or a negative errno when no answer can come. 0 (with an event: the peer is refused) or negative
    errno."""
    return introduction_failed(w, w.mechanism.ops.zap_reply(w.mechanism, status))
