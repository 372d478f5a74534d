"""ZMQStream: what it calls, when, and with what. ZMQ_MODULE=zmq runs the same against pyzmq's."""

import asyncio
import pickle
import threading

import pytest
from awaiting import SECONDS
from tornado_loop import Calls, on_tornado

pytest.importorskip("tornado")

# -- receiving


@on_tornado
async def test_on_recv(streams):
    push, pull = streams("PUSH", "PULL")
    calls = Calls()
    assert not pull.receiving()
    assert pull.on_recv(calls) is None
    assert pull.receiving()
    push.send_multipart([b"one", b"two"])
    push.send(b"three")
    assert await calls.several(2) == [[b"one", b"two"], [b"three"]]


@on_tornado
async def test_on_recv_of_frames(zmq, streams):
    push, pull = streams("PUSH", "PULL")
    calls = Calls()
    pull.on_recv(calls, copy=False)
    push.send_multipart([b"one", b"two"])
    frames = await calls.next()
    assert all(isinstance(frame, zmq.Frame) for frame in frames)
    assert [frame.bytes for frame in frames] == [b"one", b"two"]


@on_tornado
async def test_on_recv_stream(streams):
    push, pull = streams("PUSH", "PULL")
    calls = Calls()
    pull.on_recv_stream(calls)
    push.send(b"x")
    assert await calls.next() == (pull, [b"x"])
    pull.on_recv_stream(None)
    assert not pull.receiving()


@on_tornado
async def test_what_came_before_on_recv_is_handed_over(pair, ZMQStream):
    push, pull = pair("PUSH", "PULL")
    push.send(b"early")
    assert pull.poll(SECONDS * 1000)
    stream, calls = ZMQStream(pull), Calls()
    stream.on_recv(calls)
    assert await calls.next() == [b"early"]
    stream.close()


@on_tornado
async def test_stopped_stream_leaves_messages_in_the_socket(streams):
    push, pull = streams("PUSH", "PULL")
    calls = Calls()

    def once(message):
        calls(message)
        pull.stop_on_recv()

    pull.on_recv(once)
    push.send(b"1")
    push.send(b"2")
    assert await calls.next() == [b"1"]
    await calls.silent()
    pull.on_recv(calls)
    assert await calls.next() == [b"2"]


@on_tornado
async def test_function_is_changed_by_the_function(streams):
    push, pull = streams("PUSH", "PULL")
    first, second = Calls(), Calls()

    def hand_on(message):
        first(message)
        pull.on_recv(second)

    pull.on_recv(hand_on)
    for i in range(3):
        push.send(b"%d" % i)
    assert await second.several(2) == [[b"1"], [b"2"]]
    assert await first.next() == [b"0"]


@on_tornado
async def test_all_arrive_in_order_and_others_have_their_turns(streams):
    push, pull = streams("PUSH", "PULL", connecter_options={"SNDHWM": 0}, binder_options={"RCVHWM": 0})
    count = 20000
    done = asyncio.get_running_loop().create_future()
    received = []

    def collect(message):
        received.append(message)
        if len(received) == count:
            done.set_result(None)

    pull.on_recv(collect)
    for i in range(count):
        push.send(b"%d" % i)
    turns = 0
    while not done.done():
        await asyncio.sleep(0)
        turns += 1
    assert received == [[b"%d" % i] for i in range(count)]
    assert turns > 5


# -- sending


@on_tornado
async def test_send_waits_for_the_loop(streams):
    push, pull = streams("PUSH", "PULL")
    calls, sent = Calls(), Calls()
    pull.on_recv(calls)
    push.on_send(sent)
    assert not push.sending()
    assert push.send(b"x") is None
    assert push.sending()
    assert sent.empty()
    assert await calls.next() == [b"x"]
    assert not push.sending()
    assert await sent.next() == ([b"x"], None)


@on_tornado
async def test_kinds_of_send(streams):
    push, pull = streams("PUSH", "PULL")
    calls = Calls()
    pull.on_recv(calls)
    push.send_string("hé")
    push.send_unicode("hé", encoding="latin-1")
    push.send_json({"a": 1})
    push.send_pyobj([1, None])
    expected = [["hé".encode()], ["hé".encode("latin-1")], [b'{"a":1}']]
    got = await calls.several(4)
    assert [[frame.replace(b" ", b"") for frame in message] for message in got[:3]] == expected
    assert pickle.loads(got[3][0]) == [1, None]
    with pytest.raises(TypeError):
        push.send_string(b"bytes")


