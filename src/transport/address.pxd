# An endpoint taken apart: `scheme://address` and where it leads.
#
# Rules
# - Parsing never touches a descriptor; looking names up is in resolve.
# - An address_t is a plain value: copied freely, nothing to release. It belongs to its holder. `path` lives as long as the text it was
#   parsed from, which the endpoint keeps.

from libc.stddef cimport size_t
from libc.stdint cimport uint64_t
from libc.string cimport memcmp, memset
from base.errors cimport EINVAL
from base.platform cimport zc_sockaddr_t

cdef enum:
    ADDRESS_WILDCARD = 1           # the port, or ipc's path, is chosen when listening begins
    ADDRESS_OWN_DIRECTORY = 2      # the path lies in a directory that goes with it
    ADDRESS_MULTICAST = 4          # udp: the target is a group

cdef enum:
    INTERFACE_NAME_MAX = 63        # more than any system's

cdef enum:
    # The longest text an endpoint made here can have, but for long ipc paths: an ipc path, or a bracketed address with scope and port.
    ENDPOINT_MAX = 256
    ADDRESS_GROUPS = 8             # that one endpoint can receive from

cdef struct address_t:
    int family                     # ZC_FAMILY_*
    int flags
    uint64_t file                  # which socket file ipc_listen made, 0 for none
    zc_sockaddr_t target
    const char *path               # ipc: one that `target` has no room for, or NULL
    size_t path_size
    zc_sockaddr_t source           # of a connection; len 0 = the system chooses. Of a group: of the interface
    # of multicast
    unsigned int device            # the index of the interface; 0 = the system chooses
    char device_name[INTERFACE_NAME_MAX + 1]        # as it was given
    int ngroups                    # to receive from; `target` is the one to send to
    unsigned char groups[ADDRESS_GROUPS][16]


cdef inline void address_clear(address_t *a) noexcept nogil:
    memset(a, 0, sizeof(address_t))


cdef inline int address_split(const char *endpoint, size_t n, size_t *scheme, size_t *address) noexcept nogil:
    """The length of the scheme, and the offset at which the address begins. -EINVAL: no "://", or nothing on a side of
    it."""
    cdef size_t i = 0
    while i + 3 <= n and memcmp(endpoint + i, b"://", 3) != 0:
        i += 1
    if i + 3 > n or i == 0 or i + 3 == n:
        return -EINVAL
    scheme[0] = i
    address[0] = i + 3
    return 0
