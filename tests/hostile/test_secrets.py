"""What is left of a secret in memory when it has been used, and in what is said when a process dies.

The processes that are looked into never have the secret but where they hand it to the library: they are told a disguise of it, and look for that in a
disguise of their memory."""

import json
import os
import ssl
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.better,
    pytest.mark.skipif(not sys.platform.startswith("linux") or "LD_PRELOAD" in os.environ, reason="reads /proc/self/mem, and what has been freed"),
    pytest.mark.timeout(120),
]

pytest.importorskip("nacl")

SHARED = str(Path(__file__).parent.parent / "shared")

# Octets are disguised by adding 113 to each.
TOOLS = f"""
import ctypes, json, sys
sys.path.insert(0, {SHARED!r})
import zmqcore as zmq

DISGUISE = bytes((octet + 113) % 256 for octet in range(256))

def revealed(text):
    # Into memory that is wiped: by hand, for bytes.translate() leaves copies that nobody wipes.
    disguised = bytes.fromhex(text)
    secret = bytearray(len(disguised))
    for at, octet in enumerate(disguised):
        secret[at] = (octet - 113) % 256
    return secret

def forget(secret):
    secret[:] = bytes(len(secret))

def places(disguised):
    # Where in this process the secret is, as far as it may be read.
    found = []
    with open("/proc/self/maps") as maps:
        lines = [line.split(maxsplit=5) for line in maps]
    with open("/proc/self/mem", "rb", 0) as memory:
        for line in lines:
            low, high = (int(number, 16) for number in line[0].split("-"))
            name = line[5].strip() if len(line) > 5 else ""
            if not line[1].startswith("rw") or name.startswith("[v"):
                continue
            memory.seek(low)
            try:
                block = bytearray(memory.read(high - low))
            except OSError:
                continue
            at = block.translate(DISGUISE).find(disguised)
            if at >= 0:
                found.append(f"{{name or 'no name'}} {{low + at:x}}")
            forget(block)
    return found

def ask(): return json.loads(sys.stdin.readline())
def say(*what): print(json.dumps(what), flush=True)
"""

SERVER = TOOLS + """
from zap import HANDLER
context = zmq.Context()
handler = context.socket(zmq.REP)
handler.bind(HANDLER)
server = context.socket(zmq.PULL)
server.plain_server = True
server.linger = handler.linger = 0
server.rcvtimeo = handler.rcvtimeo = 30000
scheme, *identity = ask()
if identity:
    server.tls_cert_pem, server.tls_key_pem = (text.encode() for text in identity)
server.bind(scheme + "://127.0.0.1:*")
say(server.last_endpoint.decode())
for status in (b"200", b"400"):
    question = handler.recv_multipart(copy=False)
    sizes = [len(frame) for frame in question[-2:]]
    handler.send_multipart([question[0].bytes, question[1].bytes, status, b"", b"", b""])
    del question
    say(sizes)
    if status == b"200":
        assert server.recv() == b"in"
    ask()
disguised = bytes.fromhex(ask())
say(places(disguised))
server.close()
say(places(disguised))
"""

CLIENT = TOOLS + """
where, disguised, *trust = ask()
context = zmq.Context()
client = context.socket(zmq.PUSH)
if trust:
    client.tls_trust_pem = trust[0].encode()
client.plain_username = b"admin"
client.linger = 30000
secret = revealed(disguised)
value = bytes(secret)
forget(secret)
client.setsockopt(zmq.PLAIN_PASSWORD, value)
ctypes.memset(id(value) + bytes.__basicsize__ - 1, 0, len(value))
say("there" if places(bytes.fromhex(disguised)) else "nowhere")
monitor = client.get_monitor_socket(zmq.EVENT_HANDSHAKE_SUCCEEDED | zmq.EVENT_HANDSHAKE_FAILED_AUTH)
client.connect(where)
monitor.recv_multipart()
client.disable_monitor()
monitor.close()
client.send(b"in", zmq.DONTWAIT) if ask() == 200 else None
client.close(linger=0 if ask() == 400 else 30000)
context.term()
say(places(bytes.fromhex(disguised)))
"""


class Process:
    def __init__(self, program):
        self.process = subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def say(self, what):
        self.process.stdin.write(json.dumps(what) + "\n")
        self.process.stdin.flush()

    def ask(self):
        line = self.process.stdout.readline()
        assert line, "the process has ended"
        return json.loads(line)

    def end(self):
        self.process.stdin.close()
        self.process.stdout.close()
        assert self.process.wait(30) == 0


