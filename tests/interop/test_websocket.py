"""ws:// with peers that are none of ours, each in a process of its own: jszmq, libzmq (zeromq.js), a page in Chromium, Python's websockets."""

import functools
import http.server
import json
import os
import re
import select
import shutil
import signal
import subprocess
import threading
import urllib.request
from pathlib import Path

import foreign
import pytest
import stacks
from awaiting import endpoint, until
from transports import unused_port
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect
from websockets.sync.server import serve
from zap import Handler

HERE = Path(__file__).parent
SECONDS = 25.0
ONCE = ["ZWS2.0"]


class Peer:
    """A process of peers/ws_peer.js."""

    def __init__(self, *arguments):
        assert shutil.which("node"), "install the peers with tests/interop/peers.sh"
        environment = foreign.environment(ZMQCORE_PEERS=str(stacks.CACHE))
        self.process = subprocess.Popen(
            ["node", str(HERE / "peers" / "ws_peer.js"), *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, bufsize=0)
        self.pending = b""
        assert self.line() == "ready"

    def line(self):
        while b"\n" not in self.pending:
            assert select.select([self.process.stdout], [], [], SECONDS)[0], "the peer says nothing"
            piece = os.read(self.process.stdout.fileno(), 65536)
            assert piece, "the peer has ended"
            self.pending += piece
        line, self.pending = self.pending.split(b"\n", 1)
        return line.decode()

    def send(self, text):
        self.process.stdin.write(text.encode() + b"\n")

    def stop(self):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


@pytest.fixture
def peer():
    started = []

    def start(*arguments):
        started.append(Peer(*arguments))
        return started[-1]

    yield start
    for one in started:
        one.stop()


def ahead():
    return f"ws://127.0.0.1:{unused_port()}/peers"


# jszmq only connects here: its listener takes any sub-protocol that is offered, and speaks ZWS2.0 whatever it took.
SIDES = [("jszmq", "connect"), ("zeromq", "connect"), ("zeromq", "bind")]


@pytest.fixture(params=SIDES, ids=["-".join(side) for side in SIDES])
def joined(request, peer, make):
    """joined("REQ", "rep") -> (a socket here, a peer of that type), connected."""
    library, how = request.param

    def joined(kind, type, mechanism="NULL", **options):
        socket = make(kind, RECONNECT_IVL=20, LINGER=0, **options)
        where = ahead()
        if how == "connect":
            socket.bind(where)
        other = peer(library, type, how, where, mechanism)
        if how == "bind":
            socket.connect(where)
        return socket, other

    return joined


def test_requests_of_ours(joined):
    req, rep = joined("REQ", "rep")
    for text in ("one", "two", "x" * 200, "y" * 70000):
        req.send_string(text)
        assert rep.line() == text
        assert req.recv_string() == f"re:{text}"


def test_requests_of_theirs(joined):
    rep, req = joined("REP", "req")
    for text in ("one", "two", "x" * 200):
        req.send(text)
        assert rep.recv_string() == text
        rep.send_string(f"answer to {text}")
        assert req.line() == f"answer to {text}"


def test_publishing_to_theirs(joined):
    xpub, sub = joined("XPUB", "sub")
    assert xpub.recv() == b"\x01"
    for number in range(100):
        xpub.send_multipart([b"topic", b"%d" % number])
    assert [sub.line() for _ in range(100)] == [f"topic\t{number}" for number in range(100)]


def test_subscribing_to_theirs(joined):
    sub, pub = joined("SUB", "pub", SUBSCRIBE=b"a")

    def arrives():
        pub.send("a first")
        return sub.poll(50)

    until(arrives)
    pub.send("b not this one")
    pub.send("a last")
    assert until(lambda: sub.recv() == b"a last")


def test_pushing_and_pulling(joined):
    push, pull = joined("PUSH", "pull")
    for number in range(1000):
        push.send(b"%d" % number)
    assert [pull.line() for _ in range(1000)] == [str(number) for number in range(1000)]


@pytest.mark.parametrize("how", ["connect", "bind"])
def test_plain_password_of_libzmq(peer, make, how):
    handler = Handler(make("REP"))
    rep = make("REP", PLAIN_SERVER=1, RECONNECT_IVL=20)
    where = ahead()
    if how == "connect":
        rep.bind(where)
    req = peer("zeromq", "req", how, where, "PLAIN")
    if how == "bind":
        rep.connect(where)
    req.send("let me in")
    question = handler.asked()
    assert question["mechanism"] == b"PLAIN" and question["credentials"] == [b"admin", b"secret"]
    handler.answer(question)
    assert rep.recv() == b"let me in"
    rep.send(b"welcome")
    assert req.line() == "welcome"


# ---- a page


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture
def chromium(tmp_path):
    """chromium(address) -> a function that evaluates an expression in that page."""
    program = shutil.which("chromium-headless-shell")
    assert program, "Debian: apt-get install chromium-headless-shell"
    processes = []

    def open_page(address):
        process = subprocess.Popen(
            [program, "--no-sandbox", "--disable-gpu", "--remote-debugging-port=0", f"--user-data-dir={tmp_path}", address],
            stderr=subprocess.PIPE, text=True, start_new_session=True, env=foreign.environment())
        processes.append(process)
        port = next(found[1] for line in process.stderr if (found := re.search(r"DevTools listening on ws://127.0.0.1:(\d+)/", line)))
        threading.Thread(target=process.stderr.read, daemon=True).start()

        def pages():
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/json", timeout=SECONDS) as answer:
                return [page for page in json.load(answer) if page["type"] == "page"]

        tool = until(pages)[0]["webSocketDebuggerUrl"]

        def evaluate(expression):
            with connect(tool, max_size=None, compression=None) as talk:
                talk.send(json.dumps({"id": 1, "method": "Runtime.evaluate", "params": {"expression": expression}}))
                return json.loads(talk.recv(SECONDS))["result"]["result"].get("value")

        return evaluate

    yield open_page
    for process in processes:
        os.killpg(process.pid, signal.SIGKILL)  # Debian's command is a script that starts the program, which starts others
        process.wait()


def test_a_page_subscribes_and_asks(make, chromium):
    news, questions = make("XPUB", LINGER=0), make("REP", LINGER=0)
    news.bind(ahead())
    questions.bind(ahead())
    handler = functools.partial(Quiet, directory=HERE.parents[1] / "examples")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever).start()
        try:
            evaluate = chromium(f"http://127.0.0.1:{server.server_port}/browser.html#{endpoint(news)},{endpoint(questions)}")
            assert news.recv() == b"\x01news"
            news.send_string("not for pages")
            news.send_string("news: it rains \N{UMBRELLA}")
            assert questions.recv_string() == 'a page has read "news: it rains \N{UMBRELLA}"'
            questions.send_string("so it does")
            until(lambda: evaluate("document.getElementById('answer').textContent") == "so it does")
            for size in (60000, 1 << 20):  # the larger one comes in pieces
                evaluate(f"document.getElementById('question').value = 'x'.repeat({size}); document.getElementById('ask').click()")
                assert questions.recv() == b"x" * size
                questions.send(b"y" * size)
                until(lambda size=size: evaluate("document.getElementById('answer').textContent.length") == size)
        finally:
            server.shutdown()
        evaluate("location = 'about:blank'")  # its sockets close
        assert news.recv() == b"\x00news"


