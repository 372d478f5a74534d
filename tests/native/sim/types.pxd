# What the socket types' tables say, for programs and raw peers, and the kinds of sockets that programs have.
#
# Rules
# - A kind is the number of a type, or TYPE_RAW_ROUTER: a ROUTER that has ROUTER_RAW from the start.
# - The rules of a kind that the model checks are written down here, not read from the core's tables: a table that is wrong has to be found.

from libc.string cimport strlen
from pattern.ops cimport pattern_ops_t
from pattern.select cimport pattern_select
from pattern.types cimport (
    TYPE_CHANNEL, TYPE_CLIENT, TYPE_COUNT, TYPE_DEALER, TYPE_DISH, TYPE_GATHER, TYPE_PAIR, TYPE_PEER, TYPE_PUB, TYPE_PULL, TYPE_PUSH,
    TYPE_RADIO, TYPE_REQ, TYPE_ROUTER, TYPE_SCATTER, TYPE_SERVER, TYPE_STREAM, TYPE_SUB, TYPE_XPUB, TYPE_XSUB,
)
from zmtp.introduction cimport introduction_is_peer

cdef enum:
    TYPE_RAW_ROUTER = TYPE_COUNT


cdef inline int type_of_kind(int kind) noexcept nogil:
    """The number that socket_new() takes."""
    return TYPE_ROUTER if kind == TYPE_RAW_ROUTER else kind


cdef inline const char *type_name(int kind) noexcept nogil:
    """The wire name; "" for a type that is not built in."""
    cdef pattern_ops_t ops
    if pattern_select(type_of_kind(kind), &ops) < 0:
        return ""
    return ops.name


cdef inline bint kind_raw(int kind) noexcept nogil:
    """Octets as they are, behind the id of a connection."""
    return kind == TYPE_STREAM or kind == TYPE_RAW_ROUTER


cdef inline bint kind_numbered(int kind) noexcept nogil:
    """Each peer has a number that messages carry."""
    return kind == TYPE_SERVER or kind == TYPE_PEER


cdef inline bint kind_addressed(int kind) noexcept nogil:
    """A first frame names the peer."""
    return kind == TYPE_ROUTER or kind_raw(kind)


cdef inline bint kind_single(int kind) noexcept nogil:
    """A message is one frame; more are refused."""
    return (kind == TYPE_CLIENT or kind == TYPE_SERVER or kind == TYPE_PEER or kind == TYPE_SCATTER or kind == TYPE_GATHER
            or kind == TYPE_CHANNEL or kind == TYPE_RADIO or kind == TYPE_DISH)


cdef inline bint sends(int kind) noexcept nogil:
    return kind != TYPE_PULL and kind != TYPE_SUB and kind != TYPE_GATHER and kind != TYPE_DISH


cdef inline bint receives(int kind) noexcept nogil:
    return kind != TYPE_PUSH and kind != TYPE_PUB and kind != TYPE_SCATTER and kind != TYPE_RADIO


cdef inline bint fans_out(int kind) noexcept nogil:
    return kind == TYPE_PUB or kind == TYPE_XPUB or kind == TYPE_XSUB or kind == TYPE_RADIO


cdef inline bint balances(int kind) noexcept nogil:
    """Wait for room rather than drop. (A STREAM, SERVER or PEER says which peer it cannot reach.)"""
    return (kind == TYPE_PUSH or kind == TYPE_DEALER or kind == TYPE_PAIR or kind == TYPE_REQ or kind == TYPE_CLIENT or kind == TYPE_SERVER
            or kind == TYPE_PEER or kind == TYPE_SCATTER or kind == TYPE_CHANNEL or kind == TYPE_STREAM)


cdef inline bint one_peer(int kind) noexcept nogil:
    return kind == TYPE_PAIR or kind == TYPE_CHANNEL


cdef inline bint type_accepts(int local, int peer) noexcept nogil:
    """May a socket of kind `local` talk to a peer of kind `peer`?"""
    cdef pattern_ops_t ops
    cdef const char *name = type_name(peer)
    if kind_raw(local) or kind_raw(peer):
        return kind_raw(local) and kind_raw(peer)
    return pattern_select(local, &ops) == 0 and introduction_is_peer(ops.peers, <const unsigned char *> name, strlen(name))
