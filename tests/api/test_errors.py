"""Exceptions: classes, errno, texts, pickling."""

import copy
import os
import pickle
import re
import socket
import subprocess
import sys
import threading

import pytest
from platforms import errno
from transports import LOCAL


def test_hierarchy(zmq):
    assert issubclass(zmq.ZMQError, zmq.ZMQBaseError)
    assert issubclass(zmq.ZMQBaseError, Exception)
    for name in ("Again", "ContextTerminated", "InterruptedSystemCall"):
        assert issubclass(getattr(zmq, name), zmq.ZMQError)
    assert issubclass(zmq.InterruptedSystemCall, InterruptedError)
    for name in ("NotDone", "ZMQBindError"):
        assert issubclass(getattr(zmq, name), zmq.ZMQBaseError)
        assert not issubclass(getattr(zmq, name), zmq.ZMQError)
    assert issubclass(zmq.ZMQVersionError, NotImplementedError)
    assert issubclass(zmq.DraftFDWarning, RuntimeWarning)


def test_errno_and_text(zmq):
    error = zmq.ZMQError(errno.EINVAL)
    assert error.errno == errno.EINVAL
    assert error.strerror == zmq.strerror(errno.EINVAL) == str(error)
    assert repr(error) == f"ZMQError('{error}')"


def test_own_text(zmq):
    error = zmq.ZMQError(errno.EINVAL, "no")
    assert (error.errno, str(error)) == (errno.EINVAL, "no")


def test_text_only(zmq):
    error = zmq.ZMQError("just words")
    assert error.errno is None
    assert str(error) == "just words"


@pytest.mark.parametrize(
    ("name", "number"), [("Again", "EAGAIN"), ("ContextTerminated", "ETERM"), ("InterruptedSystemCall", "EINTR")]
)
def test_classes_of_one_errno(zmq, name, number):
    expected = getattr(zmq, number, None) or getattr(errno, number)
    for error in (getattr(zmq, name)(), getattr(zmq, name)(5, "ignored")):
        assert error.errno == expected
        assert error.strerror == zmq.strerror(expected)


def test_interrupted_asks_for_a_retry(zmq):
    assert "should have been retried" in str(zmq.InterruptedSystemCall())


@pytest.mark.parametrize("number", ["EFSM", "ENOCOMPATPROTO", "ETERM", "EMTHREAD"])
def test_own_errnos_have_texts(zmq, number):
    value = getattr(zmq, number)
    assert 156384712 < value < 156384800
    assert zmq.strerror(value) and "Unknown" not in zmq.strerror(value)


def test_strerror_of_anything(zmq):
    for number in (0, 1, 9999, -1, 156384713):
        assert isinstance(zmq.strerror(number), str) and zmq.strerror(number)


@pytest.mark.parametrize("make", ["ZMQError(22)", "ZMQError(22, 'x')", "ZMQError('x')", "Again()", "ContextTerminated()", "NotDone()"])
def test_pickle_and_copy(zmq, make):
    error = eval(make, vars(zmq))
    for again in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert type(again) is type(error)
        assert (str(again), getattr(again, "errno", None)) == (str(error), getattr(error, "errno", None))


def test_version_error(zmq):
    error = zmq.ZMQVersionError("9.9.9", "the thing")
    assert str(error) == "the thing requires libzmq >= 9.9.9, have 4.3.5"
    assert (error.min_version, error.msg, error.version) == ("9.9.9", "the thing", "4.3.5")


def test_check_version(submodule):
    error = submodule("error")
    error._check_version((4, 0))
    with pytest.raises(error.ZMQVersionError, match="requires libzmq >= 9.9"):
        error._check_version((9, 9))


@pytest.mark.parametrize(
    ("number", "name"), [("EAGAIN", "Again"), ("ETERM", "ContextTerminated"), ("EINVAL", "ZMQError")]
)
def test_check_rc(zmq, submodule, number, name):
    check = submodule("error")._check_rc
    check(0)
    with pytest.raises(zmq.ZMQError) as caught:
        check(-1, getattr(zmq, number))
    assert type(caught.value).__name__ == name
    assert caught.value.errno == getattr(zmq, number)


@pytest.mark.better
def test_from_errno(zmq, submodule):
    make = submodule("error").from_errno
    assert type(make(zmq.EAGAIN)) is zmq.Again
    assert type(make(zmq.ETERM)) is zmq.ContextTerminated
    assert type(make(errno.EINTR)) is zmq.InterruptedSystemCall
    error = make(zmq.EINVAL, "tcp://x")
    assert (type(error), error.errno) == (zmq.ZMQError, zmq.EINVAL)
    assert error.strerror == f"{zmq.strerror(zmq.EINVAL)} (tcp://x)"


