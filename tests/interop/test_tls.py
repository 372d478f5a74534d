"""TLS over tcp: who is let in, who is not, what is known of a peer, and what hostile ones can do. The peers are Python's own `ssl`, which speaks
ZMTP by hand inside TLS, `openssl s_client`, and zmqcore."""

import itertools
import os
import shutil
import socket
import ssl
import struct
import subprocess
import sys
import time

import foreign
import pytest
from awaiting import Events, endpoint, until
from platforms import errno

certificates = pytest.importorskip("certificates", reason="TLS needs cryptography")

from certificates import Certified, authority, client, host_names, server, sign, subject, trusting  # noqa: E402
from cryptography.x509 import RFC822Name, UniformResourceIdentifier  # noqa: E402
from cryptography.x509.oid import NameOID  # noqa: E402

pytestmark = pytest.mark.better

GREETING = b"\xff" + bytes(8) + b"\x7f\x03\x00NULL".ljust(23, b"\0") + bytes(32)
SECONDS = 10


def ready(kind, more=b""):
    body = b"\x05READY\x0bSocket-Type" + struct.pack(">I", len(kind)) + kind + more
    return b"\x04" + bytes([len(body)]) + body


def identity(certified):
    return {"TLS_CERT_PEM": certified.cert_pem, "TLS_KEY_PEM": certified.key_pem}


def context_of(tmp_path, certified=None, trusts=None, server_side=False, newest=None):
    """An ssl.SSLContext that shows `certified` and trusts what `trusts` has signed."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if server_side else ssl.PROTOCOL_TLS_CLIENT)
    if newest:
        made.maximum_version = newest
    if certified:
        path = tmp_path / f"{certified.fingerprint}.pem"
        path.write_bytes(certified.cert_pem + certified.key_pem)
        made.load_cert_chain(path)
    if trusts:
        made.load_verify_locations(cadata=trusts.cert_pem.decode())
    if server_side and trusts:
        made.verify_mode = ssl.CERT_REQUIRED
    return made


def port_of(socket):
    return int(endpoint(socket).rpartition(":")[2])


def exactly(raw, n):
    got = b""
    while len(got) < n:
        more = raw.recv(n - len(got))
        assert more, f"the stream ended after {got!r}"
        got += more
    return got


def shake_hands(raw, kind):
    """ZMTP 3.0 with NULL, inside whatever `raw` is; the READY of the other side."""
    raw.sendall(GREETING + ready(kind))
    exactly(raw, 64)
    assert exactly(raw, 1) == b"\x04"
    return exactly(raw, exactly(raw, 1)[0])


@pytest.fixture
def listener(make):
    def listener(kind="PULL", certified=None, **options):
        bound = make(kind, **identity(certified or server()), **options)
        bound.bind("tls+tcp://127.0.0.1:*")
        return bound

    return listener


@pytest.fixture
def stranger(raws, tmp_path):
    """stranger(socket) -> an ssl connection to it, handshake of TLS done."""

    def stranger(bound, certified=None, name="localhost", newest=None):
        raw = socket.create_connection(("127.0.0.1", port_of(bound)), timeout=SECONDS)
        raws(raw)
        inside = context_of(tmp_path, certified, authority(), newest=newest).wrap_socket(raw, server_hostname=name)
        raws(inside)
        return inside

    return stranger


# ---- peers that are not ours


def test_TLS_1_a_client_of_another_stack(listener, stranger):
    pull = listener()
    raw = stranger(pull)
    assert raw.version() == "TLSv1.3"
    assert b"PULL" in shake_hands(raw, b"PUSH")
    raw.sendall(b"\x01\x03one\x00\x03two")
    assert pull.recv_multipart() == [b"one", b"two"]


def test_TLS_1_the_cipher_that_is_faster_comes_first(listener, stranger):
    assert stranger(listener()).cipher()[0] in ("TLS_AES_128_GCM_SHA256", "TLS_CHACHA20_POLY1305_SHA256")


POLICY = """
openssl_conf = all
[all]
ssl_conf = ssl
[ssl]
system_default = tls
[tls]
Ciphersuites = TLS_AES_256_GCM_SHA384
"""

SERVER = """
import sys
import zmqcore as zmq
certificate, key = sys.argv[1:]
with zmq.Context() as context, context.socket(zmq.PULL) as pull:
    pull.tls_cert_pem, pull.tls_key_pem = open(certificate, "rb").read(), open(key, "rb").read()
    print(pull.bind_to_random_port("tls+tcp://127.0.0.1"), flush=True)
    sys.stdin.read()
