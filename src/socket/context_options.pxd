# The options of a context: defaults, set, get, free.
#
# Rules:
#  - Guarded by the context's lock. None of the calls blocks or touches a Python object.
#  - The store does not know whether sockets exist. IO_THREADS, MAX_SOCKETS and the THREAD_* options only matter to what is created later:
#    the caller reads them when it makes the first socket and starts its threads; a later set is stored and read back, as in libzmq.
#  - Number 3 is two options: set it is THREAD_PRIORITY, get it is SOCKET_LIMIT. That is ZeroMQ's public header.
#  - Numbers and texts have separate ways in (context_options_set, _set_ext). libzmq tells them apart by their size,
#    so that a name prefix of four characters becomes a number there; here a text is a text.

from libc.limits cimport INT_MAX
from libc.stdio cimport snprintf
from base.memory cimport free, realloc
from libc.stdlib cimport atoi
from libc.string cimport memcpy, memset
from base.errors cimport EINVAL, ENOMEM

cdef enum:
    CTX_IO_THREADS = 1
    CTX_MAX_SOCKETS = 2
    CTX_SOCKET_LIMIT = 3  # get
    CTX_THREAD_PRIORITY = 3  # set
    CTX_THREAD_SCHED_POLICY = 4
    CTX_MAX_MSGSZ = 5
    CTX_MSG_T_SIZE = 6
    CTX_THREAD_AFFINITY_CPU_ADD = 7
    CTX_THREAD_AFFINITY_CPU_REMOVE = 8
    CTX_THREAD_NAME_PREFIX = 9
    CTX_ZERO_COPY_RECV = 10
    CTX_IPV6 = 42
    CTX_BLOCKY = 70

    SOCKET_LIMIT = 65535  # what libzmq tells for poll sets without a limit of their own, such as epoll
    MSG_T_SIZE = 64  # of zmq_msg_t, a public fact of libzmq that programs may read; not the size of our msg_t
    THREAD_NAME_PREFIX_MAX = 16
    CPUS_MAX = 65536  # entries of the affinity set; a bound against runaway loops

cdef struct context_options_t:
    int io_threads
    int max_sockets
    int thread_priority  # -1: not set
    int thread_sched_policy  # -1: not set
    int max_msgsz
    int zero_copy_recv
    int ipv6
    int blocky
    int *cpus  # owned; the set of THREAD_AFFINITY_CPU_ADD, empty: any
    int cpu_count
    char thread_name_prefix[17]  # NUL-terminated


cdef inline void context_options_init(context_options_t *o) noexcept nogil:
    memset(o, 0, sizeof(context_options_t))
    o.io_threads = 1
    o.max_sockets = 1023
    o.thread_priority = -1
    o.thread_sched_policy = -1
    o.max_msgsz = INT_MAX
    o.zero_copy_recv = 1
    o.blocky = 1


cdef inline void context_options_free(context_options_t *o) noexcept nogil:
    """Gives back what the record owns; may be called twice."""
    free(o.cpus)
    o.cpus = NULL
    o.cpu_count = 0


cdef inline int _change_cpu(context_options_t *o, int cpu, bint add) noexcept nogil:
    cdef int at = 0
    cdef int *grown
    while at < o.cpu_count and o.cpus[at] != cpu:
        at += 1
    if not add:
        if at == o.cpu_count:
            return -EINVAL
        o.cpu_count -= 1
        o.cpus[at] = o.cpus[o.cpu_count]
        return 0
    if at < o.cpu_count:
        return 0
    if o.cpu_count >= CPUS_MAX:
        return -EINVAL
    grown = <int *>realloc(o.cpus, (o.cpu_count + 1) * sizeof(int))
    if grown == NULL:
        return -ENOMEM
    o.cpus = grown
    o.cpus[o.cpu_count] = cpu
    o.cpu_count += 1
    return 0


