# Whether a processor is free for the I/O thread (io/overlap.pxd), by looks that the test makes up.

from libc.stdint cimport uint32_t
from libc.string cimport memset as overlap_memset
from io.overlap cimport overlap_judge
from socket.state cimport overlap_t


def overlap_rests(looks):
    """looks: (number of the thread that looks, how often it has lost its processor so far, messages handed over since). The rest after each look."""
    cdef overlap_t o
    cdef size_t looker
    cdef uint32_t taken
    overlap_memset(&o, 0, sizeof(overlap_t))
    rests = []
    for thread, lost, handed in looks:
        looker = thread
        taken = lost & 0xffffffff
        overlap_judge(&o, <void *> looker, taken)
        rests.append(o.rest)
        o.rest = 0
        o.handed = handed
    return rests
