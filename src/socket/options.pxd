# The option store of a socket: defaults, set, get, free.
#
# Rules:
#  - Every call is made under the socket lock. None blocks, none touches a Python object.
#  - A refused set changes nothing; memory for a new value is taken before the old one is let go.
#  - Checks come in this order: known number, socket type, pointer, size, range. All of them answer -EINVAL, so the order cannot be seen from outside.
#  - A set takes effect where the option is read: the caller only has something to do on OPTION_LIVE and OPTION_ACTION.
#  - Sizes of a get follow libzmq: numbers want exactly their size; numbers the caller answers, and texts, take any larger buffer
#    and zero-fill it. Texts count their NUL in the size, octets (ROUTING_ID) have none.

from libc.stdint cimport int64_t, uint32_t, uint64_t, UINT32_MAX, UINT64_MAX
from base.memory cimport free, malloc, realloc
from libc.string cimport memchr, memcpy, memset
from base.errors cimport EINVAL, ENOMEM
from socket.option_table cimport (
    ACCEPT_FILTER_MAX, CURVE_KEY_SIZE, CURVE_KEY_TEXT_SIZE, DEVICE_NAME_MAX, IO_ADAPTIVE, IO_BLOCK, IO_SPIN,
    KEEP_ACCEPT_FILTER, KEEP_BLOB, KEEP_CALLER_INT, KEEP_CALLER_SET, KEEP_CALLER_TEXT, KEEP_CONNECT_ROUTING_ID, KEEP_DEVICE, KEEP_FLAG,
    KEEP_HEARTBEAT_TTL, KEEP_IDS, KEEP_INT, KEEP_INT64, KEEP_IPV4ONLY, KEEP_MANUAL, KEEP_MANUAL_LAST_VALUE, KEEP_METADATA, KEEP_NO_KEY, KEEP_NO_TEXT,
    KEEP_ONE_VALUE, KEEP_ROUTING_ID, KEEP_THREAD_SAFE, KEEP_TYPE, KEEP_VERBOSE, KEEP_VERBOSER, KIND_BYTES, KIND_INT, KIND_INT64, KIND_UNKNOWN,
    METADATA_NAME_MAX, OPTION_ACTION, OPTION_LIVE, ROUTING_ID_MAX,
    option_bytes_t, option_ids_t, option_row, option_row_t, options_t,
)
from transport.cidr cimport cidr_parse, cidr_t

cdef enum:
    TYPE_SUB = 2
    TYPE_XPUB = 9
    TYPE_XSUB = 10
    TYPES_MAX = 31  # type numbers that fit the bit sets of the table
    HEARTBEAT_TTL_UNIT_MS = 100  # PING carries tenths of a second
    HEARTBEAT_TTL_MAX_DS = 65535  # in two octets
    ACCEPT_FILTERS_MAX = 65536  # filters of one kind per socket; a bound against runaway loops, far above any real list
    METADATA_MAX = 1 << 17  # all properties together: fits the READY command that carries them, of which our own handshake takes 256 KiB


# ---- life


cdef inline void options_init(options_t *o, int socket_type, int ctx_ipv6, int ctx_blocky) noexcept nogil:
    memset(o, 0, sizeof(options_t))
    o.maxmsgsize = -1
    # a socket that only receives subscriptions' results has nothing worth lingering for
    o.linger = 0 if (not ctx_blocky or socket_type == TYPE_SUB or socket_type == TYPE_XSUB) else -1
    o.sndhwm = 1000
    o.rcvhwm = 1000
    o.sndtimeo = -1
    o.rcvtimeo = -1
    o.io_strategy = IO_ADAPTIVE
    o.in_batch_size = 8192
    o.out_batch_size = 8192
    o.reconnect_ivl = 100
    o.backlog = 100
    o.handshake_ivl = 30000
    o.heartbeat_timeout = -1
    o.ipv6 = 1 if ctx_ipv6 else 0
    o.sndbuf = -1
    o.rcvbuf = -1
    o.tcp_keepalive = -1
    o.tcp_keepalive_cnt = -1
    o.tcp_keepalive_idle = -1
    o.tcp_keepalive_intvl = -1
    o.use_fd = -1


