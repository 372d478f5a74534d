# An endpoint taken apart: `protocol://address` and where it leads.
#
# Rules
# - Parsing never blocks and never touches a descriptor; looking names up is in resolve.
# - An address_t is a plain value: copied freely, nothing to release. It belongs to whoever holds it.

from libc.stddef cimport size_t
from libc.stdint cimport uint64_t
from libc.string cimport memcmp, memset
from base.errors cimport EINVAL, EPROTONOSUPPORT
from base.platform cimport zc_sockaddr_t

cdef enum:
    PROTO_TCP = 1
    PROTO_IPC = 2
    PROTO_INPROC = 3

cdef enum:
    ADDRESS_WILDCARD = 1           # ipc `*`: the path is made up by ipc_listen
    ADDRESS_OWN_DIRECTORY = 2      # the path lies in a directory that goes with it

cdef enum:
    # The longest text an endpoint made here can have: ipc path, or a bracketed address with scope and port.
    ENDPOINT_MAX = 256

cdef struct address_t:
    int protocol
    int family                     # ZC_FAMILY_*
    int flags
    uint64_t file                  # which socket file ipc_listen made, 0 for none
    zc_sockaddr_t target
    zc_sockaddr_t source           # tcp connect only; len 0 = the system chooses


cdef inline void address_clear(address_t *a, int protocol) noexcept nogil:
    memset(a, 0, sizeof(address_t))
    a.protocol = protocol


# Splits an endpoint: which protocol, and at which offset the address begins.
cdef inline int address_protocol(const char *endpoint, size_t n, int *proto, size_t *offset) noexcept nogil:
    cdef size_t i = 0
    while i + 3 <= n and memcmp(endpoint + i, b"://", 3) != 0:
        i += 1
    if i + 3 > n or i == 0 or i + 3 == n:
        return -EINVAL
    offset[0] = i + 3
    if i == 3 and memcmp(endpoint, b"tcp", 3) == 0:
        proto[0] = PROTO_TCP
    elif i == 3 and memcmp(endpoint, b"ipc", 3) == 0:
        proto[0] = PROTO_IPC
    elif i == 6 and memcmp(endpoint, b"inproc", 6) == 0:
        proto[0] = PROTO_INPROC
    else:
        return -EPROTONOSUPPORT
    return 0
