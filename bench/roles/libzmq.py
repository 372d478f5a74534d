"""A libzmq with draft transports, driven from C, and the same one from JavaScript: who else speaks ws.

It is the one inside zeromq.js 6, for no distribution builds libzmq with ws: $ZMQCORE_PEERS, or ~/.cache/zmqcore-peers, as tests/interop/peers.sh fills
it. That is a module of node, which wants functions of node's when it is loaded; they are never called here, so they are made up.
"""

import ctypes
import os
import subprocess
from pathlib import Path

from .base import end_mark, expect, now, numbered, payload

PUSH, PULL, LINGER, LAST_ENDPOINT, RCVTIMEO = 8, 7, 17, 32, 27
USED = ("zmq_msg_init_size", "zmq_msg_data", "zmq_msg_send", "zmq_msg_init", "zmq_msg_recv", "zmq_msg_close")


def peers():
    return Path(os.environ.get("ZMQCORE_PEERS") or Path.home() / ".cache/zmqcore-peers")


def compiled(source, library):
    done = subprocess.run(["cc", "-O2", "-shared", "-fPIC", "-w", "-o", library, source], capture_output=True, text=True, timeout=60)
    if done.returncode:
        raise OSError(f"cc failed: {done.stderr.strip()[-200:]}")
    return library


def module_of_node():
    """There are several, for older and newer systems."""
    why = "no zeromq.js: sh tests/interop/peers.sh fetches it"
    for place in peers().glob("node_modules/zeromq/build/linux/x64/node/glibc*/addon.node"):
        try:
            ctypes.CDLL(str(place))
        except OSError as error:
            why = str(error)
        if "undefined symbol" in why:  # what node has, and nothing else
            return str(place)
    raise OSError(why)


def libraries(directory):
    """Two files: what zeromq.js wants of node, made up, and its libzmq."""
    module = module_of_node()
    wanted = subprocess.run(["nm", "-D", "--undefined-only", module], capture_output=True, text=True, check=True).stdout.split()
    source = Path(directory, f"node-{os.getpid()}.c")
    source.write_text("".join(f"void {name}(void) {{}}\n" for name in sorted(set(wanted)) if name.startswith(("napi_", "node_api_", "uv_"))))
    return compiled(str(source), str(source.with_suffix(".so"))), module


def load(directory):
    node, module = libraries(directory)
    ctypes.CDLL(node, ctypes.RTLD_GLOBAL)
    return ctypes.CDLL(module)


class End:
    """One socket of it."""

    drives = False

    def __init__(self, stack, params):
        self.params = params
        self.size = params["size"]
        self.body = payload(self.size)
        self.zmq = load(params["dir"])
        for name in ("zmq_ctx_new", "zmq_socket"):
            getattr(self.zmq, name).restype = ctypes.c_void_p
        self.loops = ctypes.CDLL(compiled(__file__.replace(".py", ".c"), f"{params['dir']}/loops-{os.getpid()}.so"))
        self.table = (ctypes.c_void_p * len(USED))(*(ctypes.cast(getattr(self.zmq, name), ctypes.c_void_p) for name in USED))
        self.context = ctypes.c_void_p(self.zmq.zmq_ctx_new())
        self.socket = ctypes.c_void_p(self.zmq.zmq_socket(self.context, self.kind))
        self.set(LINGER, 0)
        self.set(RCVTIMEO, 20_000)

    def set(self, option, value):
        number = ctypes.c_int(value)
        expect(self.zmq.zmq_setsockopt(self.socket, option, ctypes.byref(number), 4), 0, f"option {option}")

    def loop(self, name, body, n):
        function = getattr(self.loops, name)
        function.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_long]
        expect(function(self.table, self.socket, body, len(body), n), 0, name)

    def live(self):
        pass

    def close(self):
        self.zmq.zmq_close(self.socket)
        self.zmq.zmq_ctx_term(self.context)


class Push(End):
    kind = PUSH
    drives = True

    def open(self, endpoints):
        expect(self.zmq.zmq_connect(self.socket, endpoints["sink"].encode()), 0, "connect")

    def burst(self, n, check):
        if check:
            for i in range(n):
                self.loop("push", numbered(self.size, i), 1)
            return self.loop("push", end_mark(n), 1)
        start = now()
        self.loop("push", self.body, n)
        self.loop("push", end_mark(n), 1)
        return {"t0": start}


class Pull(End):
    kind = PULL

    def open(self, endpoints):
        expect(self.zmq.zmq_bind(self.socket, f"{self.params['transport']}://127.0.0.1:*".encode()), 0, "bind")
        text = ctypes.create_string_buffer(256)
        size = ctypes.c_size_t(len(text))
        expect(self.zmq.zmq_getsockopt(self.socket, LAST_ENDPOINT, text, ctypes.byref(size)), 0, "LAST_ENDPOINT")
        return {"sink": text.value.decode()}

    def burst(self, n, check):
        if check:
            for i in range(n):
                self.loop("pull", numbered(self.size, i), 1)
            return self.loop("pull", end_mark(n), 1)
        self.loop("pull", self.body, n)
        end = now()
        self.loop("pull", end_mark(n), 1)
        return {"t1": end}
