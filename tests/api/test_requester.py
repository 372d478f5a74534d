"""Requests that are tried again: answers find their questions, and servers that are gone are skipped."""

import asyncio
import threading

import pytest
from awaiting import dead_endpoint, endpoint, until

pytestmark = pytest.mark.better


@pytest.fixture
def requester(submodule, context):
    made = []

    def requester(*endpoints):
        made.append(submodule("requester").Requester(context, endpoints))
        return made[-1]

    yield requester
    for one in made:
        one.close()


@pytest.fixture
def serve(zmq, make):
    """serve(socket, answer): a thread that answers until the test is over."""
    threads = []
    over = threading.Event()

    def serve(server, answer):
        def run():
            while not over.is_set():
                if server.poll(20):
                    server.send_multipart(answer(server.recv_multipart()))

        threads.append(threading.Thread(target=run))
        threads[-1].start()

    yield serve
    over.set()
    for thread in threads:
        thread.join()


def test_TIME_1_answers_find_their_questions(zmq, make, requester, serve):
    router = make("ROUTER")
    router.bind("tcp://127.0.0.1:*")
    asking = requester(endpoint(router))
    found = {}
    threads = [
        threading.Thread(target=lambda n=n: found.update({n: asking.request([b"%d" % n, b"x"], timeout=15000)})) for n in range(8)
    ]
    for thread in threads:
        thread.start()
    questions = [router.recv_multipart() for _ in threads]
    for question in reversed(questions):
        router.send_multipart([*question[:3], b"answer to " + question[3]])
    for thread in threads:
        thread.join()
    assert found == {n: [b"answer to %d" % n] for n in range(8)}
    assert asking.dropped == 0


def test_TIME_2_the_next_server_is_asked_when_one_does_not_answer(zmq, make, requester, serve):
    silent, server = make("REP"), make("REP")
    silent.bind("tcp://127.0.0.1:*")
    server.bind("tcp://127.0.0.1:*")
    serve(server, lambda question: question)
    asking = requester(endpoint(silent), endpoint(server))
    asking.socket.wait_for_peers(2, 15000)
    answers = [asking.request(b"%d" % n, timeout=300, retries=5) for n in range(2)]
    assert answers == [[b"0"], [b"1"]]
    assert silent.poll(15000)


def test_TIME_3_servers_that_are_not_there_are_skipped(zmq, make, requester, serve):
    server, dying = make("REP"), make("REP")
    server.bind("tcp://127.0.0.1:*")
    dying.bind("tcp://127.0.0.1:*")
    serve(server, lambda question: question)
    asking = requester(dead_endpoint(), endpoint(dying), endpoint(server))
    asking.socket.wait_for_peers(2, 15000)
    dying.close()
    until(lambda: asking.socket.statistics().disconnections == 1)
    for n in range(4):
        assert asking.request(b"%d" % n, timeout=15000) == [b"%d" % n]


def test_TIME_4_no_answer_is_told_and_late_ones_are_dropped(zmq, make, requester):
    router = make("ROUTER")
    router.bind("tcp://127.0.0.1:*")
    asking = requester(endpoint(router))
    asking.socket.wait_for_peers(1, 15000)
    with pytest.raises(zmq.Again, match="no answer to 2 attempts"):
        asking.request(b"first", timeout=20, retries=1)
    late = [router.recv_multipart() for _ in range(2)]
    assert late[0] == late[1]
    for question in late:
        router.send_multipart(question)
    answers = []
    asks = threading.Thread(target=lambda: answers.append(asking.request(b"second", timeout=15000)))
    asks.start()
    router.send_multipart(router.recv_multipart())
    asks.join()
    assert (answers, asking.dropped) == ([[b"second"]], 2)


def test_TIME_5_closing_ends_what_waits(zmq, make, requester):
    router = make("ROUTER")
    router.bind("tcp://127.0.0.1:*")
    asking = requester(endpoint(router))
    errors = []

    def ask():
        try:
            asking.request(b"x")
        except zmq.ZMQError as error:
            errors.append(error.errno)

    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    for _ in threads:
        router.recv_multipart()
    asking.close()
    for thread in threads:
        thread.join()
    assert set(errors) <= {zmq.ENOTSOCK, zmq.ENOTSUP}
    assert len(errors) == 2


