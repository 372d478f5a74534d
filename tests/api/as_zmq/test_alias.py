"""zmqcore.as_zmq(): two names for one set of modules."""

import pytest

pytestmark = pytest.mark.better

ALL_MODULES = """
import importlib, pkgutil, sys
import zmqcore
zmqcore.as_zmq()

names = ["zmqcore", *(m.name for m in pkgutil.walk_packages(zmqcore.__path__, "zmqcore.") if "_startup" not in m.name and not m.name.endswith("__main__"))]
checked = 0
for number, name in enumerate(names):
    order = [name, "zmq" + name.removeprefix("zmqcore")]
    try:
        one, other = map(importlib.import_module, order if number % 2 else order[::-1])
    except ModuleNotFoundError as error:
        # A module that joins zmqcore to gevent, tornado or trio, which this environment does not have.
        assert not error.name.startswith(("zmq", "zmqcore")), error
        continue
    checked += 1
    assert one is other, name
    assert one.__name__ == one.__spec__.name == name and sys.modules[order[1]] is one, name
    assert not getattr(one.__spec__, "_initializing", False), name
assert checked > 40
import zmq
assert zmq is zmqcore and zmq.asyncio is zmqcore.asyncio and importlib.reload(zmq.utils.z85) is zmqcore.utils.z85
"""


def test_every_module_is_the_same_under_both_names(environment):
    environment.output("-c", ALL_MODULES)


PICKLED = """
import pickle, sys, zmq
print(pickle.dumps([zmq.PULL, zmq.Again(), zmq.error.ZMQError(5), zmq.Event.ACCEPTED, zmq.Context, zmq.pyzmq_version]).hex())
"""

LOADED = """
import pickle, zmqcore
zmqcore.as_zmq()
loaded = pickle.loads(bytes.fromhex(input()))
import zmq
assert loaded[0] is zmqcore.PULL and type(loaded[1]) is zmqcore.Again and isinstance(loaded[2], zmq.ZMQError), loaded
assert loaded[3] is zmqcore.Event.ACCEPTED and loaded[4] is zmqcore.Context and loaded[5] is zmqcore.pyzmq_version, loaded
"""


def test_pickles_of_pyzmq_and_of_zmqcore_are_read(with_pyzmq, tmp_path):
    for first in ([], ["-m", "zmqcore", "run"]):
        pickled = with_pyzmq.output(*first, "-c", PICKLED)
        with_pyzmq.output("-c", LOADED.replace("input()", repr(pickled)))


def test_versions_are_those_of_the_api(environment):
    program = "import zmqcore; zmqcore.as_zmq(); import zmq; print(zmq.__version__, zmq.pyzmq_version(), zmq.zmq_version())"
    assert environment.output("-c", program) == "27.3.0 27.3.0 4.3.5"


def test_it_is_refused_in_words_once_pyzmq_is_there(with_pyzmq):
    done = with_pyzmq.start("-c", "import zmq.asyncio, zmqcore; zmqcore.as_zmq()")
    assert "ImportError: zmq has been imported from" in done.stderr and "before anything imports zmq" in done.stderr
    # Which leaves everything as it was.
    program = """
import zmq, zmqcore
try:
    zmqcore.as_zmq()
except ImportError as error:
    assert error.name == "zmq"
import zmq.asyncio
assert zmq.asyncio.Context.__module__ == "zmq.asyncio", zmq.asyncio
"""
    with_pyzmq.output("-c", program)


def test_a_second_call_changes_nothing(environment):
    environment.output("-c", "import sys, zmqcore; zmqcore.as_zmq(); path = sys.meta_path[:]; zmqcore.as_zmq(); assert sys.meta_path == path")


def test_what_zmqcore_lacks_is_absent(environment):
    # A module that only pyzmq could have: with pyzmq installed it must not be found there.
    program = """
import importlib.machinery, importlib.util, sys, zmqcore
zmqcore.as_zmq()
import zmq
assert importlib.util.find_spec("zmq.no_such_module") is None
for name in ("zmq.no_such_module", "zmq.utils.no_such_module"):
    try:
        __import__(name)
    except ModuleNotFoundError as error:
        assert error.name == name
    else:
        raise SystemExit("found")

class Editable:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name == "zmq.no_such_module":
            return importlib.machinery.ModuleSpec(name, None, origin="a-build-of-pyzmq")

sys.meta_path.insert(0, Editable)
zmqcore._alias.install()
sys.meta_path.remove(zmqcore._alias.Finder), sys.meta_path.insert(0, zmqcore._alias.Finder)
try:
    import zmq.no_such_module
except ModuleNotFoundError as error:
    assert "a-build-of-pyzmq" in str(error) and "not mixed" in str(error), error
else:
    raise SystemExit("mixed")
"""
    environment.output("-c", program)


def test_children_too_if_asked(environment):
    program = "import zmqcore, subprocess, sys; zmqcore.as_zmq(children={}); subprocess.run([sys.executable, '-c', {!r}], stderr=2 and None)"
    child = "import importlib.util as u, zmqcore, sys; import zmq; print(zmq is zmqcore)"
    assert environment.output("-c", program.format(True, child)) == "True"
    spec = "import importlib.util as u; s = u.find_spec('zmq'); print(s is not None and 'zmqcore' in s.origin)"
    assert environment.output("-c", program.format(False, spec)) == "False"


def test_modules_are_run_under_the_second_name(environment):
    program = "import zmqcore, runpy, inspect; zmqcore.as_zmq(); print(runpy.run_module('zmq.utils.z85')['decode'].__name__); import zmq.utils.z85 as z"
    assert environment.output("-c", program + "; assert 'Z85' in inspect.getsource(z)") == "decode"
