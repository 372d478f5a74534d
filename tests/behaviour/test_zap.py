"""Authentication by a ZAP handler (RFC 27), for each mechanism that asks one. The handler is a socket of the test."""

import functools
import socket as plain_socket
import threading

import pytest
from awaiting import Events, endpoint, received, silent, try_to_send, until
from awaiting import bound as address_is_free
from platforms import errno
from zap import CLIENT_KEY, CLIENTS, HANDLER, SERVERS, Handler, metadata


@pytest.fixture(params=["NULL", "PLAIN", "CURVE"])
def mechanism(request, zmq):
    if request.param == "CURVE" and not zmq.has("curve"):
        pytest.skip("CURVE needs PyNaCl")
    return request.param


@pytest.fixture
def handler(make):
    return Handler(make("REP"))


@pytest.fixture
def server(make, fresh, kept):
    def server(mechanism, kind="PULL", where="tcp", **options):
        options = {name: value for name, value in {**SERVERS[mechanism], **options}.items() if value is not None}
        made = make(kind, **options)
        made.bind(fresh(where))
        kept.append(made)
        return made

    return server


def test_SEC_1_without_a_domain_null_asks_nobody(make, handler, client, fresh):
    bound = make("PULL")
    bound.bind(fresh("tcp"))
    client("NULL", bound).send(b"x")
    assert bound.recv() == b"x"
    silent(handler.socket)


def test_SEC_2_whom_the_handler_accepts(zmq, handler, server, client, mechanism):
    bound = server(mechanism)
    events = Events(zmq, bound, zmq.EVENT_ALL & ~zmq.EVENT_ACCEPTED)
    push = client(mechanism, bound)
    push.send(b"hello")
    handler.answer(handler.asked())
    assert bound.recv() == b"hello"
    assert events.next()[:2] == ("HANDSHAKE_SUCCEEDED", 0)


@pytest.mark.parametrize("status", [400, 500])
def test_SEC_4_whom_the_handler_refuses(zmq, handler, server, client, mechanism, status):
    bound = server(mechanism)
    events = Events(zmq, bound, zmq.EVENT_ALL & ~zmq.EVENT_ACCEPTED)
    push = client(mechanism, bound)
    push.send(b"never")
    told = Events(zmq, push, zmq.EVENT_HANDSHAKE_FAILED_AUTH | zmq.EVENT_HANDSHAKE_SUCCEEDED)
    handler.answer(handler.asked(), b"%d" % status)
    assert events.next()[:2] == ("HANDSHAKE_FAILED_AUTH", status)
    assert told.next()[:2] == ("HANDSHAKE_FAILED_AUTH", status)
    assert events.next()[0] == "DISCONNECTED"
    assert received(bound) == []


def test_SEC_6_what_the_handler_is_told(handler, server, client, mechanism):
    bound = server(mechanism, "DEALER", ROUTING_ID=b"IDENT")
    client(mechanism, bound, "DEALER")
    question = handler.asked()
    assert question.pop("request_id")
    credentials = {"NULL": [], "PLAIN": [b"admin", b"password"], "CURVE": [CLIENT_KEY]}[mechanism]
    assert question == {
        "version": b"1.0", "domain": b"TEST", "address": b"127.0.0.1", "identity": b"IDENT", "mechanism": mechanism.encode(),
        "credentials": credentials,
    }  # fmt: skip


def test_SEC_6_the_address_of_an_ipc_peer(handler, server, client, mechanism):
    bound = server(mechanism, where="ipc")
    client(mechanism, bound)
    address = handler.asked()["address"]
    assert address.count(b":") == 3  # (host, which libzmq may know,) uid, gid and pid


def test_SEC_7_plain_without_a_handler_lets_nobody_in(zmq, server, client):
    bound = server("PLAIN")
    events = Events(zmq, bound, zmq.EVENT_ALL & ~zmq.EVENT_ACCEPTED)
    client("PLAIN", bound)
    assert events.next()[:2] == ("HANDSHAKE_FAILED_NO_DETAIL", errno.EFAULT)


def test_SEC_13_a_long_routing_id(handler, server, client, mechanism):
    bound = server(mechanism, "DEALER", ROUTING_ID=b"i" * 255)
    client(mechanism, bound, "DEALER").send(b"x")
    question = handler.asked()
    assert question["identity"] == b"i" * 255
    handler.answer(question)
    assert bound.recv() == b"x"


