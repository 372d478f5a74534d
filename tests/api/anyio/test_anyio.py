"""Sockets in programs of anyio: on asyncio and on trio, and whatever cancels a call loses nothing."""

import random
import subprocess
import sys
import threading

import pytest
from awaiting import SECONDS, endpoint
from channels import Channel
from tornado_loop import on_tornado as on_loop

anyio = pytest.importorskip("anyio")

pytestmark = pytest.mark.better  # pyzmq has no such module


async def settle():
    """Lets all others run until they wait."""
    await anyio.wait_all_tasks_blocked()


class Task:
    """What a function gave, or raised."""

    def __init__(self, group, function, *args):
        self.done = anyio.Event()
        self.value = self.error = None
        group.start_soon(self.run, function, *args)

    async def run(self, function, *args):
        try:
            self.value = await function(*args)
        except Exception as error:
            self.error = error
        self.done.set()

    async def result(self):
        await self.done.wait()
        if self.error is not None:
            raise self.error
        return self.value


# -- sending and receiving


@on_loop
async def test_receive_lets_others_run(pair):
    push, pull = pair("PUSH", "PULL")
    async with anyio.create_task_group() as group:
        received = Task(group, pull.recv)
        await settle()
        assert not received.done.is_set()
        await push.send(b"x")
        assert await received.result() == b"x"


@on_loop
async def test_kinds_of_messages(zmq, pair, transport):
    one, two = pair("PAIR", "PAIR", transport)
    buffer = bytearray(8)
    for send, receive, expected in (
        (lambda: one.send(b"x"), lambda: two.recv(), b"x"),
        (lambda: one.send_multipart(iter([b"a", b"b"])), lambda: two.recv_multipart(), [b"a", b"b"]),
        (lambda: one.send_string("é"), lambda: two.recv_string(), "é"),
        (lambda: one.send_string("é", encoding="latin-1"), lambda: two.recv_unicode(encoding="latin-1"), "é"),
        (lambda: one.send_json([1]), lambda: two.recv_json(), [1]),
        (lambda: one.send_pyobj({1}), lambda: two.recv_pyobj(), {1}),
        (lambda: one.send_pyobj({1}, key=b"k" * 32), lambda: two.recv_pyobj(key=b"k" * 32), {1}),
        (lambda: one.send_object([1]), lambda: two.recv_object(list[int]), [1]),
        (lambda: one.send_serialized([1], lambda x: [b"1"]), lambda: two.recv_serialized(lambda x: x), [b"1"]),
        (lambda: one.send(b"into"), lambda: two.recv_into(buffer), 4),
    ):
        for late in (False, True):
            async with anyio.create_task_group() as group:
                if late:
                    received = Task(group, receive)
                    await settle()
                    await send()
                else:
                    await send()
                    received = Task(group, receive)
                assert await received.result() == expected
    assert buffer[:4] == b"into"
    await one.send(b"frame")
    assert (await two.recv(copy=False)).bytes == b"frame"


@on_loop
async def test_iteration(pair):
    push, pull = pair("PUSH", "PULL")
    for i in range(3):
        await push.send(b"%d" % i)
    got = []
    async for frame in pull:
        got.append(frame)
        if len(got) == 3:
            break
    assert got == [b"0", b"1", b"2"]


@on_loop
async def test_dontwait_and_timeouts(zmq, pair, context):
    _, pull = pair("PUSH", "PULL")
    for call in (pull.recv, pull.recv_multipart, pull.recv_string):
        with pytest.raises(zmq.Again):
            await call(zmq.DONTWAIT)
    pull.rcvtimeo = 10
    with pytest.raises(zmq.Again):
        await pull.recv()
    pull.rcvtimeo = 0
    with pytest.raises(zmq.Again):
        await pull.recv()
    push = context.socket(zmq.PUSH)
    push.sndtimeo = 10
    with pytest.raises(zmq.Again):
        await push.send(b"x")
    with pytest.raises(TypeError):
        await push.send("text")


