# The security mechanisms: the face of mechanisms.h.

cdef extern from "base/mechanisms.h" nogil:
    enum:
        MECHANISM_NULL
        MECHANISM_PLAIN
        MECHANISM_CURVE
        MECHANISM_GSSAPI
        SECURITY_TEXT_MAX
        CURVE_KEY_SIZE
        CURVE_KEY_TEXT_SIZE
