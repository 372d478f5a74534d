# PLAIN: the client shows a user name and a password in clear text, the server's ZAP handler decides (RFC 24).
#
# Rules:
# - Four commands, in this order; frames stay plain afterwards:
#
#     client                       | server
#     -----------------------------+-----------------------------------------------------
#     HELLO, user name, password   | asks the ZAP handler; refused: ERROR, or nothing
#     INITIATE, metadata           | WELCOME
#                                  | READY, metadata
#
# - There is no check of passwords here: a server without a ZAP handler lets nobody in.
# - Names and passwords are wiped as soon as they have been used.
# - libzmq misspells its ERROR, and takes no other for one: the name is `^RROR`, without a length. So does a server here, for
#   nearly all peers are of that kind, and to the others it is as good a reason to leave; a client takes both for an ERROR.
# - On a server the body of a command holds its name, or it is malformed; a client looks for the names it expects.

from libc.stddef cimport size_t
from libc.stdint cimport uint32_t
from libc.string cimport memcmp, memcpy

from base.errors cimport ENOMEM, EPROTO
from base.mechanisms cimport SECURITY_TEXT_MAX
from base.memory cimport calloc, free, malloc
from base.monitor_events cimport EVENT_HANDSHAKE_FAILED_PROTOCOL
from base.secret cimport zc_wipe
from mechanism.mechanism cimport (
    MECHANISM_AUTHENTICATE, MECHANISM_HANDSHAKE, MECHANISM_READY, MECHANISM_REFUSED, ZMTP_INVALID_METADATA,
    ZMTP_MALFORMED_COMMAND_HELLO, ZMTP_MALFORMED_COMMAND_UNSPECIFIED, ZMTP_MALFORMED_COMMAND_WELCOME,
    ZMTP_UNEXPECTED_COMMAND, mechanism_config_t, mechanism_fail, mechanism_name_own, mechanism_own_t, mechanism_t,
    mechanism_zap_t,
)
from mechanism.refusal cimport refusal_decide, refusal_next_command, refused_by_peer

cdef enum:
    # Steps: what is said or heard next.
    PLAIN_SAY_HELLO = 0
    PLAIN_HEAR_HELLO = 1
    PLAIN_SAY_WELCOME = 2
    PLAIN_HEAR_WELCOME = 3
    PLAIN_SAY_INITIATE = 4
    PLAIN_HEAR_INITIATE = 5
    PLAIN_SAY_READY = 6
    PLAIN_HEAR_READY = 7


# A length octet and so many octets, as HELLO holds them.
cdef struct plain_text_t:
    unsigned char size
    unsigned char octets[SECURITY_TEXT_MAX]


cdef struct plain_mechanism_t:
    mechanism_t base               # first: a plain_mechanism_t * is a mechanism_t *
    int step
    plain_text_t username          # the client's own, or what the server was shown
    plain_text_t password
    unsigned char *peer            # metadata of a client, which come before READY is said


cdef inline void plain_forget(plain_mechanism_t *self) noexcept nogil:
    zc_wipe(&self.username, sizeof(plain_text_t))
    zc_wipe(&self.password, sizeof(plain_text_t))


cdef inline void plain_free(mechanism_t *m) noexcept nogil:
    cdef plain_mechanism_t *self = <plain_mechanism_t *>m
    plain_forget(self)
    free(self.peer)


# ---- out

cdef inline size_t plain_put_text(unsigned char *out, const plain_text_t *text) noexcept nogil:
    """The size of both."""
    out[0] = text.size
    memcpy(out + 1, text.octets, text.size)
    return <size_t> 1 + text.size


cdef inline int plain_say(plain_mechanism_t *self, const char *name, size_t n, const mechanism_own_t *own, int then,
                          unsigned char *out, size_t room, size_t *size) noexcept nogil:
    """As mechanism_name_own(). next_command."""
    size[0] = mechanism_name_own(name, n, own, out, room)
    if size[0] <= room:
        self.step = then
    return 1


