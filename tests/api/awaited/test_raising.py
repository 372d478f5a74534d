"""Functions of the program that are called for an awaited result, and raise, cancel or close what they were called for."""

import asyncio

import pytest
from loops import WAIT, on_loop


class Unheard(BaseException):
    """Nothing that any library knows."""


def raising(error):
    def function(*_):
        raise error

    return function


@pytest.fixture
def receives(peers):
    """Each receive that calls a function of the program, with a function that raises."""
    _, two = peers

    def start(name, error):
        if name == "recv_serialized":
            return two.recv_serialized(raising(error))
        return two.recv_json(object_hook=raising(error))

    return start


class Explosive:
    """Raises when it is unpickled."""

    def __init__(self, kind):
        self.kind = kind

    def __reduce__(self):
        return explode, (self.kind,)


def explode(kind):
    raise kind()


@pytest.mark.parametrize("waits", [True, False])
@pytest.mark.parametrize("kind", ["Again", "ValueError", "ENOTSOCK", "Unheard", "TimeoutError"])
@pytest.mark.parametrize("call", ["recv_serialized", "recv_json"])
@pytest.mark.better  # pyzmq does not catch what is no Exception, and then nobody is told
@on_loop
async def test_what_a_function_raises_is_raised(zmq, peers, receives, call, kind, waits):
    one, two = peers
    errors = {
        "Again": zmq.Again(),
        "ValueError": ValueError("x"),
        "ENOTSOCK": zmq.ZMQError(zmq.ENOTSOCK),
        "Unheard": Unheard(),
        "TimeoutError": TimeoutError(),
    }
    if not waits:
        await one.send(b'{"a": 1}')
        assert await two.poll(WAIT * 1000)
    if kind == "Unheard" and not waits:  # as from any function that is called
        with pytest.raises(Unheard):
            receives(call, errors[kind])
        return
    received = receives(call, errors[kind])
    await asyncio.sleep(0)
    if waits:
        await one.send(b'{"a": 1}')
    await one.send(b"two")
    with pytest.raises(type(errors[kind])) as caught:
        await asyncio.wait_for(asyncio.shield(received), WAIT)
    assert caught.value is errors[kind]
    assert await asyncio.wait_for(two.recv(), WAIT) == b"two"


@on_loop
async def test_again_is_told_and_the_next_message_kept(zmq, peers):
    one, two = peers
    received = two.recv_serialized(raising(zmq.Again()))
    await asyncio.sleep(0)
    await one.send(b"one")
    await one.send(b"two")
    with pytest.raises(zmq.Again):
        await asyncio.wait_for(received, WAIT)
    assert await asyncio.wait_for(two.recv(), WAIT) == b"two"


@pytest.mark.better
@on_loop
async def test_again_while_unpickling(zmq, peers):
    one, two = peers
    received = two.recv_pyobj()
    await asyncio.sleep(0)
    await one.send_pyobj(Explosive(zmq.Again))
    await one.send(b"two")
    with pytest.raises(zmq.Again):
        await asyncio.wait_for(received, WAIT)
    assert await asyncio.wait_for(two.recv(), WAIT) == b"two"


@pytest.mark.better
@on_loop
async def test_stop_iteration(peers):
    """No Future can hold one."""
    one, two = peers
    for waits in (True, False):
        if not waits:
            await one.send(b"one")
        received = two.recv_serialized(raising(StopIteration(1)))
        await asyncio.sleep(0)
        if waits:
            await one.send(b"one")
        with pytest.raises(RuntimeError) as caught:
            await asyncio.wait_for(received, WAIT)
        assert isinstance(caught.value.__cause__, StopIteration)
    await one.send(b"two")
    assert await asyncio.wait_for(two.recv(), WAIT) == b"two"


@pytest.mark.better
@on_loop
async def test_cancelled_error(peers):
    one, two = peers
    received = two.recv_serialized(raising(asyncio.CancelledError()))
    await asyncio.sleep(0)
    await one.send(b"one")
    done, _ = await asyncio.wait({received}, timeout=WAIT)
    assert done and received.cancelled()
    await one.send(b"two")
    assert await asyncio.wait_for(two.recv(), WAIT) == b"two"


@pytest.mark.better
@on_loop
async def test_function_cancels_what_it_was_called_for(peers):
    """The message goes to the next one."""
    one, two = peers
    received = two.recv_serialized(lambda frames: received.cancel())
    await asyncio.sleep(0)
    await one.send(b"one")
    await asyncio.wait({received}, timeout=WAIT)
    assert received.cancelled()
    assert await asyncio.wait_for(two.recv(), WAIT) == b"one"


