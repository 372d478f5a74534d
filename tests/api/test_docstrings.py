"""What help() says: every public name has a text for the caller, with the parts that a caller needs, and the examples run."""

import ast
import doctest
import importlib
import inspect
import re
import threading
from pathlib import Path

import pytest

pytestmark = pytest.mark.better

import zmqcore  # noqa: E402
from zmqcore import _core  # noqa: E402
from zmqcore import asyncio as zmq_asyncio  # noqa: E402

CLASSES = {
    "Context": zmqcore.Context,
    "Socket": zmqcore.Socket,
    "Frame": zmqcore.Frame,
    "MessageTracker": zmqcore.MessageTracker,
    "Poller": zmqcore.Poller,
    "Stopwatch": zmqcore.Stopwatch,
    **{name: getattr(zmqcore, name) for name in zmqcore.error.__all__},
    "asyncio.Context": zmq_asyncio.Context,
    "asyncio.Socket": zmq_asyncio.Socket,
    "asyncio.Poller": zmq_asyncio.Poller,
    "asyncio.ZMQEventLoop": zmq_asyncio.ZMQEventLoop,
}
FUNCTIONS = {
    name: getattr(zmqcore, name) for name in zmqcore.__all__ if inspect.isroutine(getattr(zmqcore, name))
} | {"asyncio.install": zmq_asyncio.install}


def own(cls, name):
    """Whether the package says what this is: not object, Exception or an event loop."""
    for base in cls.__mro__:
        if name in base.__dict__:
            return base.__module__.startswith("zmqcore")
    return False


METHODS = {
    f"{kind}.{name}": getattr(cls, name)
    for kind, cls in CLASSES.items()
    for name in dir(cls)
    if not name.startswith("_") and own(cls, name) and inspect.isroutine(getattr(cls, name))
}
PROPERTIES = {
    f"{kind}.{name}": getattr(cls, name)
    for kind, cls in CLASSES.items()
    for name in dir(cls)
    if not name.startswith("_") and own(cls, name) and inspect.isgetsetdescriptor(inspect.getattr_static(cls, name))
    and not re.match(r"Socket\.(type|context|copy_threshold)|asyncio|Frame\.(more|tracker)", f"{kind}.{name}")
}
MODULES = ["decorators", "devices", "keys", "log.handlers", "utils.interop", "utils.jsonapi", "utils.monitor", "utils.strtypes", "utils.z85"]
INHERITED = re.compile(r"(debug|info|warn|warning|error|exception|critical|fatal)$")  # of logging, with the topic first


def of_modules():
    """The functions and classes of the sub-modules, and the methods of those classes."""
    for module_name in MODULES:
        module = importlib.import_module(f"zmqcore.{module_name}")
        for name in getattr(module, "__all__", vars(module)):
            thing = getattr(module, name)
            if not getattr(thing, "__module__", "").startswith("zmqcore") or name.startswith("_"):
                continue
            yield f"{module_name}.{name}", thing
            for method in vars(thing) if inspect.isclass(thing) else ():
                if not method.startswith("_") and inspect.isroutine(getattr(thing, method)) and not INHERITED.match(method):
                    yield f"{module_name}.{name}.{method}", getattr(thing, method)


OF_MODULES = dict(of_modules())
CLASSES |= {name: thing for name, thing in OF_MODULES.items() if inspect.isclass(thing)}
ROUTINES = FUNCTIONS | METHODS | {name: thing for name, thing in OF_MODULES.items() if inspect.isroutine(thing)}

# Nothing can go wrong in these, or nothing that a caller would catch.
CANNOT_FAIL = re.compile(r".*\.(close|shutdown|term|destroy|setsockopt|closed)$")


def parts_of(text):
    """{"": the beginning, "Args": ..., "Returns": ...}."""
    parts = re.split(r"^(Args|Returns|Raises|Attributes|Source|Example):", text, flags=re.M)
    return {"": parts[0], **dict(zip(parts[1::2], parts[2::2]))}


def stub_returns():
    """Names of compiled functions and methods that return something, from the stubs."""
    tree = ast.parse((Path(_core.__file__).parent / "_core.pyi").read_text())
    returns = {}
    for node in ast.walk(tree):
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.FunctionDef) and child.returns is not None:
                nothing = isinstance(child.returns, ast.Constant) and child.returns.value is None
                returns[child.name] = returns.get(child.name, False) or not nothing
    return returns


RETURNS = stub_returns()


def returns_something(routine):
    if inspect.isfunction(routine) or inspect.ismethod(routine):
        return routine.__annotations__.get("return") not in ("None", None)
    return RETURNS[routine.__name__]


def check_first_line(text):
    first, *rest = text.split("\n")
    assert first.endswith("."), first
    assert not rest or rest[0] == "", "a blank line behind the first one"
    return first


