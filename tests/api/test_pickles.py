"""Pickles: signed ones, and those of peers that nobody has authenticated."""

import copy
import hashlib
import hmac
import os
import pickle
import secrets
import socket as sockets
import warnings
from unittest import mock

import pytest
from awaiting import endpoint
from socks_proxy import Proxy

pytestmark = pytest.mark.better

from zmqcore import _pickles  # noqa: E402

KEY = b"k" * 32
ran = []


class Exploit:
    """Unpickling it runs a function."""

    def __reduce__(self):
        return ran.append, ("it ran",)


@pytest.fixture(autouse=True)
def nothing_ran(monkeypatch):
    monkeypatch.delenv("ZMQCORE_TRUSTED_PICKLES_ONLY", raising=False)
    ran.clear()


@pytest.fixture
def two(pair):
    return pair("PAIR", "PAIR", "tcp")


@pytest.fixture
def strangers(monkeypatch):
    """The loopback address is not, as if the peer were on another machine."""
    monkeypatch.setattr(_pickles, "_is_local", lambda address: False)


# -- signed


def test_what_is_signed_with_the_key_is_received(two):
    one, other = two
    for thing in (None, {1: {2, 3}}, b"x" * 100_000, [1.5, "é"]):
        one.send_pyobj(thing, key=KEY)
        assert other.recv_pyobj(key=KEY) == thing
    one.send_pyobj([1], protocol=0, key=bytearray(KEY))
    assert other.recv_pyobj(key=KEY) == [1]


@pytest.mark.parametrize(
    "message",
    [
        pickle.dumps(Exploit()),
        b"",
        _pickles.MAGIC,
        _pickles.MAGIC + b"\0" * 31,
        _pickles.MAGIC + b"\0" * 32,
        _pickles.MAGIC + b"\0" * 32 + pickle.dumps(Exploit()),
        _pickles.dumps(Exploit(), 4, b"another key, long"),
        _pickles.dumps(Exploit(), 4, KEY[:-1]),
        _pickles.dumps(Exploit(), 4, KEY)[1:],
        _pickles.dumps(Exploit(), 4, KEY) + b"\0",
        _pickles.dumps(1, 4, KEY)[:44] + pickle.dumps(Exploit()),
    ],
    ids=range(11),
)
def test_what_is_not_signed_with_the_key_is_not_unpickled(zmq, two, message):
    one, other = two
    one.send(message)
    one.send_pyobj("next", key=KEY)
    with pytest.raises(zmq.UntrustedPickleError, match="dropped") as error:
        other.recv_pyobj(key=KEY)
    assert ran == []
    assert repr(KEY) not in repr(error.value) and "kkkk" not in str(error.value)
    assert other.recv_pyobj(key=KEY) == "next"


def test_the_signature_is_not_that_of_the_bare_pickle(zmq):
    """A program that signs with the same key for another purpose makes no pickles for us."""
    data = pickle.dumps(Exploit())
    forged = _pickles.MAGIC + hmac.new(KEY, data, hashlib.sha256).digest() + data
    with pytest.raises(zmq.UntrustedPickleError):
        _pickles.loader(None, KEY, False)(forged)
    assert ran == []


def test_a_signed_pickle_is_not_taken_for_an_unsigned_one(two):
    one, other = two
    one.send_pyobj(Exploit(), key=KEY)
    with pytest.raises(pickle.UnpicklingError):
        other.recv_pyobj()
    assert ran == []


@pytest.mark.parametrize(("key", "error"), [("k" * 32, TypeError), (b"", ValueError), (b"k" * 15, ValueError), (5, TypeError)])
def test_a_bad_key_is_refused_before_anything_happens(two, key, error):
    one, other = two
    one.send_pyobj(1, key=KEY)
    for call in (lambda: one.send_pyobj(1, key=key), lambda: other.recv_pyobj(key=key)):
        with pytest.raises(error) as raised:
            call()
        assert "kkkk" not in str(raised.value)
    assert other.recv_pyobj(key=KEY) == 1


