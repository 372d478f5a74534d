"""ZAP in the tests: a handler played by hand, the mechanisms that ask it, and what authenticators log and read."""

import struct

HANDLER = "inproc://zeromq.zap.01"
FRAMES = ["version", "request_id", "domain", "address", "identity", "mechanism"]

# What a server and a client of each mechanism set. CURVE's keys are those of libzmq's own tests.
SERVERS = {
    "NULL": {"ZAP_DOMAIN": b"TEST"},
    "PLAIN": {"PLAIN_SERVER": 1, "ZAP_DOMAIN": b"TEST"},
    "CURVE": {"CURVE_SERVER": 1, "CURVE_SECRETKEY": b"JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6", "ZAP_DOMAIN": b"TEST"},
}  # fmt: skip
CLIENTS = {
    "NULL": {},
    "PLAIN": {"PLAIN_USERNAME": b"admin", "PLAIN_PASSWORD": b"password"},
    "CURVE": {
        "CURVE_SERVERKEY": b"rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7",
        "CURVE_PUBLICKEY": b"Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID",
        "CURVE_SECRETKEY": b"D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs",
    },
}
# Between two sockets only what the handshake brings is of interest; a connecting socket that tried again would add events.
ONCE = {"RECONNECT_IVL": -1}
CLIENT_KEY = bytes.fromhex("bb88471d65e2659b30c55a5321cebb5aab2b70a398645c26dca2b2fcb43fc518")
CLIENT_KEY_Z85 = CLIENTS["CURVE"]["CURVE_PUBLICKEY"]


def metadata(*properties):
    """(name, value)... as a reply holds them."""
    return b"".join(bytes([len(name)]) + name + struct.pack("!I", len(value)) + value for name, value in properties)


class Handler:
    """Answers when the test says so."""

    def __init__(self, socket):
        self.socket = socket
        socket.bind(HANDLER)

    def asked(self):
        """The next question: a dict, its credentials as a list."""
        frames = self.socket.recv_multipart()
        question = dict(zip(FRAMES, frames))
        question["credentials"] = frames[len(FRAMES) :]
        return question

    def answer(self, question, status=b"200", text=b"", user=b"", properties=b"", **instead):
        """The reply; version and request_id may be said wrongly."""
        version = instead.get("version", question["version"])
        request_id = instead.get("request_id", question["request_id"])
        self.socket.send_multipart([version, request_id, status, text, user, properties])


class Log:
    """In the place of an authenticator's log: keeps what is logged, whole."""

    def __init__(self):
        self.lines = []

    def __getattr__(self, level):
        return lambda text, *values, **_: self.lines.append(f"{level} {text % values if values else text}")


def certificate(folder, name, key=CLIENT_KEY_Z85):
    """The file of a public key, as zmq.auth reads it."""
    (folder / name).write_text(f'metadata\n    name = somebody\ncurve\n    public-key = "{key.decode()}"\n')