cdef inline int plain_say_hello(plain_mechanism_t *self, unsigned char *out, size_t room, size_t *size) noexcept nogil:
    size[0] = <size_t> 8 + self.username.size + self.password.size
    if size[0] > room:
        return 1
    memcpy(out, b"\x05HELLO", 6)
    out += 6
    out += plain_put_text(out, &self.username)
    plain_put_text(out, &self.password)
    plain_forget(self)
    self.step = PLAIN_HEAR_WELCOME
    return 1


cdef inline int plain_next_command(mechanism_t *m, const mechanism_own_t *own, unsigned char *out, size_t room,
                                   size_t *size) noexcept nogil:
    cdef plain_mechanism_t *self = <plain_mechanism_t *>m
    cdef mechanism_own_t nothing
    cdef int rc = 0
    if m.state == MECHANISM_REFUSED:
        return refusal_next_command(m, b"^RROR", 5, out, room, size)
    if m.state != MECHANISM_HANDSHAKE:
        return 0
    if self.step == PLAIN_SAY_HELLO:
        return plain_say_hello(self, out, room, size)
    if self.step == PLAIN_SAY_WELCOME:
        nothing.size = 0
        return plain_say(self, b"\x07WELCOME", 8, &nothing, PLAIN_HEAR_INITIATE, out, room, size)
    if self.step == PLAIN_SAY_INITIATE:
        return plain_say(self, b"\x08INITIATE", 9, own, PLAIN_HEAR_READY, out, room, size)
    if self.step == PLAIN_SAY_READY:
        rc = plain_say(self, b"\x05READY", 6, own, PLAIN_SAY_READY, out, room, size)
        if size[0] <= room:
            m.state = MECHANISM_READY
    return rc


# ---- in

cdef inline int plain_wrong(mechanism_t *m, uint32_t value) noexcept nogil:
    return mechanism_fail(m, -EPROTO, EVENT_HANDSHAKE_FAILED_PROTOCOL, value)


cdef inline size_t plain_get_text(const unsigned char *p, size_t n, plain_text_t *text) noexcept nogil:
    """The size of length and text; 0 if they are not there."""
    if n < 1 or n < <size_t> 1 + p[0]:
        return 0
    text.size = p[0]
    memcpy(text.octets, p + 1, p[0])
    return <size_t> 1 + p[0]


cdef inline int plain_hear_hello(plain_mechanism_t *self, const unsigned char *p, size_t n) noexcept nogil:
    cdef mechanism_t *m = &self.base
    cdef size_t at = 6, size
    if n < 6 or memcmp(p, b"\x05HELLO", 6) != 0:
        return plain_wrong(m, ZMTP_UNEXPECTED_COMMAND)
    size = plain_get_text(p + at, n - at, &self.username)
    if size == 0:
        return plain_wrong(m, ZMTP_MALFORMED_COMMAND_HELLO)
    at += size
    size = plain_get_text(p + at, n - at, &self.password)
    if size == 0 or at + size != n:
        return plain_wrong(m, ZMTP_MALFORMED_COMMAND_HELLO)
    m.state = MECHANISM_AUTHENTICATE
    return 0


cdef inline int plain_hear_initiate(plain_mechanism_t *self, const unsigned char *p, size_t n) noexcept nogil:
    cdef mechanism_t *m = &self.base
    if n < 9 or memcmp(p, b"\x08INITIATE", 9) != 0:
        return plain_wrong(m, ZMTP_UNEXPECTED_COMMAND)
    self.peer = <unsigned char *> malloc(n)
    if self.peer == NULL:
        return mechanism_fail(m, -ENOMEM, 0, 0)
    memcpy(self.peer, p + 9, n - 9)
    m.peer_properties = self.peer
    m.peer_properties_size = n - 9
    self.step = PLAIN_SAY_READY
    return 0


cdef inline int plain_hear_welcome(plain_mechanism_t *self, const unsigned char *p, size_t n) noexcept nogil:
    if n < 8 or memcmp(p, b"\x07WELCOME", 8) != 0:
        return plain_wrong(&self.base, ZMTP_UNEXPECTED_COMMAND)
    if n != 8:
        return plain_wrong(&self.base, ZMTP_MALFORMED_COMMAND_WELCOME)
    self.step = PLAIN_SAY_INITIATE
    return 0


