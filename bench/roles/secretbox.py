"""What PyNaCl's libsodium encrypts in one thread, called from C: the ceiling of the CURVE cases."""

import ctypes

from .base import expect, now, payload

PADDING = 32  # octets in front that crypto_secretbox wants to be zero


class Loop:
    drives = True

    def __init__(self, stack, params):
        from nacl import _sodium

        # Before this call the library takes the slowest of its implementations.
        expect(_sodium.lib.sodium_init() >= 0, True, "sodium_init")
        self.size = params["size"]
        self.box = int(_sodium.ffi.cast("uintptr_t", _sodium.ffi.addressof(_sodium.lib, "crypto_secretbox")))
        self.library = ctypes.CDLL(params["raw_library"])
        self.library.raw_box_many.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_long, ctypes.c_long]

    def open(self, endpoints):
        self.padded = bytes(PADDING) + payload(self.size)
        self.out = ctypes.create_string_buffer(len(self.padded))

    def live(self):
        pass

    def burst(self, n, check):
        start = now()
        expect(self.library.raw_box_many(self.box, self.out, self.padded, self.size, n), 0, "raw_box_many")
        end = now()
        expect(self.out.raw[:16], bytes(16), "beginning of a box")
        return {"t0": start, "t1": end}

    def close(self):
        pass
