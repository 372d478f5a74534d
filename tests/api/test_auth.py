"""zmq.auth: what an authenticator answers, whom it lets in, and certificates. The same as pyzmq's, unless marked `better`."""

import asyncio
import gc
import os
import stat
import threading

import pytest
from awaiting import SECONDS, Events, endpoint, received, try_to_send
from zap import CLIENT_KEY, CLIENTS, SERVERS

OK = [b"200", b"OK"]
KEY = b"Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID"  # CLIENT_KEY, as Z85


class Log:
    """Keeps what is logged, whole."""

    def __init__(self):
        self.lines = []

    def __getattr__(self, level):
        return lambda text, *values, **_: self.lines.append(f"{level} {text % values if values else text}")


class Replies:
    """In the place of the socket."""

    def __init__(self):
        self.sent = []

    def send_multipart(self, frames):
        self.sent.append(frames)

    def close(self):
        pass


@pytest.fixture
def base(submodule):
    return submodule("auth.base")


@pytest.fixture
def authenticator(base, context):
    made = base.Authenticator(context, log=Log())
    made.zap_socket = Replies()
    return made


def asked(authenticator, mechanism, *credentials, domain=b"", address=b"127.0.0.1", version=b"1.0"):
    """Status, text and user id of the reply."""
    asyncio.run(authenticator.handle_zap_message([version, b"7", domain, address, b"id", mechanism, *credentials]))
    reply = authenticator.zap_socket.sent.pop()
    assert reply[:2] == [b"1.0", b"7"] and reply[5] == b"" and len(reply) == 6
    assert not authenticator.zap_socket.sent
    return reply[2:5]


def refused(text):
    return [b"400", text.encode(), b""]


def test_null_needs_no_configuration(authenticator):
    assert asked(authenticator, b"NULL") == [*OK, b"anonymous"]


def test_mechanisms_it_does_not_know(authenticator):
    assert asked(authenticator, b"XYZ") == refused("NO ACCESS")


def test_questions_it_does_not_understand(authenticator):
    assert asked(authenticator, b"NULL", version=b"2.0") == refused("Invalid version")
    asyncio.run(authenticator.handle_zap_message([b"1.0", b"7", b"", b""]))
    assert authenticator.zap_socket.sent == [[b"1.0", b"7", b"400", b"Not enough frames", b"", b""]]


@pytest.mark.better  # pyzmq's leaves such a question without an answer, and its REP cannot receive again
def test_every_question_is_answered(authenticator):
    asyncio.run(authenticator.handle_zap_message([b"1.0"]))
    assert authenticator.zap_socket.sent == [[b"1.0", b"", b"400", b"Not enough frames", b"", b""]]


def test_plain(authenticator):
    assert asked(authenticator, b"PLAIN", b"admin", b"secret") == refused("No passwords defined")
    authenticator.configure_plain(passwords={"admin": "secret"})
    authenticator.configure_plain(domain="lab", passwords={"jürgen": "süß"})
    assert asked(authenticator, b"PLAIN", b"admin", b"secret") == [*OK, b"admin"]
    assert asked(authenticator, b"PLAIN", b"admin", b"Secret") == refused("Invalid password")
    assert asked(authenticator, b"PLAIN", b"root", b"secret") == refused("Invalid username")
    assert asked(authenticator, b"PLAIN", b"admin", b"secret", domain=b"other") == refused("Invalid domain")
    assert asked(authenticator, b"PLAIN", b"admin", b"secret", domain=b"lab") == refused("Invalid username")
    assert asked(authenticator, b"PLAIN", "jürgen".encode(), "süß".encode(), domain=b"lab") == [*OK, "jürgen".encode()]
    assert asked(authenticator, b"PLAIN", b"admin") == refused("Invalid credentials")
    authenticator.configure_plain(passwords={"root": "other"})
    assert asked(authenticator, b"PLAIN", b"admin", b"secret") == refused("Invalid username")