@pytest.mark.parametrize("enforced", [0, 1])
def test_SEC_14_without_a_handler_all_but_plain_let_everybody_in(server, client, mechanism, enforced):
    """Unless a handler is insisted on, for which there has to be a domain."""
    if mechanism == "PLAIN":
        pytest.skip("PLAIN never does")
    bound = server(mechanism, ZAP_ENFORCE_DOMAIN=enforced, ZAP_DOMAIN=None if enforced else b"TEST")
    client(mechanism, bound).send(b"x")
    assert bound.recv() == b"x"


def test_SEC_14_unless_a_handler_is_insisted_on(zmq, server, client, mechanism):
    bound = server(mechanism, ZAP_ENFORCE_DOMAIN=1)
    events = Events(zmq, bound, zmq.EVENT_ALL & ~zmq.EVENT_ACCEPTED)
    client(mechanism, bound)
    assert events.next()[:2] == ("HANDSHAKE_FAILED_NO_DETAIL", errno.EFAULT)


MALFORMED = {
    "version": (0x20000003, {"version": b"2.0"}),
    "request id": (0x20000002, {"request_id": b"what?"}),
    "status": (0x20000004, {"status": b"201"}),
    "no status": (0x20000004, {"status": b""}),
    "metadata": (0x20000005, {"properties": b"\x05Hello\0\0\0\x05Wor"}),
}


@pytest.mark.parametrize("what", MALFORMED)
def test_SEC_15_malformed_replies(zmq, handler, server, client, mechanism, what):
    value, wrong = MALFORMED[what]
    bound = server(mechanism)
    events = Events(zmq, bound, zmq.EVENT_ALL & ~zmq.EVENT_ACCEPTED)
    client(mechanism, bound).send(b"never")
    handler.answer(handler.asked(), **wrong)
    assert events.next()[:2] == ("HANDSHAKE_FAILED_PROTOCOL", value)
    assert events.next()[0] == "DISCONNECTED"
    assert received(bound) == []


@pytest.mark.parametrize("count", [1, 3, 5, 7, 8, 20])
def test_SEC_15_too_many_and_too_few_frames(zmq, handler, server, client, mechanism, count):
    bound = server(mechanism)
    events = Events(zmq, bound, zmq.EVENT_ALL & ~zmq.EVENT_ACCEPTED)
    client(mechanism, bound)
    question = handler.asked()
    frames = [b"1.0", question["request_id"], b"200", b"", b"", b""] + [b""] * 14
    handler.socket.send_multipart(frames[:count])
    assert events.next()[:2] == ("HANDSHAKE_FAILED_PROTOCOL", 0x20000001)


def test_SEC_15_a_reply_without_its_delimiter(zmq, make, server, client, mechanism):
    router = make("ROUTER")
    router.bind(HANDLER)
    bound = server(mechanism)
    events = Events(zmq, bound, zmq.EVENT_ALL & ~zmq.EVENT_ACCEPTED)
    client(mechanism, bound)
    peer, empty, version, request_id, *_ = router.recv_multipart()
    assert (empty, version) == (b"", b"1.0")
    router.send_multipart([peer, b"full", b"1.0", request_id, b"200", b"", b"", b""])
    assert events.next()[:2] == ("HANDSHAKE_FAILED_PROTOCOL", 0x20000000)


def test_SEC_16_a_temporary_failure_is_met_with_silence(zmq, handler, server, client, mechanism):
    bound = server(mechanism, HANDSHAKE_IVL=300)
    events = Events(zmq, bound, zmq.EVENT_ALL & ~zmq.EVENT_ACCEPTED)
    push = client(mechanism, bound)
    told = Events(zmq, push, zmq.EVENT_ALL & ~(zmq.EVENT_CONNECTED | zmq.EVENT_CONNECT_DELAYED))
    handler.answer(handler.asked(), b"300")
    assert events.next()[:2] == ("HANDSHAKE_FAILED_AUTH", 300)
    assert events.next()[0] == "DISCONNECTED"
    assert told.next()[:2] == ("HANDSHAKE_FAILED_NO_DETAIL", errno.EPIPE)


