# The option store of a socket: defaults, set, get, free, all by walking the table.
#
# Rules
# - Every call is made under the socket lock. None blocks, none touches a Python object.
# - A refused set changes nothing.
# - Checks come in this order: known number, socket type, pointer, size, range. All of them answer -EINVAL, so the order cannot be seen
#   from outside.
# - A set takes effect where the option is read: the caller only has something to do when the row has an action.
# - Sizes of a get follow libzmq: numbers want exactly their size; numbers the caller answers, and texts, take any larger buffer and
#   zero-fill it. Texts count their NUL in the size, bytes (ROUTING_ID) have none.

from libc.stdint cimport int64_t, uint32_t, uint64_t, UINT32_MAX, UINT64_MAX
from libc.string cimport memcpy, memset
from base.errors cimport EINVAL, ENOMEM
from base.mechanisms cimport CURVE_KEY_SIZE, MECHANISM_CURVE, MECHANISM_PLAIN
from option.field cimport bytes_assign, bytes_clear, list_append, list_assign, list_clear
from option.key cimport key_assign, key_put
from option.property cimport property_add
from option.table cimport (
    KEEP_BYTES, KEEP_FLAG, KEEP_INT, KEEP_INT64, KEEP_LIST, OPTIONS_ROOM, OPTION_INT, OPTION_INT64, OPTION_KEY,
    OPTION_NULL_UNSETS, OPTION_ROOMY, OPTION_TAKEN, OPTION_TEXT, OPTION_UNKNOWN, RULE_CLIENT, RULE_CLIP, RULE_FILTER, RULE_INVERSE, RULE_LAST_VALUE,
    RULE_MANUAL, RULE_MECHANISM, RULE_PROPERTY, RULE_SERVER, RULE_TENTHS, RULE_TYPE, RULE_VERBOSE, RULE_VERBOSER, WHEN_CALL,
    option_bytes_t, option_find, option_list_t, option_row_t, option_table, options_t,
)
from transport.cidr cimport cidr_parse, cidr_t

cdef enum:
    TYPES_MAX = 31              # type numbers that fit the bit sets of the table
    TENTH_MS = 100
    NO_MECHANISM = 0            # MECHANISM reads as NULL


# ---- fields

cdef inline void *option_field(options_t *o, const option_row_t *row) noexcept nogil:
    return <char *> o + row.offset


cdef inline bint option_on(uint32_t types, int socket_type) noexcept nogil:
    """Whether a set of types has this one; no set has a type that is none."""
    return 0 <= socket_type < TYPES_MAX and (types >> socket_type) & 1


# ---- life

cdef inline void options_init(options_t *o, int socket_type, int ctx_ipv6, int ctx_blocky) noexcept nogil:
    cdef const option_row_t *row
    cdef int i
    cdef int64_t initial
    memset(o, 0, sizeof(options_t))
    for i in range(OPTIONS_ROOM):
        row = &option_table[i]
        initial = 0 if option_on(row.zero_on, socket_type) else row.initial
        if row.keep == KEEP_INT64:
            (<int64_t *> option_field(o, row))[0] = initial
        elif (row.keep == KEEP_INT or row.keep == KEEP_FLAG) and row.rule != RULE_INVERSE:
            (<int *> option_field(o, row))[0] = <int> initial
    if not ctx_blocky:
        o.linger = 0
    o.ipv6 = ctx_ipv6 != 0


cdef inline void options_free(options_t *o) noexcept nogil:
    """Gives back what the record owns; may be called twice."""
    cdef int i
    for i in range(OPTIONS_ROOM):
        if option_table[i].keep == KEEP_BYTES:
            bytes_clear(<option_bytes_t *> option_field(o, &option_table[i]))
        elif option_table[i].keep == KEEP_LIST:
            list_clear(<option_list_t *> option_field(o, &option_table[i]))


