# GSSAPI: the system's Kerberos says who is there, and encrypts what follows (RFC 38, as deployed peers speak it).
#
# Rules:
# - In this order; a token travels as INITIATE, its length and the token:
#
#     client                                        | server
#     ----------------------------------------------+------------------------------------------------------------
#     INITIATE                                      | INITIATE, as often as the library wants
#     a command without a body, or the last INITIATE | asks the ZAP handler, if there is one; refused: silence
#                                                   | READY
#     READY
#
# - Unless both are GSSAPI_PLAINTEXT, READY and all that follows is wrapped: MESSAGE, a length and the token, around flags and
#   body. What has not been made secret or has come before ends the connection; what comes out of order or is left out,
#   too, if the client asks for that: ours does, libzmq's does not.
# - Inside, flags and body are those of a frame, with one exception: newer peers tell a subscription by flags, `04` adds and
#   `08` takes away, around the bare topic. We understand that, but say it as a message, which all of them understand.
# - An ERROR is never sent. Who is refused finds the connection closed, or waits for nothing.

from libc.stddef cimport size_t
from libc.stdint cimport uint32_t, UINT32_MAX
from libc.string cimport memcmp, memcpy, memset

from base.endian cimport load_be32, store_be32
from base.errors cimport EACCES, EMSGSIZE, ENOMEM, EPROTO
from base.memory cimport calloc, free, malloc
from base.monitor_events cimport EVENT_HANDSHAKE_FAILED_NO_DETAIL, EVENT_HANDSHAKE_FAILED_PROTOCOL
from mechanism.gss cimport (
    GSS_C_ACCEPT, GSS_C_CONF_FLAG, GSS_C_INITIATE, GSS_C_INTEG_FLAG, GSS_C_MUTUAL_FLAG, GSS_C_REPLAY_FLAG,
    GSS_C_SEQUENCE_FLAG, GSS_S_COMPLETE, GSS_S_CONTINUE_NEEDED, gss_context_t, gss_cred_t, gss_give_back,
    gss_kerberos, gss_library_t,
    gss_load, gss_name, gss_name_t, gss_own, gss_text_t,
)
from mechanism.mechanism cimport (
    MECHANISM_AUTHENTICATE, MECHANISM_COMMAND, MECHANISM_HANDSHAKE, MECHANISM_MORE, MECHANISM_READY,
    MECHANISM_REFUSED, ZMTP_CRYPTOGRAPHIC,
    ZMTP_INVALID_METADATA, ZMTP_MALFORMED_COMMAND_INITIATE, ZMTP_MALFORMED_COMMAND_MESSAGE,
    ZMTP_UNEXPECTED_COMMAND, mechanism_config_t, mechanism_fail, mechanism_name_own, mechanism_own_t, mechanism_t,
    mechanism_zap_t,
)
from mechanism.refusal cimport refusal_decide
from mechanism.security cimport security_t

cdef enum:
    # Steps: what is said or heard next.
    GSSAPI_BEGIN = 0            # client: the first token is to be made
    GSSAPI_SAY_TOKEN = 1
    GSSAPI_HEAR_TOKEN = 2
    GSSAPI_SAY_NOTHING = 3      # the command without a body
    GSSAPI_HEAR_ANYTHING = 4    # server: that command, or whatever the client says
    GSSAPI_SAY_READY = 5
    GSSAPI_HEAR_READY = 6

    # Inside a MESSAGE.
    GSSAPI_MORE = 1
    GSSAPI_COMMAND = 2
    GSSAPI_SUBSCRIBE = 4
    GSSAPI_CANCEL = 8

    MESSAGE_HEAD = 12           # 07 MESSAGE, and the length of the token
    INITIATE_HEAD = 13          # 08 INITIATE, likewise
    FLAGS_SIZE = 1
    # What wrapping adds: 60 octets with AES, less with what came before it. Room for larger keys; more than that fails.
    TOKEN_OVERHEAD = 128
    SUBSCRIBE_HEAD = 10         # 09 SUBSCRIBE
    CANCEL_HEAD = 7             # 06 CANCEL


