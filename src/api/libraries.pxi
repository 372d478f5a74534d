# Libraries that some options need. They are looked for when such an option is set, and not before.

from mechanism.gss cimport gss_found
from option.table cimport OPTION_CRYPTO, OPTION_GSS, option_find


cdef int need_library_of(int option, context_t *ctx) except -1:
    """Raises ENOTSUP, with a text that says what is missing."""
    cdef const option_row_t *row = option_find(option)
    if row != NULL and row.flags & OPTION_GSS and not gss_found():
        raise_errno(-ENOTSUP, f"{row.name.decode()} needs the system's GSSAPI, such as MIT Kerberos (Debian: libgssapi-krb5-2)")
    if row != NULL and row.flags & OPTION_CRYPTO:
        context_needs_crypto(ctx)
    return 0
