# Shows the option stores to the tests: `Options` and `ContextOptions` as plain functions over capsule-like handles.
#
# Rules: values cross as bytes or None, results as (code, ...) with the core's own codes; nothing is interpreted here.
# Included in _probe.pyx; every name begins with `options_`.

from cpython.bytes cimport PyBytes_AS_STRING
from base.memory cimport free as options_c_free
from option.store cimport (
    option_field, option_kind, options_answer_int, options_answer_text, options_copy, options_free, options_get, options_heartbeat_timeout,
    options_heartbeat_ttl_ds, options_init, options_set, options_take_connect_routing_id,
)
from libc.stdint cimport int64_t
from option.context cimport context_options_free, context_options_get, context_options_init, context_options_set, context_options_set_text
from option.context_table cimport context_options_t
from option.table cimport KEEP_BYTES, OPTION_OWN_END, option_bytes_t, option_find, option_list_t, options_t
from transport.cidr cimport cidr_t


cdef class options_Store:
    """One options_t and the socket type it belongs to."""
    cdef options_t o
    cdef int socket_type

    def __cinit__(self, int socket_type, int ctx_ipv6=0, int ctx_blocky=1):
        options_init(&self.o, socket_type, ctx_ipv6, ctx_blocky)
        self.socket_type = socket_type

    def __dealloc__(self):
        options_free(&self.o)


cdef class options_ContextStore:
    cdef context_options_t o

    def __cinit__(self):
        context_options_init(&self.o)

    def __dealloc__(self):
        context_options_free(&self.o)


def options_new(int socket_type, int ctx_ipv6=0, int ctx_blocky=1):
    return options_Store(socket_type, ctx_ipv6, ctx_blocky)


def options_sizeof():
    return sizeof(options_t)


def options_kind(int option):
    return option_kind(option)


def options_set_raw(options_Store store, int option, value, size=None):
    """`value` None is a NULL pointer; `size` may contradict the value only for NULL."""
    cdef const void *pointer = NULL
    cdef size_t length = size or 0
    cdef int code, is_null = value is None
    if value is not None:
        pointer = PyBytes_AS_STRING(value)
        length = len(value)
    with nogil:
        code = options_set(&store.o, store.socket_type, option, pointer, length, is_null)
    return code


def options_get_raw(options_Store store, int option, size_t room):
    """(code, size, value, rest): `rest` is what stands in the buffer behind the value, up to `room`; untouched octets show as ee."""
    cdef size_t size = room
    cdef int code
    cdef bytearray buffer = bytearray(b"\xee" * (room + 16))
    cdef char *pointer = buffer
    with nogil:
        code = options_get(&store.o, store.socket_type, option, pointer, &size)
    if bytes(buffer[room:]) != b"\xee" * 16:
        raise AssertionError("options_get wrote behind the buffer")
    return code, size, bytes(buffer[:size]), bytes(buffer[size:room])


def options_answer(value, size_t room):
    """What a caller does that finds an ACTION_: the answer for an int or a text."""
    cdef size_t size = room
    cdef int code, number
    cdef bytearray buffer = bytearray(b"\xee" * (room + 1))
    if isinstance(value, int):
        number = value
        code = options_answer_int(number, <char *>buffer, &size)
    else:
        code = options_answer_text(PyBytes_AS_STRING(value), len(value), <char *>buffer, &size)
    return code, size, bytes(buffer[:room])


def options_fingerprint(options_Store store):
    """The record octet by octet: equal before and after means that nothing changed."""
    return (<char *>&store.o)[:sizeof(options_t)]


cdef bytes options_bytes(const option_bytes_t *field):
    return (<char *>field.data)[:field.size] if field.size else b""


cdef list options_ids(const option_list_t *field):
    return [(<const uint32_t *>field.items)[i] for i in range(field.count)]


cdef bytes options_filter(const cidr_t *c):
    """As "address/bits", an IPv6 address in full."""
    if c.size == 4:
        return b"%d.%d.%d.%d/%d" % (c.bytes[0], c.bytes[1], c.bytes[2], c.bytes[3], c.bits)
    return (<char *>c.bytes)[:16].hex(":", 2).encode() + b"/%d" % c.bits


def options_show(options_Store store):
    """What cannot be read through options_get, plus derived values."""
    cdef options_t *o = &store.o
    return {
        "heartbeat_ttl_ds": options_heartbeat_ttl_ds(o),
        "heartbeat_timeout": options_heartbeat_timeout(o),
        "router_mandatory": o.router_mandatory,
        "router_handover": o.router_handover,
        "probe_router": o.probe_router,
        "req_correlate": o.req_correlate,
        "req_relaxed": o.req_relaxed,
        "xpub_verbose": o.xpub_verbose,
        "xpub_verboser": o.xpub_verboser,
        "xpub_nodrop": o.xpub_nodrop,
        "xpub_manual": o.xpub_manual,
        "xpub_manual_last_value": o.xpub_manual_last_value,
        "only_first_subscribe": o.only_first_subscribe,
        "xsub_verbose_unsubscribe": o.xsub_verbose_unsubscribe,
        "connect_routing_id": options_bytes(&o.connect_routing_id),
        "xpub_welcome_msg": options_bytes(&o.xpub_welcome_msg),
        "hello_msg": options_bytes(&o.hello_msg),
        "disconnect_msg": options_bytes(&o.disconnect_msg),
        "hiccup_msg": options_bytes(&o.hiccup_msg),
        "metadata": options_bytes(&o.metadata),
        "tcp_accept_filters": [options_filter(&(<const cidr_t *>o.tcp_accept_filters.items)[i]) for i in range(o.tcp_accept_filters.count)],
        "ipc_pid": options_ids(&o.ipc_pid_filters),
        "ipc_uid": options_ids(&o.ipc_uid_filters),
        "ipc_gid": options_ids(&o.ipc_gid_filters),
    }


def options_copied(options_Store store):
    """What an endpoint keeps of them."""
    cdef options_Store copy = options_Store(store.socket_type)
    cdef int code
    options_free(&copy.o)
    with nogil:
        code = options_copy(&copy.o, &store.o)
    if code < 0:
        raise MemoryError
    return copy


def options_of_bytes():
    """Numbers of those that own memory for one value."""
    return [number for number in range(OPTION_OWN_END) if option_find(number) != NULL and option_find(number).keep == KEEP_BYTES]


def options_owned(options_Store store, int option):
    """The value that the record owns, whether it can be read or not."""
    return options_bytes(<option_bytes_t *>option_field(&store.o, option_find(option)))


def options_take_routing_id(options_Store store):
    cdef option_bytes_t taken
    options_take_connect_routing_id(&store.o, &taken)
    value = options_bytes(&taken)
    options_c_free(taken.data)
    return value


def options_context_new():
    return options_ContextStore()


def options_context_set(options_ContextStore store, int option, int64_t value):
    return context_options_set(&store.o, option, value)


def options_context_get(options_ContextStore store, int option):
    cdef int64_t value = 0
    code = context_options_get(&store.o, option, &value)
    return code, value


def options_context_set_text(options_ContextStore store, int option, bytes value):
    return context_options_set_text(&store.o, option, PyBytes_AS_STRING(value), len(value))


def options_context_text(options_ContextStore store):
    return options_bytes(&store.o.thread_name_prefix)


def options_context_cpus(options_ContextStore store):
    return sorted((<int *>store.o.cpus.items)[i] for i in range(store.o.cpus.count))
