# Socket types: their numbers, their names on the wire, and who may talk to whom.
#
# Rules:
# - Numbers are those of the API and of the ZMTP/2.0 greeting.
# - Names are exact: capitals, no terminator, as in the Socket-Type property.

from libc.string cimport memcmp, strlen


cdef enum:
    SOCKET_PAIR = 0
    SOCKET_PUB = 1
    SOCKET_SUB = 2
    SOCKET_REQ = 3
    SOCKET_REP = 4
    SOCKET_DEALER = 5
    SOCKET_ROUTER = 6
    SOCKET_PULL = 7
    SOCKET_PUSH = 8
    SOCKET_XPUB = 9
    SOCKET_XSUB = 10
    SOCKET_STREAM = 11
    SOCKET_SERVER = 12
    SOCKET_CLIENT = 13
    SOCKET_RADIO = 14
    SOCKET_DISH = 15
    SOCKET_GATHER = 16
    SOCKET_SCATTER = 17
    SOCKET_DGRAM = 18
    SOCKET_PEER = 19
    SOCKET_CHANNEL = 20
    SOCKET_TYPES = 21      # how many there are


cdef inline const char *socket_type_name(int type) noexcept nogil:
    """The wire name, or NULL for a number that is no socket type."""
    if type == SOCKET_PAIR:
        return "PAIR"
    if type == SOCKET_PUB:
        return "PUB"
    if type == SOCKET_SUB:
        return "SUB"
    if type == SOCKET_REQ:
        return "REQ"
    if type == SOCKET_REP:
        return "REP"
    if type == SOCKET_DEALER:
        return "DEALER"
    if type == SOCKET_ROUTER:
        return "ROUTER"
    if type == SOCKET_PULL:
        return "PULL"
    if type == SOCKET_PUSH:
        return "PUSH"
    if type == SOCKET_XPUB:
        return "XPUB"
    if type == SOCKET_XSUB:
        return "XSUB"
    if type == SOCKET_STREAM:
        return "STREAM"
    if type == SOCKET_SERVER:
        return "SERVER"
    if type == SOCKET_CLIENT:
        return "CLIENT"
    if type == SOCKET_RADIO:
        return "RADIO"
    if type == SOCKET_DISH:
        return "DISH"
    if type == SOCKET_GATHER:
        return "GATHER"
    if type == SOCKET_SCATTER:
        return "SCATTER"
    if type == SOCKET_DGRAM:
        return "DGRAM"
    if type == SOCKET_PEER:
        return "PEER"
    if type == SOCKET_CHANNEL:
        return "CHANNEL"
    return NULL


cdef inline int socket_type_from_name(const unsigned char *name, size_t n) noexcept nogil:
    """The number of a wire name, or -1."""
    cdef int type
    cdef const char *known
    for type in range(SOCKET_TYPES):
        known = socket_type_name(type)
        if strlen(known) == n and memcmp(known, name, n) == 0:
            return type
    return -1


cdef inline unsigned int socket_type_peers(int local) noexcept nogil:
    """The set of peer types a local type accepts, as bits 1 << type."""
    if local == SOCKET_REQ:
        return 1 << SOCKET_REP | 1 << SOCKET_ROUTER
    if local == SOCKET_REP:
        return 1 << SOCKET_REQ | 1 << SOCKET_DEALER
    if local == SOCKET_DEALER:
        return 1 << SOCKET_REP | 1 << SOCKET_DEALER | 1 << SOCKET_ROUTER
    if local == SOCKET_ROUTER:
        return 1 << SOCKET_REQ | 1 << SOCKET_DEALER | 1 << SOCKET_ROUTER
    if local == SOCKET_PUB or local == SOCKET_XPUB:
        return 1 << SOCKET_SUB | 1 << SOCKET_XSUB
    if local == SOCKET_SUB or local == SOCKET_XSUB:
        return 1 << SOCKET_PUB | 1 << SOCKET_XPUB
    if local == SOCKET_PUSH:
        return 1 << SOCKET_PULL
    if local == SOCKET_PULL:
        return 1 << SOCKET_PUSH
    if local == SOCKET_SERVER:
        return 1 << SOCKET_CLIENT
    if local == SOCKET_CLIENT:
        return 1 << SOCKET_SERVER
    if local == SOCKET_RADIO:
        return 1 << SOCKET_DISH
    if local == SOCKET_DISH:
        return 1 << SOCKET_RADIO
    if local == SOCKET_SCATTER:
        return 1 << SOCKET_GATHER
    if local == SOCKET_GATHER:
        return 1 << SOCKET_SCATTER
    if local == SOCKET_PAIR or local == SOCKET_PEER or local == SOCKET_CHANNEL or local == SOCKET_DGRAM:
        return 1 << local
    return 0       # STREAM is raw: it has no ZMTP peer


cdef inline bint socket_type_accepts(int local, int peer) noexcept nogil:
    """May a socket of type `local` talk to a peer of type `peer`?"""
    return 0 <= peer < SOCKET_TYPES and (socket_type_peers(local) >> peer) & 1


cdef inline bint socket_type_sends_identity(int type) noexcept nogil:
    """Only these announce their routing id in READY, and they do so even when it is empty."""
    return type == SOCKET_REQ or type == SOCKET_DEALER or type == SOCKET_ROUTER