@on_loop
async def test_sends_wait_for_a_peer_and_for_room(zmq, context, fresh, transport):
    push, pull = context.socket(zmq.PUSH), context.socket(zmq.PULL)
    push.sndhwm = pull.rcvhwm = 1
    push.linger = 0
    count = 2000

    async def send():
        for i in range(count):
            await push.send(b"%d" % i)

    async with anyio.create_task_group() as group:
        sender = Task(group, send)
        await settle()
        assert not sender.done.is_set()
        pull.bind(fresh(transport))
        push.connect(endpoint(pull))
        for i in range(count):
            assert await pull.recv() == b"%d" % i
        await sender.result()


@on_loop
async def test_batches(zmq, pair):
    push, pull = pair("PUSH", "PULL", "inproc", SNDHWM=10, RCVHWM=10)
    frames = [b"%d" % i for i in range(3000)]
    async with anyio.create_task_group() as group:
        sender = Task(group, push.send_many, iter(frames))
        received = []
        while len(received) < 3000:
            received += await pull.recv_many(100)
        assert received == frames
        assert await sender.result() == 3000
    with pytest.raises(zmq.Again):
        await pull.recv_many(5, zmq.DONTWAIT)
    assert await pull.recv_many(0) == []


@on_loop
async def test_questions_and_answers(zmq, pair, context, transport):
    first, router = pair("REQ", "ROUTER", transport)
    clients = [first]
    for _ in range(5):
        clients.append(context.socket(zmq.REQ))
        clients[-1].linger = 0
        clients[-1].connect(endpoint(router))

    async def serve():
        while True:
            await router.send_multipart(await router.recv_multipart())

    async def ask(client, number):
        for i in range(50):
            await client.send(b"%d %d" % (number, i))
            assert await client.recv() == b"%d %d" % (number, i)

    async with anyio.create_task_group() as servers:
        servers.start_soon(serve)
        async with anyio.create_task_group() as group:
            for number, client in enumerate(clients):
                group.start_soon(ask, client, number)
        servers.cancel_scope.cancel()


@on_loop
async def test_others_run_though_no_call_waits(pair):
    push, pull = pair("PUSH", "PULL", "inproc", SNDHWM=0, RCVHWM=0)
    ticks = []

    async def tick():
        while True:
            ticks.append(1)
            await anyio.sleep(0)

    async with anyio.create_task_group() as group:
        group.start_soon(tick)
        for _ in range(5000):
            await push.send(b"x")
        for _ in range(5000):
            await pull.recv()
        group.cancel_scope.cancel()
    assert len(ticks) >= 5


# -- cancellation


@on_loop
async def test_cancelled_scope_is_noticed_before_anything_is_done(pair):
    push, pull = pair("PUSH", "PULL", "inproc")
    await push.send(b"x")
    for call, args in ((pull.recv, ()), (pull.recv_multipart, ()), (pull.recv_string, ()), (pull.poll, ()), (push.send, (b"y",))):
        with anyio.CancelScope() as scope:
            scope.cancel()
            await call(*args)
        assert scope.cancelled_caught
    assert await pull.recv() == b"x"
    assert await pull.poll(0) == 0


@on_loop
async def test_cancelled_receive_loses_nothing(pair):
    push, pull = pair("PUSH", "PULL")
    for call in (pull.recv, pull.recv_multipart, pull.recv_string, pull.poll):
        with anyio.move_on_after(0.001):
            await call()
    await push.send(b"x")
    assert await pull.recv() == b"x"


@pytest.mark.parametrize("seed", range(3))
@on_loop
async def test_all_kinds_of_cancellation_lose_nothing(pair, seed, transport):
    """Receivers whose scopes are cancelled all the time, while numbered messages come: each arrives once."""
    push, pull = pair("PUSH", "PULL", transport)
    dice = random.Random(seed)
    count = 800
    taken = []
    scopes = [None] * 4

    async def receive(number):
        while len(taken) < count:
            with anyio.move_on_after(dice.choice([0, 0.0001, 0.001])) as scopes[number]:
                while True:
                    taken.append(await pull.recv())
            await anyio.sleep(0)

    async def send():
        for i in range(count):
            await push.send(b"%d" % i)
            if dice.random() < 0.3:
                await anyio.sleep(dice.choice([0, 0.0005]))

    async def cancel():
        while len(taken) < count:
            scope = scopes[dice.randrange(4)]
            if scope is not None:
                scope.cancel()
            await anyio.sleep(dice.choice([0, 0.0003]))

    async with anyio.create_task_group() as group:
        for number in range(4):
            group.start_soon(receive, number)
        group.start_soon(send)
        group.start_soon(cancel)
    assert sorted(int(body) for body in taken) == list(range(count))


