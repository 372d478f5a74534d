"""Record what a release libzmq answers to every socket and context option.

Run by hand, with a Python that has a pyzmq wheel (the wheel carries its own libzmq):

    python tests/data/record_sockopts.py [path of a libzmq]     # writes sockopt_facts.json beside this file

The library is called through ctypes, without pyzmq's own checks in between. For every classic socket type and every
option number one fresh socket is made and the same list of probes is sent to it, in order; after each `set` the option is read back.
Answers that are equal for several socket types are stored once. Descriptor numbers (FD) are not facts and are left out.
"""

import ctypes
import ctypes.util
import glob
import json
import os
import struct
import sys

TYPES = ["PAIR", "PUB", "SUB", "REQ", "REP", "DEALER", "ROUTER", "PULL", "PUSH", "XPUB", "XSUB"]
OPTIONS = list(range(0, 130)) + [200, 9001, 0x7FFFFFFF, -1]
GET_SIZES = [0, 1, 3, 4, 5, 7, 8, 9, 16, 32, 33, 40, 41, 42, 255, 256, 300]
READ_BACK = 320  # larger than any stored text; int getters that want exactly 4 or 8 octets are asked again with those
FD = 14

# fmt: off
INTS = [-(2 ** 31), -100, -2, -1, 0, 1, 2, 3, 4, 7, 8, 50, 99, 100, 150, 255, 256, 1000, 65535, 65536, 6553599, 6553600, 2 ** 31 - 1]
# fmt: on
INT64S = [-(2**63), -2, -1, 0, 1, 2**31, 2**63 - 1]
# fmt: off
TEXTS = [
    b"", b"a", b"\0", b"\0a", b"ab", b"abc", b"lo", b"abcde", b"abcdefg", b"abcdefghi", b"x" * 15, b"x" * 16, b"x" * 17, b"x" * 32, b"x" * 40, b"x" * 41,
    b"x" * 64, b"x" * 254, b"x" * 255, b"x" * 256, b"x" * 257, b"y" * 300,
    b"127.0.0.1", b"127.0.0.1/8", b"127.0.0.1/0", b"127.0.0.1/32", b"127.0.0.1/33", b"127.0.0.1/", b"/8", b"127.0.0.1/a", b"127.0.0.1/-1",
    b"127.0.0.1/+8", b"127.0.0.1/8x", b"127.0.0.1/08", b"127.0.0.1/ 8", b"::1", b"::1/128", b"::1/129", b"::1/0", b"[::1]", b"[::1]/64", b"fe80::1%lo/64",
    b"localhost", b"localhost/8", b"*", b"*/8", b"lo/8", b"127.0.0.1:80", b"127.1", b"10", b"0x7f.1", b"256.1.1.1", b"1.2.3.4.5", b"1.2.3.4/5/6",
    b"not an address", b"127.0.0.1\0", b"127.0.0.1/8\0", b" 127.0.0.1", b"127.0.0.1 ", b"::ffff:1.2.3.4/96", b"x:y", b"host:1080",
    b"X-a:b", b"X-a:", b"X-:b", b"a:b", b"X-:bc", b"X-ab:", b"X-a:bc", b"X-a:b:c", b"Y-a:bc", b"x-a:bc", b"X-a\0:b\0", b"X-a", b":X-a:b",
    b"X-" + b"n" * 252 + b":v", b"X-" + b"n" * 253 + b":v", b"X-" + b"n" * 254 + b":v", b"X-v:" + b"v" * 2000,
]
# fmt: on


def probes():
    for value in INTS:
        yield struct.pack("=i", value)
    for value in INT64S:
        yield struct.pack("=q", value)
    for value in TEXTS:
        yield value
    yield None  # a NULL pointer with size 0


def load():
    if len(sys.argv) > 1:
        return ctypes.CDLL(sys.argv[1], use_errno=True)
    import zmq

    base = os.path.dirname(os.path.dirname(zmq.__file__))
    for path in glob.glob(os.path.join(base, "pyzmq.libs", "libzmq*")):
        return ctypes.CDLL(path, use_errno=True)
    return ctypes.CDLL(ctypes.util.find_library("zmq"), use_errno=True)


