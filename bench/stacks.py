"""The stacks that are compared, and how a program reaches each of them.

Rules
  - A stack is a module with pyzmq's API; the same role code runs on all of them, nothing is tuned per stack.
  - `raw` and `raw-block` are no ZeroMQ: bare descriptors driven from C, the ceiling of the machine for the cases that have one.
    `raw` polls the descriptor for a while before it sleeps, `raw-block` sleeps in recv() at once.
  - `secretbox` is no ZeroMQ either: the cipher below CURVE, from PyNaCl's libsodium, called from C in one thread and nothing else. What one
    thread of a CURVE stack sends cannot be more.
  - `before` is zmqcore from another checkout, built in place: a change is held against the commit before it, in one run.
  - Stacks are imported in child processes only: the process that measures stays free of their threads.
"""

import importlib
import importlib.metadata
import importlib.util
import os
import sys

# label: (module, asyncio module, distribution)
ZMQ_LIKE = {
    "zmqcore": ("zmqcore", "zmqcore.asyncio", "zmqcore"),
    "zmq": ("zmq", "zmq.asyncio", "pyzmq"),
    "pyomq": ("pyomq", "pyomq.asyncio", "pyomq"),
    "before": ("zmqcore", "zmqcore.asyncio", "zmqcore"),
}
RAW = ("raw", "raw-block")
SECRETBOX = "secretbox"
KNOWN = (*ZMQ_LIKE, *RAW, SECRETBOX)
DEFAULT = ("zmqcore", "zmq", "pyomq")
# Where `before` is: children inherit it.
BEFORE = "ZMQCORE_BENCH_BEFORE"


def find(label):
    """Makes the stack importable. Called in a child, before anything of the stack is imported."""
    if label == "before":
        sys.path.insert(0, os.environ[BEFORE])
    elif label == "zmqcore" and BEFORE in os.environ:
        # Found in the same way as the tree that it is held against: the way itself has made a difference.
        sys.path.insert(0, os.path.dirname(importlib.util.find_spec("zmqcore").submodule_search_locations[0]))


def load(label):
    return importlib.import_module(ZMQ_LIKE[label][0])


def load_asyncio(label):
    return importlib.import_module(ZMQ_LIKE[label][1])


def describe(label):
    """What exactly is measured: version, the library below it, and the file it came from."""
    if label in RAW:
        return {"version": "C", "file": "bench/roles/raw.c"}
    if label == SECRETBOX:
        return {"version": importlib.metadata.version("pynacl"), "file": "bench/roles/raw.c"}
    module = load(label)
    if label == "before":
        return {"version": os.environ[BEFORE], "file": module.__file__}
    try:
        version = importlib.metadata.version(ZMQ_LIKE[label][2])
    except importlib.metadata.PackageNotFoundError:  # run from a source tree that is built in place
        version = module.zmqcore_version() if hasattr(module, "zmqcore_version") else getattr(module, "__version__", "?")
    if label == "zmq":
        version += f" (libzmq {module.zmq_version()})"
    return {"version": version, "file": getattr(module, "__file__", "?")}