cdef inline void _clear_bytes(option_bytes_t *bytes_) noexcept nogil:
    free(bytes_.data)
    bytes_.data = NULL
    bytes_.size = 0


cdef inline void _clear_ids(option_ids_t *ids) noexcept nogil:
    free(ids.ids)
    ids.ids = NULL
    ids.count = 0


cdef inline void _clear_accept_filters(options_t *o) noexcept nogil:
    free(o.tcp_accept_filters)
    o.tcp_accept_filters = NULL
    o.tcp_accept_filter_count = 0


cdef inline void options_free(options_t *o) noexcept nogil:
    """Gives back what the record owns; may be called twice."""
    _clear_bytes(&o.connect_routing_id)
    _clear_bytes(&o.xpub_welcome_msg)
    _clear_bytes(&o.hello_msg)
    _clear_bytes(&o.disconnect_msg)
    _clear_bytes(&o.hiccup_msg)
    _clear_bytes(&o.metadata)
    _clear_accept_filters(o)
    _clear_ids(&o.ipc_pid_accept_filters)
    _clear_ids(&o.ipc_uid_accept_filters)
    _clear_ids(&o.ipc_gid_accept_filters)


cdef inline int _assign_bytes(option_bytes_t *bytes_, const void *value, size_t size) noexcept nogil:
    """Replaces the octets by a copy of `value`; size 0 unsets."""
    cdef unsigned char *copy
    if size == 0:
        _clear_bytes(bytes_)
        return 0
    copy = <unsigned char *>malloc(size)
    if copy == NULL:
        return -ENOMEM
    memcpy(copy, value, size)
    free(bytes_.data)
    bytes_.data = copy
    bytes_.size = size
    return 0


cdef inline int _add_accept_filter(options_t *o, const char *text, size_t size) noexcept nogil:
    cdef cidr_t filter
    cdef cidr_t *grown
    cdef int rc = cidr_parse(text, size, o.ipv6, &filter)
    if rc < 0:
        return rc
    if o.tcp_accept_filter_count >= ACCEPT_FILTERS_MAX:
        return -EINVAL
    grown = <cidr_t *>realloc(o.tcp_accept_filters, (o.tcp_accept_filter_count + 1) * sizeof(cidr_t))
    if grown == NULL:
        return -ENOMEM
    grown[o.tcp_accept_filter_count] = filter
    o.tcp_accept_filters = grown
    o.tcp_accept_filter_count += 1
    return 0


# ---- what readers of the options want to know


cdef inline int option_kind(int option) noexcept nogil:
    """KIND_INT, KIND_INT64, KIND_BYTES or KIND_UNKNOWN: how the Python API packs the value. Known numbers of absent features have a kind too."""
    cdef options_t nowhere
    cdef option_row_t row
    return option_row(&nowhere, option, &row)


cdef inline int options_heartbeat_timeout(const options_t *o) noexcept nogil:
    return o.heartbeat_ivl if o.heartbeat_timeout == -1 else o.heartbeat_timeout


cdef inline uint64_t options_message_bytes_max(const options_t *o) noexcept nogil:
    return <uint64_t> o.max_message_bytes if o.max_message_bytes > 0 else UINT64_MAX


cdef inline uint64_t options_frame_max(const options_t *o) noexcept nogil:
    cdef uint64_t most = options_message_bytes_max(o)
    return <uint64_t> o.maxmsgsize if 0 <= o.maxmsgsize and <uint64_t> o.maxmsgsize < most else most


cdef inline uint32_t options_message_frames_max(const options_t *o) noexcept nogil:
    return <uint32_t> o.max_message_frames if o.max_message_frames else UINT32_MAX


