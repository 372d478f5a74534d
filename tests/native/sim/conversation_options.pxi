# The head of a conversation (conversation.pxi): what its four octets set on the socket. app_int() and app_set() are the application's.


cdef void fuzz_options(fuzz_t *f, unsigned int a, unsigned int b, unsigned int c, unsigned int d) noexcept nogil:
    cdef int64_t octets
    cdef const int *marks = [1000, 1, 2, 0]
    cdef const int *lingers = [0, 0, 50, 3000]
    app_int(f, OPT_SNDHWM, marks[(a >> 2) & 3])
    app_int(f, OPT_RCVHWM, marks[(a >> 2) & 3])
    app_int(f, 17, lingers[(d >> 4) & 3])
    # Times that end within the longest sleep, but not so often in it that a conversation is nothing else.
    app_int(f, OPT_RECONNECT_IVL, 100)
    app_int(f, OPT_HANDSHAKE_IVL, 1000)
    octets = 64 if a >> 4 & 3 == 1 else 0 if a >> 4 & 3 == 2 else 20000 if a >> 4 & 3 == 3 else -1
    app_set(f, OPT_MAXMSGSIZE, &octets, sizeof(octets))
    if a & 0x40:
        app_int(f, OPT_IMMEDIATE, 1)
    if a & 0x80:
        app_int(f, OPT_CONFLATE, 1)
    if d & 0x80:
        app_int(f, OPT_HEARTBEAT_IVL, 200)
        app_int(f, OPT_HEARTBEAT_TTL, 1000)
    if b & 1:
        app_int(f, OPT_ROUTER_MANDATORY, 1)
        app_int(f, OPT_REQ_CORRELATE, 1)
        app_int(f, OPT_XPUB_VERBOSE, 1)
        app_int(f, OPT_XSUB_VERBOSE_UNSUBSCRIBE, 1)
    if b & 2:
        app_int(f, OPT_ROUTER_HANDOVER, 1)
        app_int(f, OPT_REQ_RELAXED, 1)
        app_int(f, OPT_XPUB_VERBOSER, 1)
    if b & 4:
        app_int(f, OPT_ROUTER_NOTIFY, 3)
        app_int(f, OPT_XPUB_NODROP, 1)
    if b & 8:
        app_int(f, OPT_PROBE_ROUTER, 1)
        app_int(f, OPT_XPUB_MANUAL, 1)
        app_int(f, OPT_STREAM_NOTIFY, 0)
    if b & 16:
        app_int(f, OPT_XPUB_MANUAL_LAST_VALUE, 1)
        app_set(f, OPT_CONNECT_ROUTING_ID, b"A", 1)
    if b & 32:
        app_set(f, OPT_HELLO_MSG, b"hello", 5)
        app_set(f, OPT_DISCONNECT_MSG, b"bye", 3)
        app_set(f, OPT_HICCUP_MSG, b"hic", 3)
        app_set(f, OPT_XPUB_WELCOME_MSG, b"welcome", 7)
    if b & 64:
        app_int(f, OPT_ONLY_FIRST_SUBSCRIBE, 1)
    if b & 128:
        app_int(f, OPT_INVERT_MATCHING, 1)
    if c & 1:
        app_int(f, OPT_MAX_PEERS, 2)
    if c & 2:
        app_int(f, OPT_MAX_PENDING_HANDSHAKES, 1)
    if c & 4:
        app_int(f, OPT_MAX_MESSAGE_FRAMES, 3)
    if c & 8:
        octets = 100
        app_set(f, OPT_MAX_MESSAGE_BYTES, &octets, sizeof(octets))
    if c & 16:
        app_int(f, OPT_MAX_SUBSCRIPTIONS, 2)
    if c & 32:
        app_set(f, OPT_SUBSCRIBE, b"", 0)
    if c & 64:
        app_set(f, OPT_ROUTING_ID, b"me", 2)
