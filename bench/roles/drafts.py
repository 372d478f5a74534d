"""pyzmq, on the libzmq of zeromq.js instead of the one in its wheel: the same version of it, and it has ws."""

from . import pipeline
from .libzmq import libraries


def environment(params):
    """Its symbols come first then."""
    return {"LD_PRELOAD": " ".join(libraries(params["dir"]))}


class Push(pipeline.Push):
    def __init__(self, stack, params):
        super().__init__("zmq", params)


class Pull(pipeline.Pull):
    def __init__(self, stack, params):
        super().__init__("zmq", params)
