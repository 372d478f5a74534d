# Mechanism: how two peers agree to talk, and how they talk afterwards. One table of operations for all of them.
#
# Rules:
# - Sans-IO: command bodies in, command bodies out. A mechanism knows no frames (flags, headers), no sockets, no clock. It sees
#   metadata as encoded octets only; who may talk to whom is not its question.
# - It is driven by one thread at a time; nothing here locks.
# - States go forward only:
#
#     state          | next_command        | process_command | leaves it when
#     ---------------+---------------------+-----------------+----------------------------------------------
#     HANDSHAKE      | as the steps demand | the next step   | the last step is done, or something is wrong
#     AUTHENTICATE   | none                | not called      | zap_reply() was called
#     READY          | none                | not called      | never
#     REFUSED        | an ERROR, if any    | fails, or 0     | never
#     FAILED         | none                | not called      | never
#
# - process_command is called only after next_command had nothing more to send.
# - AUTHENTICATE is the asynchronous step: the owner fetches zap_request(), asks the ZAP handler in its own time, hands the
#   answer to zap_reply() and goes on. Octets that arrive meanwhile wait with the owner.
# - REFUSED comes of an answer that keeps the peer out. That is no failure of the connection: the peer is told (or, with
#   300, not told) and leaves by itself, or the owner's timer ends it. `event` is set and is to be told at once.
# - A failure is a negative errno, and `event`/`event_value` say what a monitor shall see (0 = nothing).
# - The table is held by value: C-level modules share no variables, and a handshake is short.

from libc.stddef cimport size_t
from libc.stdint cimport uint32_t
from libc.string cimport memcpy
from mechanism.crypto cimport crypto_t
from mechanism.security cimport security_t

cdef enum:
    MECHANISM_NAME_SIZE = 20       # of the field in the greeting, padded with NUL
    MECHANISM_CREDENTIALS_MAX = 2  # PLAIN has user and password, nobody has more

    # The flags of a frame that encode and decode know of, as ZMTP has them.
    MECHANISM_MORE = 1
    MECHANISM_COMMAND = 4


cdef enum:
    MECHANISM_HANDSHAKE = 0
    MECHANISM_AUTHENTICATE = 1
    MECHANISM_READY = 2
    MECHANISM_FAILED = 3
    MECHANISM_REFUSED = 4


# The values of the monitor event HANDSHAKE_FAILED_PROTOCOL.
cdef enum:
    ZMTP_UNSPECIFIED = 0x10000000
    ZMTP_UNEXPECTED_COMMAND = 0x10000001
    ZMTP_INVALID_SEQUENCE = 0x10000002
    ZMTP_KEY_EXCHANGE = 0x10000003
    ZMTP_MALFORMED_COMMAND_UNSPECIFIED = 0x10000011
    ZMTP_MALFORMED_COMMAND_MESSAGE = 0x10000012
    ZMTP_MALFORMED_COMMAND_HELLO = 0x10000013
    ZMTP_MALFORMED_COMMAND_INITIATE = 0x10000014
    ZMTP_MALFORMED_COMMAND_ERROR = 0x10000015
    ZMTP_MALFORMED_COMMAND_READY = 0x10000016
    ZMTP_MALFORMED_COMMAND_WELCOME = 0x10000017
    ZMTP_INVALID_METADATA = 0x10000018
    ZMTP_CRYPTOGRAPHIC = 0x11000001
    ZMTP_MECHANISM_MISMATCH = 0x11000002


# Both are borrowed for the time of mechanism_new().
cdef struct mechanism_config_t:
    const security_t *security
    const crypto_t *crypto             # may be NULL, or not filled


# Own metadata, encoded. They are the caller's, and given anew with each call that may say them.
cdef struct mechanism_own_t:
    const unsigned char *properties
    size_t size


cdef struct mechanism_zap_t:
    const char *mechanism              # name without padding
    int credentials
    const unsigned char *credential[MECHANISM_CREDENTIALS_MAX]     # borrowed until zap_reply()
    size_t credential_size[MECHANISM_CREDENTIALS_MAX]
    int proved                         # the one credential is a public key, and the peer has the secret one
    const unsigned char *properties    # the peer's metadata, encoded, not checked yet; NULL: they come later
    size_t properties_size