@pytest.mark.better  # pyzmq's leaves those in who were there before
@pytest.mark.parametrize("emptied", [{}, None])
def test_plain_users_can_be_taken_away(authenticator, emptied):
    authenticator.configure_plain(domain="lab", passwords={"admin": "secret"})
    assert asked(authenticator, b"PLAIN", b"admin", b"secret", domain=b"lab") == [*OK, b"admin"]
    authenticator.configure_plain(domain="lab", passwords=emptied)
    assert asked(authenticator, b"PLAIN", b"admin", b"secret", domain=b"lab") == refused("Invalid username")


def test_plain_users_come_and_go_with_the_mapping(authenticator):
    users = {"admin": "secret"}
    authenticator.configure_plain(passwords=users)
    users["guest"] = "other"
    assert asked(authenticator, b"PLAIN", b"guest", b"other") == [*OK, b"guest"]
    del users["admin"]
    assert asked(authenticator, b"PLAIN", b"admin", b"secret") == refused("Invalid username")


@pytest.mark.better  # pyzmq's makes the same of all that it cannot decode
@pytest.mark.parametrize("encoding, octets", [("ascii", "é".encode()), ("utf-8", b"\xe9")])
def test_what_cannot_be_decoded_is_no_name_and_no_password(base, context, encoding, octets):
    made = base.Authenticator(context, encoding=encoding, log=Log())
    made.zap_socket = Replies()
    made.configure_plain(passwords={"admin": "secret"})
    made.passwords["*"]["\ufffd"] = made.passwords["*"]["?"] = "secret"
    made.passwords["*"]["x"] = "\ufffd" * len(octets)
    made.passwords["*"]["y"] = "\xe9"
    assert asked(made, b"PLAIN", octets, b"secret") == refused("Invalid username")
    assert asked(made, b"PLAIN", b"x", octets) == refused("Invalid password")
    assert asked(made, b"PLAIN", b"y", b"?") == refused("Invalid password")
    assert asked(made, b"PLAIN", b"admin", b"secret") == [*OK, b"admin"]
    assert asked(made, b"GSSAPI", octets) == refused("Invalid principal")


@pytest.mark.better  # pyzmq's lets in "h?nter2", too
@pytest.mark.parametrize("user, password", [("admin", "hünter2"), ("ädmin", "hunter2")])
def test_what_the_encoding_does_not_have_is_not_configured(base, context, user, password):
    made = base.Authenticator(context, encoding="ascii", log=Log())
    made.configure_plain(passwords={"admin": "before"})
    with pytest.raises(ValueError, match="cannot be encoded as ascii") as caught:
        made.configure_plain(passwords={user: password})
    assert password not in str(caught.value) and caught.value.__suppress_context__
    assert made.passwords == {"*": {"admin": "before"}}


@pytest.mark.better  # pyzmq's logs the passwords of those it lets in
def test_passwords_are_not_logged(authenticator):
    authenticator.configure_plain(passwords={"admin": "hunter2"})
    for credentials in ((b"admin", b"hunter2"), (b"admin", b"hunter22"), (b"hunter2",)):
        asked(authenticator, b"PLAIN", *credentials)
    assert authenticator.log.lines and "hunter2" not in "\n".join(authenticator.log.lines)


def test_addresses(base, context, authenticator):
    authenticator.allow("127.0.0.1", "10.0.0.1")
    assert asked(authenticator, b"NULL") == [*OK, b"anonymous"]
    assert asked(authenticator, b"NULL", address=b"10.0.0.2") == refused("Address not allowed")
    assert asked(authenticator, b"PLAIN", b"a", b"b") == refused("No passwords defined")  # it is no way round the mechanism
    with pytest.raises(ValueError):
        authenticator.deny("10.0.0.2")
    other = base.Authenticator(context)
    other.zap_socket = Replies()
    other.deny("127.0.0.1")
    assert asked(other, b"NULL") == refused("Address denied")
    assert asked(other, b"NULL", address=b"10.0.0.2") == [*OK, b"anonymous"]
    with pytest.raises(ValueError):
        other.allow("10.0.0.2")


