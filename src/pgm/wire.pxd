# The way out of a source or a receiver: a function of whoever has the sockets, and who takes part in the conversation.

from libc.stddef cimport size_t
from libc.stdint cimport uint16_t, uint32_t
from pgm.packet cimport pgm_nla_t

cdef enum:
    # How a packet goes.
    PGM_TO_GROUP = 0                # MULTICAST_HOPS far
    PGM_TO_SUBNET = 1               # to the group, one hop far
    PGM_TO_ONE = 2                  # to the address alone

# 0; -EAGAIN: not now; another negative errno: it has not left. What may be lost on the way may be lost here.
ctypedef int (*pgm_send_t)(void *wire, int way, const pgm_nla_t *to, const unsigned char *p, size_t n) noexcept nogil
# A number of 32 bits, by chance.
ctypedef uint32_t (*pgm_random_t)(void *wire) noexcept nogil

cdef struct pgm_wire_t:
    pgm_send_t send
    pgm_random_t random
    void *state                     # their first argument
    uint16_t dport                  # the port of the session
    pgm_nla_t group                 # that a source sends to
    pgm_nla_t nla                   # our own address