"""


def test_TLS_1_ciphers_that_the_systems_policy_forbids_stay_forbidden(tmp_path, raws):
    """What OpenSSL's configuration leaves of them: some distributions, and administrators, allow the long key only."""
    (tmp_path / "policy").write_text(POLICY)
    (tmp_path / "certificate").write_bytes(server().cert_pem)
    (tmp_path / "key").write_bytes(server().key_pem)
    command = [sys.executable, "-c", SERVER, str(tmp_path / "certificate"), str(tmp_path / "key")]
    with subprocess.Popen(command, stdin=-1, stdout=-1, env={**os.environ, "OPENSSL_CONF": str(tmp_path / "policy")}) as program:
        raw = socket.create_connection(("127.0.0.1", int(program.stdout.readline())), timeout=SECONDS)
        raws(raw)
        inside = context_of(tmp_path, None, authority()).wrap_socket(raw, server_hostname="localhost")
        raws(inside)
        assert inside.cipher()[0] == "TLS_AES_256_GCM_SHA384"
        program.stdin.close()


def test_TLS_1_a_server_of_another_stack(make, tmp_path, raws):
    listening = socket.create_server(("127.0.0.1", 0))
    raws(listening)
    listening.settimeout(SECONDS)
    push = make("PUSH", TLS_TRUST_PEM=authority().cert_pem)
    push.connect(f"tls+tcp://localhost:{listening.getsockname()[1]}")
    accepted, _ = listening.accept()
    accepted.settimeout(SECONDS)
    raw = context_of(tmp_path, server(), server_side=True).wrap_socket(accepted, server_side=True)
    raws(raw)
    assert b"PUSH" in shake_hands(raw, b"PULL")
    big = bytes(range(256)) * 1000
    push.send(big)
    assert exactly(raw, 9 + len(big)) == b"\x02" + struct.pack(">Q", len(big)) + big


@pytest.mark.skipif(not shutil.which("openssl"), reason="no openssl program")
def test_TLS_1_s_client(listener, tmp_path):
    """A STREAM over TLS is what any program with TLS can talk to."""
    stream = listener("STREAM")
    (tmp_path / "ca.pem").write_bytes(authority().cert_pem)
    command = ["openssl", "s_client", "-quiet", "-verify_return_error", "-CAfile", str(tmp_path / "ca.pem"), "-verify_hostname", "localhost"]
    with subprocess.Popen([*command, "-connect", f"127.0.0.1:{port_of(stream)}"], stdin=-1, stdout=-1, stderr=-3, env=foreign.environment()) as program:
        peer, empty = stream.recv_multipart()
        program.stdin.write(b"knock\n")
        program.stdin.flush()
        assert (empty, stream.recv_multipart()) == (b"", [peer, b"knock\n"])
        stream.send_multipart([peer, b"come in\n"])
        assert program.stdout.readline() == b"come in\n"
        stream.send_multipart([peer, b""])
        assert program.stdout.read() == b""


def test_TLS_2_the_older_version_only_where_it_is_allowed(listener, stranger):
    with pytest.raises(ssl.SSLError):
        stranger(listener(), newest=ssl.TLSVersion.TLSv1_2)
    pull = listener(TLS_ALLOW_12=1)
    raw = stranger(pull, newest=ssl.TLSVersion.TLSv1_2)
    assert raw.version() == "TLSv1.2"
    shake_hands(raw, b"PUSH")
    raw.sendall(b"\x00\x02ok")
    assert pull.recv() == b"ok"


# ---- whom a client trusts


def fails_with(zmq, make, bound, expected, where=None, **options):
    """A client with these options does not get in; why not is what its monitor says."""
    push = make("PUSH", RECONNECT_IVL=-1, **options)
    events = Events(zmq, push)
    push.connect(where or endpoint(bound))
    assert events.wait("HANDSHAKE_FAILED_NO_DETAIL")[1] == expected
    events.wait("DISCONNECTED")


def test_TLS_3_a_client_checks_who_signed(zmq, make, listener):
    pull = listener()
    fails_with(zmq, make, pull, errno.EACCES, TLS_TRUST_PEM=sign("another", authority=True).cert_pem)


