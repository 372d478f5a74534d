# NULL: no secrets. Each side sends READY with its metadata at once and waits for the other's.
#
# Rules:
# - Symmetric: nobody waits for the other before sending.
# - READY or ERROR is all a peer may say, and once; anything else is an unexpected command.
# - An ERROR ends the handshake.
# - With a ZAP domain the handler is asked before anything is said. A peer that is refused does not know yet: its READY is
#   taken, and means nothing. Peers that cannot be asked about, those before 3.0, do not come in then.

from libc.stddef cimport size_t
from base.memory cimport calloc
from libc.string cimport memcmp, memcpy

from base.errors cimport ENOMEM, EPROTO
from base.monitor_events cimport EVENT_HANDSHAKE_FAILED_PROTOCOL
from mechanism.mechanism cimport (
    MECHANISM_AUTHENTICATE, MECHANISM_HANDSHAKE, MECHANISM_READY, MECHANISM_REFUSED, ZMTP_UNEXPECTED_COMMAND,
    mechanism_config_t, mechanism_fail, mechanism_name_own, mechanism_own_t, mechanism_t, mechanism_zap_t,
)
from mechanism.refusal cimport refusal_decide, refusal_next_command, refused_by_peer


cdef struct null_mechanism_t:
    mechanism_t base           # first: a null_mechanism_t * is a mechanism_t *
    bint handler_required
    int ready_sent
    int ready_heard


cdef inline void null_free(mechanism_t *m) noexcept nogil:
    pass    # owns nothing


cdef inline int null_next_command(mechanism_t *m, const mechanism_own_t *own, unsigned char *out, size_t room,
                                  size_t *size) noexcept nogil:
    cdef null_mechanism_t *self = <null_mechanism_t *>m
    if m.state == MECHANISM_REFUSED:
        return refusal_next_command(m, b"\x05ERROR", 6, out, room, size)
    if m.state != MECHANISM_HANDSHAKE or self.ready_sent:
        return 0
    size[0] = mechanism_name_own(b"\x05READY", 6, own, out, room)
    self.ready_sent = size[0] <= room
    return 1


cdef inline int null_process_command(mechanism_t *m, const unsigned char *p, size_t n) noexcept nogil:
    # Our READY went out before (the table's rule), so the peer's completes the handshake.
    cdef null_mechanism_t *self = <null_mechanism_t *>m
    if n >= 6 and memcmp(p, b"\x05ERROR", 6) == 0:
        return refused_by_peer(m, p + 6, n - 6)
    if self.ready_heard or n < 6 or memcmp(p, b"\x05READY", 6) != 0:
        return mechanism_fail(m, -EPROTO, EVENT_HANDSHAKE_FAILED_PROTOCOL, ZMTP_UNEXPECTED_COMMAND)
    self.ready_heard = 1
    if m.state == MECHANISM_REFUSED:
        return 0
    m.peer_properties = p + 6
    m.peer_properties_size = n - 6
    m.state = MECHANISM_READY
    return 0


cdef inline void null_zap_request(mechanism_t *m, mechanism_zap_t *request) noexcept nogil:
    request.mechanism = b"NULL"
    request.credentials = 0


cdef inline int null_zap_reply(mechanism_t *m, int status) noexcept nogil:
    cdef int rc = refusal_decide(m, status, (<null_mechanism_t *>m).handler_required)
    if rc > 0:
        m.state = MECHANISM_HANDSHAKE
    return rc if rc < 0 else 0


cdef inline int null_new(const mechanism_config_t *config, mechanism_t **out) noexcept nogil:
    """0 or -ENOMEM. The result is given to mechanism_delete()."""
    cdef null_mechanism_t *self = <null_mechanism_t *>calloc(1, sizeof(null_mechanism_t))
    if self == NULL:
        return -ENOMEM
    memcpy(self.base.ops.name, b"NULL", 4)       # the rest of the field is zero already
    self.base.ops.legacy_peers = not config.security.domain
    self.base.ops.free = null_free
    self.base.ops.next_command = null_next_command
    self.base.ops.process_command = null_process_command
    self.base.ops.zap_request = null_zap_request
    self.base.ops.zap_reply = null_zap_reply
    self.handler_required = config.security.handler_required
    if config.security.domain:
        self.base.state = MECHANISM_AUTHENTICATE
    out[0] = &self.base
    return 0