def test_what_is_no_address_changes_nothing(base, context):
    made = base.Authenticator(context)
    made.zap_socket = Replies()
    for method in (made.allow, made.deny, made.allow):
        with pytest.raises(TypeError):
            method("10.0.0.1", b"10.0.0.2")
        assert asked(made, b"NULL", address=b"10.0.0.1") == asked(made, b"NULL", address=b"10.0.0.3") == [*OK, b"anonymous"]


# Different texts of the same address, as it is given and as a socket tells it.
SAME = [
    ("10.0.0.5", "::ffff:10.0.0.5"), ("::ffff:10.0.0.5", "10.0.0.5"), ("::FFFF:a00:5", "::ffff:10.0.0.5"),
    ("2001:DB8:0::1", "2001:db8::1"), (":1000:1000:7", ":1000:1000:7"),
]  # fmt: skip


@pytest.mark.better  # pyzmq's compares texts
@pytest.mark.parametrize("given, told", SAME)
def test_addresses_are_numbers(base, context, given, told):
    denies, allows = base.Authenticator(context, log=Log()), base.Authenticator(context, log=Log())
    denies.zap_socket, allows.zap_socket = Replies(), Replies()
    denies.deny(given)
    allows.allow(given)
    assert asked(denies, b"NULL", address=told.encode()) == refused("Address denied")
    assert asked(allows, b"NULL", address=told.encode()) == [*OK, b"anonymous"]
    for other in (b"10.0.0.50", b"::10.0.0.5", b"2001:db8::2", b":1000:1000:8", b"", b"x"):
        assert asked(denies, b"NULL", address=other) == [*OK, b"anonymous"]
        assert asked(allows, b"NULL", address=other) == refused("Address not allowed")


@pytest.mark.better
def test_a_link_local_address_is_denied_on_all_links(authenticator):
    authenticator.deny("fe80::1", "fe80::2%eth0")
    for address in (b"fe80::1", b"fe80::1%eth0", b"fe80::1%7", b"fe80::2%eth0"):
        assert asked(authenticator, b"NULL", address=address) == refused("Address denied")
    for address in (b"fe80::2", b"fe80::2%eth1"):
        assert asked(authenticator, b"NULL", address=address) == [*OK, b"anonymous"]


def certificate(folder, name, key=KEY):
    (folder / name).write_text(f'metadata\n    name = somebody\ncurve\n    public-key = "{key.decode()}"\n')


def test_curve_by_certificates(authenticator, tmp_path):
    assert asked(authenticator, b"CURVE", CLIENT_KEY) == refused("Unknown domain")
    certificate(tmp_path, "client.key")
    authenticator.configure_curve(location=str(tmp_path))
    authenticator.configure_curve(domain="lab", location=tmp_path)
    assert asked(authenticator, b"CURVE", CLIENT_KEY) == [*OK, KEY]
    assert asked(authenticator, b"CURVE", CLIENT_KEY, domain=b"lab") == [*OK, KEY]
    assert asked(authenticator, b"CURVE", bytes(32)) == refused("Unknown key")
    assert asked(authenticator, b"CURVE", CLIENT_KEY, domain=b"other") == refused("Unknown domain")
    assert asked(authenticator, b"CURVE", CLIENT_KEY, b"more") == refused("Invalid credentials")
    authenticator.configure_curve(location=str(tmp_path / "none"))  # a mistake, which is logged; what was before counts
    assert asked(authenticator, b"CURVE", CLIENT_KEY) == [*OK, KEY]
    assert any(line.startswith("error") for line in authenticator.log.lines)


def test_curve_allow_any(base, authenticator, tmp_path):
    authenticator.configure_curve(location=base.CURVE_ALLOW_ANY)
    assert authenticator.allow_any
    assert asked(authenticator, b"CURVE", CLIENT_KEY, domain=b"whatever") == [*OK, KEY]
    authenticator.configure_curve(location=str(tmp_path))
    assert asked(authenticator, b"CURVE", CLIENT_KEY) == refused("Unknown key")