def test_TLS_3_a_client_checks_the_host(zmq, make, listener):
    elsewhere = sign("elsewhere", authority(), host_names("elsewhere.example", "192.0.2.1"))
    pull = listener(certified=elsewhere)
    trust = {"TLS_TRUST_PEM": authority().cert_pem}
    fails_with(zmq, make, pull, errno.EACCES, **trust)
    fails_with(zmq, make, pull, errno.EACCES, f"tls+tcp://localhost:{port_of(pull)}", **trust)
    fails_with(zmq, make, pull, errno.EACCES, TLS_HOSTNAME=b"example", **trust)
    for name in (b"elsewhere.example", b"192.0.2.1"):
        push = make("PUSH", TLS_HOSTNAME=name, **trust)
        push.connect(endpoint(pull))
        push.send(name)
        assert pull.recv() == name


@pytest.mark.parametrize("name", [b"%lo", b".example", b""])
def test_TLS_3_no_name_leaves_the_check_out(zmq, make, listener, name):
    """OpenSSL takes an empty name for none to be checked, and one with a dot in front for a whole domain."""
    elsewhere = sign("elsewhere", authority(), host_names("elsewhere.example"))
    pull = listener(certified=elsewhere)
    push = make("PUSH", TLS_TRUST_PEM=authority().cert_pem, TLS_HOSTNAME=name)
    if name:
        with pytest.raises(zmq.ZMQError, match="TLS_HOSTNAME"):
            push.connect(endpoint(pull))
    else:
        fails_with(zmq, make, pull, errno.EACCES, TLS_TRUST_PEM=authority().cert_pem, TLS_HOSTNAME=name)


def test_TLS_3_a_client_checks_the_dates(zmq, make, listener):
    pull = listener(certified=sign("server", authority(), host_names("127.0.0.1"), days=-1))
    fails_with(zmq, make, pull, errno.EACCES, TLS_TRUST_PEM=authority().cert_pem)


def test_TLS_3_the_certificate_itself_can_be_trusted(make, listener):
    alone = sign("alone", None, host_names("127.0.0.1"))
    pull = listener(certified=alone)
    for trusted, bound in ((alone, pull), (server(), listener())):
        push = make("PUSH", TLS_TRUST_PEM=trusted.cert_pem)
        push.connect(endpoint(bound))
        push.send(b"pinned")
        assert bound.recv() == b"pinned"


def test_TLS_3_a_chain(make, listener):
    between = sign("between", authority(), authority=True)
    leaf = sign("leaf", between, host_names("127.0.0.1"))
    pull = listener(certified=Certified(leaf.certificate, leaf.key, leaf.cert_pem + between.cert_pem, leaf.key_pem))
    push = make("PUSH", TLS_TRUST_PEM=sign("another", authority=True).cert_pem + authority().cert_pem)
    push.connect(endpoint(pull))
    push.send(b"two steps")
    assert pull.recv() == b"two steps"