def test_errors_of_addresses_name_the_address(zmq, context):
    one, two = context.socket(zmq.PUSH), context.socket(zmq.PUSH)
    one.bind("inproc://taken")
    with pytest.raises(zmq.ZMQError, match="inproc://taken") as caught:
        two.bind("inproc://taken")
    assert caught.value.errno == zmq.EADDRINUSE
    for bad in ("foo", "foo://x", "tcp://"):
        with pytest.raises(zmq.ZMQError, match=bad):
            two.connect(bad)
    with pytest.raises(zmq.ZMQError, match="/no/such/folder/x"):
        two.bind("ipc:///no/such/folder/x")


def test_address_is_at_the_end_of_the_text(zmq, context):
    one, two = context.socket(zmq.PUSH), context.socket(zmq.PUSH)
    one.bind("inproc://taken")
    for call, address, number in [
        (two.bind, "inproc://taken", zmq.EADDRINUSE), (two.bind, b"inproc://taken", zmq.EADDRINUSE),
        (two.bind, "tcp://no such device:*", errno.ENODEV), (two.connect, "tcp://", zmq.EINVAL),
        (two.bind, "ipc://@" + "a" * 200, errno.ENAMETOOLONG),
    ]:  # fmt: skip
        with pytest.raises(zmq.ZMQError) as caught:
            call(address)
        assert caught.value.errno == number
        assert str(caught.value).endswith(f"(addr={address!r})")


@pytest.mark.better
def test_what_is_wrong_with_an_address_without_a_port(zmq, context, tmp_path):
    one, two = context.socket(zmq.PUSH), context.socket(zmq.PUSH)
    one.bind("inproc://taken")
    calls = [(two.bind, "inproc://taken", "a socket of this context is bound to it"), (two.disconnect, "inproc://taken", "the socket has no such endpoint")]
    if LOCAL:
        calls += [
            (two.bind, f"ipc://{tmp_path}/none/x", "there is no such directory"),
            (two.disconnect, f"ipc://{tmp_path}/x", "the socket has no such endpoint"),
        ]
    for call, address, text in calls:
        with pytest.raises(zmq.ZMQError) as caught:
            call(address)
        assert str(caught.value).endswith(f": {text} (addr={address!r})")


def test_too_long_ipc_path_says_how_long_it_may_be(zmq, context):
    with pytest.raises(zmq.ZMQError, match=str(zmq.IPC_PATH_MAX_LEN)) as caught:
        context.socket(zmq.PUSH).bind("ipc://@" + "a" * 200)
    assert caught.value.errno == errno.ENAMETOOLONG