class Provider:
    def __init__(self, answer):
        self.answer = answer
        self.calls = []

    def callback(self, domain, key):
        self.calls.append((domain, key))
        return self.answer


class AsyncProvider(Provider):
    async def callback(self, domain, key):
        await asyncio.sleep(0)
        return super().callback(domain, key)


@pytest.mark.parametrize("kind", [Provider, AsyncProvider])
def test_curve_by_a_provider(authenticator, kind):
    yes, no = kind(True), kind(None)
    authenticator.configure_curve(location="*")
    authenticator.configure_curve_callback(credentials_provider=yes)
    authenticator.configure_curve_callback(domain="lab", credentials_provider=no)
    assert not authenticator.allow_any
    assert asked(authenticator, b"CURVE", CLIENT_KEY) == [*OK, KEY]
    assert asked(authenticator, b"CURVE", CLIENT_KEY, domain=b"lab") == refused("Unknown key")
    assert asked(authenticator, b"CURVE", CLIENT_KEY, domain=b"other") == refused("Unknown domain")
    assert (yes.calls, no.calls) == ([("*", KEY)], [("lab", KEY)])
    authenticator.configure_curve_callback(domain="other", credentials_provider=None)
    assert asked(authenticator, b"CURVE", CLIENT_KEY, domain=b"other") == refused("Unknown domain")


@pytest.mark.better  # pyzmq's raises and leaves the question without an answer
def test_a_provider_that_fails_keeps_the_peer_out(authenticator):
    class Broken:
        def callback(self, domain, key):
            raise LookupError("the database is away")

    authenticator.configure_curve_callback(credentials_provider=Broken())
    assert asked(authenticator, b"CURVE", CLIENT_KEY) == [b"500", b"Internal error", b""]
    assert asked(authenticator, b"CURVE", b"short") == refused("Invalid credentials")


def test_curve_user_id_is_to_be_overloaded(base, context):
    class Named(base.Authenticator):
        def curve_user_id(self, client_public_key):
            return {CLIENT_KEY: "jürgen"}[client_public_key]

    made = Named(context)
    made.zap_socket = Replies()
    made.configure_curve(location="*")
    assert asked(made, b"CURVE", CLIENT_KEY) == [*OK, "jürgen".encode()]
    assert base.Authenticator(context).curve_user_id(CLIENT_KEY) == KEY.decode()


def test_a_user_id_may_be_bytes(base, context):
    class Named(base.Authenticator):
        def curve_user_id(self, client_public_key):
            return client_public_key[:4]

    made = Named(context)
    made.zap_socket = Replies()
    made.configure_curve(location="*")
    assert asked(made, b"CURVE", CLIENT_KEY) == [*OK, CLIENT_KEY[:4]]


def test_checks_that_are_overloaded_count(base, context):
    """pyzmq's names for them: programs look up users elsewhere, or are stricter."""

    class Stricter(base.Authenticator):
        def _authenticate_plain(self, domain, username, password):
            told.append((domain, username, password))
            return username == "other", b"Who?"

        async def _authenticate_curve(self, domain, client_key):
            allowed, reason = await super()._authenticate_curve(domain, client_key)
            told.append((domain, client_key, allowed, reason))
            return False, b"Revoked"

        def _authenticate_gssapi(self, domain, principal):
            told.append((domain, principal))
            return principal == b"user@REALM", b"Not here"

    told = []
    made = Stricter(context)
    made.zap_socket = Replies()
    made.configure_plain(passwords={"admin": "secret"})
    made.configure_curve(location="*")
    assert asked(made, b"PLAIN", b"admin", b"secret") == refused("Who?")
    assert asked(made, b"PLAIN", b"other", b"secret", domain=b"lab") == [*OK, b"other"]
    assert asked(made, b"CURVE", CLIENT_KEY) == refused("Revoked")
    assert asked(made, b"GSSAPI", b"user@REALM", domain=b"lab") == [*OK, b"user@REALM"]
    assert asked(made, b"GSSAPI", b"root@REALM") == refused("Not here")
    assert told == [
        ("", "admin", "secret"), ("lab", "other", "secret"), ("", CLIENT_KEY, True, b"OK"), ("lab", b"user@REALM"), ("", b"root@REALM"),
    ]  # fmt: skip