cdef struct gssapi_mechanism_t:
    mechanism_t base            # first: a gssapi_mechanism_t * is a mechanism_t *
    gss_library_t library
    bint as_server
    bint plaintext
    bint handler_required
    bint done                   # the library has its context
    int step
    gss_name_t target           # client: the server's principal
    gss_cred_t cred
    gss_context_t context
    gss_text_t token            # to be said
    gss_text_t principal        # server: the client's, as text
    gss_text_t peer             # the peer's READY, unwrapped
    unsigned char *properties   # client: the peer's metadata, which come before our READY is said


cdef inline void gssapi_free(mechanism_t *m) noexcept nogil:
    cdef gssapi_mechanism_t *self = <gssapi_mechanism_t *> m
    cdef const gss_library_t *g = &self.library
    cdef uint32_t minor
    gss_give_back(g, &self.token)
    gss_give_back(g, &self.principal)
    gss_give_back(g, &self.peer)
    free(self.properties)
    if self.context != NULL:
        g.delete_sec_context(&minor, &self.context, NULL)
    if self.cred != NULL:
        g.release_cred(&minor, &self.cred)
    if self.target != NULL:
        g.release_name(&minor, &self.target)


cdef inline int gssapi_wrong(gssapi_mechanism_t *self, uint32_t value) noexcept nogil:
    return mechanism_fail(&self.base, -EPROTO, EVENT_HANDSHAKE_FAILED_PROTOCOL, value)


# ---- wrapping

cdef inline int gssapi_wrap(gssapi_mechanism_t *self, int flags, const unsigned char *body, size_t n,
                            gss_text_t *token) noexcept nogil:
    """0 or negative errno."""
    cdef gss_text_t plain
    cdef uint32_t minor
    cdef int secret = 0
    cdef unsigned char *p = <unsigned char *> malloc(FLAGS_SIZE + n)
    cdef uint32_t rc
    if p == NULL:
        return -ENOMEM
    p[0] = <unsigned char> flags
    if n:
        memcpy(p + FLAGS_SIZE, body, n)
    plain.value = p
    plain.length = FLAGS_SIZE + n
    rc = self.library.wrap(&minor, self.context, 1, 0, &plain, &secret, token)
    free(p)
    if rc != GSS_S_COMPLETE or not secret or token.length > FLAGS_SIZE + n + TOKEN_OVERHEAD:
        gss_give_back(&self.library, token)
        return -EPROTO
    return 0


cdef inline int gssapi_unwrap(gssapi_mechanism_t *self, const unsigned char *body, size_t n,
                              gss_text_t *plain) noexcept nogil:
    """The body of a MESSAGE. 0: flags and what they are about; else the value that a monitor hears."""
    cdef gss_text_t token
    cdef uint32_t minor
    cdef int secret = 0
    if n < 8 or memcmp(body, b"\x07MESSAGE", 8) != 0:
        return ZMTP_UNEXPECTED_COMMAND
    if n < MESSAGE_HEAD or load_be32(body + 8) != n - MESSAGE_HEAD:
        return ZMTP_MALFORMED_COMMAND_MESSAGE
    token.value = <void *> (body + MESSAGE_HEAD)
    token.length = n - MESSAGE_HEAD
    if self.library.unwrap(&minor, self.context, &token, plain, &secret, NULL) == GSS_S_COMPLETE and secret:
        if plain.length >= FLAGS_SIZE:
            return 0
        gss_give_back(&self.library, plain)
        return ZMTP_MALFORMED_COMMAND_MESSAGE
    gss_give_back(&self.library, plain)
    return ZMTP_CRYPTOGRAPHIC


