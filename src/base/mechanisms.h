/* The security mechanisms, as the option MECHANISM numbers them. */
#ifndef ZC_MECHANISMS_H
#define ZC_MECHANISMS_H

enum {
    MECHANISM_NULL = 0,
    MECHANISM_PLAIN = 1,
    MECHANISM_CURVE = 2,
    MECHANISM_GSSAPI = 3,
};

enum { /* sizes in octets */
    SECURITY_TEXT_MAX = 255, /* of a user name, a password, a domain: one length octet */
    CURVE_KEY_SIZE = 32,
    CURVE_KEY_TEXT_SIZE = 40, /* of the same as Z85 */
};
#endif
