# What a socket's security options say, as a mechanism is told it.
#
# Rules:
# - All of it is borrowed for the time of mechanism_new(): a mechanism copies what it needs, and wipes the copy.
# - Which mechanism: the one that the security option set last belongs to. Options of others may be set, and mean nothing.

from libc.stddef cimport size_t


cdef struct security_t:
    int mechanism                       # MECHANISM_...
    bint as_server
    # ZAP_DOMAIN is set: NULL has to ask the ZAP handler, too
    bint domain
    # ZAP_ENFORCE_DOMAIN with a domain: without a ZAP handler nobody comes in
    bint handler_required
    # PLAIN, client
    const unsigned char *username
    size_t username_size
    const unsigned char *password
    size_t password_size
    # CURVE: CURVE_KEY_SIZE octets each; NULL: not set
    const unsigned char *public_key
    const unsigned char *secret_key
    const unsigned char *server_key
    # GSSAPI. The types number gss_name_types
    const unsigned char *principal
    size_t principal_size
    int principal_type
    const unsigned char *service        # client: the principal of the server
    size_t service_size
    int service_type
    bint plaintext