def test_memory_that_changes_after_the_check_is_not_unpickled(context, zmq):
    """Over inproc a sender that lends its memory can still write to it."""
    one, other = context.socket(zmq.PAIR), context.socket(zmq.PAIR)
    one.bind("inproc://x")
    other.connect("inproc://x")
    good = bytearray(_pickles.dumps([1, "x" * 100], 4, KEY))
    one.send(good, copy=False)
    frame = other.recv(copy=False)
    loads = pickle.loads

    def change_first(data):
        for i in range(44, len(good)):
            good[i] = 0
        return loads(data)

    assert frame.bytes == good
    with mock.patch.object(_pickles.pickle, "loads", change_first):
        assert _pickles.loader(other, KEY, False)(frame) == [1, "x" * 100]


# -- unsigned, from whom?


def warned_of(receive):
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        result = receive()
    return result, [one for one in seen if issubclass(one.category, UserWarning)]


@pytest.mark.parametrize("kinds", ["PAIR PAIR", "PUSH PULL", "PUB SUB", "DEALER ROUTER", "DEALER REP", "REQ REP", "CLIENT SERVER", "SCATTER GATHER"])
def test_peers_on_this_machine_are_trusted(zmq, pair, transport, kinds):
    sender, receiver = pair(*kinds.split(), transport)
    if kinds == "PUB SUB":
        receiver.subscribe(b"")
        while not receiver.poll(10):
            sender.send_pyobj([1])
    elif kinds == "DEALER REP":
        sender.send(b"", zmq.SNDMORE)
    if kinds != "PUB SUB":
        sender.send_pyobj([1])
    if kinds == "DEALER ROUTER":
        receiver.recv()
    assert warned_of(lambda: receiver.recv_pyobj(trusted_only=True)) == ([1], [])


@pytest.mark.parametrize("address", ["127.0.0.1", "127.1.2.3", "::1", "::ffff:127.0.0.1", ":0:0:1", ":1000:1000:4294967295"])
def test_addresses_of_this_machine(address):
    assert _pickles._is_local(address)


@pytest.mark.parametrize(
    "address", ["", ":", "::", "::2", "10.0.0.1", "fe80::1%lo", "::ffff:10.0.0.1", "2001:db8::1", "::127.0.0.1", ":1:2", "localhost", "1::1"]
)  # fmt: skip
def test_addresses_of_others(address):
    assert not _pickles._is_local(address)


def test_a_stranger_is_warned_of_once_for_each_socket(zmq, two, strangers):
    one, other = two
    for number in range(3):
        one.send_pyobj(number)
        result, seen = warned_of(other.recv_pyobj)
        assert result == number
        assert len(seen) == (number == 0)
        for warning in seen:
            assert warning.category is zmq.UntrustedPickleWarning
            assert "127.0.0.1" in str(warning.message) and "recv_object" in str(warning.message)
            assert warning.filename == __file__
    other.send_pyobj(1)
    assert len(warned_of(one.recv_pyobj)[1]) == 1


def test_a_peer_behind_a_proxy_on_this_machine_may_be_anywhere(zmq, make):
    push, pull = make("PUSH"), make("PULL")
    push.bind("tcp://127.0.0.1:*")
    with Proxy(names={"far.away": "127.0.0.1"}) as proxy:
        pull.socks_proxy = proxy.endpoint.encode()
        pull.connect(f"tcp://far.away:{endpoint(push).rpartition(':')[2]}")
        push.send_pyobj(Exploit())
        push.send_pyobj([1])
        push.send_pyobj([2])
        with pytest.raises(zmq.UntrustedPickleError, match="unauthenticated peer"):
            pull.recv_pyobj(trusted_only=True)
        assert ran == []
        result, seen = warned_of(pull.recv_pyobj)
        assert result == [1] and [one.category for one in seen] == [zmq.UntrustedPickleWarning]
        frame = pull.recv(copy=False).fast_copy()
        assert frame["Peer-Address"] == "127.0.0.1" and not _pickles._trusted(frame)


