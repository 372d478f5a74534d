# What the socket types' tables say, for programs and raw peers.

from libc.string cimport strlen
from pattern.ops cimport pattern_ops_t
from pattern.select cimport pattern_select
from zmtp.handshake cimport handshake_is_peer


cdef inline const char *type_name(int type) noexcept nogil:
    """The wire name; "" for a type that is not built in."""
    cdef pattern_ops_t ops
    if pattern_select(type, &ops) < 0:
        return ""
    return ops.name


cdef inline bint type_accepts(int local, int peer) noexcept nogil:
    """May a socket of type `local` talk to a peer of type `peer`?"""
    cdef pattern_ops_t ops
    cdef const char *name = type_name(peer)
    return pattern_select(local, &ops) == 0 and handshake_is_peer(ops.peers, <const unsigned char *> name, strlen(name))
