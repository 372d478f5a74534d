# PEER: a SERVER that may also connect, and learns the number of its peer when it does (connect_peer).
#
# Rules
# - HICCUP_MSG is given to the local application when the connection of a connect() is lost, as a message of that peer.

from pattern.dealer cimport dealer_lost
from pattern.ops cimport pattern_ops_t, CONNECTS_PEERS
from pattern.server cimport numbered_ops


cdef inline void peer_ops(pattern_ops_t *ops) noexcept nogil:
    numbered_ops(ops, "PEER", "PEER", CONNECTS_PEERS)
    ops.lost = dealer_lost