def test_gssapi_has_decided_already(authenticator):
    authenticator.configure_gssapi(domain="lab", location="ignored")
    assert asked(authenticator, b"GSSAPI", b"user@REALM") == [*OK, b"user@REALM"]
    assert asked(authenticator, b"GSSAPI", b"a", b"b") == refused("Invalid credentials")


def test_what_it_is_made_of(zmq, base, context):
    made = base.Authenticator(context)
    assert (made.context, made.encoding, made.allow_any, made.zap_socket) == (context, "utf-8", False, None)
    assert (made.passwords, made.certs, made.credentials_providers, made.log.name) == ({}, {}, {}, "zmq.auth")
    assert base.Authenticator().context is zmq.Context.instance()
    made.start()
    assert made.zap_socket.type == zmq.REP
    with pytest.raises(zmq.ZMQError) as caught:
        base.Authenticator(context).start()
    assert caught.value.errno == zmq.EADDRINUSE
    made.stop()
    made.stop()
    assert made.zap_socket is None


# ---- at work


def serve(make, mechanism, **options):
    bound = make("PULL", **{**SERVERS[mechanism], **options})
    bound.bind("tcp://127.0.0.1:*")
    return bound


def connect(make, mechanism, bound, **options):
    push = make("PUSH", **{**CLIENTS[mechanism], **options})
    push.connect(endpoint(bound))
    return push


def send(make, mechanism, bound, body):
    push = connect(make, mechanism, bound)
    push.send(body)
    return push


@pytest.fixture
def running(submodule, context):
    made = submodule("auth.thread").ThreadAuthenticator(context, log=Log())
    made.start()
    yield made
    made.stop()


@pytest.mark.parametrize("mechanism", ["NULL", "PLAIN"])
def test_a_thread_that_answers(make, running, mechanism):
    running.configure_plain(domain="TEST", passwords={"admin": "password"})
    bound = serve(make, mechanism)
    push = send(make, mechanism, bound, b"hello")
    frame = bound.recv(copy=False)
    assert (frame.bytes, frame.get("User-Id")) == (b"hello", {"NULL": "anonymous", "PLAIN": "admin"}[mechanism])
    push.close()


def serve_both(zmq, make, **options):
    """A PULL that listens to IPv4 and IPv6, and the address at which it is reached by IPv4."""
    bound = make("PULL", IPV6=1, **options)
    try:
        bound.bind("tcp://*:*")
    except zmq.ZMQError:
        pytest.skip("this machine has no IPv6")
    return bound, "tcp://127.0.0.1:" + endpoint(bound).rpartition(":")[2]


@pytest.mark.better
@pytest.mark.parametrize("denied", [True, False])
def test_an_address_of_ipv4_at_a_socket_of_both(zmq, make, running, denied):
    bound, where = serve_both(zmq, make, ZAP_DOMAIN=b"TEST")
    events = Events(zmq, bound, zmq.EVENT_HANDSHAKE_FAILED_AUTH | zmq.EVENT_HANDSHAKE_SUCCEEDED)
    (running.deny if denied else running.allow)("127.0.0.1")
    push = make("PUSH", RECONNECT_IVL=-1)
    push.connect(where)
    assert events.next()[0] == ("HANDSHAKE_FAILED_AUTH" if denied else "HANDSHAKE_SUCCEEDED")
    push.close()