def test_TLS_3_the_certificates_of_the_system(make, listener, tmp_path):
    program = """
import sys, zmqcore as zmq
push = zmq.Context().socket(zmq.PUSH)
push.set(zmq.TLS_TRUST_SYSTEM, 1)
push.connect(sys.argv[1])
push.send(b"known here")
push.close()
push.context.term()
"""
    pull = listener()
    (tmp_path / "ca.pem").write_bytes(authority().cert_pem)
    environment = {**os.environ, "SSL_CERT_FILE": str(tmp_path / "ca.pem"), "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    with subprocess.Popen([sys.executable, "-c", program, endpoint(pull)], env=environment) as started:
        assert pull.recv() == b"known here"
        assert started.wait(SECONDS) == 0


# ---- certificates of clients


def test_TLS_4_a_client_has_to_show_one(zmq, make, listener):
    pull = listener(TLS_TRUST_PEM=authority().cert_pem, TLS_VERIFY_CLIENT=2)
    events = Events(zmq, pull)
    trust = {"TLS_TRUST_PEM": authority().cert_pem}
    refused = [{}, identity(sign("stranger", sign("another", authority=True)))]
    for options in refused:
        push = make("PUSH", RECONNECT_IVL=-1, **options, **trust)
        heard = Events(zmq, push)
        push.connect(endpoint(pull))
        assert events.wait("HANDSHAKE_FAILED_NO_DETAIL")[1] in (errno.EACCES, errno.EPROTO)
        assert heard.wait("HANDSHAKE_FAILED_NO_DETAIL")[1] in (errno.EACCES, errno.EPIPE, errno.ECONNRESET)
    push = make("PUSH", **identity(client()), **trust)
    push.connect(endpoint(pull))
    push.send(b"here I am")
    assert pull.recv() == b"here I am"


@pytest.mark.parametrize("shown", [True, False])
def test_TLS_4_a_client_may_show_one(make, listener, shown):
    pull = listener(TLS_TRUST_PEM=authority().cert_pem, TLS_VERIFY_CLIENT=1)
    push = make("PUSH", TLS_TRUST_PEM=authority().cert_pem, **(identity(client()) if shown else {}))
    push.connect(endpoint(pull))
    push.send(b"x")
    frame = pull.recv(copy=False)
    assert frame.authenticated is shown
    assert _property(frame, "Peer-Fingerprint") == (client().fingerprint if shown else None)


def _property(frame, name):
    try:
        return frame.get(name)
    except Exception:
        return None


def test_TLS_5_what_a_certificate_says(make, listener):
    odd = sign(
        subject((NameOID.COUNTRY_NAME, "AT"), (NameOID.ORGANIZATION_NAME, "Küche, Bad + Co"), (NameOID.TITLE, "Dr"), (NameOID.COMMON_NAME, "gauge")),
        authority(),
        [*host_names("gauge.example", "192.0.2.7"), UniformResourceIdentifier("spiffe://example/gauge"), RFC822Name("gauge@example.org")],
    )
    pull = listener(TLS_TRUST_PEM=authority().cert_pem, TLS_VERIFY_CLIENT=2)
    push = make("PUSH", TLS_TRUST_PEM=authority().cert_pem, **identity(odd))
    push.connect(endpoint(pull))
    push.send(b"x")
    frame = pull.recv(copy=False)
    assert frame.get("Peer-Fingerprint") == odd.fingerprint
    assert frame.get("Peer-Subject") == r"C=AT,O=Küche\, Bad \+ Co,2.5.4.12=Dr,CN=gauge"
    assert frame.get("Peer-Names") == "DNS:gauge.example,IP:192.0.2.7,URI:spiffe://example/gauge,email:gauge@example.org"
    assert frame.get("Peer-Address") == "127.0.0.1"
    assert frame.authenticated


def test_TLS_5_a_client_knows_its_server(make, listener):
    rep = listener("REP")
    req = make("REQ", TLS_TRUST_PEM=authority().cert_pem)
    req.connect(endpoint(rep))
    req.send(b"who are you?")
    assert not rep.recv(copy=False).authenticated
    rep.send(b"see my certificate")
    frame = req.recv(copy=False)
    assert frame.get("Peer-Fingerprint") == server().fingerprint
    assert frame.authenticated


def test_TLS_5_a_peer_cannot_say_it_is_another(listener, stranger):
    """Properties that a peer sends itself, under names that are ours."""
    pull = listener()
    raw = stranger(pull)
    forged = b"\x10Peer-Fingerprint\x00\x00\x00\x02ab"
    raw.sendall(GREETING + ready(b"PUSH", forged))
    exactly(raw, 64)
    raw.sendall(b"\x00\x01x")
    frame = pull.recv(copy=False)
    assert _property(frame, "Peer-Fingerprint") is None
    assert not frame.authenticated


# ---- options


@pytest.mark.parametrize(
    "change, hint",
    [
        ({"TLS_KEY_PEM": b""}, "TLS_KEY_PEM"),
        ({"TLS_CERT_PEM": b"nonsense"}, "TLS_CERT_PEM must"),
        ({"TLS_KEY_PEM": b"nonsense"}, "TLS_KEY_PEM must"),
        ({"TLS_VERIFY_CLIENT": 2}, "TLS_TRUST_PEM"),
        ({"TLS_VERIFY_CLIENT": 1, "TLS_TRUST_PEM": b"nonsense"}, "TLS_TRUST_PEM must"),
    ],
)
def test_TLS_6_a_server_that_cannot_be(zmq, make, change, hint):
    with pytest.raises(zmq.ZMQError, match=hint) as caught:
        make("PULL", **(identity(server()) | change)).bind("tls+tcp://127.0.0.1:*")
    assert caught.value.errno == errno.EINVAL


def test_TLS_6_a_key_of_another_certificate_or_with_a_password(zmq, make):
    from cryptography.hazmat.primitives import serialization

    locked = server().key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"secret"))  # fmt: skip
    for key in (client().key_pem, locked):
        with pytest.raises(zmq.ZMQError, match="TLS_KEY_PEM must"):
            make("PULL", TLS_CERT_PEM=server().cert_pem, TLS_KEY_PEM=key).bind("tls+tcp://127.0.0.1:*")