# ---- Python's websockets, as client and as server


def session(bound, **options):
    return connect(endpoint(bound), subprotocols=options.pop("subprotocols", ONCE), compression=None, **options)


def test_a_plain_client_goes_through_a_close(make):
    router = make("ROUTER")
    router.bind(ahead())
    with session(router) as client:
        assert client.subprotocol == "ZWS2.0" and client.recv(SECONDS) == b"\x00"
        client.send(b"\x00me")
        client.send(b"\x01part")
        client.send(b"\x00last")
        assert router.recv_multipart() == [b"me", b"part", b"last"]
        router.send_multipart([b"me", b"", b"z" * 65536])
        assert client.recv(SECONDS) == b"\x01" and client.recv(SECONDS) == b"\x00" + b"z" * 65536
        assert client.ping(b"echo this").wait(SECONDS)
        body = bytes(range(256)) * 1024
        client.send([b"\x00", *(body[at : at + 1000] for at in range(0, len(body), 1000))])
        client.send(bytes([byte]) for byte in b"\x00octet by octet")
        assert router.recv_multipart() == [b"me", body] and router.recv_multipart() == [b"me", b"octet by octet"]
    assert client.close_code == 1000  # ours was the answer


def test_our_close_says_so(make):
    pair = make("PAIR")
    pair.bind(ahead())
    with session(pair) as client:
        client.recv(SECONDS)
        client.send(b"\x00")
        client.send(b"\x00hello")
        assert pair.recv() == b"hello"
        pair.send(b"bye")
        pair.close()
        assert client.recv(SECONDS) == b"\x00bye"
        with pytest.raises(ConnectionClosed) as closed:
            client.recv(SECONDS)
        assert closed.value.rcvd is not None and closed.value.rcvd_then_sent