def test_SEC_17_a_handler_that_does_not_answer(zmq, handler, server, client, mechanism):
    bound = server(mechanism)
    events = Events(zmq, bound, zmq.EVENT_ALL & ~zmq.EVENT_ACCEPTED)
    push = client(mechanism, bound)
    handler.asked()
    push.close(0)
    assert events.next()[:2] == ("HANDSHAKE_FAILED_NO_DETAIL", errno.EPIPE)
    assert events.next()[0] == "DISCONNECTED"


def test_SEC_17_a_handler_that_does_not_even_receive(zmq, handler, server, client, mechanism):
    bound = server(mechanism)
    events = Events(zmq, bound, zmq.EVENT_ALL & ~zmq.EVENT_ACCEPTED)
    push = client(mechanism, bound)
    assert handler.socket.poll(5000)
    push.close(0)
    assert events.next()[:2] == ("HANDSHAKE_FAILED_NO_DETAIL", errno.EPIPE)


def test_SEC_17_the_handshake_timer_goes_on(zmq, handler, server, client, mechanism):
    bound = server(mechanism, HANDSHAKE_IVL=200)
    events = Events(zmq, bound, zmq.EVENT_ALL & ~zmq.EVENT_ACCEPTED)
    client(mechanism, bound)
    handler.asked()
    assert events.next()[0] == "HANDSHAKE_FAILED_NO_DETAIL"
    assert events.next()[0] == "DISCONNECTED"


@pytest.mark.better  # libzmq leaves the handshake to its timer
def test_SEC_17_a_question_goes_to_the_handler_that_takes_over(make, handler, server, client, mechanism):
    bound = server(mechanism)
    client(mechanism, bound).send(b"x")
    first = handler.asked()
    handler.socket.close()
    next_one = Handler(make("REP"))
    again = next_one.asked()
    assert again == first
    next_one.answer(again)
    assert bound.recv() == b"x"


@pytest.mark.better
def test_SEC_17_one_that_unbinds_hands_over_too(make, handler, server, client, mechanism):
    bound = server(mechanism)
    client(mechanism, bound).send(b"x")
    handler.asked()
    handler.socket.unbind(HANDLER)
    next_one = Handler(make("REP"))
    next_one.answer(next_one.asked())
    assert bound.recv() == b"x"


@pytest.fixture(params=["close", "unbind"])
def gone(request, handler):
    """A context whose handler has gone before anybody came."""
    handler.socket.close() if request.param == "close" else handler.socket.unbind(HANDLER)


@pytest.mark.better  # libzmq lets in, by all mechanisms but PLAIN, who comes between two handlers
def test_SEC_17_who_comes_between_two_handlers_waits_for_the_next(make, gone, server, client, mechanism):
    bound = server(mechanism)
    client(mechanism, bound).send(b"x")
    silent(bound)
    next_one = Handler(make("REP"))
    next_one.answer(next_one.asked(), user=b"u")
    frame = bound.recv(copy=False)
    assert (frame.bytes, frame.get("User-Id")) == (b"x", "u")


@pytest.mark.better
def test_SEC_17_and_if_there_is_none_the_handshake_timer_ends_it(zmq, gone, server, client, mechanism):
    bound = server(mechanism, HANDSHAKE_IVL=200)
    events = Events(zmq, bound, zmq.EVENT_ALL & ~zmq.EVENT_ACCEPTED)
    client(mechanism, bound)
    assert events.next()[0] == "HANDSHAKE_FAILED_NO_DETAIL"
    assert events.next()[0] == "DISCONNECTED"


@pytest.mark.better  # libzmq's request id is always "1", and each handshake has a connection of its own to the handler
def test_SEC_17_a_late_answer_is_for_nobody(zmq, make, server, client, mechanism):
    router = make("ROUTER")
    router.bind(HANDLER)
    bound = server(mechanism)
    events = Events(zmq, bound, zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL)
    early = client(mechanism, bound)
    peer, empty, version, late, *_ = router.recv_multipart()
    early.close(0)
    assert events.next()[0] == "HANDSHAKE_FAILED_NO_DETAIL"
    client(mechanism, bound).send(b"x")
    request_id = router.recv_multipart()[3]
    assert request_id != late
    for number in (late, request_id):
        router.send_multipart([peer, b"", b"1.0", number, b"200", b"", b"", b""])
    assert bound.recv() == b"x"