def main():
    lib = load()
    lib.zmq_ctx_new.restype = lib.zmq_socket.restype = ctypes.c_void_p
    lib.zmq_socket.argtypes = [ctypes.c_void_p, ctypes.c_int]
    lib.zmq_close.argtypes = [ctypes.c_void_p]
    lib.zmq_setsockopt.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_size_t]
    lib.zmq_getsockopt.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p, ctypes.POINTER(ctypes.c_size_t)]
    lib.zmq_ctx_set.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_int]
    lib.zmq_ctx_get.argtypes = [ctypes.c_void_p, ctypes.c_int]
    lib.zmq_ctx_term.argtypes = [ctypes.c_void_p]

    def get(call, handle, option, size):
        """[errno, size, value in hex]; the octets libzmq did not write show as ee."""
        buffer = ctypes.create_string_buffer(b"\xee" * 512, 512)
        length = ctypes.c_size_t(size)
        if call(handle, option, buffer, ctypes.byref(length)) != 0:
            return [ctypes.get_errno(), None, None]
        return [0, length.value, buffer.raw[: length.value].hex()]

    def read_back(call, handle, option):
        for size in (READ_BACK, 4, 8):
            answer = get(call, handle, option, size)
            if answer[0] == 0:
                # generic getters fill the whole buffer with zeros: the value is what is in front
                return answer[2] if size != READ_BACK or answer[1] != READ_BACK else answer[2][:8]
        return None

    versions = [ctypes.c_int() for _ in range(3)]
    lib.zmq_version(*[ctypes.byref(v) for v in versions])
    facts = {
        "libzmq": ".".join(str(v.value) for v in versions),
        "probes": [None if p is None else p.hex() for p in probes()],
        "get_sizes": GET_SIZES,
        "options": {},
        "context": {},
    }

    for option in OPTIONS:
        groups = []
        for type_number, name in enumerate(TYPES):
            context = lib.zmq_ctx_new()
            socket = lib.zmq_socket(context, type_number)
            answers = {"get": [], "set": []}
            for size in GET_SIZES:
                answer = get(lib.zmq_getsockopt, socket, option, size)
                answers["get"].append([answer[0], answer[1], None] if option == FD else answer)
            for value in probes():
                code = lib.zmq_setsockopt(socket, option, value, len(value or b""))
                number = ctypes.get_errno() if code != 0 else 0
                after = None if option == FD else read_back(lib.zmq_getsockopt, socket, option)
                answers["set"].append([number, after])
            lib.zmq_setsockopt(socket, 17, struct.pack("=i", 0), 4)
            lib.zmq_close(socket)
            lib.zmq_ctx_term(context)
            # consecutive repetitions of the read-back value are the rule: store only changes
            last = object()
            for entry in answers["set"]:
                last, entry[1:] = entry[1], ([] if entry[1] == last else [entry[1]])
            for group in groups:
                if group["get"] == answers["get"] and group["set"] == answers["set"]:
                    group["types"].append(name)
                    break
            else:
                groups.append({"types": [name], **answers})
        facts["options"][str(option)] = groups

    def get_context(context, option):
        ctypes.set_errno(0)
        value = lib.zmq_ctx_get(context, option)
        return [ctypes.get_errno() if value < 0 else 0, value]

    for option in range(-1, 100):
        context = lib.zmq_ctx_new()
        default = get_context(context, option)
        rows = []
        for value in INTS:
            code = lib.zmq_ctx_set(context, option, value)
            rows.append([value, ctypes.get_errno() if code != 0 else 0, get_context(context, option)])
        lib.zmq_ctx_term(context)
        facts["context"][str(option)] = {"default": default, "set": rows}

    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "sockopt_facts.json"), "w") as out:
        out.write(json.dumps(facts, separators=(",", ":")).replace('{"types"', '\n{"types"').replace('],"', '],\n"') + "\n")


if __name__ == "__main__":
    main()