def test_a_thread_that_refuses(zmq, make, running):
    running.configure_plain(domain="TEST", passwords={"admin": "password"})
    bound = serve(make, "PLAIN")
    pushes = [connect(make, "PLAIN", bound, PLAIN_PASSWORD=b"passwort"), connect(make, "PLAIN", bound, PLAIN_USERNAME=b"root")]
    for push in pushes:
        try_to_send(zmq, push)
    good = send(make, "PLAIN", bound, b"good")
    assert bound.recv() == b"good"
    assert received(bound) == []
    for push in [*pushes, good]:
        push.close()


def test_the_thread_begins_and_ends(zmq, submodule, context):
    made = submodule("auth.thread").ThreadAuthenticator(context)
    assert not made.is_alive()
    made.stop()
    made.start()
    assert made.is_alive() and made.thread.daemon and made.pipe_endpoint.startswith("inproc://")
    thread = made.thread
    made.stop()
    assert not made.is_alive() and not thread.is_alive()
    made.stop()


@pytest.mark.better  # libzmq lets in, by NULL, who comes between two handlers
def test_who_stops_it_does_not_wait_for_all_answers(make, submodule, context):
    class Slow(submodule("auth.thread").ThreadAuthenticator):
        async def handle_zap_message(self, msg):
            answered.append(msg)
            asked.set()
            assert self.thread.pipe.poll(SECONDS * 1000)  # until it is to stop
            await super().handle_zap_message(msg)

    asked, answered = threading.Event(), []
    made = Slow(context, log=Log())
    made.start()
    made.stop()
    bound = serve(make, "NULL")
    pushes = [connect(make, "NULL", bound) for _ in range(3)]  # they wait for the handler that comes next
    assert received(bound) == []
    made.start()
    assert asked.wait(SECONDS)
    made.stop()
    assert len(answered) == 1
    for push in pushes:
        push.close()


@pytest.mark.better  # libzmq gives the name of a closed socket free some time later
def test_the_thread_begins_again(make, running):
    for _ in range(5):
        running.stop()
        running.start()
    bound = serve(make, "NULL")
    push = send(make, "NULL", bound, b"x")
    assert bound.recv() == b"x"
    push.close()


@pytest.mark.better  # pyzmq's thread keeps the context waiting for good
@pytest.mark.parametrize("kept", [True, False])
def test_the_context_ends_the_thread(zmq, submodule, kept):
    context = zmq.Context()
    made = submodule("auth.thread").ThreadAuthenticator(context)
    made.start()
    thread = made.thread
    if not kept:
        del made
        gc.collect()
    ended = threading.Thread(target=context.term)
    ended.start()
    ended.join(SECONDS)
    assert not ended.is_alive()
    thread.join(SECONDS)
    assert not thread.is_alive()
    if kept:
        made.stop()


def broken(kind, error):
    """A class of authenticators that fail where the identity is "bad"."""

    class Broken(kind):
        async def handle_zap_message(self, msg):
            if msg[4] == b"bad":
                raise error
            await super().handle_zap_message(msg)

    return Broken


# The second one is not of the class Exception: something that was awaited has been cancelled.
ERRORS = [LookupError, asyncio.CancelledError]


@pytest.mark.better  # pyzmq's thread goes on waiting for what has been closed
@pytest.mark.parametrize("how", ["destroy", "close"])
def test_it_ends_quietly_with_its_sockets(zmq, submodule, monkeypatch, how):
    told = []
    monkeypatch.setattr(threading, "excepthook", told.append)
    context = zmq.Context()
    made = submodule("auth.thread").ThreadAuthenticator(context)
    made.start()
    thread = made.thread
    context.destroy(linger=0) if how == "destroy" else made.zap_socket.close()
    thread.join(SECONDS)
    assert not thread.is_alive() and told == []
    made.stop()
    context.term()


@pytest.mark.better  # pyzmq's task goes on waiting
def test_its_task_ends_quietly_with_its_context(zmq, submodule):
    async def main():
        context = zmq.Context()
        made = submodule("auth.asyncio").AsyncioAuthenticator(context)
        made.start()
        (task,) = asyncio.all_tasks() - {asyncio.current_task()}
        await asyncio.sleep(0)  # it begins to wait
        context.destroy(linger=0)
        await asyncio.wait_for(task, SECONDS)
        made.stop()

    asyncio.run(main())