@pytest.mark.better
def test_SEC_17_a_second_answer_is_for_nobody(zmq, make, server, client, mechanism):
    router = make("ROUTER")
    router.bind(HANDLER)
    bound = server(mechanism)
    events = Events(zmq, bound, zmq.EVENT_HANDSHAKE_SUCCEEDED | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL)
    numbers = []
    for _ in range(2):
        client(mechanism, bound)
        peer, empty, version, number, *_ = router.recv_multipart()
        numbers.append(number)
    for number in (numbers[0], numbers[0], numbers[1], numbers[1]):
        router.send_multipart([peer, empty, version, number, b"200", b"", b"", b""])
    assert [events.next()[0] for _ in numbers] == ["HANDSHAKE_SUCCEEDED"] * 2


def test_SEC_18_user_id_and_metadata_of_a_message(zmq, handler, server, client, mechanism):
    bound = server(mechanism, "DEALER")
    client(mechanism, bound, "DEALER").send_multipart([b"a", b"b"])
    handler.answer(handler.asked(), user=b"anonymous", properties=metadata((b"Hello", b"World"), (b"Empty", b"")))
    frames = bound.recv_multipart(copy=False)
    assert [frame.bytes for frame in frames] == [b"a", b"b"]
    for frame in frames:
        assert frame.get("User-Id") == "anonymous"
        assert frame.get("Hello") == "World"
        assert frame.get("Empty") == ""
        assert frame.get("Socket-Type") == "DEALER"
        assert frame.get("Peer-Address") == "127.0.0.1"
        with pytest.raises(zmq.ZMQError) as caught:
            frame.get("World")
        assert caught.value.errno == zmq.EINVAL


@pytest.mark.better
def test_SEC_27_who_has_shown_nothing_is_not_authenticated(handler, server, client, mechanism):
    bound = server(mechanism)
    client(mechanism, bound).send(b"x")
    handler.answer(handler.asked(), user=b"anonymous")
    assert bound.recv(copy=False).authenticated == (mechanism != "NULL")


def test_SEC_18_an_empty_user_id(handler, server, client, mechanism):
    bound = server(mechanism)
    client(mechanism, bound).send(b"x")
    handler.answer(handler.asked())
    assert bound.recv(copy=False).get("User-Id") == ""


def test_SEC_18_what_the_handler_says_comes_before_what_the_peer_says(zmq, handler, server, client, mechanism):
    bound = server(mechanism, "DEALER")
    client(mechanism, bound, "DEALER", METADATA=b"X-Who:me").send(b"x")
    handler.answer(handler.asked(), user=b"u", properties=metadata((b"X-Who", b"handler")))
    frame = bound.recv(copy=False)
    assert (frame.get("X-Who"), frame.get("User-Id")) == ("handler", "u")


def test_SEC_18_the_properties_are_those_of_the_connection(zmq, make, handler, server, client, mechanism):
    """The same peer comes back as somebody else."""
    bound = server(mechanism)
    push = client(mechanism, bound, RECONNECT_IVL=10)
    for user in (b"first", b"second"):
        question = handler.asked()
        handler.answer(question, user=user)
        push.send(user)
        frame = bound.recv(copy=False)
        assert (frame.bytes, frame.get("User-Id")) == (user, user.decode())
        if user == b"first":
            where = endpoint(bound)
            bound.close()
            bound = make("PULL", **SERVERS[mechanism])
            until(functools.partial(address_is_free, zmq, bound, where))


def test_SEC_20_options_apply_to_later_connections(handler, server, client, make):
    bound = make("PULL")
    bound.bind("tcp://127.0.0.1:*")
    first = client("NULL", bound)
    first.send(b"first")
    assert bound.recv() == b"first"
    bound.zap_domain = b"TEST"
    bound.bind("tcp://127.0.0.1:*")
    client("NULL", bound).send(b"second")
    handler.answer(handler.asked())
    assert bound.recv() == b"second"
    first.send(b"third")
    assert bound.recv() == b"third"