@pytest.mark.better  # libzmq says no more than "Address already in use"
@pytest.mark.skipif(sys.platform != "linux", reason="this system does not tell the process")
@pytest.mark.parametrize("scheme", ["tcp", "ws"])
def test_END_62_a_taken_port_says_what_has_it(zmq, context, scheme):
    one, two = context.socket(zmq.PUSH), context.socket(zmq.PUSH)
    with pytest.raises(zmq.ZMQError, match="a socket of this process listens there"):
        two.bind(one.bind(f"{scheme}://127.0.0.1:*").addr)
    program = (
        "import socket, sys\n"
        "listener = socket.create_server(('127.0.0.1', 0))\n"
        "print(listener.getsockname()[1], flush=True)\n"
        "sys.stdin.read()\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        port = int(other.stdout.readline())
        with pytest.raises(zmq.ZMQError, match=rf"a socket of process {other.pid} \(.+\) listens there .*:{port}") as caught:
            two.bind(f"{scheme}://127.0.0.1:{port}")
        assert caught.value.errno == zmq.EADDRINUSE
        other.stdin.close()


@pytest.mark.better
@pytest.mark.skipif(sys.platform != "linux", reason="this system does not tell the process")
def test_END_62_a_process_that_cannot_be_looked_into(zmq, context, submodule, monkeypatch):
    taken = submodule("_taken")
    monkeypatch.setattr(taken, "_holder", lambda link: 0)
    one = context.socket(zmq.PUSH)
    port = one.bind("tcp://127.0.0.1:*").addr.rpartition(":")[2]
    assert f"a process of user {os.getuid()} listens there, which" in taken.port_taken(f"127.0.0.1:{port}")
    monkeypatch.setattr(taken, "_listeners", lambda table, port: [])
    assert taken.port_taken(f"127.0.0.1:{port}") == taken.port_taken("*:*") == ""


@pytest.mark.better  # libzmq takes the address over or, of a regular file, says no more than "Address already in use"
@pytest.mark.skipif(not hasattr(socket, "SO_PEERCRED"), reason="this system does not tell the process")
def test_a_taken_ipc_address_says_what_has_it(zmq, context, tmp_path):
    one, two = context.socket(zmq.PUSH), context.socket(zmq.PUSH)

    def refused(address):
        with pytest.raises(zmq.ZMQError) as caught:
            two.bind(address)
        assert caught.value.errno == zmq.EADDRINUSE
        assert str(caught.value).endswith(f"(addr={address!r})")
        return str(caught.value)

    (tmp_path / "file").touch()
    assert "not a socket: remove it" in refused(f"ipc://{tmp_path}/file")
    for address in (f"ipc://{tmp_path}/live", f"ipc://@{tmp_path}/live"):
        one.bind(address)
        assert f"a socket of process {os.getpid()} " in refused(address)
    address = f"ipc://{tmp_path}/" + "live" * 40
    one.bind(address)
    assert f"a socket of process {os.getpid()} " in refused(address)

    # A child that was forked while the socket was open outlives its parent.
    program = (
        "import importlib, os, sys\n"
        "zmq = importlib.import_module(sys.argv[1])\n"
        "context = zmq.Context()\n"
        "server = context.socket(zmq.REP)\n"
        "server.bind(sys.argv[2])\n"
        "if os.fork():\n"
        "    print(os.getpid(), flush=True)\n"
        "    os._exit(0)\n"
        "sys.stdin.read()\n"
        "os._exit(0)\n"
    )
    address = f"ipc://{tmp_path}/inherited"
    command = [sys.executable, "-c", program, zmq.__name__, address]
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join(filter(None, sys.path)))
    with subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as parent:
        pid = int(parent.stdout.readline())
        parent.wait(timeout=50)
        text = refused(address)
        assert f"process {pid} bound it and has ended" in text and "remove the file" in text
        os.remove(f"{tmp_path}/inherited")
        two.bind(address)
        parent.stdin.close()


@pytest.mark.better  # the C library's errno may come from any call
def test_the_last_errno_is_that_of_the_calling_thread(zmq, context):
    with pytest.raises(zmq.ZMQError):
        context.socket(zmq.PUSH).bind("foo://x")
    seen = []

    def elsewhere():
        seen.append(zmq.zmq_errno())
        with pytest.raises(zmq.Again):
            context.socket(zmq.PULL).recv(zmq.NOBLOCK)
        seen.append(zmq.ZMQError().errno)

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert seen == [0, zmq.EAGAIN]
    assert zmq.zmq_errno() == zmq.ZMQError().errno == zmq.EPROTONOSUPPORT


@pytest.mark.parametrize(
    ("kind", "call", "text"),
    [
        ("SUB", "send", "SUB sockets cannot send"),
        ("PUSH", "recv", "PUSH sockets cannot receive"),
        ("PUB", "recv_multipart", "PUB sockets cannot receive"),
        ("REQ", "recv", "has to send a whole request"),
        ("REP", "send", "has to receive a whole request"),
    ],
)
@pytest.mark.better("pyzmq's text is that of the errno alone")
def test_text_of_a_send_or_receive_says_what_to_do(zmq, context, kind, call, text):
    socket = context.socket(getattr(zmq, kind))
    arguments = [b"x"] if call == "send" else []
    with pytest.raises(zmq.ZMQError, match=text):
        getattr(socket, call)(*arguments)


@pytest.mark.better("pyzmq's text is that of the errno alone")
def test_text_of_a_closed_socket(zmq, context):
    socket = context.socket(zmq.PUSH)
    socket.close()
    with pytest.raises(zmq.ZMQError, match="the socket is closed"):
        socket.send(b"x")


@pytest.mark.better("pyzmq's text is that of the errno alone")
def test_text_of_a_wildcard_that_is_connected_to(zmq, context):
    with pytest.raises(zmq.ZMQError, match=r"\* is for bind"):
        context.socket(zmq.REQ).connect("tcp://*:5555")


# -- texts that say what to do