@pytest.mark.better  # pyzmq's thread ends with the exception
@pytest.mark.parametrize("error", ERRORS)
def test_what_goes_wrong_in_the_thread_keeps_one_peer_out(zmq, make, submodule, context, error):
    made = broken(submodule("auth.thread").ThreadAuthenticator, error)(context, log=Log())
    made.start()
    bad, good = serve(make, "NULL", ROUTING_ID=b"bad"), serve(make, "NULL")
    never = connect(make, "NULL", bad)
    try_to_send(zmq, never)
    push = send(make, "NULL", good, b"good")
    assert good.recv() == b"good"
    assert received(bad) == []
    assert any(line.startswith("error") for line in made.log.lines)
    made.stop()
    for socket in (never, push):
        socket.close()


def test_on_the_event_loop(zmq, submodule, make, context):
    async def main():
        made = submodule("auth.asyncio").AsyncioAuthenticator(context)
        made.configure_plain(domain="TEST", passwords={"admin": "password"})
        made.start()
        asynchronous = submodule("asyncio")
        bound = serve(make, "PLAIN")
        pull = asynchronous.Socket.shadow(bound)
        pushes = [send(make, "PLAIN", bound, b"%d" % number) for number in range(20)]
        got = [await asyncio.wait_for(pull.recv(), SECONDS) for _ in pushes]
        assert sorted(map(int, got)) == list(range(20))
        made.stop()
        made.stop()
        assert made.zap_socket is None
        for push in pushes:
            push.close()

    asyncio.run(main())


@pytest.mark.better  # pyzmq's task ends with the exception
@pytest.mark.parametrize("error", ERRORS)
def test_what_goes_wrong_on_the_event_loop_keeps_one_peer_out(zmq, submodule, make, context, error):
    async def main():
        made = broken(submodule("auth.asyncio").AsyncioAuthenticator, error)(context, log=Log())
        made.start()
        bad, good = serve(make, "NULL", ROUTING_ID=b"bad"), serve(make, "NULL")
        events = Events(zmq, bad, zmq.EVENT_HANDSHAKE_FAILED_AUTH)
        watched = submodule("asyncio").Socket.shadow(events.monitor)
        pushes = [connect(make, "NULL", bad, RECONNECT_IVL=-1)]
        assert await watched.poll(SECONDS * 1000)
        assert events.next()[:2] == ("HANDSHAKE_FAILED_AUTH", 500)
        pushes.append(send(make, "NULL", good, b"good"))
        assert await asyncio.wait_for(submodule("asyncio").Socket.shadow(good).recv(), SECONDS) == b"good"
        assert any(line.startswith("error") for line in made.log.lines)
        made.stop()
        for push in pushes:
            push.close()

    asyncio.run(main())


def test_old_names(zmq, submodule, context):
    with pytest.warns(DeprecationWarning):
        submodule("auth.asyncio").AsyncioAuthenticator(context, loop=object())
    auth = submodule("auth")
    assert auth.CURVE_ALLOW_ANY == "*" and auth.Authenticator is submodule("auth.base").Authenticator


@pytest.mark.better  # pyzmq's reads an attribute of the loop
def test_the_old_name_for_tornado(submodule, context):
    with pytest.warns(DeprecationWarning):
        made = submodule("auth.ioloop").IOLoopAuthenticator(context, io_loop=object())
    assert isinstance(made, submodule("auth.asyncio").AsyncioAuthenticator)


# ---- certificates