cdef inline void options_take_connect_routing_id(options_t *o, option_bytes_t *out) noexcept nogil:
    """Moves the one-shot routing id to `out`, whose data the caller frees; NULL, 0 when none is set."""
    out.data = o.connect_routing_id.data
    out.size = o.connect_routing_id.size
    o.connect_routing_id.data = NULL
    o.connect_routing_id.size = 0


# ---- set


cdef inline int _set_metadata(option_bytes_t *metadata, const char *text, size_t size) noexcept nogil:
    """One more "X-name:value". A name given before, in any case of letters, gets the new value."""
    cdef const char *colon = <const char *>memchr(text, c':', size)
    cdef size_t name_size, value_size, at = 0, kept = 0, one, i
    cdef unsigned char *fresh
    cdef unsigned char *old = metadata.data
    cdef unsigned char a, b
    cdef bint same
    if colon == NULL:
        return -EINVAL
    name_size = colon - text
    value_size = size - name_size - 1
    if name_size < 2 or name_size > METADATA_NAME_MAX or value_size == 0 or text[0] != c'X' or text[1] != c'-':
        return -EINVAL
    one = 1 + name_size + 4 + value_size
    if value_size > METADATA_MAX or metadata.size + one > METADATA_MAX:
        return -EINVAL
    fresh = <unsigned char *>malloc(metadata.size + one)
    if fresh == NULL:
        return -ENOMEM
    while at < metadata.size:
        i = 1 + old[at]
        i += 4 + ((<size_t>old[at + i] << 24) | (<size_t>old[at + i + 1] << 16) | (<size_t>old[at + i + 2] << 8) | old[at + i + 3])
        one = i
        same = old[at] == name_size
        i = 0
        while same and i < name_size:
            a = old[at + 1 + i]
            b = <unsigned char>text[i]
            if c'A' <= a <= c'Z':
                a |= 32
            if c'A' <= b <= c'Z':
                b |= 32
            same = a == b
            i += 1
        if not same:
            memcpy(fresh + kept, old + at, one)
            kept += one
        at += one
    fresh[kept] = <unsigned char>name_size
    memcpy(fresh + kept + 1, text, name_size)
    kept += 1 + name_size
    for i in range(4):
        fresh[kept + i] = <unsigned char>(value_size >> (24 - 8 * i))
    memcpy(fresh + kept + 4, colon + 1, value_size)
    metadata.data = fresh
    metadata.size = kept + 4 + value_size
    free(old)
    return 0


cdef inline int _set_id_filter(option_ids_t *ids, const void *value, size_t size, int is_null) noexcept nogil:
    cdef uint32_t *grown
    if is_null and size == 0:
        _clear_ids(ids)
        return 0
    if size != sizeof(uint32_t) or ids.count >= ACCEPT_FILTERS_MAX:
        return -EINVAL
    grown = <uint32_t *>realloc(ids.ids, (ids.count + 1) * sizeof(uint32_t))
    if grown == NULL:
        return -ENOMEM
    memcpy(grown + ids.count, value, sizeof(uint32_t))
    ids.ids = grown
    ids.count += 1
    return 0