@on_loop
async def test_cancelled_task_passes_on(pair):
    """Of several tasks those in front are cancelled, the one that listens for all among them."""
    push, pull = pair("PUSH", "PULL")
    async with anyio.create_task_group() as group:
        scopes = [anyio.CancelScope() for _ in range(5)]
        got = []

        async def receive(scope):
            with scope:
                got.append((scopes.index(scope), await pull.recv()))

        for scope in scopes:
            group.start_soon(receive, scope)
            await settle()
        scopes[0].cancel()
        scopes[2].cancel()
        await push.send(b"a")
        scopes[1].cancel()
        await push.send(b"b")
        while len(got) < 2:
            await anyio.sleep(0.001)
        assert sorted(body for _, body in got) == [b"a", b"b"]
        assert {number for number, _ in got} <= {1, 3, 4}
        group.cancel_scope.cancel()


# -- many tasks


@on_loop
async def test_many_tasks_receive_in_the_order_of_their_coming(pair, transport):
    push, pull = pair("PUSH", "PULL", transport)
    async with anyio.create_task_group() as group:
        receivers = []
        for _ in range(30):
            receivers.append(Task(group, pull.recv))
            await settle()
        for i in range(30):
            await push.send(b"%d" % i)
        assert [await receiver.result() for receiver in receivers] == [b"%d" % i for i in range(30)]


@on_loop
async def test_many_tasks_send(pair):
    push, pull = pair("PUSH", "PULL", "inproc", SNDHWM=1, RCVHWM=1)
    async with anyio.create_task_group() as group:
        for i in range(50):
            group.start_soon(push.send_multipart, [b"%d" % i, b"end"])
        await settle()
        bodies = {(await pull.recv_multipart())[0] for _ in range(50)}
    assert bodies == {b"%d" % i for i in range(50)}


@on_loop
async def test_both_directions_at_once(pair):
    one, two = pair("DEALER", "DEALER", "tcp", SNDHWM=5, RCVHWM=5)
    count = 1000

    async def send(socket):
        for i in range(count):
            await socket.send(b"%d" % i)

    async def receive(socket):
        return [await socket.recv() for _ in range(count)]

    async with anyio.create_task_group() as group:
        receivers = [Task(group, receive, one), Task(group, receive, two)]
        group.start_soon(send, one)
        group.start_soon(send, two)
        for receiver in receivers:
            assert await receiver.result() == [b"%d" % i for i in range(count)]


def test_loops_of_two_threads_share_a_socket(aio, pair, run):
    """One of them on asyncio, whatever the other one is."""
    push, pull = pair("PUSH", "PULL")
    received = []

    async def receive():
        for _ in range(10):
            with anyio.fail_after(SECONDS):
                received.append(await pull.recv())

    threads = [threading.Thread(target=lambda: anyio.run(receive)), threading.Thread(target=lambda: run(receive()))]
    for thread in threads:
        thread.start()

    async def send():
        for i in range(20):
            await push.send(b"%d" % i)
            await anyio.sleep(0)

    anyio.run(send)
    for thread in threads:
        thread.join(3 * SECONDS)
    assert sorted(received) == sorted(b"%d" % i for i in range(20))


# -- the end


@pytest.mark.parametrize("call", ["recv", "recv_multipart", "recv_string", "poll"])
@on_loop
async def test_close_while_waiting(zmq, pair, call):
    _, pull = pair("PUSH", "PULL")
    async with anyio.create_task_group() as group:
        waiting = [Task(group, getattr(pull, call)) for _ in range(3)]
        await settle()
        pull.close()
        for task in waiting:
            with pytest.raises(zmq.ZMQError) as caught:
                await task.result()
            assert caught.value.errno == zmq.ENOTSOCK