def test_TIME_6_tasks_ask(zmq, submodule, make, serve):
    silent, server = make("REP"), make("REP")
    silent.bind("tcp://127.0.0.1:*")
    server.bind("tcp://127.0.0.1:*")
    serve(server, lambda question: [b"re: " + question[0]])

    async def main():
        with submodule("asyncio").Context() as context:
            asking = submodule("requester").AsyncRequester(context, [endpoint(silent), endpoint(server)])
            async with asking:
                await asking.socket.wait_for_peers(2, 15000)
                answers = await asyncio.gather(*(asking.request(b"%d" % n, timeout=300, retries=9) for n in range(4)))
                assert answers == [[b"re: %d" % n] for n in range(4)]
                for n in range(4):  # one right after the other
                    assert await asking.request(b"%d" % n, timeout=300, retries=9) == [b"re: %d" % n]
            lonely = submodule("requester").AsyncRequester(context, dead_endpoint())
            with pytest.raises(zmq.Again):
                await lonely.request(b"x", timeout=10, retries=1)
            lonely.close()

    asyncio.run(main())


def test_TIME_7_nothing_is_no_error(zmq, submodule, pair):
    push, pull = pair("PUSH", "PULL", "inproc")
    assert (pull.try_recv(), pull.try_recv_multipart()) == (None, None)
    for _ in range(4):
        push.send_multipart([b"a", b"b"])
    assert (pull.try_recv(), pull.try_recv()) == (b"a", b"b")
    assert pull.try_recv_multipart() == [b"a", b"b"]
    assert bytes(pull.try_recv_multipart(copy=False)[1]) == b"b"

    async def main():
        shadow = submodule("asyncio").Socket.from_socket(pull)
        return await shadow.try_recv_multipart(), await shadow.try_recv(), await shadow.try_recv_multipart()

    assert asyncio.run(main()) == ([b"a", b"b"], None, None)


def test_what_is_no_message_is_refused(requester):
    asking = requester(dead_endpoint())
    for message in ("text", 5, None, [b"frame", "text"], [5]):  # not letters, and not five zeros
        with pytest.raises(TypeError):
            asking.request(message, timeout=0)
    with pytest.raises(IndexError):
        asking.request([], timeout=0)
    with pytest.raises(ValueError, match="retries"):
        asking.request(b"question", timeout=0, retries=-1)


def test_a_buffer_is_one_frame(zmq, make, requester, serve):
    router = make("ROUTER")
    router.bind("tcp://127.0.0.1:*")
    serve(router, list)
    asking = requester(endpoint(router))
    for message in (bytearray(b"question"), memoryview(b"question"), zmq.Frame(b"question"), [bytearray(b"question")]):
        assert asking.request(message, timeout=15000) == [b"question"]


def test_a_context_of_another_kind_is_refused(zmq, submodule, context):
    """Awaiting what blocks stops the loop, and calling what is awaited does nothing."""
    awaited = submodule("asyncio").Context(context)
    made = submodule("requester")
    with pytest.raises(TypeError, match=r"Requester needs a zmqcore.Context, not a zmqcore.asyncio.Context"):
        made.Requester(awaited, dead_endpoint())
    with pytest.raises(TypeError, match=r"AsyncRequester needs a context of zmqcore.asyncio, not a zmqcore.context.Context"):
        made.AsyncRequester(context, dead_endpoint())
    with pytest.raises(zmq.ZMQError, match="nonsense"):
        made.Requester(context, "nonsense")
    assert not [socket for socket in context._sockets_snapshot() if not socket.closed]


def test_the_contexts_time_limits_are_not_for_questions(zmq, make, submodule, context, serve):
    server = make("REP")
    server.bind("tcp://127.0.0.1:*")
    serve(server, list)
    awaited = submodule("asyncio").Context(context)
    awaited.rcvtimeo = awaited.sndtimeo = 0

    async def main():
        async with submodule("requester").AsyncRequester(awaited, endpoint(server)) as asking:
            return await asking.request(b"question", timeout=15000)

    assert asyncio.run(main()) == [b"question"]
