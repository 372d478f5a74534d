"""Processes in restricted places: what can work there works, and what cannot says why. Forbidden system calls are in test_sandbox.py, a small table of
descriptors in test_descriptors.py."""

import os
import platform
import subprocess
import sys

import pytest
from traffic import TRAFFIC
from transports import NETWORKS

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="made by calls of Linux")

LOADED = """
import ctypes, errno, importlib, os, struct, sys, threading
ENDPOINT = sys.argv[2]
zmq = importlib.import_module(sys.argv[1])
libc = ctypes.CDLL(None, use_errno=True)
"""

# A system whose kernel has no IPv6: socket(AF_INET6) is EAFNOSUPPORT.
NO_IPV6 = """
code = [struct.pack("HBBI", 0x20, 0, 0, 0)]                                     # load the number of the system call
code.append(struct.pack("HBBI", 0x15, 0, 3, 41))                                # if it is not socket(): skip three
code.append(struct.pack("HBBI", 0x20, 0, 0, 16))                                # load its first argument
code.append(struct.pack("HBBI", 0x15, 0, 1, 10))                                # if it is another family: skip one
code.append(struct.pack("HBBI", 0x06, 0, 0, 0x50000 | errno.EAFNOSUPPORT))
code.append(struct.pack("HBBI", 0x06, 0, 0, 0x7fff0000))                        # allow
data = ctypes.create_string_buffer(b"".join(code))
class Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("code", ctypes.c_void_p)]
unused = [ctypes.c_ulong(0)] * 3
if libc.prctl(38, ctypes.c_ulong(1), *unused) or libc.prctl(22, ctypes.c_ulong(2), ctypes.byref(Program(len(code), ctypes.addressof(data))), *unused[:2]):
    print("no seccomp here")
    sys.exit()

with zmq.Context() as context:
    pull, push = context.socket(zmq.PULL), context.socket(zmq.PUSH)
    pull.linger = push.linger = 0
    pull.rcvtimeo = 20000
    pull.ipv6 = push.ipv6 = True
    try:
        pull.bind("tcp://[::1]:*")
        print("bound")
    except zmq.ZMQError as error:
        assert error.errno == errno.EAFNOSUPPORT, error
    pull.bind("tcp://*:*")
    push.connect("tcp://localhost:" + pull.get_string(zmq.LAST_ENDPOINT).rpartition(":")[2])
    push.send(b"by IPv4")
    assert pull.recv() == b"by IPv4"
    pull.close()
    push.close()
"""

# No file can be made anywhere.
READ_ONLY = """
uid, gid = os.getuid(), os.getgid()
if libc.unshare(0x10020000):                                                    # a namespace of users, and one of mounts
    print("no namespaces here")
    sys.exit()
libc.mount(None, b"/", None, 0x44000, None)                                     # private, with all below
for line in open("/proc/self/mountinfo"):
    where = line.split()[4].encode().decode("unicode_escape").encode()
    if not where.startswith((b"/proc", b"/sys", b"/dev")):
        libc.mount(None, where, None, 0x1021 | 0xe & os.statvfs(where).f_flag, None)
folder = os.path.dirname(ENDPOINT.partition("://")[2])
if not os.statvfs(folder).f_flag & os.ST_RDONLY:
    print("it does not become read-only here")
    sys.exit()
with zmq.Context() as context:
    socket = context.socket(zmq.PULL)
    for endpoint in ENDPOINT, "ipc://*":
        try:
            socket.bind(endpoint)
            sys.exit(f"bound to {endpoint}")
        except zmq.ZMQError as error:
            assert error.errno == errno.EROFS, error
    socket.close()
ENDPOINT = f"ipc://@zmqcore-{os.getpid()}"                                      # a name that is no file
"""

# The folder for temporary files is not there.
NO_FOLDER = """
os.environ["TMPDIR"] = ENDPOINT.partition("://")[2]
if libc.unshare(0x10020000) or libc.mount(None, b"/", None, 0x44000, None) or libc.mount(b"none", b"/tmp", b"tmpfs", 1, None):
    print("no namespaces here")
    sys.exit()
with zmq.Context() as context:
    socket = context.socket(zmq.PULL)
    try:
        socket.bind("ipc://*")
        sys.exit("bound")
    except zmq.ZMQError as error:
        assert error.errno == errno.EROFS, error
    socket.close()
ENDPOINT = "tcp://127.0.0.1:*"
"""

STACK = 128 << 10  # what musl gives a thread


def done(zmq, endpoint, program, **how):
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join(filter(None, sys.path)), PYTHONDONTWRITEBYTECODE="1")
    ended = subprocess.run([sys.executable, "-c", LOADED + program, zmq.__name__, endpoint], env=environment, capture_output=True, text=True, timeout=50, **how)
    assert (ended.returncode, ended.stderr) == (0, "")
    if ended.stdout.strip() != "done":
        pytest.skip(ended.stdout)


@pytest.mark.better  # libzmq has no names to bind to then, and no words for it
@pytest.mark.skipif(platform.machine() != "x86_64", reason="the numbers of system calls are those of Linux on x86_64")
def test_no_ipv6(zmq, fresh):
    done(zmq, fresh("ipc"), NO_IPV6 + TRAFFIC)


@pytest.mark.better
def test_a_read_only_file_system(zmq, fresh):
    done(zmq, fresh("ipc"), READ_ONLY + TRAFFIC)


@pytest.mark.better
def test_no_folder_for_temporary_files(zmq, fresh):
    done(zmq, fresh("ipc"), NO_FOLDER + TRAFFIC)


@pytest.mark.skipif("LD_PRELOAD" in os.environ, reason="a sanitizer's own frames do not fit")
@pytest.mark.parametrize("transport", NETWORKS)
def test_small_stacks(zmq, fresh, transport):
    """Of Python's threads and, by the limit that a C library goes by, of those that the package starts."""
    import resource

    def limit():
        resource.setrlimit(resource.RLIMIT_STACK, (STACK, resource.getrlimit(resource.RLIMIT_STACK)[1]))

    done(zmq, fresh(transport), f"threading.stack_size({STACK})\n" + TRAFFIC, preexec_fn=limit)