cdef inline size_t gssapi_put_message(const gss_text_t *token, unsigned char *out) noexcept nogil:
    memcpy(out, b"\x07MESSAGE", 8)
    store_be32(out + 8, <uint32_t> token.length)
    memcpy(out + MESSAGE_HEAD, token.value, token.length)
    return MESSAGE_HEAD + token.length


cdef inline int gssapi_encode(mechanism_t *m, int flags, const unsigned char *body, size_t n, unsigned char *out,
                              size_t *size) noexcept nogil:
    cdef gssapi_mechanism_t *self = <gssapi_mechanism_t *> m
    cdef gss_text_t token
    cdef int rc
    cdef int inner = GSSAPI_MORE if flags & MECHANISM_MORE else 0
    if flags & MECHANISM_COMMAND:
        inner |= GSSAPI_COMMAND
    if n > <size_t> UINT32_MAX - FLAGS_SIZE - TOKEN_OVERHEAD:
        return -EMSGSIZE
    memset(&token, 0, sizeof(token))
    rc = gssapi_wrap(self, inner, body, n, &token)
    if rc < 0:
        return rc
    size[0] = gssapi_put_message(&token, out)
    gss_give_back(&self.library, &token)
    return 0


cdef inline int gssapi_decode(mechanism_t *m, unsigned char *body, size_t n, int *flags, unsigned char **plain,
                              size_t *size) noexcept nogil:
    cdef gssapi_mechanism_t *self = <gssapi_mechanism_t *> m
    cdef gss_text_t text
    cdef const unsigned char *p
    cdef size_t head = 0
    cdef int rc
    memset(&text, 0, sizeof(text))
    rc = gssapi_unwrap(self, body, n, &text)
    if rc:
        mechanism_fail(m, -EPROTO, EVENT_HANDSHAKE_FAILED_PROTOCOL, <uint32_t> rc)
        return -EPROTO
    p = <const unsigned char *> text.value
    flags[0] = MECHANISM_MORE if p[0] & GSSAPI_MORE else 0
    if p[0] & (GSSAPI_COMMAND | GSSAPI_SUBSCRIBE | GSSAPI_CANCEL):
        flags[0] |= MECHANISM_COMMAND
    # Nothing that was wrapped is longer than its wrapping, so there is room for a name in front of a topic.
    if p[0] & GSSAPI_SUBSCRIBE:
        head = SUBSCRIBE_HEAD
        memcpy(body, b"\x09SUBSCRIBE", SUBSCRIBE_HEAD)
    elif p[0] & GSSAPI_CANCEL:
        head = CANCEL_HEAD
        memcpy(body, b"\x06CANCEL", CANCEL_HEAD)
    size[0] = text.length - FLAGS_SIZE
    memcpy(body + head, p + FLAGS_SIZE, size[0])
    size[0] += head
    plain[0] = body
    gss_give_back(&self.library, &text)
    return 0


# ---- tokens

cdef inline int gssapi_began(gssapi_mechanism_t *self) noexcept nogil:
    """The library has no key or ticket for us: nothing that the peer could be told."""
    return mechanism_fail(&self.base, -EACCES, EVENT_HANDSHAKE_FAILED_NO_DETAIL, EACCES)


cdef inline bint gssapi_suffices(gssapi_mechanism_t *self, uint32_t got) noexcept nogil:
    """Is what the context can do enough for what will be sent?"""
    return self.plaintext or (got & GSS_C_CONF_FLAG and got & GSS_C_REPLAY_FLAG)