cdef struct mechanism_t


# Every operation that is not said to be NULL is set in every table.
cdef struct mechanism_ops_t:
    # NUL padded to MECHANISM_NAME_SIZE, as compared in the greeting. At least one NUL: the ZAP handler hears it as a text.
    char name[MECHANISM_NAME_SIZE]
    # May ZMTP/1.0 and 2.0 peers, which know no mechanisms, come in? Only NULL lets them.
    int legacy_peers

    # Release what init or the steps acquired, not the struct itself. Called once, in any state.
    void (*free)(mechanism_t *m) noexcept nogil

    # The next command to send. 1: *size is its size; if that is more than room, nothing was written and nothing has
    # changed: come back with exactly that much room. 0: nothing to send in this state. Negative errno. `own` is the same in
    # each call.
    int (*next_command)(mechanism_t *m, const mechanism_own_t *own, unsigned char *out, size_t room,
                        size_t *size) noexcept nogil

    # A command body of the peer. 0 or negative errno. If that makes the state READY, peer_properties may point into p; if
    # a later next_command does, they lie in the mechanism's own memory.
    int (*process_command)(mechanism_t *m, const unsigned char *p, size_t n) noexcept nogil

    # What to ask the ZAP handler (state AUTHENTICATE). NULL in a mechanism that never asks.
    void (*zap_request)(mechanism_t *m, mechanism_zap_t *request) noexcept nogil
    # Its answer: 200, 300, 400 or 500; -ECONNREFUSED when there is no handler; or another negative errno, when none can
    # come any more. 0 or negative errno. NULL likewise.
    int (*zap_reply)(mechanism_t *m, int status) noexcept nogil

    # The peer's metadata have been read: release what only the handshake needed. NULL: there is nothing, or it is little.
    void (*settle)(mechanism_t *m) noexcept nogil

    # After READY: body and flags of a ZMTP frame into the body of an outer frame, and back. Both NULL: frames stay plain.
    # encode writes at most n + overhead octets; engines have room for an overhead of some 290, and fail the handshake with
    # -EMSGSIZE for more. decode may work in place and leaves *plain pointing into body.
    size_t overhead
    # A subscription travels as a message, 01 or 00 and the topic, whatever the version of the peer.
    int message_subscriptions
    int (*encode)(mechanism_t *m, int flags, const unsigned char *body, size_t n, unsigned char *out,
                  size_t *size) noexcept nogil
    int (*decode)(mechanism_t *m, unsigned char *body, size_t n, int *flags, unsigned char **plain,
                  size_t *size) noexcept nogil


# The common start of every mechanism's own struct.
cdef struct mechanism_t:
    mechanism_ops_t ops
    int state
    # Valid after a failure, and when REFUSED.
    int event
    uint32_t event_value
    int refusal                        # the status that is to be told in an ERROR; 0: none
    # What a monitor shall hear if the peer's metadata turn out to be unreadable; 0 = nothing.
    uint32_t invalid_metadata_value
    # The peer's metadata, encoded; valid from the step that made the state READY to the next call.
    const unsigned char *peer_properties
    size_t peer_properties_size
    # When READY, until settle: the public key that the peer has proved to have, CURVE_KEY_SIZE octets, or NULL; and whether
    # it has proved, for good, to be the one that it had to be.
    const unsigned char *peer_key
    int peer_expected


cdef inline size_t mechanism_name_own(const char *name, size_t n, const mechanism_own_t *own, unsigned char *out,
                                      size_t room) noexcept nogil:
    """A command of a name (n octets, its length included) and our metadata. Its size; if that is more than room, nothing
    was written."""
    if n + own.size <= room:
        memcpy(out, name, n)
        if own.size:
            memcpy(out + n, own.properties, own.size)
    return n + own.size


cdef inline int mechanism_fail(mechanism_t *m, int error, int event, uint32_t value) noexcept nogil:
    """Enter FAILED; returns `error` for the caller to return."""
    m.state = MECHANISM_FAILED
    m.event = event
    m.event_value = value
    return error