def check_raises(part):
    """Each ZMQError tells its errno, or where that is told."""
    for entry in re.findall(r"^    (\S.*)$", part, flags=re.M):
        if re.match(r"(ZMQError|Again|ContextTerminated)\b", entry):
            assert re.match(r"(ZMQError|Again|ContextTerminated) \(E", entry) or ": as `" in entry, entry


@pytest.mark.parametrize("name", ROUTINES)
def test_a_function_tells_what_it_does_takes_returns_and_raises(name):
    routine = ROUTINES[name]
    text = inspect.getdoc(routine)
    if text is None:
        cls = CLASSES[name.rpartition(".")[0]]
        text = next(
            inspect.cleandoc(base.__dict__[routine.__name__].__doc__)
            for base in cls.__mro__
            if getattr(base.__dict__.get(routine.__name__), "__doc__", None)
        )
    first = check_first_line(text)
    assert not re.match(r"(?!Process\b|Pass\b|Address\b)[A-Z][a-z]*[^s\W]s\b", first), f"imperative, please: {first}"
    parts = parts_of(text)
    parameters = [p for p in inspect.signature(routine).parameters.values() if p.name not in ("self", "cls")]
    for parameter in parameters:
        stars = {parameter.VAR_POSITIONAL: r"\*", parameter.VAR_KEYWORD: r"\*\*"}.get(parameter.kind, "")
        pattern = rf"^    {stars}{parameter.name}(:| \(.+\):)"
        assert re.search(pattern, parts.get("Args", ""), flags=re.M), f"no type and meaning of {parameter.name}"
        if parameter.default not in (parameter.empty, inspect.Parameter.empty) and parameter.kind is not parameter.VAR_KEYWORD:
            entry = re.split(r"^    (?=\S)", parts["Args"], flags=re.M)
            (entry,) = [e for e in entry if re.match(rf"{parameter.name}\b", e)]
            assert re.search(r"Default|deprecated", entry), f"no default of {parameter.name}"
    if returns_something(routine) and ": always" not in parts.get("Raises", ""):
        assert "Returns" in parts
    if re.match(r"(asyncio\.)?(Socket|Context)\.", name) and not CANNOT_FAIL.match(name):
        assert "Raises" in parts
    check_raises(parts.get("Raises", ""))


@pytest.mark.parametrize("name", CLASSES)
def test_a_class_tells_what_it_is(name):
    check_first_line(inspect.getdoc(CLASSES[name]))


@pytest.mark.parametrize("name", PROPERTIES)
def test_a_property_tells_what_it_is(name):
    check_first_line(inspect.getdoc(PROPERTIES[name]))


@pytest.mark.parametrize("cls", [zmqcore.Context, zmqcore.Socket, zmq_asyncio.Socket, zmq_asyncio.Context])
def test_no_override_hides_a_better_text(cls):
    for name, member in vars(cls).items():
        hidden = [getattr(base.__dict__.get(name), "__doc__", None) for base in cls.__mro__[1:-1]]
        longest = max((text for text in hidden if text), key=len, default="")
        mine = getattr(member, "__doc__", None)
        if longest and mine and not name.startswith("_") and not mine.startswith("Deprecated"):
            assert len(mine) >= 0.7 * len(longest) or f"See `zmqcore.Socket.{name}()`" in mine, name


@pytest.mark.parametrize(
    "name",
    ["Context", "Socket", "Socket.send", "Socket.recv", "Socket.send_multipart", "Socket.recv_multipart", "Socket.bind",
     "Socket.connect", "Socket.poll", "Socket.subscribe", "Socket.send_many", "Socket.recv_many", "Poller", "proxy",
     "asyncio.Socket", "Frame", "Again", "ZMQError"],
)  # fmt: skip
def test_what_people_start_with_has_an_example(name):
    assert ">>> " in inspect.getdoc((CLASSES | ROUTINES)[name])


WITH_EXAMPLES = {name: thing for name, thing in (CLASSES | ROUTINES | {"zmqcore": zmqcore}).items() if ">>> " in (thing.__doc__ or "")}


@pytest.mark.parametrize("name", WITH_EXAMPLES)
def test_examples_run(name, context):
    if not zmqcore.has("curve") and re.search("SecretKey|curve_", WITH_EXAMPLES[name].__doc__):
        pytest.skip("no library for CURVE")
    push, pull = context.socket(zmqcore.PUSH), context.socket(zmqcore.PULL)
    for socket in (push, pull):
        socket.rcvtimeo = socket.sndtimeo = 5000
    pull.bind("inproc://example")
    push.connect("inproc://example")
    names = {"zmq": zmqcore, "context": context, "push": push, "pull": pull}
    test = doctest.DocTestParser().get_doctest(WITH_EXAMPLES[name].__doc__, names, name, None, 0)
    said = []
    before = set(threading.enumerate())
    doctest.DocTestRunner().run(test, out=said.append, clear_globs=False)
    assert not said, "".join(said)
    context.shutdown()
    for thread in set(threading.enumerate()) - before:
        thread.join(5)
