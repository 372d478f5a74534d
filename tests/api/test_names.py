"""The names, numbers and signatures of pyzmq, as recorded in data/api_facts.json."""

import importlib.util
import inspect
import json
import os
import subprocess
import sys
from enum import Enum
from pathlib import Path

import platforms
import pytest
from transports import LOCAL

MODULE = os.environ.get("ZMQ_MODULE", "zmqcore")  # as in tests/conftest.py
FACTS = json.loads((Path(__file__).parents[1] / "data" / "api_facts.json").read_text())

# Its wheels for Windows have the numbers of the C library there.
if sys.platform == "win32":
    WINDOWS = {name: number for name, number in platforms.WINDOWS_ERRNO.items() if name in FACTS["enums"]["Errno"]}
    FACTS["constants"] |= WINDOWS
    FACTS["enums"]["Errno"] |= WINDOWS

# zmqcore's own members of pyzmq's enums.
OWN_OPTIONS = {
    "IO_STRATEGY": 9001, "MAX_PENDING_HANDSHAKES": 9002, "MAX_PEERS": 9003, "MAX_MESSAGE_FRAMES": 9004, "MAX_MESSAGE_BYTES": 9005,
    "MAX_SUBSCRIPTIONS": 9006, "TLS_CERT_PEM": 9021, "TLS_KEY_PEM": 9022, "TLS_TRUST_PEM": 9023, "TLS_HOSTNAME": 9024, "TLS_TRUST_SYSTEM": 9025,
    "TLS_VERIFY_CLIENT": 9026, "TLS_ALLOW_12": 9027, "IPC_FILE_MODE": 9041, "IPC_FILE_UID": 9042, "IPC_FILE_GID": 9043,
    "SUBSCRIBE_EXACT": 9044, "UNSUBSCRIBE_EXACT": 9045, "EXCLUDE": 9046, "INCLUDE": 9047, "XPUB_ANSWER": 9048,
    "SHARED_MEMORY": 9060, "SHARED_MEMORY_ANY_USER": 9061, "COMPRESSION_LEVEL": 9063, "COMPRESSION_DICT": 9064,
    "SNDHWM_BYTES": 9065, "RCVHWM_BYTES": 9066, "OVERFLOW": 9067,
}  # fmt: skip
OWN = (
    {"SocketOption": OWN_OPTIONS, "ContextOption": {"MAX_QUEUED_BYTES": 9072}, "Event": {"QUEUE_FULL": 1 << 27, "PACKETS_LOST": 1 << 30}}
    if MODULE == "zmqcore"
    else {}
)


def find(path):
    """The thing at a dotted path below the package: the longest module, then attributes."""
    names = path.split(".") if path else []
    for length in range(len(names), -1, -1):
        try:
            thing = importlib.import_module(".".join([MODULE, *names[:length]]))
        except ImportError:
            continue
        for name in names[length:]:
            thing = getattr(thing, name)
        return thing
    raise LookupError(path)


def present(kind):
    without = () if importlib.util.find_spec("tornado") else ("eventloop",)
    return sorted(path for path in FACTS[kind] if not path.startswith(without))


@pytest.mark.parametrize("path", present("all"))
def test_all_names_are_there(path):
    module = find(path)
    missing = set(FACTS["all"][path]) - set(module.__all__)
    assert not missing
    assert not [name for name in module.__all__ if not hasattr(module, name)]


def test_constants(zmq):
    wrong = {name: value for name, value in FACTS["constants"].items() if getattr(zmq, name, None) != value}
    assert not wrong


@pytest.mark.parametrize("name", sorted(FACTS["enums"]))
def test_enums(zmq, name):
    enum = getattr(zmq, name)
    assert issubclass(enum, int) and issubclass(enum, Enum)
    assert {key: int(member) for key, member in enum.__members__.items()} == FACTS["enums"][name] | OWN.get(name, {})


def test_every_enum_member_is_a_name_of_the_module(zmq):
    prefixes = {"Event": "EVENT_", "NormMode": "NORM_", "ReconnectStop": "RECONNECT_STOP_", "RouterNotify": "NOTIFY_"}
    for enum, members in FACTS["enums"].items():
        for member in members:
            prefix = "" if member.startswith("PROTOCOL_") else prefixes.get(enum, "")
            assert getattr(zmq, prefix + member) is getattr(zmq, enum)[member]