cdef inline int options_copy(options_t *to, const options_t *o) noexcept nogil:
    """What an endpoint keeps of them. `to` is nothing yet, and owns what it gets. 0; or -ENOMEM, and it owns nothing."""
    cdef const option_row_t *row
    cdef const option_bytes_t *value
    cdef int rc = 0
    cdef int i
    to[0] = o[0]
    for i in range(OPTIONS_ROOM):
        row = &option_table[i]
        if row.keep == KEEP_BYTES:
            memset(option_field(to, row), 0, sizeof(option_bytes_t))
        elif row.keep == KEEP_LIST:
            memset(option_field(to, row), 0, sizeof(option_list_t))
    for i in range(OPTIONS_ROOM):
        row = &option_table[i]
        if rc == 0 and row.keep == KEEP_BYTES and not row.flags & OPTION_TAKEN:
            value = <const option_bytes_t *> option_field(<options_t *> o, row)
            rc = bytes_assign(<option_bytes_t *> option_field(to, row), value.data, value.size)
        elif rc == 0 and row.keep == KEEP_LIST:
            rc = list_assign(<option_list_t *> option_field(to, row), <const option_list_t *> option_field(<options_t *> o, row), row.item)
    if rc < 0:
        options_free(to)
    return rc


# ---- what readers of the options want to know

cdef inline int option_kind(int option) noexcept nogil:
    """OPTION_INT, ...: how the Python API packs the value. Known numbers of absent features have a kind too."""
    cdef const option_row_t *row = option_find(option)
    return row.kind if row != NULL else OPTION_UNKNOWN


cdef inline bint option_chooses_mechanism(int option) noexcept nogil:
    """Whether it belongs to a mechanism, which a set chooses."""
    cdef const option_row_t *row = option_find(option)
    return row != NULL and (row.rule == RULE_SERVER or row.rule == RULE_CLIENT or row.rule == RULE_MECHANISM)


cdef inline bint options_hear_passwords(const options_t *o) noexcept nogil:
    """Whether peers tell theirs."""
    return o.mechanism == MECHANISM_PLAIN and o.as_server != 0


cdef inline bint option_settles(int option) noexcept nogil:
    """Whether an endpoint keeps the value that it was made with."""
    cdef const option_row_t *row = option_find(option)
    return row != NULL and row.when == WHEN_CALL


cdef inline int options_heartbeat_timeout(const options_t *o) noexcept nogil:
    return o.heartbeat_ivl if o.heartbeat_timeout == -1 else o.heartbeat_timeout


cdef inline int options_heartbeat_ttl_ds(const options_t *o) noexcept nogil:
    """In tenths of a second, as PING carries it."""
    return o.heartbeat_ttl // TENTH_MS


cdef inline uint64_t options_message_bytes_max(const options_t *o) noexcept nogil:
    return <uint64_t> o.max_message_bytes if o.max_message_bytes > 0 else UINT64_MAX


cdef inline uint64_t options_frame_max(const options_t *o) noexcept nogil:
    cdef uint64_t most = options_message_bytes_max(o)
    return <uint64_t> o.maxmsgsize if 0 <= o.maxmsgsize and <uint64_t> o.maxmsgsize < most else most


cdef inline uint32_t options_message_frames_max(const options_t *o) noexcept nogil:
    return <uint32_t> o.max_message_frames if o.max_message_frames else UINT32_MAX


cdef inline void options_take_connect_routing_id(options_t *o, option_bytes_t *out) noexcept nogil:
    """Moves the one-shot routing id to `out`, whose data the caller frees; NULL, 0 when none is set."""
    out[0] = o.connect_routing_id
    o.connect_routing_id.data = NULL
    o.connect_routing_id.size = 0


cdef inline int options_tell_routing_id(options_t *o, const unsigned char *id, size_t n) noexcept nogil:
    """What ROUTING_ID reads as from now on. 0 or -ENOMEM."""
    return bytes_assign(&o.routing_id, id, n)


# ---- set