cdef inline int context_options_set(context_options_t *o, int option, int value) noexcept nogil:
    """0 or a negative errno; a refused value changes nothing."""
    if option == CTX_THREAD_NAME_PREFIX:
        # as a number it takes any; the name is its decimal text
        snprintf(o.thread_name_prefix, sizeof(o.thread_name_prefix), b"%d", value)
        return 0
    if value < 0:
        return -EINVAL
    if option == CTX_IO_THREADS:
        o.io_threads = value
    elif option == CTX_MAX_SOCKETS:
        if value == 0:
            return -EINVAL
        o.max_sockets = value
    elif option == CTX_THREAD_PRIORITY:
        o.thread_priority = value
    elif option == CTX_THREAD_SCHED_POLICY:
        o.thread_sched_policy = value
    elif option == CTX_MAX_MSGSZ:
        o.max_msgsz = value
    elif option == CTX_THREAD_AFFINITY_CPU_ADD:
        return _change_cpu(o, value, True)
    elif option == CTX_THREAD_AFFINITY_CPU_REMOVE:
        return _change_cpu(o, value, False)
    elif option == CTX_ZERO_COPY_RECV:
        o.zero_copy_recv = value != 0
    elif option == CTX_IPV6:
        o.ipv6 = value != 0
    elif option == CTX_BLOCKY:
        o.blocky = value != 0
    else:
        return -EINVAL
    return 0


cdef inline int context_options_get(const context_options_t *o, int option, int *out) noexcept nogil:
    """0 and the value in `out` (which may be negative), or a negative errno."""
    if option == CTX_IO_THREADS:
        out[0] = o.io_threads
    elif option == CTX_MAX_SOCKETS:
        out[0] = o.max_sockets
    elif option == CTX_SOCKET_LIMIT:
        out[0] = SOCKET_LIMIT
    elif option == CTX_THREAD_SCHED_POLICY:
        out[0] = o.thread_sched_policy
    elif option == CTX_MAX_MSGSZ:
        out[0] = o.max_msgsz
    elif option == CTX_MSG_T_SIZE:
        out[0] = MSG_T_SIZE
    elif option == CTX_THREAD_NAME_PREFIX:
        out[0] = atoi(o.thread_name_prefix)
    elif option == CTX_ZERO_COPY_RECV:
        out[0] = o.zero_copy_recv
    elif option == CTX_IPV6:
        out[0] = o.ipv6
    elif option == CTX_BLOCKY:
        out[0] = o.blocky
    else:
        return -EINVAL
    return 0


cdef inline int context_options_set_ext(context_options_t *o, int option, const void *value, size_t size) noexcept nogil:
    """THREAD_NAME_PREFIX as a text of 1 to 16 characters; any other option as the 4 octets of its int."""
    cdef int number = 0
    if value == NULL:
        return -EINVAL
    if option == CTX_THREAD_NAME_PREFIX:
        if size == 0 or size > THREAD_NAME_PREFIX_MAX:
            return -EINVAL
        memset(o.thread_name_prefix, 0, sizeof(o.thread_name_prefix))
        memcpy(o.thread_name_prefix, value, size)
        return 0
    if size != sizeof(int):
        return -EINVAL
    memcpy(&number, value, sizeof(int))
    return context_options_set(o, option, number)


cdef inline int context_options_get_ext(const context_options_t *o, int option, void *out, size_t *size) noexcept nogil:
    """The counterpart of context_options_set_ext. `size` comes in as the room and goes out as the length; a text has no NUL."""
    cdef int number = 0
    cdef int code
    cdef size_t length = 0
    if option == CTX_THREAD_NAME_PREFIX:
        while o.thread_name_prefix[length] != 0:
            length += 1
        if size[0] < length:
            return -EINVAL
        memcpy(out, o.thread_name_prefix, length)
        size[0] = length
        return 0
    if size[0] != sizeof(int):
        return -EINVAL
    code = context_options_get(o, option, &number)
    if code == 0:
        memcpy(out, &number, sizeof(int))
    return code
