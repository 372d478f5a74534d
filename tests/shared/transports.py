"""The transports that every conformance test runs over. A new transport is one entry here; two if its AHEAD is another address."""

import importlib
import os
import socket
import sys
from importlib.util import find_spec


def unused_port():
    """A port where nothing listens. Not found by closing a ZeroMQ socket: its listener may live a moment longer."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


# transport: (folder, number) -> an endpoint to bind to that is not in use. An ipc path is at most 107 bytes long, so folders are short.
TRANSPORTS = {
    "tcp": lambda folder, number: "tcp://127.0.0.1:*",
    "ipc": lambda folder, number: f"ipc://{folder}/{number}",
    "inproc": lambda folder, number: f"inproc://test-{number}",
    "ws": lambda folder, number: "ws://127.0.0.1:*/test",
}

# A vsock reaches its own machine if the kernel has its module vsock_loopback, which nothing but trying would tell.
if os.environ.get("ZMQCORE_VSOCK"):
    TRANSPORTS["vsock"] = lambda folder, number: f"vsock://1:{(os.getpid() << 10) + number}"

# The same, but one that can be connected to before it is bound.
AHEAD = TRANSPORTS | {
    "tcp": lambda folder, number: f"tcp://127.0.0.1:{unused_port()}",
    "ws": lambda folder, number: f"ws://127.0.0.1:{unused_port()}/test",
}

# Builds of libzmq that pyzmq's wheels and distributions have know no WebSocket.
if os.environ.get("ZMQ_MODULE") == "zmq":
    for scheme in {"ws", "vsock"} & set(TRANSPORTS):
        del TRANSPORTS[scheme], AHEAD[scheme]

# A core of tests/guests has one more, made for this.
if TOY := os.environ.get("ZMQCORE_TOY_TRANSPORT"):
    TRANSPORTS[TOY] = lambda folder, number: f"{TOY}://*"
    AHEAD[TOY] = lambda folder, number: f"{TOY}://{unused_port()}"

# Windows has no sockets of the family AF_UNIX before its version 10, and neither has Wine.
LOCAL = sys.platform != "win32" or importlib.import_module(os.environ.get("ZMQ_MODULE", "zmqcore")).has("ipc")
if not LOCAL:
    del TRANSPORTS["ipc"], AHEAD["ipc"]

# Those with connections that can break, queues of the kernel, and peers in other processes.
NETWORKS = [transport for transport in TRANSPORTS if transport != "inproc"]

# Of these, those whose bytes a test can send and receive by a plain socket.
PLAIN = [transport for transport in NETWORKS if transport in ("tcp", "ipc")]

# Those that no socket can use without options: transport -> () -> the options. Of the tests over transports those run over them that take the
# fixtures `transport` and `make`.
OPTIONS = {}

# TLS takes a package that a free-threaded Python may not have, and that pyzmq has no use for.
if find_spec("cryptography") and os.environ.get("ZMQ_MODULE", "zmqcore") == "zmqcore" and not TOY:
    from certificates import trusting

    AHEAD["tls+tcp"] = lambda folder, number: f"tls+tcp://127.0.0.1:{unused_port()}"
    AHEAD["wss"] = lambda folder, number: f"wss://127.0.0.1:{unused_port()}/test"
    OPTIONS["tls+tcp"] = OPTIONS["wss"] = trusting

# LZ4 and Zstandard are found wherever there is a package or a library of the system; tests/run.sh installs the packages. On Windows these
# show nobody their functions.
if sys.platform != "win32" and os.environ.get("ZMQ_MODULE", "zmqcore") == "zmqcore" and not TOY:
    for scheme, package in (("lz4+tcp", "lz4"), ("zstd+tcp", "zstandard")):
        if find_spec(package):
            AHEAD[scheme] = lambda folder, number, scheme=scheme: f"{scheme}://127.0.0.1:{unused_port()}"
            OPTIONS[scheme] = dict

# Those of datagrams: transport -> what a receiver binds to. A sender connects to what that tells. Their tests are tests/behaviour/test_datagrams.py.
DATAGRAMS = {
    "udp": "udp://127.0.0.1:*",
    "udp-multicast": "udp://127.0.0.1;239.1.2.3:*",
}
try:
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as six:
        six.bind(("::1", 0))
    DATAGRAMS["udp-ipv6"] = "udp://[::1]:*"
except OSError:
    pass
