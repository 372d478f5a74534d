"""zmq.auth: what an authenticator answers. The same as pyzmq's, unless marked `better`."""

import asyncio

import pytest
from zap import CLIENT_KEY, Log, certificate
from zap import CLIENT_KEY_Z85 as KEY

OK = [b"200", b"OK"]


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