def test_a_warning_that_is_an_error_refuses(zmq, two, strangers):
    one, other = two
    with warnings.catch_warnings():
        warnings.simplefilter("error", zmq.UntrustedPickleWarning)
        for _ in range(2):
            one.send_pyobj(Exploit())
            with pytest.raises(zmq.UntrustedPickleWarning):
                other.recv_pyobj()
    assert ran == []


def refuses(zmq, sender, receiver, **arguments):
    sender.send_pyobj(Exploit())
    sender.send_pyobj("signed", key=KEY)
    with pytest.raises(zmq.UntrustedPickleError, match="127.0.0.1 is dropped.*recv_object"):
        receiver.recv_pyobj(**arguments)
    assert ran == []
    assert receiver.recv_pyobj(key=KEY, **arguments) == "signed"


def test_a_stranger_is_refused_by_an_argument(zmq, two, strangers):
    refuses(zmq, *two, trusted_only=True)


def test_a_stranger_is_refused_by_the_context_and_its_shadows(zmq, context, two, strangers):
    assert context.trusted_pickles_only is False
    shadow = copy.copy(context)
    shadow.trusted_pickles_only = True
    assert context.trusted_pickles_only is True
    assert zmq.Context.shadow(context.underlying).trusted_pickles_only is True
    refuses(zmq, *two)
    with zmq.Context() as other:
        assert other.trusted_pickles_only is False
    context.trusted_pickles_only = False
    two[0].send_pyobj(1)
    assert warned_of(two[1].recv_pyobj)[0] == 1


@pytest.mark.parametrize("value", ["1", "true", "yes", "on", "no"])
def test_a_stranger_is_refused_by_the_environment(zmq, two, strangers, monkeypatch, value):
    monkeypatch.setenv("ZMQCORE_TRUSTED_PICKLES_ONLY", value)
    refuses(zmq, *two)


@pytest.mark.parametrize("value", ["", "0"])
def test_an_environment_that_does_not_refuse(zmq, two, strangers, monkeypatch, value):
    monkeypatch.setenv("ZMQCORE_TRUSTED_PICKLES_ONLY", value)
    two[0].send_pyobj(1)
    assert warned_of(two[1].recv_pyobj)[0] == 1


def test_a_subclass_that_receives_by_itself(zmq, context, two):
    class Own(zmq.Socket):
        def recv(self, flags=0):
            return super().recv(flags)

    one, other = two
    with Own.shadow(other) as own:
        one.send_pyobj(1)
        assert warned_of(own.recv_pyobj) == (1, [])
        one.send_pyobj(Exploit())
        with pytest.raises(zmq.UntrustedPickleError):  # its peer is not known
            own.recv_pyobj(trusted_only=True)
    assert ran == []


def own_address():
    """An address of this machine other than the loopback's, or None."""
    with sockets.socket(sockets.AF_INET, sockets.SOCK_DGRAM) as asking:
        try:
            asking.connect(("192.0.2.1", 9))  # nothing is sent
            return asking.getsockname()[0]
        except OSError:
            return None


def test_a_real_address_that_is_not_the_loopback(zmq, make):
    address = own_address()
    if address is None or address.startswith("127."):
        pytest.skip("this machine has no other address")
    pull, push = make("PULL"), make("PUSH")
    pull.bind(f"tcp://{address}:*")
    push.connect(endpoint(pull))
    push.send_pyobj(1)
    result, (warning,) = warned_of(pull.recv_pyobj)
    assert result == 1 and address in str(warning.message)
    push.send_pyobj(Exploit())
    with pytest.raises(zmq.UntrustedPickleError):
        pull.recv_pyobj(trusted_only=True)
    assert ran == []


def test_keys_are_bytes_of_the_program():
    key = secrets.token_bytes(32)
    assert _pickles.loader(None, key, False)(_pickles.dumps(os.sep, 4, key)) == os.sep