@pytest.mark.better
@on_loop
async def test_function_closes_the_socket(zmq, peers):
    one, two = peers

    def close(frames):
        two.close()
        return frames

    received, others = two.recv_serialized(close), [two.recv(), two.poll(), two.recv()]
    await asyncio.sleep(0)
    await one.send(b"one")
    assert await asyncio.wait_for(received, WAIT) == [b"one"]
    await asyncio.wait(others, timeout=WAIT)
    assert [other.cancelled() for other in others] == [True] * 3
    with pytest.raises(zmq.ZMQError):
        await two.recv()


@pytest.mark.better
@on_loop
async def test_function_uses_the_socket(peers):
    one, two = peers
    inner = []

    def answer(frames):
        inner.append(two.recv())
        inner.append(two.send(b"answer"))
        return frames

    received, later = two.recv_serialized(answer), two.recv()
    await asyncio.sleep(0)
    for number in range(3):
        await one.send(b"%d" % number)
    assert await asyncio.wait_for(asyncio.gather(received, later), WAIT) == [[b"0"], b"1"]
    assert await asyncio.wait_for(asyncio.gather(*inner), WAIT) == [b"2", None]
    assert await asyncio.wait_for(one.recv(), WAIT) == b"answer"


@pytest.mark.better
@on_loop
async def test_failed_and_cancelled_at_once(peers):
    """Nobody hears that the function failed, so nobody knows of the message: it is not used up."""
    one, two = peers
    received = two.recv_serialized(raising(ValueError()))
    received.add_done_callback(lambda _: task.cancel())

    async def take():
        return await received

    task = asyncio.ensure_future(take())
    await asyncio.sleep(0)
    await one.send(b"one")
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await asyncio.wait_for(two.recv(), WAIT) == b"one"


@pytest.mark.better
def test_keyboard_interrupt_ends_the_loop(zmq, aio):
    loop = asyncio.new_event_loop()
    with aio.Context() as context, context.socket(zmq.PAIR) as one, context.socket(zmq.PAIR) as two:
        one.bind("inproc://interrupted")
        two.connect("inproc://interrupted")

        async def start():
            return [two.recv_serialized(raising(KeyboardInterrupt()))]

        async def interrupted():
            await one.send(b"one")
            await asyncio.sleep(WAIT)

        async def take():
            await one.send(b"two")
            return await asyncio.wait_for(two.recv(), WAIT)

        (received,) = loop.run_until_complete(start())
        with pytest.raises(KeyboardInterrupt):
            loop.run_until_complete(interrupted())
        assert isinstance(received.exception(), KeyboardInterrupt)
        assert loop.run_until_complete(take()) == b"two"
    loop.close()


@pytest.mark.parametrize("method", ["send_serialized", "send_json", "send_pyobj"])
@on_loop
async def test_functions_that_make_messages(zmq, peers, method):
    one, two = peers
    calls = {
        "send_serialized": lambda: one.send_serialized(1, raising(zmq.Again())),
        "send_json": lambda: one.send_json(object(), default=raising(zmq.Again())),
        "send_pyobj": lambda: one.send_pyobj(type("X", (), {"__reduce__": raising(zmq.Again())})()),
    }
    with pytest.raises(zmq.Again):
        await asyncio.wait_for(asyncio.ensure_future(calls[method]()), WAIT)
    await one.send(b"x")
    assert await two.recv() == b"x"


@on_loop
async def test_callbacks_that_raise(zmq, peers):
    one, two = peers
    told = []
    asyncio.get_running_loop().set_exception_handler(lambda _, details: told.append(details["exception"]))
    received = [two.recv(), two.recv()]
    for each in received:
        each.add_done_callback(raising(ValueError()))
    await asyncio.sleep(0)
    sent = one.send(b"1")
    sent.add_done_callback(raising(ValueError()))
    await one.send(b"2")
    assert await asyncio.wait_for(asyncio.gather(*received), WAIT) == [b"1", b"2"]
    await asyncio.sleep(0)
    assert len(told) == 3


# -- a Future for each send


@on_loop
async def test_each_send_has_a_future_of_its_own(zmq, peers):
    one, two = peers
    await one.send(b"x")
    calls = [lambda: one.send(b"x"), lambda: one.send_multipart([b"x", b"y"]), lambda: one.send_string("x")]
    for call in calls:
        assert len({call(): number for number in range(3)}) == 3
        assert len({call() for _ in range(3)}) == 3
        done, _ = await asyncio.wait([call() for _ in range(3)], timeout=WAIT)
        assert len(done) == 3
        assert len([await each for each in asyncio.as_completed([call() for _ in range(3)], timeout=WAIT)]) == 3
        assert await asyncio.gather(*[call() for _ in range(3)]) == [None] * 3