cdef inline int gssapi_init(gssapi_mechanism_t *self, const gss_text_t *heard) noexcept nogil:
    """Client: the next token of ours from the peer's; NULL: the first one. 0 or negative errno."""
    cdef uint32_t minor, got = 0
    cdef uint32_t flags = (GSS_C_MUTUAL_FLAG | GSS_C_REPLAY_FLAG | GSS_C_SEQUENCE_FLAG | GSS_C_CONF_FLAG
                           | GSS_C_INTEG_FLAG)
    cdef uint32_t rc = self.library.init_sec_context(
        &minor, self.cred, &self.context, self.target, gss_kerberos, flags, 0, NULL, heard, NULL, &self.token, &got, NULL
    )
    if rc != GSS_S_COMPLETE and rc != GSS_S_CONTINUE_NEEDED:
        return gssapi_began(self) if heard == NULL else gssapi_wrong(self, ZMTP_CRYPTOGRAPHIC)
    self.done = rc == GSS_S_COMPLETE
    if self.done and (not got & GSS_C_MUTUAL_FLAG or not gssapi_suffices(self, got)):
        return gssapi_wrong(self, ZMTP_CRYPTOGRAPHIC)
    if self.token.length:
        self.step = GSSAPI_SAY_TOKEN
    else:
        self.step = GSSAPI_SAY_NOTHING if self.done else GSSAPI_HEAR_TOKEN
    return 0


cdef inline int gssapi_accept(gssapi_mechanism_t *self, const gss_text_t *heard) noexcept nogil:
    """Server: likewise."""
    cdef uint32_t minor, got = 0
    cdef gss_name_t peer = NULL
    cdef uint32_t rc = self.library.accept_sec_context(
        &minor, &self.context, self.cred, heard, NULL, &peer, NULL, &self.token, &got, NULL, NULL
    )
    if rc == GSS_S_COMPLETE:
        self.done = True
        if self.library.display_name(&minor, peer, &self.principal, NULL) != GSS_S_COMPLETE:
            rc = GSS_S_CONTINUE_NEEDED + 1
    if peer != NULL:
        self.library.release_name(&minor, &peer)
    if rc != GSS_S_COMPLETE and rc != GSS_S_CONTINUE_NEEDED:
        return gssapi_wrong(self, ZMTP_CRYPTOGRAPHIC)
    if self.done and not gssapi_suffices(self, got):
        return gssapi_wrong(self, ZMTP_CRYPTOGRAPHIC)
    if self.token.length:
        self.step = GSSAPI_SAY_TOKEN
    else:
        self.step = GSSAPI_HEAR_ANYTHING if self.done else GSSAPI_HEAR_TOKEN
    return 0


cdef inline int gssapi_hear_token(gssapi_mechanism_t *self, const unsigned char *p, size_t n) noexcept nogil:
    cdef gss_text_t heard
    if n < 9 or memcmp(p, b"\x08INITIATE", 9) != 0:
        return gssapi_wrong(self, ZMTP_UNEXPECTED_COMMAND)
    if n < INITIATE_HEAD or load_be32(p + 9) != n - INITIATE_HEAD:
        return gssapi_wrong(self, ZMTP_MALFORMED_COMMAND_INITIATE)
    heard.value = <void *> (p + INITIATE_HEAD)
    heard.length = n - INITIATE_HEAD
    return gssapi_accept(self, &heard) if self.as_server else gssapi_init(self, &heard)


# ---- out

cdef inline int gssapi_say_token(gssapi_mechanism_t *self, unsigned char *out, size_t room,
                                 size_t *size) noexcept nogil:
    size[0] = INITIATE_HEAD + self.token.length
    if size[0] > room:
        return 1
    memcpy(out, b"\x08INITIATE", 9)
    store_be32(out + 9, <uint32_t> self.token.length)
    memcpy(out + INITIATE_HEAD, self.token.value, self.token.length)
    gss_give_back(&self.library, &self.token)
    if not self.done:
        self.step = GSSAPI_HEAR_TOKEN
    else:
        self.step = GSSAPI_HEAR_ANYTHING if self.as_server else GSSAPI_HEAR_READY
    return 1


