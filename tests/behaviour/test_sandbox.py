"""Processes whose sandbox forbids system calls that have a plainer equivalent: everything works nevertheless."""

import os
import platform
import subprocess
import sys

import pytest
from platforms import errno
from traffic import TRAFFIC
from transports import NETWORKS

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux") or platform.machine() != "x86_64",
    reason="the numbers of system calls are those of Linux on x86_64",
)

NUMBERS = {
    "readv": 19,
    "sendmsg": 46,
    "epoll_create1": 291,
    "epoll_pwait2": 441,
    "ppoll": 271,
    "eventfd2": 290,
    "timerfd_create": 283,
    "timerfd_settime": 286,
    "accept4": 288,
    "getrandom": 318,
}

SANDBOX = """
import ctypes, errno, importlib, struct, sys, threading
NUMBERS, ANSWER, ENDPOINT = [int(n) for n in sys.argv[2].split(",")], int(sys.argv[3]), sys.argv[4]

class Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("code", ctypes.c_void_p)]

def forbid(numbers, answer):
    code = [struct.pack("HBBI", 0x20, 0, 0, 0)]                                 # load the number of the system call
    for number in numbers:
        code.append(struct.pack("HBBI", 0x15, 0, 1, number))                    # if it is another: skip one
        code.append(struct.pack("HBBI", 0x06, 0, 0, 0x50000 | answer))          # return an error
    code.append(struct.pack("HBBI", 0x06, 0, 0, 0x7fff0000))                    # allow
    data = ctypes.create_string_buffer(b"".join(code))
    program = Program(len(code), ctypes.addressof(data))
    libc = ctypes.CDLL(None)
    unused = [ctypes.c_ulong(0)] * 3
    failed = libc.prctl(38, ctypes.c_ulong(1), *unused)                         # no new privileges
    if failed or libc.prctl(22, ctypes.c_ulong(2), ctypes.byref(program), *unused[:2]):
        print("no seccomp here")
        sys.exit()

forbid(NUMBERS, ANSWER)
zmq = importlib.import_module(sys.argv[1])
"""


def run(zmq, names, answer, endpoint, program=TRAFFIC):
    numbers = ",".join(str(NUMBERS[name]) for name in names)
    command = [sys.executable, "-c", SANDBOX + program, zmq.__name__, numbers, str(answer), endpoint]
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join(filter(None, sys.path)))
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=200)
    assert (done.returncode, done.stderr) == (0, "")
    if done.stdout.strip() != "done":
        pytest.skip(done.stdout)


@pytest.mark.better  # libzmq's unbind() may not have let the port go when it returns
@pytest.mark.parametrize("transport", NETWORKS)
@pytest.mark.parametrize("answer", [errno.EPERM, errno.ENOSYS, errno.EACCES], ids=errno.errorcode.get)
@pytest.mark.parametrize("name", ["sendmsg", "readv"])
def test_vectors_are_forbidden(zmq, fresh, name, answer, transport):
    run(zmq, [name], answer, fresh(transport))


@pytest.mark.better  # libzmq ends the process where eventfd or accept4 is forbidden
@pytest.mark.parametrize("answer", [errno.EPERM, errno.ENOSYS], ids=errno.errorcode.get)
@pytest.mark.parametrize("name", [name for name in NUMBERS if name not in ("sendmsg", "readv")])
def test_one_newer_call_is_forbidden(zmq, fresh, name, answer):
    run(zmq, [name], answer, fresh("ipc"))


@pytest.mark.better
@pytest.mark.parametrize("transport", NETWORKS)
@pytest.mark.parametrize("answer", [errno.EPERM, errno.ENOSYS], ids=errno.errorcode.get)
def test_all_of_them_are_forbidden(zmq, fresh, answer, transport):
    run(zmq, list(NUMBERS), answer, fresh(transport))
