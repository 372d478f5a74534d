"""unbind() and disconnect(): what was received is the application's, what was sent is LINGER's."""
import time

import pytest
from awaiting import Events, endpoint, received, silent, until
from platforms import errno
from transports import NETWORKS

COUNT = 50
PAIRS = [
    ("PUSH", "PULL"), ("DEALER", "ROUTER"), ("ROUTER", "DEALER"), ("DEALER", "DEALER"), ("PUB", "SUB"), ("XPUB", "XSUB"), ("PAIR", "PAIR"),
    ("DEALER", "REP"), ("XSUB", "XPUB"),
]


def parts(kinds, number):
    """A message of two frames that this pair of types carries."""
    if kinds == ("DEALER", "REP"):
        return [b"", b"%d" % number, b"end"]
    if kinds[0] == "ROUTER":
        return [b"peer", b"%d" % number, b"end"]
    return [b"m %d" % number, b"end"]


def joined(zmq, make, fresh, kinds, transport, receiver_binds):
    """Sender, receiver and the endpoint between them."""
    sender, receiver = make(kinds[0]), make(kinds[1])
    if kinds[0] == "ROUTER":
        receiver.routing_id = b"peer"
        sender.router_mandatory = True
    binder, connecter = (receiver, sender) if receiver_binds else (sender, receiver)
    binder.bind(fresh(transport))
    where = endpoint(binder)
    connecter.connect(where)
    if kinds[1] == "SUB":
        receiver.subscribe(b"")
    elif kinds[1] == "XSUB":
        receiver.send(b"\1")

    def first():
        """A message has come through: both know each other."""
        try:
            sender.send_multipart(parts(kinds, 0), zmq.DONTWAIT)
        except zmq.ZMQError as error:
            assert error.errno in (errno.EAGAIN, errno.EHOSTUNREACH)
        sender.getsockopt(zmq.EVENTS)
        return receiver.poll(5)

    until(first)
    received(receiver, 50) if kinds[1] != "REP" else drained(receiver)
    return sender, receiver, where


def drained(rep):
    messages = []
    while rep.poll(50):
        messages.append(rep.recv_multipart())
        rep.send(b"")
    return messages


def taken(receiver, kinds, count):
    messages = []
    for _ in range(count):
        messages.append(receiver.recv_multipart())
        if kinds[1] == "REP":
            receiver.send(b"")
    assert not receiver.poll(0)
    return messages


def arrived(zmq, sender, receiver):
    """All that was sent before has come at least as far as the receiver's own descriptor."""
    sender.getsockopt(zmq.EVENTS)  # whoever looks for input has written all output before
    assert receiver.poll(5000)
    if zmq.__name__ == "zmq":
        time.sleep(0.2)  # its own threads do that, and nothing tells when they have done it


@pytest.mark.parametrize("kinds", PAIRS, ids="-".join)
def test_received_messages_survive_unbind(zmq, make, fresh, kinds, transport):
    sender, receiver, where = joined(zmq, make, fresh, kinds, transport, receiver_binds=True)
    for number in range(COUNT):
        sender.send_multipart(parts(kinds, number))
    arrived(zmq, sender, receiver)
    receiver.unbind(where)
    messages = taken(receiver, kinds, COUNT)
    assert [message[-2:] for message in messages] == [parts(kinds, number)[-2:] for number in range(COUNT)]


@pytest.mark.better
@pytest.mark.parametrize("kinds", PAIRS, ids="-".join)
def test_received_messages_survive_disconnect(zmq, make, fresh, kinds, transport):
    """libzmq drops them, or ends the process."""
    sender, receiver, where = joined(zmq, make, fresh, kinds, transport, receiver_binds=False)
    for number in range(COUNT):
        sender.send_multipart(parts(kinds, number))
    arrived(zmq, sender, receiver)
    receiver.disconnect(where)
    messages = taken(receiver, kinds, COUNT)
    assert [message[-2:] for message in messages] == [parts(kinds, number)[-2:] for number in range(COUNT)]
    if kinds[1] not in ("XSUB", "XPUB", "PULL", "SUB"):
        assert not receiver.poll(0, zmq.POLLOUT) or kinds[1] == "ROUTER"


@pytest.mark.better
@pytest.mark.parametrize("receiver_binds", [True, False])
def test_a_message_half_read_is_read_to_its_end(zmq, make, fresh, transport, receiver_binds):
    kinds = ("PUSH", "PULL")
    sender, receiver, where = joined(zmq, make, fresh, kinds, transport, receiver_binds)
    sender.send_multipart([b"one", b"two", b"three"])
    sender.send_multipart([b"four", b"five"])
    arrived(zmq, sender, receiver)
    assert receiver.recv() == b"one"
    (receiver.unbind if receiver_binds else receiver.disconnect)(where)
    assert receiver.recv_multipart() == [b"two", b"three"]
    assert receiver.recv_multipart() == [b"four", b"five"]
    silent(receiver, 20)
    again = make("PUSH")
    receiver.bind(fresh(transport))
    again.connect(endpoint(receiver))
    again.send_multipart([b"six", b"seven"])
    assert receiver.recv_multipart() == [b"six", b"seven"]