def disguised(secret):
    return bytes((octet + 113) % 256 for octet in secret).hex()


SECURED = [("tcp", 20), ("tcp", 60), ("tcp", 250), ("ws", 250), ("lz4+tcp", 250), ("zstd+tcp", 250), ("tls+tcp", 250)]


@pytest.mark.parametrize(("scheme", "size"), SECURED)
def test_a_password_leaves_nothing_in_server_and_client(scheme, size):
    """Accepted and refused. 20 octets would fit into a small message, 60 do not."""
    password = os.urandom(size)
    certified = []
    if scheme == "tls+tcp":
        certificates = pytest.importorskip("certificates", reason="TLS needs cryptography")
        certified = [certificates.server(), certificates.authority()]
    server = Process(SERVER)
    server.say([scheme, *(text.decode() for each in certified[:1] for text in (each.cert_pem, each.key_pem))])
    (where,) = server.ask()
    for status in (200, 400):
        client = Process(CLIENT)
        client.say([where, disguised(password), *(each.cert_pem.decode() for each in certified[1:])])
        assert client.ask() == ["there"]
        assert server.ask() == [[5, size]]
        client.say(status)
        client.say(status)
        assert client.ask() == [[]]
        client.end()
        server.say("next")
    server.say(disguised(password))
    found = [server.ask(), server.ask()]
    # Older versions keep what they have decrypted for a while.
    assert found == [[[]], [[]]] or (scheme == "tls+tcp" and ssl.OPENSSL_VERSION_INFO < (3,))
    server.end()


DYING = """
import faulthandler, logging, os, sys
import zmqcore as zmq
from zmqcore.auth.thread import ThreadAuthenticator
faulthandler.enable(all_threads=True)
logging.basicConfig(level=logging.DEBUG, stream=sys.stderr)
key = zmq.SecretKey(sys.stdin.readline().strip())
other = zmq.SecretKey.generate()
context = zmq.Context()
log = logging.getLogger("test")
authenticator = ThreadAuthenticator(context, log=log)
authenticator.start()
authenticator.configure_plain(passwords={"admin": "pass" + "word-in-no-log"})
authenticator.configure_curve(location=zmq.auth.CURVE_ALLOW_ANY)
def asked(peer):
    log.debug("%r", peer)
    raise ValueError(peer)
server = context.socket(zmq.REP)
server.secure_server(key, allow=asked)
port = server.bind_to_random_port("tcp://127.0.0.1")
client = context.socket(zmq.REQ)
client.secure_client(key.public, key)
events = client.get_monitor_socket()
client.connect(f"tcp://127.0.0.1:{port}")
plain, shower = context.socket(zmq.REP), context.socket(zmq.REQ)
plain.plain_server = True
shower.plain_username, shower.plain_password = b"admin", b"pass" + b"word-in-no-log"
shower.connect(f"tcp://127.0.0.1:{plain.bind_to_random_port('tcp://127.0.0.1')}")
shower.send(b"hello")
assert plain.recv() == b"hello"
while zmq.utils.monitor.recv_monitor_message(events)["event"] != zmq.EVENT_HANDSHAKE_FAILED_AUTH:
    pass
for thing in (key, server, client, plain, shower, context, authenticator, server.statistics(), client.statistics()):
    log.info("%r %s", thing, thing)
try:
    client.curve_secretkey
except AttributeError:
    log.exception("cannot be read")
try:
    server.secure_server(other, allow="*")
except zmq.ZMQError:
    log.exception("cannot be changed")
{end}
"""


@pytest.mark.parametrize("end", ["os.abort()", "raise RuntimeError(key, client)", "import ctypes; ctypes.string_at(0)"])
def test_a_dying_process_says_nothing_of_its_secrets(zmq, end):
    secret = zmq.SecretKey.generate().reveal().decode()
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-c", DYING.replace("{end}", end)], input=secret + "\n", capture_output=True, text=True, timeout=100,
        cwd="/", preexec_fn=no_core,
    )  # fmt: skip
    from zmqcore.utils import z85

    said = done.stdout + done.stderr
    assert done.returncode and ("Current thread" in said or "RuntimeError" in said), said
    assert "cannot be changed" in said
    raw = z85.decode(secret)
    for trace in (secret, raw.hex(), repr(raw)[2:-1], "password-in-no-log"):
        assert trace not in said
    assert secret[:12] not in said and secret[-12:] not in said


def no_core():
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