cdef inline int plain_hear_ready(plain_mechanism_t *self, const unsigned char *p, size_t n) noexcept nogil:
    if n < 6 or memcmp(p, b"\x05READY", 6) != 0:
        return plain_wrong(&self.base, ZMTP_UNEXPECTED_COMMAND)
    self.base.peer_properties = p + 6
    self.base.peer_properties_size = n - 6
    self.base.state = MECHANISM_READY
    return 0


cdef inline int plain_process_client(mechanism_t *m, const unsigned char *p, size_t n) noexcept nogil:
    """A command of a server."""
    cdef plain_mechanism_t *self = <plain_mechanism_t *>m
    if n >= 6 and memcmp(p, b"\x05ERROR", 6) == 0:
        return refused_by_peer(m, p + 6, n - 6)
    if n >= 5 and memcmp(p, b"^RROR", 5) == 0:
        return refused_by_peer(m, p + 5, n - 5)
    if self.step == PLAIN_HEAR_WELCOME:
        return plain_hear_welcome(self, p, n)
    return plain_hear_ready(self, p, n)


cdef inline int plain_process_server(mechanism_t *m, const unsigned char *p, size_t n) noexcept nogil:
    """A command of a client."""
    cdef plain_mechanism_t *self = <plain_mechanism_t *>m
    if m.state == MECHANISM_REFUSED:
        return mechanism_fail(m, -EPROTO, 0, 0)
    if n <= 1 or n <= p[0]:
        return plain_wrong(m, ZMTP_MALFORMED_COMMAND_UNSPECIFIED)
    if self.step == PLAIN_HEAR_HELLO:
        return plain_hear_hello(self, p, n)
    return plain_hear_initiate(self, p, n)


# ---- the ZAP handler

cdef inline void plain_zap_request(mechanism_t *m, mechanism_zap_t *request) noexcept nogil:
    cdef plain_mechanism_t *self = <plain_mechanism_t *>m
    request.mechanism = m.ops.name
    request.credentials = 2
    request.credential[0] = self.username.octets
    request.credential_size[0] = self.username.size
    request.credential[1] = self.password.octets
    request.credential_size[1] = self.password.size


cdef inline int plain_zap_reply(mechanism_t *m, int status) noexcept nogil:
    cdef plain_mechanism_t *self = <plain_mechanism_t *>m
    cdef int rc = refusal_decide(m, status, True)
    plain_forget(self)
    if rc > 0:
        m.state = MECHANISM_HANDSHAKE
        self.step = PLAIN_SAY_WELCOME
    return rc if rc < 0 else 0


# ---- life

cdef inline void plain_take_text(plain_text_t *text, const unsigned char *p, size_t n) noexcept nogil:
    text.size = <unsigned char> n           # the option lets no more in than fit
    if n:
        memcpy(text.octets, p, n)


cdef inline int plain_new(const mechanism_config_t *config, mechanism_t **out) noexcept nogil:
    """0 or -ENOMEM. The result is given to mechanism_delete()."""
    cdef plain_mechanism_t *self = <plain_mechanism_t *>calloc(1, sizeof(plain_mechanism_t))
    cdef mechanism_t *m
    if self == NULL:
        return -ENOMEM
    m = &self.base
    memcpy(m.ops.name, b"PLAIN", 5)
    m.ops.free = plain_free
    m.ops.next_command = plain_next_command
    m.ops.zap_request = plain_zap_request
    m.ops.zap_reply = plain_zap_reply
    if config.security.as_server:
        self.step = PLAIN_HEAR_HELLO
        m.ops.process_command = plain_process_server
    else:
        self.step = PLAIN_SAY_HELLO
        m.ops.process_command = plain_process_client
        m.invalid_metadata_value = ZMTP_INVALID_METADATA
        plain_take_text(&self.username, config.security.username, config.security.username_size)
        plain_take_text(&self.password, config.security.password, config.security.password_size)
    out[0] = m
    return 0
