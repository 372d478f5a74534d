"""`cimport zmqcore`: types for Cython code, and what was compiled against pyzmq's own."""

import importlib.util
import struct
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.better  # pyzmq's are structs, and need its C headers

ROOT = Path(__file__).parents[2]

SOURCE = """
from zmqcore cimport Context, Frame, Socket

cdef class Holder:
    cdef Context context
    cdef Socket socket

    def __init__(self, Context context, Socket socket):
        self.context = context
        self.socket = socket

    def send(self, Frame frame):
        self.socket.send(frame)
        return self.socket.underlying
"""

SETUP = """
import sys
from Cython.Build import cythonize
from setuptools import Extension, setup

extension = Extension("holder", ["holder.pyx"], extra_compile_args=[] if sys.platform == "win32" else ["-O0"])
setup(name="holder", ext_modules=cythonize([extension], include_path=[sys.argv.pop()]), script_args=["build_ext", "--inplace"])
"""

PROGRAM = """
import sys

import zmqcore as zmq
from holder import Holder

with zmq.Context() as context, context.socket(zmq.PULL) as pull, context.socket(zmq.PUSH) as push:
    pull.bind("inproc://cython")
    push.connect("inproc://cython")
    holder = Holder(context, push)
    assert holder.send(zmq.Frame(b"typed")) == push.underlying
    assert pull.recv() == b"typed"
    with zmq.Socket.shadow(push.underlying) as shadow:
        assert shadow.type == zmq.PUSH
    try:
        Holder(context, "a socket")
    except TypeError as error:
        print(error)
"""


@pytest.mark.timeout(180)
def test_types_of_cython_code(tmp_path):
    if importlib.util.find_spec("Cython") is None:
        pytest.skip("no Cython")
    for name, text in (("holder.pyx", SOURCE), ("setup.py", SETUP), ("program.py", PROGRAM)):
        (tmp_path / name).write_text(text)
    for arguments in (["setup.py", str(ROOT)], ["program.py"]):
        done = subprocess.run([sys.executable, *arguments], cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
    assert "zmqcore._core.Socket" in done.stdout


def test_what_was_compiled_against_pyzmq_is_refused(submodule):
    """Its fields are at other places here. Cython compares sizes when it imports such a type, and refuses one that is smaller than the struct it knows:
    for pyzmq's MessageTracker two pointers behind what every object has (32 bytes, or 48 on a free-threaded Python)."""
    assert submodule("backend.cython._zmq").MessageTracker.__basicsize__ < object.__basicsize__ + struct.calcsize("2P")
