# The library of CURVE's primitives: found in PyNaCl when the first option of CURVE is set, then handed to contexts by value.

from base.mechanisms cimport CURVE_KEY_SIZE, CURVE_KEY_TEXT_SIZE
from base.secret cimport zc_wipe
from libc.string cimport memcmp
from mechanism.crypto cimport CRYPTO_FUNCTIONS, crypto_functions, crypto_put, crypto_streams, crypto_t, crypto_there
from mechanism.long_mac cimport (
    LONG_MAC_FUNCTIONS, LONG_MAC_KEY, LONG_MAC_MIN, LONG_MAC_SIZE, long_mac_free, long_mac_functions, long_mac_make, long_mac_put, long_mac_t,
)
from option.key cimport key_from_text, key_to_text

cdef crypto_t _crypto
cdef long_mac_t _long_mac
cdef object _crypto_lock = threading.Lock()


cdef int crypto_find(crypto_t *c) except -1:
    """Raises ENOTSUP, with a text that says what to do."""
    cdef uintptr_t address
    cdef int i
    import zmqcore._sodium
    names = [crypto_functions[i].name.decode() for i in range(CRYPTO_FUNCTIONS)]
    try:
        found = zmqcore._sodium.addresses(names)
    except ImportError as reason:
        raise_errno(-ENOTSUP, f"CURVE needs PyNaCl: pip install pynacl ({reason})")
    for i in range(CRYPTO_FUNCTIONS):
        if found[i] == 0 and not crypto_functions[i].optional:
            raise_errno(-ENOTSUP, f"CURVE needs {names[i]}(), which this build of PyNaCl lacks: pip install --upgrade pynacl")
        address = found[i]
        crypto_put(c, i, address)
    return 0


cdef bint long_mac_agrees(const long_mac_t *l, const crypto_t *c):
    """Whether it gives what libsodium gives."""
    cdef unsigned char text[2051]           # no multiple of anything, and longer than what is done at one time
    cdef unsigned char one[LONG_MAC_SIZE]
    cdef unsigned char other[16]
    cdef void *state = NULL
    cdef size_t n
    cdef bint same = True
    c.randombytes(text, sizeof(text))
    for n in (<size_t> LONG_MAC_MIN, <size_t> sizeof(text) - LONG_MAC_KEY):
        c.onetimeauth_poly1305(one, text + LONG_MAC_KEY, n, text)
        same = same and long_mac_make(l, &state, other, text + LONG_MAC_KEY, n, text) and memcmp(one, other, LONG_MAC_SIZE) == 0
    long_mac_free(l, state)
    return same


cdef bint long_mac_find(long_mac_t *l, const crypto_t *c) except -1:
    """Whether there is one."""
    cdef uintptr_t address
    cdef int i
    if not crypto_streams(c):
        return False
    import zmqcore._libcrypto
    found = zmqcore._libcrypto.poly1305([long_mac_functions[i].name.decode() for i in range(1, LONG_MAC_FUNCTIONS)])
    for i, each in enumerate(found):
        address = each
        long_mac_put(l, i, address)
    return len(found) > 0 and long_mac_agrees(l, c)


cdef const crypto_t *crypto_load() except NULL:
    """The library, loaded with the first call."""
    global _crypto
    cdef crypto_t found
    with _crypto_lock:
        if not crypto_there(&_crypto):
            crypto_find(&found)
            found.long_mac = &_long_mac if long_mac_find(&_long_mac, &found) else NULL
            _crypto = found
    return &_crypto


cdef int context_needs_crypto(context_t *ctx) except -1:
    """Before an option of CURVE is set on a socket of that context."""
    cdef const crypto_t *c = crypto_load()
    with nogil:
        zc_mutex_lock(&ctx.mutex)
        if not crypto_there(&ctx.crypto):
            ctx.crypto = c[0]
        zc_mutex_unlock(&ctx.mutex)
    return 0


cdef bytes key_text(const unsigned char *key):
    cdef char text[CURVE_KEY_TEXT_SIZE + 1]
    key_to_text(key, text)
    made = text[:CURVE_KEY_TEXT_SIZE]
    zc_wipe(text, sizeof(text))
    return made


def curve_keypair() -> tuple[bytes, bytes]:
    """Make a key pair for CURVE.

    Returns:
        tuple[bytes, bytes]: public and secret key, 40 characters of Z85 each.

    Raises:
        ZMQError (ENOTSUP): PyNaCl is not installed.

    Source: zmq_curve_keypair in the ZeroMQ API; RFC 26 (CurveZMQ), RFC 32 (Z85).

    Example:
        >>> public, secret = zmq.curve_keypair()
        >>> len(public), zmq.curve_public(secret) == public
        (40, True)
    """
    cdef const crypto_t *c = crypto_load()
    cdef unsigned char public_key[CURVE_KEY_SIZE]
    cdef unsigned char secret_key[32]
    c.box_keypair(public_key, secret_key)
    try:
        return key_text(public_key), key_text(secret_key)
    finally:
        zc_wipe(secret_key, CURVE_KEY_SIZE)


def curve_public(secret_key: bytes | str) -> bytes:
    """Derive the public key from a secret key of CURVE.

    Args:
        secret_key (bytes | str): 40 characters of Z85.

    Returns:
        bytes: the public key, 40 characters of Z85.

    Raises:
        ValueError: not 40 characters.
        ZMQError (EINVAL): characters that are not Z85.
        ZMQError (ENOTSUP): PyNaCl is not installed.

    Source: zmq_curve_public in the ZeroMQ API; RFC 26 (CurveZMQ), RFC 32 (Z85).
    """
    cdef const crypto_t *c
    cdef unsigned char key[CURVE_KEY_SIZE]
    cdef unsigned char public_key[32]
    cdef bytes text = secret_key.encode() if isinstance(secret_key, str) else bytes(secret_key)
    cdef int rc
    if len(text) != CURVE_KEY_TEXT_SIZE:
        raise ValueError(f"secret key must be a {CURVE_KEY_TEXT_SIZE} byte z85 encoded string")
    c = crypto_load()
    rc = key_from_text(<const unsigned char *> <char *> text, key)
    if rc == 0:
        c.scalarmult_base(public_key, key)
    zc_wipe(key, sizeof(key))
    if rc < 0:
        raise_errno(rc, "the secret key is not Z85")
    return key_text(public_key)
