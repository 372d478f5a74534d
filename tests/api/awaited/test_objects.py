"""Objects and pickles on sockets that are awaited: at once and later, errors and refusals."""

import asyncio
import dataclasses
import pickle

import pytest
from loops import on_loop

pytestmark = pytest.mark.better

KEY = b"k" * 32
ran = []


@dataclasses.dataclass
class Point:
    x: int
    y: int = 0


class Exploit:
    def __reduce__(self):
        return ran.append, ("it ran",)


def calls(one, two):
    return [
        (lambda: one.send_object(Point(1, 2)), lambda: two.recv_object(Point), Point(1, 2)),
        (lambda: one.send_object([1]), lambda: two.recv_object(list[int]), [1]),
        (lambda: one.send_pyobj({1}, key=KEY), lambda: two.recv_pyobj(key=KEY), {1}),
        (lambda: one.send_pyobj({1}), lambda: two.recv_pyobj(trusted_only=True), {1}),
    ]


@on_loop
async def test_objects_that_are_there_and_that_come_later(tcp_peers):
    one, two = tcp_peers
    for send, receive, expected in calls(*tcp_peers):
        await send()
        assert await receive() == expected
        received = asyncio.ensure_future(receive())
        await asyncio.sleep(0)
        await send()
        assert await received == expected


@pytest.mark.parametrize("later", [False, True])
@on_loop
async def test_what_is_wrong_is_an_error_when_it_is_awaited(zmq, peers, later):
    one, two = peers
    for send, receive, error in [
        (lambda: one.send_object({"x": "1"}), lambda: two.recv_object(Point), zmq.ObjectError),
        (lambda: one.send_pyobj(Exploit()), lambda: two.recv_pyobj(key=KEY), zmq.UntrustedPickleError),
        (lambda: one.send(pickle.dumps(Exploit())), lambda: two.recv_object(Point), zmq.ObjectError),
    ]:
        if later:
            received = receive()
            await asyncio.sleep(0)
            await send()
        else:
            await send()
            received = receive()
        with pytest.raises(error):
            await received
        await one.send(b"next")
        assert await two.recv() == b"next"
    assert ran == []


@on_loop
async def test_a_stranger_is_refused(zmq, tcp_peers, monkeypatch):
    from zmqcore import _pickles

    monkeypatch.setattr(_pickles, "_is_local", lambda address: False)
    one, two = tcp_peers
    await one.send_pyobj(1)
    with pytest.warns(zmq.UntrustedPickleWarning):
        assert await two.recv_pyobj() == 1
    two.context.trusted_pickles_only = True
    received = two.recv_pyobj()
    await one.send_pyobj(Exploit())
    with pytest.raises(zmq.UntrustedPickleError):
        await received
    assert ran == []


@on_loop
async def test_wrong_arguments_raise_at_once(peers):
    one, two = peers
    for call in (
        lambda: two.recv_object(set), lambda: two.recv_pyobj(key="text"), lambda: one.send_object({1}), lambda: one.send_pyobj(1, key=1)
    ):  # fmt: skip
        with pytest.raises(TypeError):
            call()
    await one.send_object(1)
    assert await two.recv_object(int) == 1
