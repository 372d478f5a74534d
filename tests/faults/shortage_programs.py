"""Small programs that use everything that takes memory or descriptors. Each is given a context and the module, and must end with what it
began with: sockets that work, or an error that tells what ran out.

A program gets through if nothing fails. If something does, any call may raise (see `refused`), and a message may be lost with its connection;
so they wait with a limit, and never rely on what an earlier call has returned.
"""

import contextlib
import errno
import itertools
import os
import threading

from transports import unused_port

_serial = itertools.count(1)
PATIENCE = 200  # ms that a message may take where nothing fails; more only makes runs with a fault slower
REFUSALS = {errno.ENOMEM, errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.EAGAIN}


def refused(zmq, error):
    """Whether an exception is one that a shortage may cause."""
    return isinstance(error, MemoryError) or (isinstance(error, zmq.ZMQError) and error.errno in REFUSALS)


def endpoint(kind, folder):
    return {
        "tcp": "tcp://127.0.0.1:*",
        "ipc": f"ipc://{folder}/{next(_serial)}",
        "epgm": f"epgm://127.0.0.1;239.192.79.1:{unused_port()}",
        "inproc": f"inproc://fault-{os.getpid()}-{next(_serial)}",
    }[kind]


def opened(zmq, context, kind, **options):
    socket = context.socket(getattr(zmq, kind))
    socket.linger = 0
    socket.rcvtimeo = socket.sndtimeo = PATIENCE
    socket.reconnect_ivl = 1
    for name, value in options.items():
        setattr(socket, name, value)
    return socket


def attempt(zmq, function, *args, **kwargs):
    """The result, or None if it was refused."""
    try:
        return function(*args, **kwargs)
    except (zmq.ZMQError, MemoryError) as error:
        if not refused(zmq, error):
            raise


def one_way(zmq, context, address, sender="PUSH", receiver="PULL", **options):
    target = opened(zmq, context, receiver, **options)
    target.bind(address)
    source = opened(zmq, context, sender, **options)
    source.connect(target.last_endpoint)
    for size in (3, 500, 20_000, 200_000):
        attempt(zmq, source.send, b"x" * size)
        attempt(zmq, target.recv)
    attempt(zmq, source.send_multipart, [b"part", b"y" * 500, b"z" * 100_000] * 4)
    attempt(zmq, target.recv_multipart)
    attempt(zmq, source.send_many, [b"many" * 10] * 300)
    attempt(zmq, target.recv_many, 300)


def conflating(zmq, context, address):
    one_way(zmq, context, address, conflate=1)


def pair(zmq, context, address):
    one_way(zmq, context, address, "PAIR", "PAIR")


def publish(zmq, context, address):
    xpub = opened(zmq, context, "XPUB")
    xpub.bind(address)
    subs = [opened(zmq, context, kind) for kind in ("SUB", "XSUB")]
    for sub in subs:
        sub.connect(xpub.last_endpoint)
    for topic in (b"", b"a", b"ab", b"b" * 300):
        attempt(zmq, subs[0].subscribe, topic)
        attempt(zmq, subs[1].send, b"\x01" + topic)
    attempt(zmq, xpub.recv)
    attempt(zmq, xpub.recv)
    for topic in (b"a", b"b" * 300):
        attempt(zmq, xpub.send_multipart, [topic, b"x" * 10_000])
        for sub in subs:
            attempt(zmq, sub.recv_multipart)
    attempt(zmq, subs[0].unsubscribe, b"a")


def multicast(zmq, context, address):
    reader = opened(zmq, context, "SUB")
    reader.subscribe(b"")
    sender = opened(zmq, context, "PUB", rate=1_000_000)
    reader.connect(address)
    sender.bind(address)
    for size in (3, 500, 20_000):
        attempt(zmq, sender.send_multipart, [b"x" * size, b"y"])
        attempt(zmq, reader.recv_multipart)


def request(zmq, context, address):
    router = opened(zmq, context, "ROUTER", router_handover=1)
    router.bind(address)
    clients = [opened(zmq, context, "REQ", req_relaxed=1), opened(zmq, context, "DEALER", routing_id=b"name" * 20)]
    for client in clients:
        client.connect(router.last_endpoint)
        attempt(zmq, client.send, b"question")
        frames = attempt(zmq, router.recv_multipart)
        if frames:
            attempt(zmq, router.send_multipart, frames)
            attempt(zmq, client.recv_multipart)
    rep = opened(zmq, context, "REP")
    rep.bind(address if address.startswith("tcp") else address + "-rep")
    clients[0].connect(rep.last_endpoint)
    for _ in range(2):
        attempt(zmq, clients[0].send, b"again")
        if attempt(zmq, rep.recv) is not None:
            attempt(zmq, rep.send, b"answer")
        attempt(zmq, clients[0].recv)


def late_bind(zmq, context, address):
    if address.startswith("tcp"):
        free = opened(zmq, context, "PULL")
        free.bind(address)
        address = free.last_endpoint.decode()
        free.close()
    push = opened(zmq, context, "PUSH")
    push.connect(address)
    attempt(zmq, push.send, b"early")
    pull = opened(zmq, context, "PULL")
    attempt(zmq, pull.bind, address)
    attempt(zmq, pull.recv)


