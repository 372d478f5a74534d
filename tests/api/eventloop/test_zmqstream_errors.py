"""Functions of a ZMQStream that are coroutines, and those that fail: who hears of an error, and what goes on."""

import asyncio

import pytest
from tornado_loop import Calls, on_tornado

pytest.importorskip("tornado")


@on_tornado
async def test_coroutine_functions(streams, logged):
    push, pull = streams("PUSH", "PULL")
    calls = Calls()

    async def slow(message):
        await asyncio.sleep(0)
        calls(message)

    pull.on_recv(slow)
    push.on_send_stream(lambda *args: slow("sent"))
    push.send(b"x")
    assert sorted(await calls.several(2), key=str) == sorted(["sent", [b"x"]], key=str)
    assert not logged()


@on_tornado
async def test_error_of_a_coroutine_function_is_logged(streams, logged):
    push, pull = streams("PUSH", "PULL")
    calls = Calls()

    async def fail(message):
        calls(message)
        raise ValueError("planted")

    pull.on_recv(fail)
    push.send(b"1")
    push.send(b"2")
    await calls.several(2)
    await calls.silent()
    assert logged() == ["Uncaught exception in ZMQStream callback"] * 2


@pytest.mark.better  # pyzmq forgets what came together with the message
@on_tornado
async def test_no_message_is_lost_by_an_error(streams, logged):
    push, pull = streams("PUSH", "PULL")
    calls, told = Calls(), Calls()
    asyncio.get_running_loop().set_exception_handler(lambda loop, about: told(about["exception"]))

    def fail(*args):
        calls(args)
        raise ValueError("planted")

    pull.on_recv(fail)
    push.on_send(fail)
    for i in range(3):
        push.send(b"%d" % i)
    got = await calls.several(6)
    assert [args[0] for args in got if len(args) == 1] == [[b"0"], [b"1"], [b"2"]]
    assert [args[0] for args in got if len(args) == 2] == [[b"0"], [b"1"], [b"2"]]
    assert all(isinstance(error, ValueError) for error in await told.several(6))
    assert logged() == ["Uncaught exception in ZMQStream callback"] * 6


@on_tornado
async def test_error_of_a_function_goes_to_the_caller_of_flush(streams, logged):
    push, _ = streams("PUSH", "PULL")
    while not push.socket.poll(10, 2):
        pass

    def fail(*args):
        raise ValueError("planted")

    push.send(b"x", callback=fail)
    with pytest.raises(ValueError, match="planted"):
        push.flush()
    assert logged()


@pytest.mark.better  # pyzmq stops at it
@on_tornado
async def test_what_cannot_be_sent_is_logged(streams, logged):
    push, pull = streams("PUSH", "PULL")
    calls = Calls()
    asyncio.get_running_loop().set_exception_handler(lambda loop, about: None)
    pull.on_recv(calls)
    push.send("text")
    push.send_multipart([b"x", object()])
    push.send(b"good")
    assert await calls.next() == [b"good"]
    assert logged() == ["ZMQStream dropped a message that cannot be sent"] * 2


@on_tornado
async def test_function_gets_the_error_of_a_send(zmq, streams, logged):
    router, dealer = streams("ROUTER", "DEALER", connecter_options={"ROUTER_MANDATORY": 1})
    calls, sent = Calls(), Calls()
    dealer.on_recv(calls)
    dealer.send(b"hello")
    router.on_recv(calls)
    identity, _ = await calls.next()
    router.on_send(sent)
    router.send_multipart([b"nobody", b"x"])
    router.send_multipart([identity, b"y"])
    message, status = await sent.next()
    assert message == [b"nobody", b"x"] and isinstance(status, zmq.ZMQError) and status.errno == zmq.EHOSTUNREACH
    assert await calls.next() == [b"y"]
    assert [text.split(":")[0] for text in logged()] == ["SEND Error"]


@on_tornado
async def test_on_err_does_nothing(streams, logged):
    push, _ = streams("PUSH", "PULL")
    assert push.on_err(print) is None
    assert push.stop_on_err() is None
    assert len(logged()) == 2


@on_tornado
async def test_only_functions(streams):
    push, pull = streams("PUSH", "PULL")
    for setter in (pull.on_recv, push.on_send):
        with pytest.raises(AssertionError):
            setter("text")