cdef inline int gssapi_make_ready(gssapi_mechanism_t *self, const mechanism_own_t *own) noexcept nogil:
    """Our READY, wrapped, as a token. 0 or negative errno."""
    cdef size_t n = mechanism_name_own(b"\x05READY", 6, own, NULL, 0)
    cdef unsigned char *p = <unsigned char *> malloc(n)
    cdef int rc
    if p == NULL:
        return -ENOMEM
    mechanism_name_own(b"\x05READY", 6, own, p, n)
    rc = gssapi_wrap(self, GSSAPI_COMMAND, p, n, &self.token)
    free(p)
    return rc


cdef inline int gssapi_say_sealed(gssapi_mechanism_t *self, const mechanism_own_t *own, unsigned char *out, size_t room,
                                  size_t *size) noexcept nogil:
    """READY as a MESSAGE. As next_command."""
    cdef int rc
    if self.token.length == 0:
        rc = gssapi_make_ready(self, own)
        if rc < 0:
            return mechanism_fail(&self.base, rc, 0, 0)
    size[0] = MESSAGE_HEAD + self.token.length
    if size[0] <= room:
        gssapi_put_message(&self.token, out)
        gss_give_back(&self.library, &self.token)
    return 1


cdef inline int gssapi_say_ready(gssapi_mechanism_t *self, const mechanism_own_t *own, unsigned char *out, size_t room,
                                 size_t *size) noexcept nogil:
    cdef int rc = 1
    if self.plaintext:
        size[0] = mechanism_name_own(b"\x05READY", 6, own, out, room)
    else:
        rc = gssapi_say_sealed(self, own, out, room, size)
    if rc < 0 or size[0] > room:
        return rc
    if self.as_server:
        self.step = GSSAPI_HEAR_READY
    else:
        self.base.state = MECHANISM_READY
        self.base.peer_expected = not self.plaintext    # in clear text, what follows could be anybody's
    return rc


cdef inline int gssapi_next_command(mechanism_t *m, const mechanism_own_t *own, unsigned char *out, size_t room,
                                    size_t *size) noexcept nogil:
    cdef gssapi_mechanism_t *self = <gssapi_mechanism_t *> m
    cdef int rc
    if m.state != MECHANISM_HANDSHAKE:
        return 0
    if self.step == GSSAPI_BEGIN:
        rc = gssapi_init(self, NULL)
        if rc < 0:
            return rc
    if self.step == GSSAPI_SAY_TOKEN:
        return gssapi_say_token(self, out, room, size)
    if self.step == GSSAPI_SAY_NOTHING:
        size[0] = 0
        self.step = GSSAPI_HEAR_READY
        return 1
    if self.step == GSSAPI_SAY_READY:
        return gssapi_say_ready(self, own, out, room, size)
    return 0


# ---- in

cdef inline int gssapi_took_ready(gssapi_mechanism_t *self, const unsigned char *p, size_t n) noexcept nogil:
    """READY, unwrapped."""
    cdef mechanism_t *m = &self.base
    if n < 6 or memcmp(p, b"\x05READY", 6) != 0:
        return gssapi_wrong(self, ZMTP_UNEXPECTED_COMMAND)
    self.properties = <unsigned char *> malloc(n)
    if self.properties == NULL:
        return mechanism_fail(m, -ENOMEM, 0, 0)
    memcpy(self.properties, p + 6, n - 6)
    m.peer_properties = self.properties
    m.peer_properties_size = n - 6
    if self.as_server:
        m.state = MECHANISM_READY
    else:
        self.step = GSSAPI_SAY_READY
    return 0


cdef inline int gssapi_hear_ready(gssapi_mechanism_t *self, const unsigned char *p, size_t n) noexcept nogil:
    cdef int rc
    if self.plaintext:
        return gssapi_took_ready(self, p, n)
    rc = gssapi_unwrap(self, p, n, &self.peer)
    if rc:
        return gssapi_wrong(self, <uint32_t> rc)
    rc = gssapi_took_ready(self, <const unsigned char *> self.peer.value + FLAGS_SIZE, self.peer.length - FLAGS_SIZE)
    gss_give_back(&self.library, &self.peer)
    return rc