def test_TLS_6_a_client_that_cannot_be(zmq, make):
    with pytest.raises(zmq.ZMQError, match="TLS_TRUST_PEM"):
        make("PUSH").connect("tls+tcp://127.0.0.1:1")
    with pytest.raises(zmq.ZMQError, match="TLS_HOSTNAME"):
        make("PUSH", TLS_TRUST_PEM=authority().cert_pem, TLS_HOSTNAME=b"x" * 256).connect("tls+tcp://127.0.0.1:1")
    with pytest.raises(zmq.ZMQError):
        make("PUSH", **trusting()).connect("tls+tcp://nowhere")


def test_TLS_6_options_count_for_later_endpoints(zmq, make):
    """A certificate that has run out is replaced by binding again: what is bound keeps its own."""
    pull = make("PULL", **identity(server()))
    pull.bind("tls+tcp://127.0.0.1:*")
    old = endpoint(pull)
    newer = sign("newer", authority(), host_names("127.0.0.1"))
    for name, value in identity(newer).items():
        pull.set(getattr(zmq, name), value)
    pull.bind("tls+tcp://127.0.0.1:*")
    for where, shown in ((old, server()), (endpoint(pull), newer)):
        push = make("PUSH", TLS_TRUST_PEM=shown.cert_pem)
        push.connect(where)
        push.send(b"x")
        assert pull.recv() == b"x"


def test_TLS_6_the_names_of_pyzmq_are_the_same_options(make):
    pull = make("PULL", WSS_CERT_PEM=server().cert_pem, WSS_KEY_PEM=server().key_pem)
    pull.bind("tls+tcp://127.0.0.1:*")
    push = make("PUSH", WSS_TRUST_PEM=authority().cert_pem, WSS_HOSTNAME=b"localhost")
    push.connect(endpoint(pull))
    push.send(b"x")
    assert pull.recv() == b"x"


# ---- hostile peers


def client_hello(tmp_path):
    """What a client of TLS says first."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    session = context_of(tmp_path, trusts=authority()).wrap_bio(incoming, outgoing, server_hostname="localhost")
    with pytest.raises(ssl.SSLWantReadError):
        session.do_handshake()
    return outgoing.read()


def still_serves(make, pull, count=itertools.count()):  # noqa: B008  one for all calls
    push = make("PUSH", TLS_TRUST_PEM=authority().cert_pem)
    push.connect(endpoint(pull))
    text = b"%d" % next(count)
    push.send(text)
    assert pull.recv() == text


@pytest.mark.parametrize("what", ["nothing", "a piece", "all but the end"])
def test_TLS_7_a_client_that_stops_midway(zmq, make, listener, raws, tmp_path, what):
    """It costs its own connection, and no longer than HANDSHAKE_IVL."""
    pull = listener(HANDSHAKE_IVL=200)
    hello = client_hello(tmp_path)
    events = Events(zmq, pull)
    raw = socket.create_connection(("127.0.0.1", port_of(pull)), timeout=SECONDS)
    raws(raw)
    raw.sendall({"nothing": b"", "a piece": hello[:40], "all but the end": hello}[what])
    still_serves(make, pull)
    assert events.wait("HANDSHAKE_FAILED_NO_DETAIL")[1] == errno.ETIMEDOUT
    while raw.recv(65536):
        pass


@pytest.mark.parametrize(
    "said",
    [GREETING, b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\xff\xff" + b"\x01" * 100, b"\x15\x03\x03\x00\x02\x02\x28", b"\x17\x03\x03\x40\x00" + bytes(16384),
     b"\x16\x03\x01\x00\x04\x01\xff\xff\xff" + b"\x16\x03\x01\x40\x00" + bytes(16384), b"\x80\x00" * 50],
    ids=["ZMTP", "HTTP", "long", "alert", "early data", "an endless hello", "SSL 2"],
)  # fmt: skip
def test_TLS_7_bytes_that_are_not_TLS(zmq, make, listener, raws, said):
    pull = listener()
    events = Events(zmq, pull)
    raw = socket.create_connection(("127.0.0.1", port_of(pull)), timeout=SECONDS)
    raws(raw)
    raw.sendall(said)
    assert events.wait("HANDSHAKE_FAILED_NO_DETAIL")[1] in (errno.EPROTO, errno.EACCES)
    still_serves(make, pull)


def begun(bound, raws, tmp_path):
    """A connection to it, both handshakes done: the plain socket, and the session of TLS that writes to a BIO."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    session = context_of(tmp_path, trusts=authority()).wrap_bio(incoming, outgoing, server_hostname="localhost")
    raw = socket.create_connection(("127.0.0.1", port_of(bound)), timeout=SECONDS)
    raws(raw)
    while True:
        try:
            session.do_handshake()
        except ssl.SSLWantReadError:
            raw.sendall(outgoing.read())
            incoming.write(raw.recv(65536))
        else:
            break
    session.write(GREETING + ready(b"PUSH"))
    raw.sendall(outgoing.read())
    return raw, session, outgoing


