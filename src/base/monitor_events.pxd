# The events of a socket monitor, as ZeroMQ numbers them.

cdef enum:
    EVENT_CONNECTED = 0x1
    EVENT_CONNECT_DELAYED = 0x2
    EVENT_CONNECT_RETRIED = 0x4
    EVENT_LISTENING = 0x8
    EVENT_BIND_FAILED = 0x10
    EVENT_ACCEPTED = 0x20
    EVENT_ACCEPT_FAILED = 0x40
    EVENT_CLOSED = 0x80
    EVENT_CLOSE_FAILED = 0x100
    EVENT_DISCONNECTED = 0x200
    EVENT_MONITOR_STOPPED = 0x400
    EVENT_HANDSHAKE_FAILED_NO_DETAIL = 0x800
    EVENT_HANDSHAKE_SUCCEEDED = 0x1000
    EVENT_HANDSHAKE_FAILED_PROTOCOL = 0x2000
    EVENT_HANDSHAKE_FAILED_AUTH = 0x4000
    EVENT_PIPES_STATS = 0x10000
    # Another one: a message has found the queue of a peer full, and something was dropped or refused; the value is that of OVERFLOW.
    EVENT_QUEUE_FULL = 0x08000000
    # One of our own, beyond those that ALL stands for: packets of a multicast group are lost for good; the value is their
    # number.
    EVENT_PACKETS_LOST = 0x40000000
