"""send_object() and recv_object(): what is received is of the declared type or an error, whoever waits for it."""

import dataclasses
import math
import subprocess
import sys
from typing import Annotated, Any, Literal, Optional, Union

import pytest

pytestmark = pytest.mark.better

try:
    import msgspec
except ImportError:
    msgspec = None

needs_msgspec = pytest.mark.skipif(msgspec is None, reason="msgspec is not installed")
JSON_CODECS = ["json", pytest.param("msgspec", marks=needs_msgspec)]
CODECS = [*JSON_CODECS, pytest.param("msgpack", marks=needs_msgspec)]


@dataclasses.dataclass
class Item:
    name: str
    price: float = 0.0


@dataclasses.dataclass
class Order:
    id: int
    items: list[Item] = dataclasses.field(default_factory=list)
    note: str | None = None
    shape: tuple[int, int] = (0, 0)


@dataclasses.dataclass
class Tree:
    value: int
    branches: "list[Tree]" = dataclasses.field(default_factory=list)
    parent: "Tree | None" = None


@dataclasses.dataclass
class Positive:
    number: int

    def __post_init__(self):
        if self.number <= 0:
            raise ValueError("number must be positive")


@pytest.fixture
def two(pair):
    return pair("PAIR", "PAIR", "inproc")


# What is sent, the declared type, what is received.
GOOD = [
    (None, None, None),
    (True, bool, True),
    (7, int, 7),
    (2**62, int, 2**62),
    (7, float, 7.0),
    (1.5, float, 1.5),
    ("hé\n\0", str, "hé\n\0"),
    ([1, 2], list, [1, 2]),
    ([1, 2], list[int], [1, 2]),
    ((1, 2), list[int], [1, 2]),
    ([1, 2], tuple[int, ...], (1, 2)),
    ([], tuple[int, ...], ()),
    ([1, "a"], tuple[int, str], (1, "a")),
    ([1, "a"], tuple, (1, "a")),
    ({"a": [1]}, dict[str, list[int]], {"a": [1]}),
    ({1: "x", -2: "y"}, dict[int, str], {1: "x", -2: "y"}),
    ({"a": 1}, dict, {"a": 1}),
    ({"a": [None, True, 1.5]}, Any, {"a": [None, True, 1.5]}),
    (None, int | None, None),
    (3, Optional[int], 3),  # noqa: UP045  as people write it
    ("a", Union[int, str], "a"),  # noqa: UP007
    (3, float | int, 3),
    (2.5, float | int, 2.5),
    ("b", Literal["a", "b"], "b"),
    (2, Literal[1, 2], 2),
    (5, Annotated[int, ["a note"]], 5),
    (Item("x", 1), Item, Item("x", 1.0)),
    ({"name": "x"}, Item, Item("x", 0.0)),
    ({"name": "x", "new": 1}, Item, Item("x", 0.0)),
    (Order(1, [Item("x"), Item("y", 2.0)], "n", (3, 4)), Order, Order(1, [Item("x"), Item("y", 2.0)], "n", (3, 4))),
    ({"a": Item("x")}, dict[str, Item], {"a": Item("x")}),
    ([Item("x"), 3], list[Item | int], [Item("x"), 3]),
    (Tree(1, [Tree(2), Tree(3, [Tree(4)])]), Tree, Tree(1, [Tree(2), Tree(3, [Tree(4)])])),
    (Positive(1), Positive, Positive(1)),
]  # fmt: skip


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize(("sent", "declared", "expected"), GOOD)
def test_objects_arrive_as_declared(two, codec, sent, declared, expected):
    one, other = two
    one.send_object(sent, codec=codec)
    if (codec, declared) == ("msgpack", dict[int, str]):  # has numbers as keys
        expected = sent
    received = other.recv_object(declared, codec=codec)
    assert (received, type(received)) == (expected, type(expected))


