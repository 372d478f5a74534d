"""Run by every Python that starts with this folder in PYTHONPATH: the child processes of `python -m zmqcore run`.

The folder leaves sys.path again, so that programs find what they would have found, and the sitecustomize that this one hides is run.
"""

import importlib
import importlib.machinery
import importlib.util
import os
import sys

importlib.import_module("_zmqcore_as_zmq")

_HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:] = [entry for entry in sys.path if os.path.abspath(entry) != _HERE]

_spec = importlib.machinery.PathFinder.find_spec("sitecustomize", sys.path)
if _spec is not None and _spec.loader is not None:
    sys.modules["sitecustomize"] = _module = importlib.util.module_from_spec(_spec)
    _spec.loader.exec_module(_module)