def reconnect(zmq, context, address):
    pull = opened(zmq, context, "PULL")
    pull.bind(address)
    push = opened(zmq, context, "PUSH")
    push.connect(pull.last_endpoint)
    attempt(zmq, push.send, b"one")
    attempt(zmq, pull.recv)
    again = pull.last_endpoint
    pull.close()
    attempt(zmq, push.send_multipart, [b"between", b"x" * 20_000])
    other = opened(zmq, context, "PULL")
    other.bind(again)
    attempt(zmq, push.send, b"two")
    attempt(zmq, other.recv_multipart)
    other.unbind(again)
    push.disconnect(again)


def monitored(zmq, context, address):
    pull = opened(zmq, context, "PULL")
    events = attempt(zmq, pull.get_monitor_socket)
    pull.bind(address)
    push = opened(zmq, context, "PUSH")
    push.connect(pull.last_endpoint)
    attempt(zmq, push.send, b"x")
    attempt(zmq, pull.recv)
    if events is not None:
        events.rcvtimeo = PATIENCE
        attempt(zmq, events.recv_multipart)
        events.close()
    attempt(zmq, pull.disable_monitor)


def polled(zmq, context, address):
    pull = opened(zmq, context, "PULL")
    pull.bind(address)
    push = opened(zmq, context, "PUSH")
    push.connect(pull.last_endpoint)
    poller = zmq.Poller()
    poller.register(pull, zmq.POLLIN)
    poller.register(push, zmq.POLLOUT)
    attempt(zmq, poller.poll, PATIENCE)
    attempt(zmq, push.send, b"x")
    attempt(zmq, pull.poll, PATIENCE)
    attempt(zmq, pull.getsockopt, zmq.FD)
    attempt(zmq, pull.recv)


def proxied(zmq, context, address):
    front, back = opened(zmq, context, "PULL"), opened(zmq, context, "PUSH")
    front.bind(address)
    back.bind(address if address.startswith("tcp") else address + "-back")
    control, steer = opened(zmq, context, "PAIR"), opened(zmq, context, "PAIR")
    control.bind(f"inproc://control-{next(_serial)}")
    steer.connect(control.last_endpoint)
    source, sink = opened(zmq, context, "PUSH"), opened(zmq, context, "PULL")
    source.connect(front.last_endpoint)
    sink.connect(back.last_endpoint)

    def run():
        with contextlib.suppress(zmq.ZMQError, MemoryError):
            zmq.proxy_steerable(front, back, None, control)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        attempt(zmq, source.send_multipart, [b"through", b"x" * 1000])
        attempt(zmq, sink.recv_multipart)
    finally:
        while thread.is_alive():
            attempt(zmq, steer.send, b"TERMINATE", zmq.NOBLOCK)
            thread.join(0.05)


def configured(zmq, context, address):
    router = opened(zmq, context, "ROUTER")
    attempt(zmq, router.setsockopt, zmq.ROUTING_ID, b"r" * 100)
    attempt(zmq, router.setsockopt, zmq.METADATA, b"X-key:value")
    attempt(zmq, router.setsockopt, zmq.TCP_ACCEPT_FILTER, b"127.0.0.1")
    attempt(zmq, router.setsockopt, zmq.IPC_FILTER_UID, os.getuid())
    router.bind(address)
    attempt(zmq, router.setsockopt, zmq.METADATA, b"X-key:of the next endpoint")  # this one gets a copy of what there was
    dealer = opened(zmq, context, "DEALER")
    attempt(zmq, dealer.setsockopt, zmq.HELLO_MSG, b"hello" * 30)
    dealer.connect(router.last_endpoint)
    attempt(zmq, router.setsockopt, zmq.CONNECT_ROUTING_ID, b"somebody")
    attempt(zmq, dealer.send, b"x")
    attempt(zmq, router.recv_multipart)


def named(zmq, context, address):
    """Host names are looked up by a thread of their own."""
    pull = opened(zmq, context, "PULL")
    pull.bind(address)
    push = opened(zmq, context, "PUSH")
    push.connect(pull.last_endpoint.decode().replace("127.0.0.1", "localhost"))
    attempt(zmq, push.send, b"x")
    attempt(zmq, pull.recv)


def authenticated(zmq, context, address):
    """A ZAP handler that closes when it has been asked, and one that takes over and answers."""
    server = opened(zmq, context, "PULL", zap_domain=b"TEST" * 20)
    handler = opened(zmq, context, "REP")
    handler.bind("inproc://zeromq.zap.01")
    server.bind(address)
    client = opened(zmq, context, "PUSH")
    client.connect(server.last_endpoint)
    attempt(zmq, client.send, b"x")
    question = attempt(zmq, handler.recv_multipart)
    assert question is None or question[3] == b"127.0.0.1"
    handler.close()
    handler = opened(zmq, context, "REP")
    handler.bind("inproc://zeromq.zap.01")
    question = attempt(zmq, handler.recv_multipart)
    if question is not None:
        assert question[3] == b"127.0.0.1", "the peer's address is known, and a handler decides by it"
        attempt(zmq, handler.send_multipart, [b"1.0", question[1], b"200", b"OK", b"user" * 20, b"\1X\0\0\0\1y"])
    attempt(zmq, server.recv)


ANY = [one_way, conflating, pair, publish, request, late_bind, reconnect, monitored, polled, proxied, configured]
CASES = [(program, kind) for program in ANY for kind in ("inproc", "tcp", "ipc")] + [(named, "tcp"), (authenticated, "tcp"), (multicast, "epgm")]