def test_who_offers_nothing_of_ours_is_refused(make):
    pair = make("PAIR")
    pair.bind(ahead())
    for offered in (None, ["chat"], ["ZWS1.0"]):
        with pytest.raises(InvalidStatus) as refused, session(pair, subprotocols=offered):
            pass
        assert refused.value.response.status_code == 400


def without_slashes(connection, request):
    """RFC 45 has names that RFC 6455 does not allow, and this server is strict."""
    offered = request.headers["Sec-WebSocket-Protocol"]
    del request.headers["Sec-WebSocket-Protocol"]
    request.headers["Sec-WebSocket-Protocol"] = ",".join(name for name in offered.split(",") if "/" not in name)


@pytest.fixture
def server():
    """server(handler, **options) -> the address of a websockets server."""
    running = []

    def start(handler, **options):
        options.setdefault("process_request", without_slashes)
        one = serve(handler, "127.0.0.1", 0, compression=None, **options)
        thread = threading.Thread(target=one.serve_forever)
        thread.start()
        running.append((one, thread))
        return f"ws://127.0.0.1:{one.socket.getsockname()[1]}/x"

    yield start
    for one, thread in running:
        one.shutdown()
        thread.join()


def test_a_plain_server(zmq, make, server):
    said = []

    def handler(connection):
        said.append((connection.request.path, connection.request.headers["Host"], connection.recv()))
        connection.send(b"\x00server")
        for message in connection:
            connection.send(message)

    where = server(handler, subprotocols=ONCE)
    router = make("ROUTER", ROUTER_MANDATORY=1, ROUTING_ID=b"here", LINGER=0)
    router.connect(where)

    def sent():
        try:
            router.send_multipart([b"server", b"and", b"back"])
            return True
        except zmq.ZMQError:
            return False

    until(sent)
    assert router.recv_multipart() == [b"server", b"and", b"back"]
    assert said == [("/x", where[len("ws://"):-len("/x")], b"\x00here")]


@pytest.mark.parametrize("subprotocols", [None, ["chat"]])
def test_a_server_without_a_subprotocol_of_ours_is_left(zmq, make, server, subprotocols):
    where = server(lambda connection: connection.recv(), subprotocols=subprotocols, select_subprotocol=lambda *_: None)
    pair = make("PAIR", LINGER=0, RECONNECT_IVL=10)
    monitor = pair.get_monitor_socket(zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL)
    pair.connect(where)
    assert monitor.recv_multipart()[0][2:] == (0x30000000).to_bytes(4, "little")


def test_a_server_that_is_not_ready_is_asked_again(make, server):
    asked = []

    def busy(connection, request):
        asked.append(request.path)
        return connection.respond(503, "later\n") if len(asked) < 3 else without_slashes(connection, request)

    def handler(connection):
        connection.send(b"\x00")
        connection.send(b"\x00now")
        connection.recv()

    pair = make("PAIR", LINGER=0, RECONNECT_IVL=10)
    pair.connect(server(handler, subprotocols=ONCE, process_request=busy))
    assert pair.recv() == b"now" and len(asked) == 3