def test_option_types(zmq):
    texts = {"TLS_CERT_PEM", "TLS_KEY_PEM", "TLS_TRUST_PEM", "TLS_HOSTNAME", "SUBSCRIBE_EXACT", "UNSUBSCRIBE_EXACT", "EXCLUDE", "INCLUDE", "COMPRESSION_DICT"}
    own = {name: "int64" if name == "SHARED_MEMORY" or name.endswith("_BYTES") else "bytes" if name in texts else "int" for name in OWN.get("SocketOption", ())}
    assert {name: o._opt_type.value for name, o in zmq.SocketOption.__members__.items()} == FACTS["option_types"] | own


def parameters(thing):
    return {p.name: p for p in inspect.signature(thing).parameters.values() if p.name not in ("self", "cls")}


def plain(value):
    if isinstance(value, Enum):
        return int(value)
    return value if value is None or isinstance(value, bool | int | str) else repr(value)


def check_signature(thing, recorded):
    """Every call that the recorded signature allows must be allowed, with the same defaults. More may be."""
    ours = parameters(thing)
    kinds = {p.kind.name for p in ours.values()}
    position = 0
    order = [p.name for p in ours.values() if p.kind.name in ("POSITIONAL_ONLY", "POSITIONAL_OR_KEYWORD")]
    for name, kind, *default in recorded:
        if kind.startswith("VAR_"):
            # Either it takes anything too, or it has named what it takes.
            assert kind in kinds or ours, name
        elif kind == "POSITIONAL_ONLY":
            position += 1
            assert len(order) >= position or "VAR_POSITIONAL" in kinds, name
        elif name in ours:
            if kind == "POSITIONAL_OR_KEYWORD":
                assert order.index(name) == position, f"{name} is at another place"
                position += 1
                assert ours[name].kind.name == kind, name
            if default:
                assert plain(ours[name].default) == default[0], name
            else:
                assert ours[name].default is inspect.Parameter.empty, name
        else:
            assert "VAR_KEYWORD" in kinds and (kind == "KEYWORD_ONLY" or "VAR_POSITIONAL" in kinds), f"{name} is missing"
    known = {name for name, *_ in recorded}
    open_ended = any(kind.startswith("VAR_") for _, kind, *_ in recorded)
    for name, parameter in ours.items():
        if name not in known and parameter.kind.name in ("POSITIONAL_OR_KEYWORD", "KEYWORD_ONLY") and not open_ended:
            assert parameter.default is not inspect.Parameter.empty, f"{name} is asked for and was not before"


@pytest.mark.parametrize("path", present("functions"))
def test_function_signatures(path):
    function = find(path)
    assert callable(function)
    if FACTS["functions"][path] is not None:
        check_signature(function, FACTS["functions"][path])


MEMBERS = [
    (path, name)
    for path in present("classes")
    for name in FACTS["classes"][path]
    if path != "log.handlers.TopicLogger"
    and (path, name) != ("asyncio.Socket", "get")  # names its parameter in another way than Socket.get does
]


@pytest.mark.parametrize(("path", "name"), MEMBERS, ids=[".".join(pair) for pair in MEMBERS])
def test_class_members(path, name):
    cls = find(path)
    recorded = FACTS["classes"][path][name]
    thing = getattr(cls, name)
    if recorded != "attribute":
        assert callable(thing)
        if recorded is not None:
            check_signature(thing, recorded)


def test_sub_modules_are_reachable(zmq):
    for name in ("error", "constants", "utils", "sugar", "backend"):
        assert inspect.ismodule(getattr(zmq, name))


def test_versions(zmq):
    assert zmq.zmq_version_info() == (4, 3, 5)
    assert zmq.zmq_version() == "4.3.5"
    assert zmq.pyzmq_version() == "27.3.0"
    assert zmq.pyzmq_version_info() == (27, 3, 0)
    assert all(int(part) >= 0 for part in zmq.__version__.split("."))


def test_capabilities(zmq):
    assert zmq.has("ipc") is LOCAL
    assert zmq.has("no such thing") is False
    assert zmq.has("draft") is zmq.DRAFT_API
    with pytest.raises(TypeError):
        zmq.has(5)