def test_TLS_7_a_record_that_was_changed(zmq, make, listener, raws, tmp_path):
    pull = listener()
    events = Events(zmq, pull)
    raw, session, outgoing = begun(pull, raws, tmp_path)
    session.write(b"\x00\x05whole")
    raw.sendall(outgoing.read())
    assert pull.recv() == b"whole"
    session.write(b"\x00\x05spoil")
    record = bytearray(outgoing.read())
    record[-1] ^= 1
    raw.sendall(record)
    events.wait("DISCONNECTED")
    still_serves(make, pull)


def taken(dealer, listening, raws, tmp_path):
    """The dealer's connection, with a ROUTER at the other end that is played by hand."""
    dealer.connect(f"tls+tcp://localhost:{listening.getsockname()[1]}")
    accepted, _ = listening.accept()
    accepted.settimeout(SECONDS)
    raw = context_of(tmp_path, server(), server_side=True).wrap_socket(accepted, server_side=True)
    raws(raw)
    shake_hands(raw, b"ROUTER")
    return raw


def test_TLS_7_a_client_tries_again_after_a_record_that_was_changed(zmq, make, raws, tmp_path):
    """Whoever changed it need not be the server, nor be there any more."""
    listening = socket.create_server(("127.0.0.1", 0))
    raws(listening)
    listening.settimeout(SECONDS)
    dealer = make("DEALER", TLS_TRUST_PEM=authority().cert_pem, RECONNECT_IVL=10)
    events = Events(zmq, dealer)
    raw = taken(dealer, listening, raws, tmp_path)
    events.wait("HANDSHAKE_SUCCEEDED")
    with socket.socket(fileno=os.dup(raw.fileno())) as plain:
        plain.sendall(b"\x17\x03\x03\x00\x20" + bytes(32))
    assert [events.next()[0] for _ in range(2)] == ["DISCONNECTED", "CONNECT_RETRIED"]


def test_TLS_7_a_stream_that_is_cut_is_an_error_and_one_that_ends_is_none(make, listener, stranger):
    """What came before is received in either case."""
    stream = listener("STREAM")
    for politely in (True, False):
        raw = stranger(stream)
        peer, _ = stream.recv_multipart()
        raw.sendall(b"last words")
        assert stream.recv_multipart() == [peer, b"last words"]
        if politely:
            raw.unwrap()
        else:
            raw.shutdown(socket.SHUT_WR)
        assert stream.recv_multipart() == [peer, b""]


def test_TLS_7_a_server_that_accepts_and_says_nothing(zmq, make, raws):
    listening = socket.create_server(("127.0.0.1", 0))
    raws(listening)
    push = make("PUSH", TLS_TRUST_PEM=authority().cert_pem, HANDSHAKE_IVL=100, RECONNECT_IVL=10)
    events = Events(zmq, push)
    push.connect(f"tls+tcp://127.0.0.1:{listening.getsockname()[1]}")
    assert events.wait("HANDSHAKE_FAILED_NO_DETAIL")[1] == errno.ETIMEDOUT
    events.wait("CONNECT_RETRIED")


# ---- traffic