cdef inline int gssapi_process_command(mechanism_t *m, const unsigned char *p, size_t n) noexcept nogil:
    cdef gssapi_mechanism_t *self = <gssapi_mechanism_t *> m
    if m.state == MECHANISM_REFUSED:
        return mechanism_fail(m, -EPROTO, 0, 0)
    if self.step == GSSAPI_HEAR_TOKEN:
        return gssapi_hear_token(self, p, n)
    if self.step == GSSAPI_HEAR_ANYTHING:
        m.state = MECHANISM_AUTHENTICATE
        return 0
    if self.step == GSSAPI_HEAR_READY:
        return gssapi_hear_ready(self, p, n)
    return gssapi_wrong(self, ZMTP_UNEXPECTED_COMMAND)


# ---- the ZAP handler

cdef inline void gssapi_zap_request(mechanism_t *m, mechanism_zap_t *request) noexcept nogil:
    cdef gssapi_mechanism_t *self = <gssapi_mechanism_t *> m
    request.mechanism = m.ops.name
    request.credentials = 1
    request.credential[0] = <const unsigned char *> self.principal.value
    request.credential_size[0] = self.principal.length


cdef inline int gssapi_zap_reply(mechanism_t *m, int status) noexcept nogil:
    cdef gssapi_mechanism_t *self = <gssapi_mechanism_t *> m
    cdef int rc = refusal_decide(m, status, self.handler_required)
    m.refusal = 0           # nothing is told here, whatever the status
    if rc > 0:
        m.state = MECHANISM_HANDSHAKE
        self.step = GSSAPI_SAY_READY
    return rc if rc < 0 else 0


# ---- life

cdef inline int gssapi_prepare(gssapi_mechanism_t *self, const security_t *s) noexcept nogil:
    """Names and credentials. 0 or negative errno."""
    cdef int rc = gss_load(&self.library)
    if rc < 0:
        return rc
    if not self.as_server:
        if gss_name(&self.library, s.service, s.service_size, s.service_type, &self.target) < 0:
            return -EACCES
    return gss_own(&self.library, s.principal, s.principal_size, s.principal_type,
                   GSS_C_ACCEPT if self.as_server else GSS_C_INITIATE, &self.cred)


cdef inline int gssapi_new(const mechanism_config_t *config, mechanism_t **out) noexcept nogil:
    """0; -ENOTSUP: the system has no GSSAPI; -EACCES: no such name, key or ticket; -ENOMEM."""
    cdef gssapi_mechanism_t *self = <gssapi_mechanism_t *> calloc(1, sizeof(gssapi_mechanism_t))
    cdef mechanism_t *m
    cdef int rc
    if self == NULL:
        return -ENOMEM
    m = &self.base
    self.as_server = config.security.as_server
    self.plaintext = config.security.plaintext
    self.handler_required = config.security.handler_required
    self.step = GSSAPI_HEAR_TOKEN if self.as_server else GSSAPI_BEGIN
    memcpy(m.ops.name, b"GSSAPI", 6)
    m.ops.free = gssapi_free
    m.ops.next_command = gssapi_next_command
    m.ops.process_command = gssapi_process_command
    m.ops.zap_request = gssapi_zap_request
    m.ops.zap_reply = gssapi_zap_reply
    if not self.plaintext:
        m.ops.overhead = MESSAGE_HEAD + FLAGS_SIZE + TOKEN_OVERHEAD
        m.ops.message_subscriptions = 1
        m.ops.encode = gssapi_encode
        m.ops.decode = gssapi_decode
    m.invalid_metadata_value = ZMTP_INVALID_METADATA
    rc = gssapi_prepare(self, config.security)
    if rc < 0:
        gssapi_free(m)
        free(self)
        return rc
    out[0] = m
    return 0
