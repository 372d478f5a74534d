"""Hostile objects and pickles: nothing that a peer sends is run, and what is not as declared is an error."""

import dataclasses
import json
import pickle
import random
import string
from typing import Any

import pytest

pytestmark = pytest.mark.better

from zmqcore import ObjectError, UntrustedPickleError, _objects, _pickles  # noqa: E402

SEED = 20261126
KEY = b"the key of this test, 32 bytes.."
ran = []


@dataclasses.dataclass
class Leg:
    port: str
    cost: float
    tags: list[str] = dataclasses.field(default_factory=list)


@dataclasses.dataclass
class Voyage:
    id: int
    legs: list[Leg]
    ship: str | None = None
    position: tuple[float, float] = (0.0, 0.0)
    notes: dict[str, int | str] = dataclasses.field(default_factory=dict)
    next: "Voyage | None" = None


def is_voyage(thing: Any) -> bool:
    """By a second way: nothing in it is of another type than declared."""
    return (
        type(thing) is Voyage
        and type(thing.id) is int
        and type(thing.legs) is list
        and all(
            type(leg) is Leg and type(leg.port) is str and type(leg.cost) is float and {type(tag) for tag in leg.tags} <= {str}
            for leg in thing.legs
        )
        and type(thing.ship) in (str, type(None))
        and type(thing.position) is tuple
        and [type(part) for part in thing.position] == [float, float]
        and all(type(key) is str and type(value) in (int, str) for key, value in thing.notes.items())
        and (thing.next is None or is_voyage(thing.next))
        and set(vars(thing)) <= {"id", "legs", "ship", "position", "notes", "next"}
    )


class Call:
    """Runs a function when it is unpickled."""

    def __init__(self, function, *arguments):
        self.what = function, arguments

    def __reduce__(self):
        return self.what


class State:
    """Runs one when its state is set."""

    def __setstate__(self, state):
        ran.append(state)

    def __getstate__(self):
        return {"a": 1}


def hostile_pickles():
    yield from (pickle.dumps(Call(ran.append, "ran"), protocol) for protocol in range(pickle.HIGHEST_PROTOCOL + 1))
    yield pickle.dumps(State())
    yield pickle.dumps([{"a": Call(exec, "ran.append(1)", {"ran": ran})}])
    yield pickle.dumps(Call(eval, "ran.append(1)", {"ran": ran}))
    yield b"cbuiltins\nexec\n(V__import__('tests')\ntR."
    yield b"cos\nsystem\n(S'false'\ntR."
    yield b"\x80\x04\x8c\x08builtins\x8c\x04exec\x93\x8c\x041/0 \x85R."


VOYAGE = Voyage(7, [Leg("Oslo", 2.5, ["cold"]), Leg("Rome", 1.0)], "Kon-Tiki", (1.5, -2.0), {"crew": 6, "flag": "no"}, Voyage(8, []))
BITS = ["1", "-1", "1.5", "true", "null", '"x"', "[]", "{}", "[1,2]", '{"id":1,"legs":[]}',
        "1e400", "NaN", '"\\u0000"', "99999999999999999999"]


def replaced(value: Any, rng: random.Random) -> Any:
    """A copy of some JSON with one part exchanged for something else."""
    if isinstance(value, dict) and value and rng.random() < 0.8:
        key = rng.choice(list(value))
        act = rng.random()
        if act < 0.15:
            return {name: member for name, member in value.items() if name != key}
        if act < 0.3:
            return {**value, rng.choice(["__class__", "__reduce__", "__dict__", "", "id", "ran"]): {"ran": 1}}
        return {**value, key: replaced(value[key], rng)}
    if isinstance(value, list) and value and rng.random() < 0.8:
        at = rng.randrange(len(value))
        return [*value[:at], replaced(value[at], rng), *value[at + rng.randrange(2) :]]
    return json.loads(rng.choice(BITS[:10]))


