"""Makes `import zmq` give zmqcore in a Python that is starting. Nothing of zmqcore is imported before a program asks for zmq.

`python -m zmqcore run` has this imported by sitecustomize.py beside it; `python -m zmqcore as-zmq enable` copies it to site-packages together
with a .pth file that imports it. The copy may be older than the zmqcore it finds: what changes belongs in zmqcore._alias. With ZMQCORE_AS_ZMQ=0
in the environment it does nothing.
"""

import os
import sys


class ZmqIsZmqcore:
    """Stands in sys.meta_path until zmq is imported for the first time; then zmqcore's own finder takes its place."""

    @classmethod
    def find_spec(cls, name, path=None, target=None):
        if name != "zmq":
            return None
        try:
            from zmqcore import _alias
        except ModuleNotFoundError as error:
            if error.name not in ("zmqcore", "zmqcore._core", "zmqcore._alias"):
                raise
            sys.meta_path.remove(cls)
            import warnings

            warnings.warn(
                f"`import zmq` was to give zmqcore (see `python -m zmqcore as-zmq`), but {sys.executable} cannot import it: {error}. "
                f"It gives pyzmq, if that is installed. ZMQCORE_AS_ZMQ=0 in the environment, or removing {__file__}, ends this warning.",
                RuntimeWarning,
                stacklevel=2,
            )
            return None
        _alias.install(replaced=cls)
        return _alias.Finder.find_spec(name)


if os.environ.get("ZMQCORE_AS_ZMQ") != "0" and "zmq" not in sys.modules:
    sys.meta_path.insert(0, ZmqIsZmqcore)