# What is sent as JSON, the declared type, where and what the error tells.
BAD = [
    (1, str, "$", "expected str, got int"),
    (True, int, "$", "expected int, got bool"),
    (True, float, "$", "expected float, got bool"),
    (1.0, int, "$", "expected int, got float"),
    (10**400, float, "$", None),
    (None, int, "$", None),
    ("1", int, "$", "expected int, got str"),
    ({"a": 1}, list, "$", None),
    ([1], dict, "$", None),
    ([1, 2, "3"], list[int], "$[2]", "expected int, got str"),
    ([1, 2, 3], tuple[int, int], "$", None),
    ({"a": {"b": [1, None]}}, dict[str, dict[str, list[int]]], None, None),
    ({"x": 1}, dict[int, int], None, None),
    ({"1_0": 1}, dict[int, int], None, None),
    ({" 1": 1}, dict[int, int], None, None),
    ("c", Literal["a", "b"], "$", None),
    (True, Literal[1], "$", None),
    ([1], Literal["a"], "$", None),
    (1.5, int | str | None, "$", None),
    ({}, Item, "$", None),
    ({"name": 5}, Item, "$.name", "expected str, got int"),
    ({"id": 1, "items": [{"name": "x"}, {"name": "y", "price": "2"}]}, Order, "$.items[1].price", "expected float, got str"),
    ({"value": 1, "branches": [{"value": 2, "branches": [{}]}]}, Tree, "$.branches[0].branches[0]", None),
    ({"number": -1}, Positive, "$", None),
    ([1, {"name": 2}], list[int | Item], "$[1].name", "expected str, got int"),
]


@pytest.mark.parametrize("codec", JSON_CODECS)
@pytest.mark.parametrize(("sent", "declared", "path", "reason"), BAD)
def test_what_is_not_as_declared_is_an_error_that_tells_where(zmq, two, codec, sent, declared, path, reason):
    one, other = two
    one.send_json(sent)
    one.send_object([1])
    with pytest.raises(zmq.ObjectError) as error:
        other.recv_object(declared, codec=codec)
    assert isinstance(error.value, TypeError) and isinstance(error.value, zmq.ZMQBaseError)
    if path is not None:
        assert error.value.path == path
    if reason is not None and codec == "json":
        assert error.value.reason == reason
    assert str(error.value).startswith(f"{error.value.path}: {error.value.reason}; the message is dropped")
    assert other.recv_object(list[int]) == [1]


@pytest.mark.parametrize("codec", JSON_CODECS)
@pytest.mark.parametrize(
    "data",
    [b"", b"{", b"nul", b"[1,]", b"\xff", b'"\xff"', b"NaN", b"[Infinity]", b"1e999", b"[" * 100_000, b"1 2", b"\xfe\xff\0[\0]",
     b'{"a":' * 50_000, b"\xef\xbb\xbf[]"],
    ids=lambda data: repr(data[:20]),
)  # fmt: skip
def test_what_is_not_json_is_an_error(zmq, two, codec, data):
    one, other = two
    one.send(data)
    with pytest.raises(zmq.ObjectError):
        other.recv_object(Any, codec=codec)


def wide_keys():
    """They all have the same hash: a dict of these would keep a receiver busy for minutes."""
    return dict.fromkeys([str(number * (2**61 - 1)) for number in range(100_000)], 1)


def test_ints_as_keys_have_64_bits(zmq, two):
    sender, receiver = two
    most = {-(2**63): 1, 2**64 - 1: 2}
    sender.send_object(most)
    assert receiver.recv_object(dict[int, int]) == most
    for sent in ({-(2**63) - 1: 1}, {2**64: 1}, {10**30: 1}, wide_keys()):
        sender.send_object(sent)
        with pytest.raises(zmq.ObjectError):
            receiver.recv_object(dict[int, int])


@needs_msgspec
def test_msgspec_bounds_keys_when_told_to(zmq, two):
    sender, receiver = two
    sender.send_object(wide_keys())
    with pytest.raises(zmq.ObjectError):
        receiver.recv_object(dict[Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)], int], codec="msgspec")


def test_the_sender_of_wrong_data_does_not_write_our_log(zmq, two):
    one, other = two
    one.send_json({"a\nFAKE LINE " + "x" * 1000: 1})
    with pytest.raises(zmq.ObjectError) as error:
        other.recv_object(dict[str, str])
    assert "\n" not in str(error.value) and len(str(error.value)) < 250
    one.send_json({"a": "secret value"})
    with pytest.raises(zmq.ObjectError) as error:
        other.recv_object(dict[str, int])
    assert "secret" not in str(error.value)


@pytest.mark.parametrize(
    "declared",
    [set, bytes, complex, list[set], dict[bytes, int], dict[float, int], Literal[1.5], Item | dict, list[int] | tuple[int, str], [int], 5,
     "Item", dict[str, Item | Order]],
    ids=str,
)  # fmt: skip
def test_a_type_that_cannot_be_declared_is_found_before_anything_is_received(two, declared):
    one, other = two
    one.send_object({"name": "x"})
    with pytest.raises(TypeError) as error:
        other.recv_object(declared)
    assert not isinstance(error.value, RecursionError)
    assert other.recv_object(Item) == Item("x")