def mutated(data: bytes, rng: random.Random) -> bytes:
    out = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 8))):
        at = rng.randrange(len(out) + 1)
        act = rng.randrange(4)
        if act == 0 and at < len(out):
            out[at] ^= 1 << rng.randrange(8)
        elif act == 1:
            out[at:at] = rng.choice([bytes([rng.randrange(256)]), *(bit.encode() for bit in BITS)])
        elif act == 2:
            del out[at : at + rng.randrange(1, 9)]
        elif at < len(out):
            out[at] = ord(rng.choice(string.printable))
    return bytes(out)


def is_judged(load, data: bytes) -> bool:
    """It is a Voyage or an ObjectError. Which?"""
    try:
        voyage = load(data)
    except ObjectError as error:
        assert "\n" not in str(error) and len(str(error)) < 400
        return False
    assert is_voyage(voyage)
    return True


@pytest.mark.parametrize("codec", ["json", "msgspec", "msgpack"])
def test_mutated_objects_are_as_declared_or_an_error(codec):
    if codec != "json":
        pytest.importorskip("msgspec")
    rng = random.Random(SEED)
    load = _objects.loader(Voyage, codec)
    good = _objects.encode(VOYAGE, None, codec)
    assert is_judged(load, good)
    plain = dataclasses.asdict(VOYAGE)
    plain["position"] = list(plain["position"])
    outcomes = {True: 0, False: 0}
    for _ in range(5000):
        outcomes[is_judged(load, mutated(good, rng))] += 1
        outcomes[is_judged(load, _objects.encode(replaced(plain, rng), None, codec))] += 1
    assert min(outcomes.values()) > 100


@pytest.mark.parametrize("codec", ["json", "msgspec", "msgpack"])
def test_pickles_are_no_objects(codec):
    if codec != "json":
        pytest.importorskip("msgspec")
    rng = random.Random(SEED)
    ran.clear()
    for declared in (Voyage, Any, list, str):
        load = _objects.loader(declared, codec)
        for hostile in hostile_pickles():
            for data in (hostile, _pickles.MAGIC + hostile, *(mutated(hostile, rng) for _ in range(20))):
                try:
                    load(data)
                except ObjectError:
                    pass
    assert ran == []


def test_mutated_signed_pickles_are_not_unpickled():
    ran.clear()
    rng = random.Random(SEED)
    load = _pickles.loader(None, KEY, False)
    for hostile in hostile_pickles():
        signed = _pickles.MAGIC + _pickles._signature(b"a key that is not ours..........", hostile) + hostile
        ours = _pickles.dumps({"fine": 1}, 4, KEY)
        candidates = [hostile, signed, ours[: -len(hostile)], ours + hostile, ours[:44] + hostile, hostile + ours, ours[:12] + hostile]
        candidates += [mutated(signed, rng) for _ in range(300)]
        candidates += [one for one in (mutated(ours, rng) for _ in range(300)) if one != ours]
        for data in candidates:
            with pytest.raises(UntrustedPickleError):
                load(data)
    assert ran == []
    assert load(_pickles.dumps({"fine": 1}, 4, KEY)) == {"fine": 1}


def test_every_bit_of_a_signed_pickle_counts():
    load = _pickles.loader(None, KEY, False)
    good = _pickles.dumps([1, 2], 4, KEY)
    for at in range(len(good)):
        for bit in range(8):
            changed = bytearray(good)
            changed[at] ^= 1 << bit
            with pytest.raises(UntrustedPickleError):
                load(changed)
    for size in range(len(good)):
        with pytest.raises(UntrustedPickleError):
            load(good[:size])


def test_a_socket_goes_on_among_hostile_objects(zmq, pair, transport):
    ran.clear()
    rng = random.Random(SEED)
    push, pull = pair("PUSH", "PULL", transport)
    good = _objects.encode(VOYAGE, None, "json")
    for hostile in hostile_pickles():
        for data in (hostile, mutated(good, rng), b""):
            push.send(data)
            push.send_object(VOYAGE)
            try:
                assert is_voyage(pull.recv_object(Voyage))
            except ObjectError:
                pass
            assert pull.recv_object(Voyage) == VOYAGE
            push.send(data)
            with pytest.raises(UntrustedPickleError):
                pull.recv_pyobj(key=KEY)
    assert ran == []