cdef inline int _set_list(options_t *o, const option_row_t *row, const void *value, size_t size, bint is_null) noexcept nogil:
    cdef option_list_t *list = <option_list_t *> option_field(o, row)
    cdef cidr_t filter
    cdef int rc
    if is_null:
        list_clear(list)
        return 0
    if row.rule == RULE_FILTER:
        if size > <size_t> row.highest:
            return -EINVAL
        rc = cidr_parse(<const char *> value, size, o.ipv6, &filter)
        return rc if rc < 0 else list_append(list, &filter, sizeof(cidr_t))
    return -EINVAL if size != row.item else list_append(list, value, size)


cdef inline void _choose_mechanism(options_t *o, const option_row_t *row, bint chosen) noexcept nogil:
    """A security option was set; `chosen` False: it was unset."""
    o.mechanism = row.item if chosen else NO_MECHANISM
    if row.rule != RULE_MECHANISM:
        o.as_server = row.rule == RULE_SERVER and chosen


cdef inline int _set_key(options_t *o, const option_row_t *row, const void *value, size_t size, bint is_null) noexcept nogil:
    if is_null:
        return -EINVAL
    return key_assign(<option_bytes_t *> option_field(o, row), <const unsigned char *> value, size)


cdef inline int _set_bytes(options_t *o, const option_row_t *row, const void *value, size_t size, bint is_null) noexcept nogil:
    if not (is_null and row.flags & OPTION_NULL_UNSETS) and (<int64_t> size < row.lowest or <int64_t> size > row.highest):
        return -EINVAL
    if row.rule == RULE_PROPERTY:
        return property_add(<option_bytes_t *> option_field(o, row), <const char *> value, size)
    if row.keep == KEEP_BYTES:
        return bytes_assign(<option_bytes_t *> option_field(o, row), value, size)
    return 0


cdef inline void _set_flag(options_t *o, const option_row_t *row, int flag) noexcept nogil:
    """And the switches that belong to the same setting."""
    (<int *> option_field(o, row))[0] = 1 - flag if row.rule == RULE_INVERSE else flag
    if row.rule == RULE_SERVER:
        _choose_mechanism(o, row, flag)
    elif row.rule == RULE_VERBOSE:
        o.xpub_verboser = 0
    elif row.rule == RULE_VERBOSER:
        o.xpub_verbose = flag
    elif row.rule == RULE_MANUAL:
        o.xpub_manual_last_value &= flag
    elif row.rule == RULE_LAST_VALUE:
        o.xpub_manual = flag


cdef inline int _set_number(options_t *o, const option_row_t *row, int64_t number) noexcept nogil:
    if row.rule == RULE_CLIP and number > row.highest:
        number = row.highest
    if number < row.lowest or number > row.highest:
        return -EINVAL
    if row.rule == RULE_TENTHS:
        number -= number % TENTH_MS
    if row.keep == KEEP_INT64:
        (<int64_t *> option_field(o, row))[0] = number
    elif row.keep == KEEP_FLAG:
        _set_flag(o, row, number != 0)
    elif row.keep == KEEP_INT:
        (<int *> option_field(o, row))[0] = <int> number
    return 0


cdef inline int options_set(
        options_t *o, int socket_type, int option, const void *value, size_t size, bint is_null) noexcept nogil:
    """0; or what the caller has to do (ACTION_..., > 0); or a negative errno.

    `is_null` says that the application passed no value at all (C: a NULL pointer), which unsets some options; `value` is not read
    then."""
    cdef const option_row_t *row = option_find(option)
    cdef int number = 0
    cdef int64_t number64 = 0
    cdef int rc
    is_null = is_null or value == NULL
    if row == NULL or not option_on(row.set_on, socket_type) or (is_null and size != 0):
        return -EINVAL
    if option_on(row.manual_on, socket_type) and not o.xpub_manual:
        return -EINVAL
    if row.keep == KEEP_LIST:
        rc = _set_list(o, row, value, size, is_null)
    elif row.kind == OPTION_KEY:
        rc = _set_key(o, row, value, size, is_null)
    elif row.kind == OPTION_INT:
        if size != sizeof(int):
            return -EINVAL
        memcpy(&number, value, sizeof(int))
        rc = _set_number(o, row, number)
    elif row.kind == OPTION_INT64:
        if size != sizeof(int64_t):
            return -EINVAL
        memcpy(&number64, value, sizeof(int64_t))
        rc = _set_number(o, row, number64)
    else:
        rc = _set_bytes(o, row, value, size, is_null)
    if rc < 0:
        return rc
    if row.rule == RULE_MECHANISM or row.rule == RULE_CLIENT:
        _choose_mechanism(o, row, not is_null)
    return row.on_set


