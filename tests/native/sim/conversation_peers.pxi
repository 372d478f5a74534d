# The raw peers of a conversation (conversation.pxi): how they introduce themselves, what they say and how they leave.


cdef void say(int fd, const unsigned char *p, size_t n) noexcept nogil:
    """As much as the connection takes."""
    cdef long put
    while n > 0 and fd >= 0:
        put = sim_peer_send(fd, p, n)
        if put <= 0:
            return
        p += put
        n -= put


cdef size_t frame(unsigned char *out, unsigned int flags, size_t n) noexcept nogil:
    cdef int i
    if n < 256:
        out[0] = <unsigned char> flags
        out[1] = <unsigned char> n
        return 2
    out[0] = <unsigned char> (flags | 2)
    for i in range(8):
        out[1 + i] = <unsigned char> (n >> (56 - 8 * i))
    return 9


cdef size_t prop(unsigned char *out, const char *name, const char *value, size_t size) noexcept nogil:
    cdef size_t n = strlen(name)
    out[0] = <unsigned char> n
    memcpy(out + 1, name, n)
    memset(out + 1 + n, 0, 3)
    out[4 + n] = <unsigned char> size
    memcpy(out + 5 + n, value, size)
    return 5 + n + size


cdef const char *partner(int type) noexcept nogil:
    cdef const unsigned char *types = b"\x00\x02\x01\x04\x03\x06\x05\x08\x07\x0a\x09"
    if type == TYPE_SERVER or type == TYPE_CLIENT:
        return type_name(TYPE_SERVER + TYPE_CLIENT - type)
    if type == TYPE_GATHER or type == TYPE_SCATTER:
        return type_name(TYPE_GATHER + TYPE_SCATTER - type)
    if type == TYPE_RADIO or type == TYPE_DISH:
        return type_name(TYPE_RADIO + TYPE_DISH - type)
    return type_name(type if type >= TYPE_STREAM else types[type])


cdef void introduce(fuzz_t *f, int fd, unsigned int how) noexcept nogil:
    """how: bits 0-2: 0, 1: ZMTP 3.1; 2: 3.0; 3: 2.0; 4: 1.0; 5: 1.0 without a version; 6: a greeting alone; 7: nothing. Bits 3-4: routing id."""
    cdef unsigned char body[128]
    cdef unsigned char *out = f.out
    cdef const char *id = b"AB\0"
    cdef size_t id_size = (how >> 3) & 3
    cdef size_t n = 0
    cdef const char *name = partner(f.type)
    if id_size == 3:
        id_size = 1
        id += 1
    how &= 7
    if how == 7:
        return
    if how == 5:
        out[0] = <unsigned char> (id_size + 1)
        out[1] = 0
        memcpy(out + 2, id, id_size)
        say(fd, out, 2 + id_size)
        return
    memset(out, 0, 64)
    out[0] = 0xFF
    out[8] = 1
    out[9] = 0x7F
    if how == 3 or how == 4:
        out[10] = 1 if how == 3 else 0
        out[11] = <unsigned char> type_of_kind(f.type)
        n = 12
        if how == 3:
            n += frame(out + n, 0, id_size)
        else:
            out[n] = <unsigned char> (id_size + 1)
            out[n + 1] = 0
            n += 2
        memcpy(out + n, id, id_size)
        say(fd, out, n + id_size)
        return
    out[10] = 3
    out[11] = 0 if how == 2 else 1
    memcpy(out + 12, b"NULL", 4)
    n = 64
    if how != 6:
        memcpy(body, b"\x05READY", 6)
        id_size = prop(body + 6, b"Identity", id, id_size)
        id_size += 6 + prop(body + 6 + id_size, b"Socket-Type", name, strlen(name))
        n += frame(out + n, 4, id_size)
        memcpy(out + n, body, id_size)
        n += id_size
    say(fd, out, n)


cdef void peer_come(fuzz_t *f, int i, unsigned int how) noexcept nogil:
    if f.peers[i] >= 0:
        sim_peer_close(f.peers[i], 0, 0)
        f.peers[i] = -1
    if f.connects:
        f.peers[i] = sim_peer_accept(f.listener)
    else:
        f.peers[i] = sim_peer_connect(PORT, f.path)
    if f.peers[i] >= 0:
        introduce(f, f.peers[i], how)


cdef void peer_go(fuzz_t *f, int i, bint half, bint reset) noexcept nogil:
    if f.peers[i] < 0:
        return
    sim_peer_close(f.peers[i], half, reset)
    if not half:
        f.peers[i] = -1


cdef void peer_frames(fuzz_t *f, int fd, unsigned int flags, size_t size, unsigned int fill, unsigned int times) noexcept nogil:
    """Well-formed frames of one octet repeated."""
    cdef size_t n = frame(f.out, flags, size)
    memset(f.out + n, fill, size)
    while times:
        times -= 1
        say(fd, f.out, n + size)


cdef void peer_command(fuzz_t *f, int fd, unsigned int which, size_t n) noexcept nogil:
    cdef const char *names = b"\x09SUBSCRIBE\x06CANCEL\x04PING\x04PONG\x05ERROR\x05READY\x04JOIN\x03ODD"
    cdef const char *of_groups = b"\x04JOIN\x05LEAVE\x04PING\x04PONG\x05ERROR\x05READY\x09SUBSCRIBE\x03ODD"
    cdef const unsigned char *name = <const unsigned char *> (of_groups if f.type == TYPE_RADIO or f.type == TYPE_DISH else names)
    cdef const uint8_t *data = take_octets(f, &n)
    cdef size_t at
    which &= 7
    while which:
        which -= 1
        name += 1 + name[0]
    at = frame(f.out, 4, 1 + name[0] + n)
    memcpy(f.out + at, name, 1 + name[0])
    at += 1 + name[0]
    memcpy(f.out + at, data, n)
    say(fd, f.out, at + n)


cdef void peer_hear(fuzz_t *f, int fd, size_t n) noexcept nogil:
    cdef long got
    while n and fd >= 0:
        got = sim_peer_recv(fd, f.out, n if n < 65536 else 65536)
        if got <= 0:
            return
        n -= got