def test_reading_certificates(submodule, tmp_path):
    auth = submodule("auth")
    certificate(tmp_path, "a.key", KEY)
    certificate(tmp_path, "b.key", b"other")
    (tmp_path / "c.key_secret").write_text("# public-key = no\ncurve\n\tpublic-key='p#q'\n  secret-key = \"s=t\" \n")
    (tmp_path / "d.txt").write_text("nothing")
    assert auth.load_certificate(tmp_path / "a.key") == (KEY, None)
    assert auth.load_certificate(str(tmp_path / "c.key_secret")) == (b"p#q", b"s=t")
    assert auth.load_certificates(tmp_path) == {KEY: True, b"other": True}
    with pytest.raises(ValueError, match="public key"):
        auth.load_certificate(tmp_path / "d.txt")
    with pytest.raises(OSError):
        auth.load_certificate(tmp_path / "none.key")
    with pytest.raises(OSError):
        auth.load_certificates(tmp_path / "none")
    (tmp_path / ".e.key").write_text("hidden files count for nothing, as what other systems leave beside each file")
    assert auth.load_certificates(tmp_path) == {KEY: True, b"other": True}
    (tmp_path / "e.key").write_text("curve\n")
    with pytest.raises(ValueError):
        auth.load_certificates(tmp_path)


@pytest.fixture
def curve(zmq):
    if not zmq.has("curve"):
        pytest.skip("no CURVE")


def test_making_certificates(zmq, curve, submodule, tmp_path):
    auth = submodule("auth")
    public, secret = auth.create_certificates(tmp_path, "me", metadata={"name": "me", "answer": 42, b"b\xc3\xb6": b"\xc3\xa4"})
    assert (public, secret) == (str(tmp_path / "me.key"), str(tmp_path / "me.key_secret"))
    key, hidden = auth.load_certificate(secret)
    assert auth.load_certificate(public) == (key, None)
    assert zmq.curve_public(hidden) == key
    text = open(secret, encoding="utf-8").read()
    assert "    name = me\n" in text and "    answer = 42\n" in text and "    bö = ä\n" in text
    assert hidden.decode() not in open(public).read()
    assert auth.create_certificates(str(tmp_path), "me") == (public, secret)
    assert auth.load_certificate(public) != (key, None)
    with pytest.raises(FileNotFoundError):
        auth.create_certificates(tmp_path / "none", "me")


def test_certificates_of_keys_from_elsewhere(submodule, tmp_path):
    """Indy, Lamden and others write theirs by pyzmq's own function."""
    certs = submodule("auth.certs")
    certs._write_key_file(tmp_path / "a.key", certs._cert_public_banner.format("today"), KEY)
    certs._write_key_file(str(tmp_path / "a.key_secret"), certs._cert_secret_banner.format("today"), KEY.decode(), secret_key=b"s=t")
    certs._write_key_file(tmp_path / "b.key", "", KEY, "s=t", {"name": b"\xe4"}, encoding="latin1")
    assert certs.load_certificate(tmp_path / "a.key") == (KEY, None)
    assert certs.load_certificate(tmp_path / "a.key_secret") == certs.load_certificate(tmp_path / "b.key") == (KEY, b"s=t")
    assert "    name = ä\n" in (tmp_path / "b.key").read_text("utf-8")
    assert "today" in (tmp_path / "a.key").read_text()


@pytest.mark.better  # pyzmq leaves the secret to whoever may read the directory
@pytest.mark.skipif(os.name == "nt", reason="no permissions of this kind")
def test_a_secret_is_its_owners(curve, submodule, tmp_path):
    old = tmp_path / "me.key_secret"
    old.write_text("")
    old.chmod(0o644)
    for name in ("me", "new"):
        _, secret = submodule("auth").create_certificates(tmp_path, name)
        assert stat.S_IMODE(os.stat(secret).st_mode) == 0o600


@pytest.mark.better  # both packages are needed, so once is enough
def test_certificates_of_either_package(curve, submodule, tmp_path):
    theirs = pytest.importorskip("zmq.auth")
    ours = submodule("auth")
    for maker, reader in ((ours, theirs), (theirs, ours)):
        for file in maker.create_certificates(str(tmp_path), "me", metadata={"name": "me"}):
            assert reader.load_certificate(file) == maker.load_certificate(file)
        assert reader.load_certificates(str(tmp_path)) == maker.load_certificates(str(tmp_path))