cdef inline int _set_octets(options_t *o, int socket_type, const option_row_t *row, const void *value, size_t size, int is_null) noexcept nogil:
    """The options that are not numbers."""
    cdef int length
    if row.keep == KEEP_BLOB:
        length = _assign_bytes(<option_bytes_t *>row.field, value, size)
        return row.done if length == 0 else length
    if row.keep == KEEP_CALLER_SET:
        # XPUB takes subscriptions from its own application in manual mode only
        return -EINVAL if socket_type == TYPE_XPUB and not o.xpub_manual else OPTION_ACTION
    if row.keep == KEEP_NO_TEXT:
        return 0 if size == 0 and (is_null or row.lowest) else -EINVAL
    if row.keep == KEEP_ROUTING_ID:
        if size == 0 or size > ROUTING_ID_MAX:
            return -EINVAL
        memcpy(o.routing_id, value, size)
        o.routing_id_size = <int>size
        return 0
    if row.keep == KEEP_CONNECT_ROUTING_ID:
        # longer ones could be used inside this process only: no peer could name itself so
        if size == 0 or size > ROUTING_ID_MAX:
            return -EINVAL
        return _assign_bytes(&o.connect_routing_id, value, size)
    if row.keep == KEEP_DEVICE:
        if size > DEVICE_NAME_MAX or (size == 0 and not is_null):
            return -EINVAL
        memset(o.bindtodevice, 0, sizeof(o.bindtodevice))
        if size != 0:
            memcpy(o.bindtodevice, value, size)
        o.bindtodevice_size = <int>size
        return 0
    if row.keep == KEEP_IDS:
        return _set_id_filter(<option_ids_t *>row.field, value, size, is_null)
    if row.keep == KEEP_ACCEPT_FILTER:
        if size == 0 and is_null:
            _clear_accept_filters(o)
            return 0
        if size > ACCEPT_FILTER_MAX:
            return -EINVAL
        return _add_accept_filter(o, <const char *>value, size)
    if row.keep == KEEP_METADATA:
        return -EINVAL if size == 0 else _set_metadata(&o.metadata, <const char *>value, size)
    return -EINVAL


cdef inline int _set_number(options_t *o, const option_row_t *row, int number) noexcept nogil:
    """The options that are an int."""
    cdef int flag = 1 if number != 0 else 0
    if row.keep == KEEP_HEARTBEAT_TTL:
        number = number // HEARTBEAT_TTL_UNIT_MS if number >= 0 else -(-<int64_t>number // HEARTBEAT_TTL_UNIT_MS)
        if number < 0 or number > HEARTBEAT_TTL_MAX_DS:
            return -EINVAL
        o.heartbeat_ttl_ds = number
        o.heartbeat_ttl = number * HEARTBEAT_TTL_UNIT_MS
        return 0
    if number < row.lowest or number > row.highest:
        return -EINVAL
    if row.keep == KEEP_INT:
        (<int *>row.field)[0] = number
    elif row.keep == KEEP_FLAG:
        (<int *>row.field)[0] = flag
    elif row.keep == KEEP_ONE_VALUE:
        pass
    elif row.keep == KEEP_IPV4ONLY:
        if number > 1:
            return -EINVAL
        o.ipv6 = 1 - number
    elif row.keep == KEEP_VERBOSE:
        # the two verbosities are one setting: the later option decides about both directions
        o.xpub_verbose = flag
        o.xpub_verboser = 0
    elif row.keep == KEEP_VERBOSER:
        o.xpub_verbose = flag
        o.xpub_verboser = flag
    elif row.keep == KEEP_MANUAL:
        o.xpub_manual = flag
        o.xpub_manual_last_value = o.xpub_manual_last_value & flag
    elif row.keep == KEEP_MANUAL_LAST_VALUE:
        o.xpub_manual = flag
        o.xpub_manual_last_value = flag
    else:
        return -EINVAL
    return row.done


cdef inline int options_set(options_t *o, int socket_type, int option, const void *value, size_t size, int is_null) noexcept nogil:
    """0 done; OPTION_LIVE stored, and the caller applies it to what runs; OPTION_ACTION the caller carries it out; or a negative errno.

    `is_null` says that the application passed no value at all (C: a NULL pointer), which unsets some options; `value` is not read then."""
    cdef option_row_t row
    cdef int number = 0
    if value == NULL:
        is_null = 1
    if option_row(o, option, &row) == KIND_UNKNOWN or socket_type < 0 or socket_type >= TYPES_MAX:
        return -EINVAL
    if not (row.set_on >> socket_type) & 1:
        return -EINVAL
    if is_null and size != 0:
        return -EINVAL
    if row.keep == KEEP_IDS or row.kind == KIND_BYTES:
        return _set_octets(o, socket_type, &row, value, size, is_null)
    if row.keep == KEEP_INT64:
        if size != sizeof(int64_t):
            return -EINVAL
        memcpy(row.field, value, sizeof(int64_t))
        return row.done
    if size != sizeof(int):
        return -EINVAL
    memcpy(&number, value, sizeof(int))
    return _set_number(o, &row, number)