@pytest.mark.parametrize(
    "path",
    [
        "sugar.socket.Socket", "sugar.context.Context", "sugar.poll.Poller", "sugar.frame.Frame", "sugar.stopwatch.Stopwatch",
        "sugar.tracker.MessageTracker", "sugar.version.VERSION_EXTRA", "sugar.attrsettr.AttributeSetter", "backend.select.public_api",
        "backend.cython.Socket", "backend.cython._zmq.Frame", "backend.cython.monitored_queue", "backend.public_api",
        "backend.select_backend", "sugar.context.ContextBase", "sugar.error.ZMQError", "sugar.frame.FrameBase", "sugar.poll.POLLIN",
        "sugar.socket.DEFAULT_PROTOCOL", "sugar.socket.SocketBase", "utils.garbage.gc", "utils.interop.cast_int_addr", "utils.jsonapi.jsonmod",
    ],
)  # fmt: skip
def test_what_is_there_after_the_import_alone(path):
    program = f"import {MODULE} as zmq; zmq.{path}; assert '{path.split('.')[1]}' in dir(zmq.{path.split('.')[0]})"
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


@pytest.mark.parametrize(
    ("module", "names"),
    [
        ("_future", ["_AsyncPoller", "_AsyncSocket", "EVENTS", "POLLIN", "POLLOUT"]),
        ("_typing", ["Any", "Literal", "TypedDict"]),
        ("asyncio", ["ProactorSelectorThreadWarning"]),
        ("backend.cython._zmq", ["Context", "Frame", "MessageTracker", "Socket", "monitored_queue"]),
        ("tests", ["BaseZMQTestCase", "GreenTest", "PollZMQTestCase", "have_gevent", "skip_green", "term_context"]),
        ("utils.garbage", ["GarbageCollector", "GarbageCollectorThread", "gc", "gcref"]),
    ],
)  # fmt: skip
def test_names_that_are_in_no_list(submodule, module, names):
    """Of modules that pyzmq does not document, and programs use."""
    found = submodule(module)
    assert not [name for name in names if not hasattr(found, name)]


def test_sockets_to_be_awaited_have_one_base(zmq, submodule):
    future = submodule("_future")
    assert issubclass(submodule("asyncio").Socket, future._AsyncSocket)
    assert issubclass(submodule("asyncio").Poller, future._AsyncPoller)
    assert not issubclass(zmq.Socket, future._AsyncSocket)


def test_base_of_what_has_options_as_attributes(zmq, submodule):
    class Recorder(submodule("sugar.attrsettr").AttributeSetter):
        seen = None

        def get(self, option):
            return f"get {option:d}"

        def set(self, option, value):
            type(self).seen = option, value

    recorder = Recorder()
    assert recorder.linger == recorder.LINGER == f"get {zmq.LINGER:d}"
    recorder.linger = 5
    assert Recorder.seen == (zmq.LINGER, 5)
    with pytest.raises(AttributeError):
        _ = recorder.no_such_option
    with pytest.raises(AttributeError):
        recorder.no_such_option = 1


def test_compiled_socket_has_a_monitor(zmq, submodule, context):
    socket = context.socket(zmq.PULL)
    submodule("backend").Socket.monitor(socket, "inproc://monitor", zmq.EVENT_LISTENING)
    events = context.socket(zmq.PAIR)
    events.connect("inproc://monitor")
    socket.bind("tcp://127.0.0.1:*")
    assert submodule("utils.monitor").recv_monitor_message(events)["event"] == zmq.EVENT_LISTENING


def test_a_name_that_is_not_there(zmq):
    for package in (zmq.sugar, zmq.backend, zmq.utils):
        with pytest.raises(AttributeError, match="no_such_name"):
            _ = package.no_such_name


@pytest.mark.better
def test_the_import_loads_no_aliases():
    program = "import zmqcore, sys; assert not [name for name in sys.modules if name.startswith('zmqcore.sugar.')]"
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


def test_version_that_programs_compare(zmq):
    assert zmq.__version__ == zmq.pyzmq_version() == "27.3.0"
    assert [int(part) for part in zmq.__version__.split(".")[:2]] >= [13, 1]


@pytest.mark.better
def test_own_version(zmq):
    project = (Path(__file__).parents[2] / "pyproject.toml").read_text()
    assert f'\nversion = "{zmq.zmqcore_version()}"\n' in project


def test_backends_are_selected(zmq, submodule):
    select = submodule("backend.select")
    chosen = select.select_backend(f"{MODULE}.backend.cython")
    assert set(chosen) >= set(select.public_api)
    with pytest.raises(ImportError):
        select.select_backend("json")
