# PUB: as XPUB, without an ear for its peers: their subscriptions are not reported and their messages are discarded.

from pattern.ops cimport pattern_ops_t, CONFLATES_OUT, CONNECTS_ONCE
from pattern.xpub cimport publisher_ops


cdef inline void pub_ops(pattern_ops_t *ops) noexcept nogil:
    publisher_ops(ops, "PUB", CONNECTS_ONCE | CONFLATES_OUT)