def test_SEC_20_an_endpoint_keeps_its_mechanism(zmq, handler, make, client, fresh, mechanism):
    """The options are for the next endpoint: what they say of that one lets no stranger in by this one."""
    bound = make("PULL", **SERVERS[mechanism])
    bound.bind(fresh("tcp"))
    secured = endpoint(bound)
    for option in ("PLAIN_SERVER", "CURVE_SERVER"):
        bound.setsockopt(getattr(zmq, option), 0)
    bound.zap_domain = b"OTHER"
    bound.bind(fresh("ipc"))
    events = Events(zmq, bound, zmq.EVENT_HANDSHAKE_SUCCEEDED | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL | zmq.EVENT_HANDSHAKE_FAILED_AUTH)
    stranger = make("PUSH", RECONNECT_IVL=-1)
    stranger.connect(secured)
    if mechanism == "NULL":
        question = handler.asked()
        assert question["domain"] == b"TEST"
        handler.answer(question, b"400")
    assert events.next()[0] == ("HANDSHAKE_FAILED_AUTH" if mechanism == "NULL" else "HANDSHAKE_FAILED_PROTOCOL")
    client("NULL", bound).send(b"by the second")
    question = handler.asked()
    assert (question["mechanism"], question["domain"]) == (b"NULL", b"OTHER")
    handler.answer(question)
    assert bound.recv() == b"by the second"


def test_SEC_20_each_connection_shows_what_was_set_for_it(handler, make, fresh):
    push = make("PUSH", RECONNECT_IVL=10, SNDHWM=1)
    addresses = {}
    for domain, user in ((b"first", b"alice"), (b"second", b"bob")):
        push.plain_username, push.plain_password = user, user[::-1]
        addresses[domain] = fresh("ipc")
        push.connect(addresses[domain])  # nobody is there yet
    servers = [make("PULL", PLAIN_SERVER=1, ZAP_DOMAIN=domain) for domain in addresses]
    for server, address in zip(servers, addresses.values(), strict=True):
        server.bind(address)
    questions = []
    for _ in servers:
        questions.append(handler.asked())
        handler.answer(questions[-1])
    assert sorted((question["domain"], *question["credentials"]) for question in questions) == [
        (b"first", b"alice", b"ecila"), (b"second", b"bob", b"bob"),
    ]  # fmt: skip


def test_SEC_21_inproc_asks_nobody(handler, server, client, mechanism):
    bound = server(mechanism, where="inproc")
    client(mechanism, bound).send(b"x")
    assert bound.recv() == b"x"
    silent(handler.socket)


@pytest.mark.better  # libzmq ends the process
@pytest.mark.parametrize("kind", ["PAIR", "PULL", "PUB", "DEALER", "SUB"])
def test_SEC_22_a_handler_of_a_wrong_type_fails_the_handshake(zmq, make, server, client, mechanism, kind):
    wrong = make(kind)
    wrong.bind(HANDLER)
    bound = server(mechanism)
    events = Events(zmq, bound, zmq.EVENT_ALL & ~zmq.EVENT_ACCEPTED)
    push = client(mechanism, bound)
    try_to_send(zmq, push)
    assert events.next()[:2] == ("HANDSHAKE_FAILED_NO_DETAIL", errno.EFAULT)
    assert received(bound) == []


@pytest.mark.better  # libzmq ends the process with PLAIN, and with CURVE lets everybody in
@pytest.mark.parametrize("mechanism", ["PLAIN", "CURVE"], indirect=True)
def test_SEC_22_who_insists_on_a_domain_and_has_none(zmq, handler, server, client, mechanism):
    bound = server(mechanism, ZAP_ENFORCE_DOMAIN=1, ZAP_DOMAIN=None)
    events = Events(zmq, bound, zmq.EVENT_ALL & ~zmq.EVENT_ACCEPTED)
    client(mechanism, bound)
    assert events.next()[:2] == ("HANDSHAKE_FAILED_NO_DETAIL", errno.EFAULT)
    silent(handler.socket)