@on_tornado
async def test_functions_for_what_was_sent(zmq, streams):
    push, _ = streams("PUSH", "PULL")
    first, second = Calls(), Calls()
    push.on_send(first)
    push.send(b"1", callback=second)
    push.send(b"2")  # the last function stays
    assert await second.several(2) == [([b"1"], None), ([b"2"], None)]
    push.on_send_stream(second)
    push.send(b"3", copy=False, track=True)
    stream, message, status = await second.next()
    assert stream is push and message == [b"3"] and isinstance(status, zmq.MessageTracker)
    push.stop_on_send()
    push.send(b"4")
    await second.silent()
    assert first.empty()


@on_tornado
async def test_sends_wait_for_a_peer(zmq, context, ZMQStream):
    push, pull = context.socket(zmq.PUSH), context.socket(zmq.PULL)
    stream, sent = ZMQStream(push), Calls()
    stream.on_send(sent)
    stream.send(b"1")
    stream.send(b"2")
    await sent.silent()
    assert stream.sending() and stream.flush() == 0
    pull.bind("tcp://127.0.0.1:*")
    stream.connect(pull.get_string(zmq.LAST_ENDPOINT))
    assert [message for message, _ in await sent.several(2)] == [[b"1"], [b"2"]]
    stream.close(0)
    pull.close(0)


@on_tornado
async def test_sends_wait_for_room(zmq, pair, ZMQStream):
    push, pull = pair("PUSH", "PULL", "inproc", {"SNDHWM": 2}, {"RCVHWM": 2})
    stream, sent = ZMQStream(push), Calls()
    stream.on_send(sent)
    for i in range(20):
        stream.send(b"%d" % i)
    while stream.sending():
        before = sent.qsize()
        await asyncio.sleep(0.01)
        if sent.qsize() == before:
            pull.recv()
    stream.close(0)


@on_tornado
async def test_request_waits_for_its_turn(streams):
    req, rep = streams("REQ", "REP")
    asked, answered, replied = Calls(), Calls(), Calls()
    rep.on_recv(asked)
    req.on_recv(answered)
    rep.on_send(replied)
    rep.send(b"early answer")
    await replied.silent()
    req.send(b"1")
    req.send(b"2")
    assert await asked.next() == [b"1"]
    assert await answered.next() == [b"early answer"]
    assert await asked.next() == [b"2"]
    assert not req.sending()


@on_tornado
async def test_flags_are_kept(zmq, streams):
    push, pull = streams("PUSH", "PULL")
    calls = Calls()
    pull.on_recv(calls)
    push.send(b"1", flags=zmq.SNDMORE)
    push.send(b"2", flags=zmq.DONTWAIT)
    assert await calls.next() == [b"1", b"2"]


# -- flush


@on_tornado
async def test_flush_sends_and_receives(zmq, streams):
    push, pull = streams("PUSH", "PULL")
    calls, sent = Calls(), Calls()
    push.on_send(sent)
    pull.on_recv(calls)
    for i in range(3):
        push.send(b"%d" % i)
    while not push.socket.poll(10, zmq.POLLOUT):
        pass
    assert push.flush(zmq.POLLIN) == 0
    assert push.flush(limit=1) == 1
    assert push.flush(zmq.POLLOUT) == 2
    assert not push.sending()
    assert sent.qsize() == 3
    handed = 0
    while handed < 3:
        assert pull.socket.poll(SECONDS * 1000)
        handed += pull.flush(zmq.POLLIN, limit=1)
    assert await calls.several(3) == [[b"0"], [b"1"], [b"2"]]


@on_tornado
async def test_flush_without_a_limit(zmq, streams):
    push, _ = streams("PUSH", "PULL")
    while not push.socket.poll(10, zmq.POLLOUT):
        pass
    for limit, sent in ((0, 3), (None, 3), (-1, 0)):
        for _ in range(3):
            push.send(b"x")
        assert push.flush(zmq.POLLOUT, limit=limit) == sent


@on_tornado
async def test_flush_drops_what_nobody_wants(zmq, pair, ZMQStream):
    push, pull = pair("PUSH", "PULL")
    stream = ZMQStream(pull)
    push.send(b"1")
    assert pull.poll(SECONDS * 1000)
    assert stream.flush(zmq.POLLIN) == 1
    assert pull.poll(0) == 0
    stream.close()


@on_tornado
async def test_flush_inside_the_function(streams):
    push, pull = streams("PUSH", "PULL")
    calls = Calls()

    def nested(message):
        calls(message)
        pull.flush()

    pull.on_recv(nested)
    for i in range(5):
        push.send(b"%d" % i)
    assert await calls.several(5) == [[b"%d" % i] for i in range(5)]


# -- where it runs