@on_loop
async def test_send_ends_with_its_socket(zmq, context):
    push = context.socket(zmq.PUSH)
    async with anyio.create_task_group() as group:
        waiting = [Task(group, push.send, b"x"), Task(group, push.send_multipart, [b"x"])]
        await settle()
        push.close()
        for task in waiting:
            with pytest.raises(zmq.ZMQError) as caught:
                await task.result()
            assert caught.value.errno == zmq.ENOTSOCK


@on_loop
async def test_closed_by_another_thread(zmq, pair):
    _, pull = pair("PUSH", "PULL")
    async with anyio.create_task_group() as group:
        waiting = Task(group, pull.recv)
        await settle()
        await anyio.to_thread.run_sync(pull.close)
        with pytest.raises(zmq.ZMQError) as caught:
            await waiting.result()
        assert caught.value.errno == zmq.ENOTSOCK


@on_loop
async def test_terminated_context(zmq, aio):
    context = aio.Context()
    pull = context.socket(zmq.PULL)

    async def receive():
        with pytest.raises(zmq.ContextTerminated):
            await pull.recv()
        pull.close()

    async with anyio.create_task_group() as group:
        group.start_soon(receive)
        await settle()
        await anyio.to_thread.run_sync(context.term)
    assert context.closed


# -- polling


@on_loop
async def test_poll(zmq, pair):
    push, pull = pair("PUSH", "PULL")
    assert await pull.poll(0) == 0
    assert await pull.poll(5) == 0
    async with anyio.create_task_group() as group:
        polled = [Task(group, pull.poll, SECONDS * 1000) for _ in range(3)]
        await settle()
        assert not any(task.done.is_set() for task in polled)
        await push.send(b"x")
        assert [await task.result() for task in polled] == [zmq.POLLIN] * 3
    assert await pull.poll() == zmq.POLLIN
    assert await pull.poll(5, zmq.POLLOUT) == 0
    assert await pull.poll(None, 0) == await pull.poll(None, None) == 0
    assert await pull.recv() == b"x"
    pull.close()
    with pytest.raises(zmq.ZMQError):
        await pull.poll()


@on_loop
async def test_poll_for_room(zmq, context):
    push, pull = context.socket(zmq.PUSH), context.socket(zmq.PULL)
    async with anyio.create_task_group() as group:
        polled = Task(group, push.poll, None, zmq.POLLOUT)
        await settle()
        assert not polled.done.is_set()
        pull.bind("tcp://127.0.0.1:*")
        push.connect(endpoint(pull))
        assert await polled.result() == zmq.POLLOUT


@on_loop
async def test_poller(zmq, aio, pair):
    push, pull = pair("PUSH", "PULL")
    channel = Channel()
    reader = channel.reader
    poller = aio.Poller()
    assert await poller.poll(5) == []
    poller.register(pull, zmq.POLLIN)
    poller.register(reader, zmq.POLLIN)
    assert await poller.poll(5) == []
    async with anyio.create_task_group() as group:
        polled = Task(group, poller.poll)
        await settle()
        await push.send(b"x")
        assert await polled.result() == [(pull, zmq.POLLIN)]
        await pull.recv()
        polled = Task(group, poller.poll, SECONDS * 1000)
        await settle()
        channel.write(b"x")
        assert await polled.result() == [(reader, zmq.POLLIN)]
        with anyio.move_on_after(0.01):
            channel.read(1)
            await poller.poll()
    assert await poller.poll(0) == []
    channel.close_reader()
    channel.close_writer()


@on_loop
async def test_no_spin_on_messages_that_nobody_takes(zmq, pair):
    """A send waits for room, and a message is there that nobody receives."""
    one, two = pair("PAIR", "PAIR", "inproc", SNDHWM=1, RCVHWM=1)
    await two.send(b"for nobody")

    async def send():
        for i in range(10):
            await one.send(b"%d" % i)

    async with anyio.create_task_group() as group:
        sender = Task(group, send)
        await anyio.sleep(0.01)
        waits = one._trio or one._awaiting
        name = "look" if one._trio else "wake"
        looks = []
        look = getattr(waits, name)
        setattr(waits, name, lambda: (looks.append(1), look()))
        await anyio.sleep(0.1)
        assert not sender.done.is_set() and len(looks) <= 30
        assert [await two.recv() for _ in range(10)] == [b"%d" % i for i in range(10)]
        await sender.result()