cdef inline int options_secure(
        options_t *o, bint as_server, const unsigned char *public, const unsigned char *secret, const unsigned char *server) noexcept nogil:
    """CURVE, as a server or as the client of one whose public key is `server` (else NULL). Keys of CURVE_KEY_SIZE bytes. 0; or -ENOMEM, and the
    mechanism is as before."""
    if (
        key_assign(&o.curve_publickey, public, CURVE_KEY_SIZE) < 0 or key_assign(&o.curve_secretkey, secret, CURVE_KEY_SIZE) < 0
        or (server != NULL and key_assign(&o.curve_serverkey, server, CURVE_KEY_SIZE) < 0)
    ):
        return -ENOMEM
    o.mechanism = MECHANISM_CURVE
    o.as_server = as_server
    return 0


# ---- get

cdef inline int options_answer_int(int value, void *out, size_t *size) noexcept nogil:
    """The answer to a number that the caller knows (RCVMORE, FD, EVENTS, ...): 4 bytes, the rest of the buffer zeros."""
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


cdef inline int _answer_exact(const void *value, size_t length, void *out, const size_t *size) noexcept nogil:
    if size[0] != length:
        return -EINVAL
    memcpy(out, value, length)
    return 0


cdef inline int _answer_bytes(const option_bytes_t *field, void *out, size_t *size) noexcept nogil:
    if size[0] < field.size:
        return -EINVAL
    if field.size != 0:
        memcpy(out, field.data, field.size)
    size[0] = field.size
    return 0


cdef inline int _answer_number(const options_t *o, const option_row_t *row, int socket_type, void *out, size_t *size) noexcept nogil:
    cdef const void *field = option_field(<options_t *> o, row)
    cdef int number = <int> row.initial
    if row.keep == KEEP_INT64:
        return _answer_exact(field, sizeof(int64_t), out, size)
    if row.rule == RULE_TYPE:
        number = socket_type
    else:
        number = (<const int *> field)[0]
        if row.rule == RULE_INVERSE:
            number = 1 - number
        elif row.rule == RULE_SERVER:
            number = number and o.mechanism == row.item
    if row.flags & OPTION_ROOMY:
        return options_answer_int(number, out, size)
    return _answer_exact(&number, sizeof(int), out, size)


cdef inline int options_get(const options_t *o, int socket_type, int option, void *out, size_t *size) noexcept nogil:
    """0 and `size` bytes in `out`; ACTION_... (> 0): the caller answers (the size is checked already); or a negative errno.

    `size` comes in as the room."""
    cdef const option_row_t *row = option_find(option)
    cdef const option_bytes_t *field
    if size == NULL or (out == NULL and size[0] != 0) or row == NULL or not option_on(row.get_on, socket_type):
        return -EINVAL
    if row.on_get:
        return row.on_get if size[0] >= (1 if row.kind == OPTION_TEXT else sizeof(int)) else -EINVAL
    if row.kind == OPTION_INT or row.kind == OPTION_INT64:
        return _answer_number(o, row, socket_type, out, size)
    if row.kind == OPTION_KEY:
        return key_put(<const option_bytes_t *> option_field(<options_t *> o, row), <unsigned char *> out, size[0])
    field = <const option_bytes_t *> option_field(<options_t *> o, row)
    if row.kind == OPTION_TEXT:
        return options_answer_text(<const char *> field.data, field.size, out, size)
    return _answer_bytes(field, out, size)
