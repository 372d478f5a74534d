/* Limits that the option table (C) and the core (Cython) share. */
#ifndef ZMQCORE_BASE_LIMITS_H
#define ZMQCORE_BASE_LIMITS_H

enum {
    ROUTING_ID_MAX = 255, /* bytes: what a ZMTP greeting or READY command can announce */
    GROUP_MAX = 255,      /* bytes: what one octet can announce in a datagram, and libzmq takes */
    SOCKS_TEXT_MAX = 255, /* bytes: a user or a password, whose length is one octet on the wire (RFC 1929) */
    DEVICE_NAME_MAX = 16, /* bytes: what libzmq takes; the kernel refuses 16 itself, when the device is bound */
};

#endif