def test_TLS_8_backpressure_and_every_byte(make):
    """Frames of many sizes, faster than they are read: the system's buffers fill up in the middle of records."""
    pull = make("PULL", **identity(server()), RCVBUF=4096, RCVHWM=10)
    pull.bind("tls+tcp://127.0.0.1:*")
    push = make("PUSH", TLS_TRUST_PEM=authority().cert_pem, SNDBUF=4096, SNDHWM=10)
    push.connect(endpoint(pull))
    block = bytes(range(251)) * 2000
    sizes = [0, 1, 8191, 16384, 16385, 65536, 100000, 300000, 5, 5, 5, 70000, 33]
    sent = received = 0
    total = len(sizes) * 12
    while received < total:
        while sent < total and push.poll(0, 2):
            push.send(block[: sizes[sent % len(sizes)]])
            sent += 1
        assert pull.recv() == block[: sizes[received % len(sizes)]]
        received += 1


@pytest.mark.skipif(sys.platform != "linux", reason="no TIOCOUTQ")
def test_TLS_8_what_came_before_the_peer_went_is_read(zmq, make, tmp_path, raws):
    """Writing finds out first that the peer has gone."""
    import fcntl
    import termios

    listening = socket.create_server(("127.0.0.1", 0))
    raws(listening)
    listening.settimeout(SECONDS)
    dealer = make("DEALER", TLS_TRUST_PEM=authority().cert_pem, RCVHWM=1, RCVBUF=200000)
    raw = taken(dealer, listening, raws, tmp_path)
    bodies = [bytes([number]) * 10000 for number in range(12)]
    raw.sendall(b"".join(b"\x02" + struct.pack(">Q", len(body)) + body for body in bodies))
    until(lambda: not struct.unpack("i", fcntl.ioctl(raw.fileno(), termios.TIOCOUTQ, bytes(4)))[0])
    listening.close()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    raw.close()
    dealer.send(b"for nobody")
    assert [dealer.recv() for _ in bodies] == bodies


def test_TLS_8_close_delivers_what_was_sent(make, zmq):
    pull = make("PULL", **identity(server()))
    pull.bind("tls+tcp://127.0.0.1:*")
    push = make("PUSH", TLS_TRUST_PEM=authority().cert_pem)
    push.connect(endpoint(pull))
    for number in range(500):
        push.send(b"%d" % number * 100)
    push.close(linger=-1)
    assert [pull.recv() for _ in range(500)] == [b"%d" % number * 100 for number in range(500)]


@pytest.mark.skipif(not shutil.which("openssl"), reason="no openssl program")
def test_TLS_8_a_peer_that_wants_small_records(listener, tmp_path):
    """Of 512 bytes (RFC 6066), with a cipher of TLS 1.2 that puts much around each."""
    stream = listener("STREAM", TLS_ALLOW_12=1)
    (tmp_path / "ca.pem").write_bytes(authority().cert_pem)
    command = ["openssl", "s_client", "-quiet", "-verify_return_error", "-CAfile", str(tmp_path / "ca.pem"), "-verify_hostname", "localhost"]
    command += ["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA256", "-maxfraglen", "512"]
    body = os.urandom(1 << 20)
    with subprocess.Popen([*command, "-connect", f"127.0.0.1:{port_of(stream)}"], stdin=-1, stdout=-1, stderr=-3, env=foreign.environment()) as program:
        peer, _ = stream.recv_multipart()
        stream.send_multipart([peer, body])
        assert program.stdout.read(len(body)) == body
        stream.send_multipart([peer, b""])
        assert program.stdout.read() == b""


def test_TLS_8_a_record_that_takes_its_time_shows_that_the_peer_is_there(listener, raws, tmp_path):
    pull = listener(HEARTBEAT_IVL=20, HEARTBEAT_TIMEOUT=400)
    while True:
        raw, session, outgoing = begun(pull, raws, tmp_path)
        session.write(b"\x02" + struct.pack(">Q", 4000) + bytes(4000))
        record = outgoing.read()
        longest, last = 0.0, time.monotonic()
        for at in range(0, len(record), len(record) // 40):
            if not raw.recv(65536):  # the next PING
                break
            raw.sendall(record[at : at + len(record) // 40])
            longest, last = max(longest, time.monotonic() - last), time.monotonic()
        else:
            assert pull.recv(timeout=10000) == bytes(4000)
            return
        assert longest > 0.3  # we were late ourselves
