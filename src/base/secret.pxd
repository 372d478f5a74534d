# Secrets in memory: the face of secret.h.

cdef extern from "base/secret.h" nogil:
    void zc_wipe(void *p, size_t n)                                 # n may be 0, whatever p is then
    bint zc_same_secret(const void *a, const void *b, size_t n)