# ---- get


cdef inline int options_answer_int(int value, void *out, size_t *size) noexcept nogil:
    """The answer to a number that the caller knows (RCVMORE, FD, EVENTS, ...): 4 octets, the rest of the buffer zeros."""
    if size[0] < sizeof(int):
        return -EINVAL
    memset(out, 0, size[0])
    memcpy(out, &value, sizeof(int))
    size[0] = sizeof(int)
    return 0


cdef inline int options_answer_text(const char *text, size_t length, void *out, size_t *size) noexcept nogil:
    """The answer to a text (LAST_ENDPOINT, ...) of `length` characters: its NUL is counted."""
    if size[0] < length + 1:
        return -EINVAL
    memset(out, 0, size[0])
    if length != 0:
        memcpy(out, text, length)
    size[0] = length + 1
    return 0


cdef inline int _answer_exact(const void *value, size_t length, void *out, size_t *size) noexcept nogil:
    if size[0] != length:
        return -EINVAL
    memcpy(out, value, length)
    return 0


cdef inline int options_get(const options_t *o, int socket_type, int option, void *out, size_t *size) noexcept nogil:
    """0 and `size` octets in `out`; OPTION_ACTION: the caller answers (the size is checked already); or a negative errno. `size` comes in as the room."""
    cdef option_row_t row
    cdef int number
    if size == NULL or (out == NULL and size[0] != 0):
        return -EINVAL
    if option_row(<options_t *>o, option, &row) == KIND_UNKNOWN or socket_type < 0 or socket_type >= TYPES_MAX:
        return -EINVAL
    if not (row.get_on >> socket_type) & 1:
        return -EINVAL
    if row.keep == KEEP_INT or row.keep == KEEP_FLAG or row.keep == KEEP_HEARTBEAT_TTL:
        return _answer_exact(row.field, sizeof(int), out, size)
    if row.keep == KEEP_INT64:
        return _answer_exact(row.field, sizeof(int64_t), out, size)
    if row.keep == KEEP_ONE_VALUE:
        return _answer_exact(&row.lowest, sizeof(int), out, size)
    if row.keep == KEEP_TYPE:
        return _answer_exact(&socket_type, sizeof(int), out, size)
    if row.keep == KEEP_IPV4ONLY:
        number = 1 - o.ipv6
        return _answer_exact(&number, sizeof(int), out, size)
    if row.keep == KEEP_CALLER_INT:
        return OPTION_ACTION if size[0] >= sizeof(int) else -EINVAL
    if row.keep == KEEP_CALLER_TEXT:
        return OPTION_ACTION if size[0] >= 1 else -EINVAL
    if row.keep == KEEP_THREAD_SAFE:
        # 1 is for libzmq's thread-safe types, whose sockets have no FD; programs take it as that
        return options_answer_int(0, out, size)
    if row.keep == KEEP_NO_TEXT:
        return options_answer_text(NULL, 0, out, size)
    if row.keep == KEEP_DEVICE:
        return options_answer_text(o.bindtodevice, <size_t>o.bindtodevice_size, out, size)
    if row.keep == KEEP_ROUTING_ID:
        if size[0] < <size_t>o.routing_id_size:
            return -EINVAL
        if o.routing_id_size != 0:
            memcpy(out, o.routing_id, <size_t>o.routing_id_size)
        size[0] = <size_t>o.routing_id_size
        return 0
    if row.keep == KEEP_NO_KEY:
        if size[0] == CURVE_KEY_SIZE:
            memset(out, 0, CURVE_KEY_SIZE)
            return 0
        if size[0] == CURVE_KEY_TEXT_SIZE:
            memset(out, c'0', CURVE_KEY_TEXT_SIZE - 1)  # Z85 of zeros
            (<char *>out)[CURVE_KEY_TEXT_SIZE - 1] = 0
            return 0
    return -EINVAL
