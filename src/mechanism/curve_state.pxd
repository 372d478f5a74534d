# CURVE: what both sides keep, and the boxes of the handshake (RFC 25, RFC 26).
#
# Keys are named as in the RFC: S and C are the long-term keys of server and client, S' and C' those of one connection, a
# small letter is the secret part.
#
# Rules:
# - Nonces never repeat. Those of long-term and handshake boxes hold random octets or a counter; the counter of commands goes
#   up to its end, which closes the connection.
# - What only the handshake needs is in curve_keys_t, apart: it is wiped and released when the handshake is over. What a
#   connection keeps is one key for each direction.
# - Everything is wiped before it is released, in whatever state. Secrets are compared in constant time.

from libc.stddef cimport size_t
from libc.stdint cimport uint32_t, uint64_t
from libc.string cimport memcpy

from base.errors cimport EPROTO
from base.memory cimport free
from base.monitor_events cimport EVENT_HANDSHAKE_FAILED_PROTOCOL
from base.secret cimport zc_wipe
from mechanism.crypto cimport crypto_t
from mechanism.long_mac cimport long_mac_free
from mechanism.mechanism cimport MECHANISM_READY, mechanism_fail, mechanism_t

cdef enum:
    CURVE_MAC = 16                 # octets that a box adds
    CURVE_NONCE = 24
    CURVE_COOKIE = 96
    CURVE_VOUCH = 96               # 16 octets of its nonce, a box of two keys
    CURVE_HELLO = 200
    CURVE_WELCOME = 168
    CURVE_INITIATE = 257           # and the client's metadata
    CURVE_READY = 30               # and the server's


cdef enum:
    # Steps: what is said or heard next.
    CURVE_SAY_HELLO = 0
    CURVE_HEAR_HELLO = 1
    CURVE_SAY_WELCOME = 2
    CURVE_HEAR_WELCOME = 3
    CURVE_SAY_INITIATE = 4
    CURVE_HEAR_INITIATE = 5
    CURVE_SAY_READY = 6
    CURVE_HEAR_READY = 7


cdef struct curve_keys_t:
    unsigned char own_public[32]       # C or S
    unsigned char own_secret[32]
    unsigned char peer_public[32]      # S; C once it is known
    unsigned char brief_public[32]     # C' or S'
    unsigned char brief_secret[32]
    unsigned char peer_brief[32]
    unsigned char key[32]              # of HELLO and WELCOME, then of INITIATE and READY
    unsigned char cookie[CURVE_COOKIE]


cdef struct curve_mechanism_t:
    mechanism_t base                   # first: a curve_mechanism_t * is a mechanism_t *
    crypto_t crypto
    bint as_server
    bint handler_required
    bint streams                       # the library lets its key stream be used: curve_message.pxd
    int step
    uint64_t said                      # number of the last command of ours that has one
    uint64_t heard                     # likewise of the peer's
    unsigned char say_key[32]          # of messages
    unsigned char hear_key[32]
    void *mac                          # state of crypto.long_mac; NULL before the first long message
    curve_keys_t *keys                 # until the handshake is over
    unsigned char *plain               # what was in the peer's last box
    size_t plain_size


# ---- nonces
#
# The short nonce of a command is its number, 8 octets.

cdef inline void curve_nonce(unsigned char *out, const char *prefix, size_t n, const unsigned char *rest) noexcept nogil:
    """CURVE_NONCE octets: a prefix of n, and as many of `rest` as are missing."""
    memcpy(out, prefix, n)
    memcpy(out + n, rest, CURVE_NONCE - n)


# ---- boxes

cdef inline void curve_seal(curve_mechanism_t *self, const char *prefix, size_t n, const unsigned char *rest,
                            const unsigned char *key, unsigned char *box, const unsigned char *plain,
                            size_t size) noexcept nogil:
    """`plain` may lie CURVE_MAC octets behind the start of the box."""
    cdef unsigned char nonce[CURVE_NONCE]
    curve_nonce(nonce, prefix, n, rest)
    self.crypto.box_easy_afternm(box, plain, size, nonce, key)


cdef inline bint curve_open(curve_mechanism_t *self, const char *prefix, size_t n, const unsigned char *rest,
                            const unsigned char *key, unsigned char *plain, const unsigned char *box,
                            size_t size) noexcept nogil:
    """A box of `size` octets. False: it was not made with this key and nonce."""
    cdef unsigned char nonce[CURVE_NONCE]
    curve_nonce(nonce, prefix, n, rest)
    return self.crypto.box_open_easy_afternm(plain, box, size, nonce, key) == 0


cdef inline bint curve_agree(curve_mechanism_t *self, unsigned char *key, const unsigned char *theirs,
                             const unsigned char *ours) noexcept nogil:
    """The key of their public and our secret part. False: theirs is one of the few that give no secret, zeros among them."""
    return self.crypto.box_beforenm(key, theirs, ours) == 0


# ---- states

cdef inline int curve_wrong(curve_mechanism_t *self, uint32_t value) noexcept nogil:
    return mechanism_fail(&self.base, -EPROTO, EVENT_HANDSHAKE_FAILED_PROTOCOL, value)


cdef inline void curve_settle(mechanism_t *m) noexcept nogil:
    """mechanism_ops_t.settle"""
    cdef curve_mechanism_t *self = <curve_mechanism_t *>m
    if self.keys != NULL:
        zc_wipe(self.keys, sizeof(curve_keys_t))
        free(self.keys)
        self.keys = NULL
    if self.plain != NULL:
        zc_wipe(self.plain, self.plain_size)
        free(self.plain)
        self.plain = NULL


cdef inline void curve_free(mechanism_t *m) noexcept nogil:
    cdef curve_mechanism_t *self = <curve_mechanism_t *>m
    curve_settle(m)
    long_mac_free(self.crypto.long_mac, self.mac)
    zc_wipe(m, sizeof(curve_mechanism_t))


cdef inline const char *curve_prefix(bint of_server) noexcept nogil:
    """Of the nonces of messages, 16 octets."""
    return b"CurveZMQMESSAGES" if of_server else b"CurveZMQMESSAGEC"


cdef inline void curve_begin_traffic(curve_mechanism_t *self) noexcept nogil:
    """The handshake is done: READY.

    A box begins by making a key of its key and the first 16 octets of the nonce (HSalsa20). In messages these are always the
    same, so that key is made once."""
    cdef crypto_t *c = &self.crypto
    self.base.state = MECHANISM_READY
    self.base.peer_key = self.keys.peer_public
    self.base.peer_expected = not self.as_server
    if self.streams:
        c.core_hsalsa20(self.say_key, <const unsigned char *> curve_prefix(self.as_server), self.keys.key, NULL)
        c.core_hsalsa20(self.hear_key, <const unsigned char *> curve_prefix(not self.as_server), self.keys.key, NULL)
    else:
        memcpy(self.say_key, self.keys.key, 32)
        memcpy(self.hear_key, self.keys.key, 32)