@pytest.mark.parametrize("transport", NETWORKS)
def test_a_reply_can_be_read_after_disconnect(zmq, make, fresh, transport):
    """A request that came before unbind() is answered into the void, and the REP goes on."""
    rep, req = make("REP"), make("REQ")
    rep.bind(fresh(transport))
    where = endpoint(rep)
    req.connect(where)
    req.send(b"?")
    assert rep.poll(5000)
    rep.unbind(where)
    assert rep.recv() == b"?"
    rep.send(b"!")
    other = make("REQ")
    rep.bind(fresh(transport))
    other.connect(endpoint(rep))
    other.send(b"other")
    assert rep.recv() == b"other"
    rep.send(b"reply")
    assert other.recv() == b"reply"


@pytest.mark.better
@pytest.mark.parametrize("linger", [-1, 5000])
@pytest.mark.parametrize("transport", NETWORKS)
def test_output_is_flushed_while_input_is_still_unread(zmq, make, fresh, transport, linger):
    """Reading the last message must not cut off what still goes out."""
    many, body = 200, b"x" * 50000
    here, there = make("DEALER", SNDHWM=0, LINGER=linger), make("DEALER", RCVHWM=0)
    there.bind(fresh(transport))
    where = endpoint(there)
    here.connect(where)
    there.send(b"unread")
    assert here.poll(5000)
    for number in range(many):
        here.send(body + b"%d" % number)
    here.disconnect(where)
    assert here.recv() == b"unread"
    with pytest.raises(zmq.Again):
        here.send(b"no way out any more", zmq.DONTWAIT)
    assert [there.recv()[len(body):] for _ in range(many)] == [b"%d" % number for number in range(many)]
    silent(there, 20)


@pytest.mark.better
@pytest.mark.parametrize("transport", NETWORKS)
def test_output_waits_for_the_peer_while_input_is_still_unread(zmq, make, fresh, transport):
    """The connection is lost after disconnect(): what LINGER keeps is sent over the next one, what was received stays."""
    here, there = make("DEALER", LINGER=-1, RECONNECT_IVL=10), make("DEALER")
    there.bind(fresh(transport))
    where = endpoint(there)
    here.connect(where)
    there.send(b"unread")
    assert here.poll(5000)
    events = Events(zmq, there, zmq.EVENT_CLOSED)
    there.close()
    events.wait("CLOSED")
    here.send(b"for the next")
    here.disconnect(where)
    there = make("DEALER")
    until(lambda: bound_again(zmq, there, where))
    assert there.recv() == b"for the next"
    assert here.recv() == b"unread"
    silent(here, 20)


def bound_again(zmq, socket, where):
    try:
        socket.bind(where)
    except zmq.ZMQError as error:
        assert error.errno == zmq.EADDRINUSE
        return False
    return True


@pytest.mark.better
def test_the_other_end_of_inproc_keeps_what_it_received(zmq, make, fresh):
    here, there = make("PAIR"), make("PAIR")
    there.bind(fresh("inproc"))
    here.connect(endpoint(there))
    for number in range(COUNT):
        here.send(b"%d" % number)
        there.send(b"%d" % number)
    here.disconnect(endpoint(there))
    for socket in (here, there):
        assert [message for (message,) in received(socket, 20)] == [b"%d" % number for number in range(COUNT)]
        with pytest.raises(zmq.Again):
            socket.send(b"x", zmq.DONTWAIT)


@pytest.mark.better
def test_a_router_is_not_told_of_what_it_did_itself(zmq, make, fresh, transport):
    router, dealer = make("ROUTER", ROUTER_NOTIFY=2), make("DEALER")
    router.bind(fresh(transport))
    where = endpoint(router)
    dealer.connect(where)
    dealer.send(b"x")
    assert router.poll(5000)
    if transport == "inproc":
        dealer.disconnect(where)
    else:
        router.unbind(where)
    assert router.recv_multipart()[1:] == [b"x"]
    silent(router, 20)


@pytest.mark.parametrize("transport", NETWORKS)
def test_either_call_does_the_work_of_the_other(zmq, make, fresh, transport):
    pull, push = make("PULL"), make("PUSH")
    pull.bind(fresh(transport))
    where = endpoint(pull)
    push.connect(where)
    push.send(b"x")
    assert pull.recv() == b"x"
    push.unbind(where)
    pull.disconnect(where)
    for call in (push.unbind, push.disconnect, pull.unbind, pull.disconnect):
        with pytest.raises(zmq.ZMQError) as caught:
            call(where)
        assert caught.value.errno == errno.ENOENT


def test_either_call_does_the_work_of_the_other_inproc(zmq, make, fresh):
    where = fresh("inproc")
    pull = make("PULL")
    pull.bind(where)
    pull.disconnect(where)
    other = make("PULL")
    other.bind(where)
    push = make("PUSH")
    push.connect(where)
    push.unbind(where)
    with pytest.raises(zmq.Again):
        push.send(b"x", zmq.DONTWAIT)


@pytest.mark.parametrize("kinds", [("PUSH", "DEALER"), ("DEALER", "PULL"), ("PAIR", "DEALER"), ("PUSH", "ROUTER"), ("DEALER", "PAIR")], ids="-".join)
@pytest.mark.parametrize("bind_first", [True, False])
def test_inproc_joins_any_types(zmq, make, fresh, kinds, bind_first):
    """Over a network the handshake would refuse these."""
    where = fresh("inproc")
    sender, receiver = make(kinds[0]), make(kinds[1])
    if bind_first:
        receiver.bind(where)
    sender.connect(where)
    if not bind_first:
        receiver.bind(where)
    sender.send_multipart([b"a", b"b"])
    assert receiver.recv_multipart()[-2:] == [b"a", b"b"]