def test_what_json_cannot_send(two):
    one, _ = two
    for wrong in ({1, 2}, b"x", object(), Item, [{"a": {1}}], 1j):
        with pytest.raises(TypeError):
            one.send_object(wrong)
    for wrong in (math.nan, [math.inf], "\ud800"):
        with pytest.raises(ValueError):
            one.send_object(wrong)
    loop: list = []
    loop.append(loop)
    with pytest.raises(ValueError):
        one.send_object(loop)


def test_a_sender_can_check_what_receivers_declare(two):
    one, other = two
    with pytest.raises(TypeError, match=r"^\$\.name: expected str, got int; nothing has been sent$"):
        one.send_object(Item(5), type=Item)  # type: ignore[arg-type]
    one.send_object(Item("x"), type=Item)
    assert other.recv_object(Item) == Item("x")


def test_no_such_codec(two):
    one, other = two
    for call in (lambda: one.send_object(1, codec="pickle"), lambda: other.recv_object(int, codec="pickle")):
        with pytest.raises(ValueError, match="json, msgspec and msgpack"):
            call()


def test_json_codecs_understand_each_other(two):
    pytest.importorskip("msgspec")
    one, other = two
    for sent, declared, expected in GOOD:
        for sending, receiving in (("json", "msgspec"), ("msgspec", "json")):
            one.send_object(sent, codec=sending)
            assert other.recv_object(declared, codec=receiving) == expected


@needs_msgspec
@pytest.mark.parametrize("codec", ["msgspec", "msgpack"])
def test_msgspec_has_more_types(zmq, two, codec):
    import datetime
    import uuid

    class Event(msgspec.Struct, tag=True):
        id: uuid.UUID
        at: datetime.datetime
        data: bytes

    class Stop(msgspec.Struct, tag=True):
        pass

    one, other = two
    event = Event(uuid.uuid4(), datetime.datetime.now(datetime.timezone.utc), b"\0\1")
    for sent in (event, Stop()):
        one.send_object(sent, codec=codec)
        assert other.recv_object(Event | Stop, codec=codec) == sent
    one.send_object({"type": "Event", "id": "x"}, codec=codec)
    with pytest.raises(zmq.ObjectError) as error:
        other.recv_object(Event | Stop, codec=codec)
    assert error.value.path == "$.id"


def test_msgspec_is_loaded_when_it_is_asked_for_and_missing_with_advice():
    program = """if True:
        import sys
        class Missing:
            def find_spec(self, name, path=None, target=None):
                if name.partition(".")[0] == "msgspec":
                    raise ModuleNotFoundError(f"No module named {name!r}")
        sys.meta_path.insert(0, Missing())
        import zmqcore as zmq
        with zmq.Context() as context, context.socket(zmq.PAIR) as one, context.socket(zmq.PAIR) as two:
            one.bind("inproc://x"); two.connect("inproc://x")
            one.send_object([1]); assert two.recv_object(list[int]) == [1]
            for call in (lambda: one.send_object(1, codec="msgpack"), lambda: two.recv_object(int, codec="msgspec")):
                try:
                    call()
                except ImportError as error:
                    assert "pip install" in str(error)
                else:
                    raise AssertionError
    """
    subprocess.run([sys.executable, "-W", "error", "-c", program], check=True, timeout=60)
    program = "import zmqcore, sys; assert not {'msgspec', 'dataclasses', 'hmac'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


def test_flags_and_keywords_of_send(zmq, context):
    server, client = context.socket(zmq.SERVER), context.socket(zmq.CLIENT)
    server.bind("inproc://server")
    client.connect("inproc://server")
    with pytest.raises(zmq.Again):
        server.recv_object(int, zmq.DONTWAIT)
    client.send_object([1])
    frame = server.recv(copy=False)
    server.send_object(Item("x"), routing_id=frame.routing_id)
    assert client.recv_object(Item) == Item("x")


def test_subclasses_are_asked(zmq, context):
    class Upper(zmq.Socket):
        def recv(self, flags=0):
            return super().recv(flags).upper()

    one, two = context.socket(zmq.PAIR), Upper(context, zmq.PAIR)
    one.bind("inproc://x")
    two.connect("inproc://x")
    one.send_object("abc")
    assert two.recv_object(str) == "ABC"
    two.close()