@on_tornado
async def test_stream_on_the_loop_of_another_thread(zmq, pair, ZMQStream):
    from tornado.ioloop import IOLoop

    loops, ready, finished, received = [], threading.Event(), threading.Event(), []

    def serve():
        asyncio.set_event_loop(asyncio.new_event_loop())
        loops.append(IOLoop.current())
        ready.set()
        loops[0].start()
        loops[0].close()

    thread = threading.Thread(target=serve)
    thread.start()
    assert ready.wait(SECONDS)
    rep, req = pair("REP", "REQ")
    stream = ZMQStream(rep, io_loop=loops[0])
    assert stream.io_loop is loops[0]

    def answer(message):
        received.append((threading.current_thread() is thread, message))
        stream.send_multipart(message)

    loops[0].add_callback(stream.on_recv, answer)
    for i in range(3):
        req.send(b"%d" % i)
        assert req.recv() == b"%d" % i
    assert received == [(True, [b"%d" % i]) for i in range(3)]

    def stop():
        stream.close()
        loops[0].stop()
        finished.set()

    loops[0].add_callback(stop)
    assert finished.wait(SECONDS)
    thread.join()


@pytest.mark.better
@on_tornado
async def test_functions_and_sends_from_another_thread(streams):
    push, pull = streams("PUSH", "PULL")
    calls = Calls()

    def elsewhere():
        pull.on_recv(calls)
        for i in range(100):
            push.send(b"%d" % i)

    thread = threading.Thread(target=elsewhere)
    thread.start()
    assert await calls.several(100) == [[b"%d" % i] for i in range(100)]
    thread.join()


@on_tornado
async def test_awaited_socket_is_shadowed(zmq, submodule, ZMQStream, pair):
    aio = submodule("asyncio")
    plain, bound = pair("PUSH", "PULL")
    with pytest.warns(RuntimeWarning, match="ZMQStream"):
        stream = ZMQStream(aio.Socket(shadow=bound))
    calls = Calls()
    stream.on_recv(calls)
    plain.send(b"x")
    assert type(stream.socket) is zmq.Socket
    assert await calls.next() == [b"x"]
    stream.close()


@pytest.mark.better
@on_tornado
async def test_message_of_a_cancelled_task_goes_to_the_stream(zmq, submodule, pair, ZMQStream):
    push, pull = pair("PUSH", "PULL")
    awaited = submodule("asyncio").Socket(shadow=pull)
    stream, calls = ZMQStream(pull), Calls()
    pending = awaited.recv_multipart()

    async def receive():
        return await pending

    task = asyncio.ensure_future(receive())
    pending.add_done_callback(lambda _: task.cancel())
    await asyncio.sleep(0)  # the task has begun: it awaits what is not done yet
    push.send(b"x")
    with pytest.raises(asyncio.CancelledError):
        await task
    stream.on_recv(calls)
    assert await calls.next() == [b"x"]
    stream.close()


@pytest.mark.better
@on_tornado
async def test_no_spin_on_messages_that_nobody_takes(zmq, pair, ZMQStream):
    """A queued send waits for room, and a message is there that the stream was not asked to receive."""
    full, other = pair("PAIR", "PAIR", "inproc", {"SNDHWM": 1}, {"RCVHWM": 1})
    stream, sent = ZMQStream(full), Calls()
    stream.on_send(sent)
    other.send(b"for nobody")
    count = 0
    while sent.qsize() == count:
        stream.send(b"x")
        count += 1
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    looks = []
    look, stream._look = stream._look, lambda: (looks.append(1), look())
    await asyncio.sleep(0.1)
    assert len(looks) <= 20
    while stream.sending():
        other.recv()
        await asyncio.sleep(0.001)
    stream.close(0)


@on_tornado
async def test_subclass_that_changes_recv(zmq, context, ZMQStream):
    class Loud(zmq.Socket):
        def recv_multipart(self, *args, **kwargs):
            return [frame.upper() for frame in super().recv_multipart(*args, **kwargs)]

    pull = Loud(context, zmq.PULL)
    push = context.socket(zmq.PUSH)
    push.bind("inproc://loud")
    pull.connect("inproc://loud")
    stream, calls = ZMQStream(pull), Calls()
    stream.on_recv(calls)
    push.send(b"x")
    assert await calls.next() == [b"X"]
    stream.close()
    push.close(0)


def test_a_loop_that_closes_all_descriptors_closes_the_socket(zmq, context, ZMQStream):
    from tornado.ioloop import IOLoop

    asyncio.set_event_loop(asyncio.new_event_loop())
    loop = IOLoop.current()
    kept, closed = (ZMQStream(context.socket(zmq.PULL), loop) for _ in range(2))
    socket = kept.socket
    kept.on_recv(print)
    closed.on_recv(print)
    closed.close()
    loop.run_sync(lambda: asyncio.sleep(0))
    loop.close(all_fds=True)
    asyncio.set_event_loop(None)
    assert socket.closed
    context.term()