def test_import_needs_no_trio():
    program = "import zmqcore.anyio, sys; assert not {'trio', 'tornado', 'gevent'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


@pytest.mark.better
def test_TIME_12_a_timeout_of_one_call(zmq, run, context):
    push, pull = context.socket(zmq.PUSH), context.socket(zmq.PULL)
    push.sndhwm = 1
    push.bind("inproc://nobody")
    pull.bind("inproc://nothing")

    async def main():
        for call in (
            lambda t: pull.recv(timeout=t),
            lambda t: pull.recv_multipart(timeout=t),
            lambda t: pull.recv_into(bytearray(2), timeout=t),
            lambda t: pull.recv_many(timeout=t),
            lambda t: pull.recv_string(timeout=t),
            lambda t: pull.recv_json(timeout=t),
            lambda t: pull.recv_pyobj(timeout=t),
        ):
            for limit in (0, 2):
                with pytest.raises(zmq.Again, match=f"nothing to receive within timeout={limit} ms"):
                    await call(limit)
        for call in (
            lambda: push.send(b"x", timeout=2),
            lambda: push.send_multipart([b"x", b"y"], timeout=2),
            lambda: push.send_many([b"x", b"y"], timeout=2),
            lambda: push.send_string("x", timeout=2),
        ):
            with pytest.raises(zmq.Again, match="no room for the message within timeout=2 ms"):
                await call()
        pull.rcvtimeo = 2
        with pytest.raises(zmq.Again, match="within RCVTIMEO, 2 ms"):
            await pull.recv(timeout=60000)
        with pytest.raises(TypeError, match="timeout must be"):
            await pull.recv(timeout="1")

    run(main())


@pytest.mark.better
def test_TIME_13_tasks_ask_on_both_kinds_of_loops(zmq, aio, run, context):
    router = context.socket(zmq.ROUTER)
    router.bind("tcp://127.0.0.1:*")

    async def main():
        answers = {}

        async def ask(asking, n):
            answers[n] = await asking.request(b"%d" % n, timeout=15000)

        async with aio.Requester(context, endpoint(router)) as asking:
            async with anyio.create_task_group() as group:
                for n in range(8):
                    group.start_soon(ask, asking, n)
                questions = [await router.recv_multipart() for _ in range(8)]
                for question in reversed(questions):
                    await router.send_multipart([*question[:3], b"re: " + question[3]])
            assert answers == {n: [b"re: %d" % n] for n in range(8)}
            with pytest.raises(zmq.Again, match="no answer to 2 attempts"):
                await asking.request(b"x", timeout=20, retries=1)
            late = [await router.recv_multipart() for _ in range(2)]
            for question in late:
                await router.send_multipart(question)
            async with anyio.create_task_group() as group:
                leader = anyio.CancelScope()

                async def lead():
                    with leader:
                        await asking.request(b"leads")

                group.start_soon(lead)
                questions = [await router.recv_multipart()]
                group.start_soon(ask, asking, 9)
                questions.append(await router.recv_multipart())
                leader.cancel()  # the other one reads on
                await router.send_multipart(questions[1])
            assert answers[9] == [b"9"]
            assert asking.dropped == 2

    run(main())


@pytest.mark.better
def test_TIME_13_closing_ends_requests(zmq, aio, run, context):
    router = context.socket(zmq.ROUTER)
    router.bind("tcp://127.0.0.1:*")

    async def main():
        asking = aio.Requester(context, endpoint(router))
        errors = []

        async def ask():
            try:
                await asking.request(b"x")
            except zmq.ZMQError as error:
                errors.append(error.errno)

        async with anyio.create_task_group() as group:
            for _ in range(3):
                group.start_soon(ask)
            for _ in range(3):
                await router.recv_multipart()
            asking.close()
        assert errors == [zmq.ENOTSOCK] * 3

    run(main())