@pytest.mark.better
def test_timeouts_that_are_no_numbers(zmq, context):
    socket = context.socket(zmq.PULL)
    poller = zmq.Poller()
    poller.register(socket)
    for call in (poller.poll, socket.poll, lambda timeout: zmq.zmq_poll([(socket, zmq.POLLIN)], timeout)):
        with pytest.raises(TypeError, match="timeout must be a number of milliseconds or None, not 'x'"):
            call("x")
        for number, error in (("inf", OverflowError), ("nan", ValueError)):
            with pytest.raises(error, match=f"timeout must be a number of milliseconds or None, not {number}"):
                call(float(number))
    with pytest.raises(TypeError, match="timeout must be a number of milliseconds or None, not '5'"):
        zmq.zmq_poll([(socket, zmq.POLLIN)], "5")
    with pytest.raises(TypeError, match="timeout must be a number of seconds or None, not 'x'"):
        zmq.select([socket], [], [], "x")


@pytest.mark.better
@pytest.mark.parametrize("message", ["abc", b"abc", b""])
def test_a_message_of_several_frames_is_a_list(zmq, context, submodule, message):
    pull, push = context.socket(zmq.PULL), context.socket(zmq.PUSH)
    pull.bind("inproc://frames")
    push.connect("inproc://frames")
    awaited = submodule("asyncio").Socket.shadow(push)
    for send in (push.send_multipart, awaited.send_multipart):
        with pytest.raises(TypeError, match=rf"is a list of them, not {type(message).__name__}: send_multipart\(\[frame\]\), or send\(frame\)"):
            send(message)
    assert pull.poll(0) == 0


@pytest.mark.better
@pytest.mark.parametrize("address", ["ipc://@random"] * LOCAL + ["inproc://random"])
def test_random_ports_are_of_transports_that_have_ports(zmq, context, address):
    with pytest.raises(ValueError, match="has no ports"):
        context.socket(zmq.PULL).bind_to_random_port(address)
    with pytest.raises(ValueError, match="has no ports"):
        context.socket(zmq.PULL).bind_to_random_port(address, min_port=1024, max_port=2048)


@pytest.mark.better
def test_a_future_that_was_not_awaited_says_so(zmq, submodule):
    asyncio = pytest.importorskip("asyncio")

    async def forget():
        with submodule("asyncio").Context() as context, context.socket(zmq.PULL) as pull, context.socket(zmq.PUSH) as push:
            pull.bind("inproc://future")
            push.connect("inproc://future")
            await push.send(b"x")
            return pull.recv().decode()

    with pytest.raises(AttributeError, match=r"a Future has no attribute 'decode'; `await` the call to get its result \(bytes\)"):
        asyncio.run(forget())


@pytest.mark.better
@pytest.mark.parametrize(
    ("kind", "address", "text"),
    [
        ("DEALER", "udp://127.0.0.1:5555", "a RADIO connects to udp://, a DISH or DGRAM binds to it"),
        ("DGRAM", "tcp://127.0.0.1:5555", "tcp:// is not for this type of socket"),
        ("STREAM", "ws://127.0.0.1:5555", "ws:// is not for this type of socket"),
    ],
)
def test_transports_for_other_types(zmq, context, kind, address, text):
    with pytest.raises(zmq.ZMQError, match=re.escape(text)) as caught:
        context.socket(getattr(zmq, kind)).bind(address)
    assert caught.value.errno == zmq.ENOCOMPATPROTO


@pytest.mark.better
def test_peers_that_cannot_be_disconnected(zmq, context):
    with pytest.raises(zmq.ZMQError, match="only PEER sockets have disconnect_peer") as caught:
        context.socket(zmq.DEALER).disconnect_peer(1)
    assert caught.value.errno == zmq.ENOTSUP
    with pytest.raises(zmq.ZMQError, match="no connected peer has the routing id 7") as caught:
        context.socket(zmq.PEER).disconnect_peer(7)
    assert caught.value.errno == zmq.EHOSTUNREACH


@pytest.mark.better
@pytest.mark.parametrize(
    ("option", "text"),
    [("User-Id", "the frame has no property 'User-Id'"), (2, "the frame has come by no descriptor"), (77, "no such option of a message: 77")],
)
def test_properties_that_a_frame_has_not(zmq, option, text):
    with pytest.raises(zmq.ZMQError, match=text) as caught:
        zmq.Frame(b"x").get(option)
    assert caught.value.errno == errno.EINVAL


def test_a_socket_is_no_list(zmq, context):
    """Although it can be iterated, which receives."""
    one, other = context.socket(zmq.PAIR), context.socket(zmq.PAIR)
    one.bind("inproc://list")
    other.connect("inproc://list")
    one.send(b"kept")
    for call in (lambda: zmq.zmq_poll([other], 0), lambda: zmq.zmq_poll(other, 0), lambda: one.send_multipart(other)):
        with pytest.raises(TypeError):
            call()
    assert other.recv() == b"kept"
