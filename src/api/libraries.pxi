# Libraries that some options and transports need. They are looked for when such an option is set or such an endpoint is made, and not before.

from compression.libraries cimport (
    LZ4_FUNCTIONS, ZSTD_FUNCTIONS, codec_function_put, codec_function_t, lz4_functions, lz4_t, lz4_there, zstd_functions, zstd_t, zstd_there,
)
from mechanism.gss cimport gss_found
from option.table cimport OPTION_CRYPTO, OPTION_GSS, option_find
from socket.endpoint cimport endpoint_needs
from transport.openssl cimport OPENSSL_FUNCTIONS, openssl_functions, openssl_put, openssl_t, openssl_there, openssl_trust
from transport.ops cimport TRANSPORT_NEEDS_LZ4, TRANSPORT_NEEDS_OPENSSL, TRANSPORT_NEEDS_ZSTD, transport_ops_t

cdef openssl_t _openssl
cdef lz4_t _lz4
cdef zstd_t _zstd
cdef object _library_lock = threading.Lock()


cdef int need_library_of(int option, context_t *ctx) except -1:
    """Raises ENOTSUP, with a text that says what is missing."""
    cdef const option_row_t *row = option_find(option)
    if row != NULL and row.flags & OPTION_GSS and not gss_found():
        raise_errno(-ENOTSUP, f"{row.name.decode()} needs the system's GSSAPI, such as MIT Kerberos (Debian: libgssapi-krb5-2)")
    if row != NULL and row.flags & OPTION_CRYPTO:
        context_needs_crypto(ctx)
    return 0


cdef int openssl_find(openssl_t *o) except -1:
    """Raises ENOTSUP, with a text that says what to do."""
    cdef uintptr_t address
    cdef int i
    import zmqcore._openssl
    names = [openssl_functions[i].name.decode() for i in range(OPENSSL_FUNCTIONS)]
    try:
        found = zmqcore._openssl.addresses(names)
    except ImportError as reason:
        raise_errno(-ENOTSUP, f"TLS needs OpenSSL, which the package cryptography brings: pip install zmqcore[tls] ({reason})")
    for i in range(OPENSSL_FUNCTIONS):
        if found[i] == 0:
            raise_errno(-ENOTSUP, f"TLS needs {names[i]}(), which this build of cryptography lacks: pip install --upgrade cryptography")
        address = found[i]
        openssl_put(o, i, address)
    file, directory = zmqcore._openssl.trusted()
    openssl_trust(o.trust_file, os.fsencode(file))
    openssl_trust(o.trust_directory, os.fsencode(directory))
    return 0


cdef int context_needs_openssl(context_t *ctx) except -1:
    """Before an endpoint of TLS is made in that context."""
    global _openssl
    cdef openssl_t found
    with _library_lock:
        if not openssl_there(&_openssl):
            openssl_find(&found)
            _openssl = found
    with nogil:
        zc_mutex_lock(&ctx.mutex)
        if not openssl_there(&ctx.openssl):
            ctx.openssl = _openssl
        zc_mutex_unlock(&ctx.mutex)
    return 0


cdef int codec_find(void *library, str name, const codec_function_t *rows, int count) except -1:
    """Raises ENOTSUP, with a text that says what to do."""
    cdef uintptr_t address
    cdef int i
    import zmqcore._codecs
    names = [rows[i].name.decode() for i in range(count)]
    optional = [names[i] for i in range(count) if rows[i].optional]
    try:
        found = zmqcore._codecs.addresses(name, names, optional)
    except ImportError as reason:
        raise_errno(-ENOTSUP, f"{name}+tcp needs lib{name}, which a package brings: pip install zmqcore[{name}] ({reason})")
    for i in range(count):
        address = found[i]
        codec_function_put(library, &rows[i], address)
    return 0


cdef int context_needs_lz4(context_t *ctx) except -1:
    """Before an endpoint of lz4+tcp is made in that context."""
    global _lz4
    cdef lz4_t found
    with _library_lock:
        if not lz4_there(&_lz4):
            codec_find(&found, "lz4", lz4_functions, LZ4_FUNCTIONS)
            _lz4 = found
    with nogil:
        zc_mutex_lock(&ctx.mutex)
        if not lz4_there(&ctx.lz4):
            ctx.lz4 = _lz4
        zc_mutex_unlock(&ctx.mutex)
    return 0


cdef int context_needs_zstd(context_t *ctx) except -1:
    """Before an endpoint of zstd+tcp is made in that context."""
    global _zstd
    cdef zstd_t found
    with _library_lock:
        if not zstd_there(&_zstd):
            codec_find(&found, "zstd", zstd_functions, ZSTD_FUNCTIONS)
            _zstd = found
    with nogil:
        zc_mutex_lock(&ctx.mutex)
        if not zstd_there(&ctx.zstd):
            ctx.zstd = _zstd
        zc_mutex_unlock(&ctx.mutex)
    return 0


cdef int need_library_at(bytes endpoint, context_t *ctx) except -1:
    """For bind() and connect(). Raises ENOTSUP, with a text that says what is missing."""
    cdef int needs = endpoint_needs(ctx, endpoint, len(endpoint))
    if needs & TRANSPORT_NEEDS_OPENSSL:
        context_needs_openssl(ctx)
    if needs & TRANSPORT_NEEDS_LZ4:
        context_needs_lz4(ctx)
    if needs & TRANSPORT_NEEDS_ZSTD:
        context_needs_zstd(ctx)
    return 0


cdef bint transport_there(const transport_ops_t *transport):
    """Whether this system has it, and what it needs could be loaded, without loading it."""
    if transport.there != NULL and not transport.there():
        return False
    if transport.needs & TRANSPORT_NEEDS_OPENSSL:
        import zmqcore._openssl
        return zmqcore._openssl.installed()
    if transport.needs & (TRANSPORT_NEEDS_LZ4 | TRANSPORT_NEEDS_ZSTD):
        import zmqcore._codecs
        return zmqcore._codecs.installed("lz4" if transport.needs & TRANSPORT_NEEDS_LZ4 else "zstd")
    return True