@pytest.mark.better  # there is one connection to the handler for all questions
def test_many_questions_at_once_answered_in_any_order(make, server, client, mechanism):
    router = make("ROUTER")
    router.bind(HANDLER)
    bound = server(mechanism)
    pushes = [client(mechanism, bound) for _ in range(50)]
    for number, push in enumerate(pushes):
        push.send(b"%d" % number)
    questions = [router.recv_multipart() for _ in pushes]
    assert len({question[3] for question in questions}) == len(pushes)
    for number, (peer, empty, version, request_id, *_) in reversed(list(enumerate(questions))):
        router.send_multipart([peer, empty, version, request_id, b"200", b"", b"%d" % number, b""])
    frames = [bound.recv(copy=False) for _ in pushes]
    assert len({frame.bytes for frame in frames}) == len({frame.get("User-Id") for frame in frames}) == len(pushes)


@pytest.mark.better  # in libzmq the connection stays until the handler has answered
def test_a_server_closes_with_a_question_open(zmq, handler, server, client, mechanism):
    bound = server(mechanism)
    push = client(mechanism, bound)
    told = Events(zmq, push, zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL)
    question = handler.asked()
    bound.close()
    told.next()
    handler.answer(question)
    again = server(mechanism)
    client(mechanism, again).send(b"x")
    handler.answer(handler.asked())
    assert again.recv() == b"x"


def test_the_context_ends_with_questions_open(zmq, fresh, mechanism):
    context = zmq.Context()
    handler = context.socket(zmq.ROUTER)
    handler.bind(HANDLER)
    bound = context.socket(zmq.PULL)
    for name, value in SERVERS[mechanism].items():
        bound.setsockopt(getattr(zmq, name), value)
    bound.bind("tcp://127.0.0.1:*")
    others = zmq.Context()
    pushes = [others.socket(zmq.PUSH) for _ in range(20)]
    for push in pushes:
        for name, value in CLIENTS[mechanism].items():
            push.setsockopt(getattr(zmq, name), value)
        push.connect(endpoint(bound))
    handler.recv_multipart()
    ended = threading.Thread(target=context.term)
    ended.start()
    with pytest.raises(zmq.ContextTerminated):
        while True:
            handler.recv_multipart()
    handler.close()
    bound.close()
    ended.join(10)
    assert not ended.is_alive()
    others.destroy(0)


@pytest.mark.better  # in libzmq each leaves a connection with its question behind
def test_who_leaves_takes_the_question_along(zmq, make, server):
    """Many peers begin a handshake and go. The handler, which was busy, finds its queue, and no more than that."""
    handler = make("REP", RCVHWM=1)
    handler.bind(HANDLER)
    bound = server("NULL")
    host, port = endpoint(bound).removeprefix("tcp://").split(":")
    greeting = b"\xff" + bytes(8) + b"\x7f\x03\x01" + b"NULL".ljust(20, b"\0") + bytes(32)
    gone = Events(zmq, bound, zmq.EVENT_DISCONNECTED)
    for _ in range(16):
        peers = [plain_socket.create_connection((host, int(port))) for _ in range(100)]
        for peer in peers:
            peer.sendall(greeting)
        for peer in peers:
            data = b""
            while len(data) < 64:
                data += peer.recv(64 - len(data))
            peer.close()
        for _ in peers:
            gone.next()
    questions = 0
    while handler.poll(200):
        handler.recv_multipart()
        handler.send_multipart([b"1.0", b"-", b"400", b"", b"", b""])
        questions += 1
    assert 0 < questions <= 1001


@pytest.mark.better  # libzmq ends the connection
def test_nothing_but_a_ready_of_reasonable_size_is_read_before_the_answer(zmq, handler, server):
    """What a peer sends while the handler is asked stays with the kernel; it all counts once the peer is accepted."""
    bound = server("NULL")
    host, port = endpoint(bound).removeprefix("tcp://").split(":")
    greeting = b"\xff" + bytes(8) + b"\x7f\x03\x01" + b"NULL".ljust(20, b"\0") + bytes(32)
    with plain_socket.create_connection((host, int(port))) as peer:
        peer.sendall(greeting)
        question = handler.asked()
        ready = b"\x05READY" + metadata((b"Socket-Type", b"PUSH"))
        messages = b"".join(b"\x00\xc8" + bytes([number]) * 200 for number in range(250))
        peer.sendall(b"\x04" + bytes([len(ready)]) + ready + messages)
        silent(bound)
        handler.answer(question)
        assert [bound.recv() for _ in range(250)] == [bytes([number]) * 200 for number in range(250)]
