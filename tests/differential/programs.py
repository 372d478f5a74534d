"""Random programs of API calls, as data, and the machine that runs one of them on a library.

A program is {"sockets": [{"type", "options", "watched"}], "endpoints": [transport, ...], "calls": [[name, socket, ...], ...]}: plain lists and
numbers, so that it travels to a child process and into a report. No call blocks. Between calls the runner waits until what the last one
set in motion has come to rest: all sockets are asked for their EVENTS (which lets libzmq look at its mail) until the answers stay the same.

A STREAM, and a ROUTER with ROUTER_RAW, get octets in whatever portions the network makes: they read all there is, sorted by connection, and portions
that follow each other count as one. In what order connections come and are heard is open, so none has a name, and they send to the one they have heard
last if there was only one. The types that libzmq still calls drafts are not here: pyzmq's wheels are built without them.

A watched socket has a monitor from the beginning, and "seen" tells what it has reported since the last time. How often an attempt to connect was made and
failed is a matter of time, so that is left out, and so is where: endpoints are other ones in every run.

Run as a program it executes what arrives on its standard input, one program a line, for the library named as its argument.
"""
import contextlib
import errno
import importlib
import json
import random
import sys
import time

TYPES = ["PAIR", "PUB", "SUB", "REQ", "REP", "DEALER", "ROUTER", "PULL", "PUSH", "XPUB", "XSUB"]
FAMILIES = [
    ["PUSH", "PULL"],
    ["PUB", "SUB", "XPUB", "XSUB"],
    ["REQ", "REP"],
    ["REQ", "ROUTER"],
    ["DEALER", "REP"],
    ["DEALER", "ROUTER"],
    ["DEALER", "DEALER"],
    ["ROUTER", "ROUTER"],
    ["REQ", "REP", "DEALER", "ROUTER"],
    ["PAIR", "PAIR"],
    ["STREAM", "STREAM"],
    ["STREAM", "STREAM", "ROUTER"],
]
RAW = 0.12              # so much of all programs has raw connections: one of the last two families
TRANSPORTS = ["tcp", "ipc", "inproc"]
OPTIONS = {
    "": [("IMMEDIATE", 1), ("LINGER", 300), ("LINGER", 100), ("ROUTING_ID", "me")],
    "PUB": [("XPUB_NODROP", 1), ("INVERT_MATCHING", 1)],
    "XPUB": [("XPUB_VERBOSE", 1), ("XPUB_VERBOSER", 1), ("XPUB_NODROP", 1), ("XPUB_MANUAL", 1), ("XPUB_WELCOME_MSG", "welcome"), ("INVERT_MATCHING", 1)],
    "SUB": [("INVERT_MATCHING", 1), ("CONFLATE", 1)],
    "REQ": [("REQ_RELAXED", 1), ("REQ_CORRELATE", 1)],
    "DEALER": [("CONFLATE", 1)],
    "ROUTER": [("ROUTER_MANDATORY", 1), ("ROUTER_HANDOVER", 1)],
    "PULL": [("CONFLATE", 1)],
    "PUSH": [("CONFLATE", 1)],
    "STREAM": [("STREAM_NOTIFY", 0)],
}
TOPICS = ["", "a", "ab", "b"]
# Set and read while a program runs, values that are refused among them.
LIVE_OPTIONS = {
    "SNDHWM": [0, 1, 3, 1000, -1], "RCVHWM": [0, 1, 3, 1000, -1], "LINGER": [0, 100, -1, -2], "SNDTIMEO": [0, 5, -1, -2], "RCVTIMEO": [0, 5, -1, -2],
    "RECONNECT_IVL": [10, -2], "RECONNECT_IVL_MAX": [0, 10, -1], "IMMEDIATE": [0, 1, 2], "BACKLOG": [0, 10, -1], "TOS": [0, 40, -1],
    "MAXMSGSIZE": [-1, 1 << 40],
    "HEARTBEAT_TTL": [0, 250, 6553600], "HEARTBEAT_IVL": [0, -1], "HANDSHAKE_IVL": [0, 30000, -1], "TCP_KEEPALIVE": [-1, 0, 1, 2], "IPV6": [0, 1, 2],
    "ROUTER_MANDATORY": [0, 1, -1], "ROUTER_HANDOVER": [0, 1, -1], "REQ_RELAXED": [0, 1, -1], "XPUB_VERBOSE": [0, 1, -1], "XPUB_NODROP": [0, -1],
    "ROUTING_ID": ["", "other", "x" * 256], "ZAP_DOMAIN": ["x" * 256], "CONNECT_TIMEOUT": [0, 5000, -1], "MULTICAST_HOPS": [1], "AFFINITY": [0, 1],
    "PROBE_ROUTER": [-1], "CONFLATE": [2], "TCP_MAXRT": [0, 5000, -1], "SNDBUF": [-1, 100000, -2], "RCVBUF": [-1, 100000, -2],
}  # fmt: skip
READ_ONLY = ["TYPE", "RCVMORE", "EVENTS", "MECHANISM", "TOPICS_COUNT", "THREAD_SAFE"]
WATCHED = 0.35          # so much of all programs has monitors
TUNED = 0.35            # ... sets and reads options
CROWDED = 0.1           # ... has two sockets more
UNTIMELY = ("CONNECT_DELAYED", "CONNECT_RETRIED", "CLOSED", "MONITOR_STOPPED")
QUIET = 0.004           # seconds without news after a call between peers
QUIET_JOINING = 0.045   # after one that makes or ends connections: RECONNECT_IVL and its jitter, and the handshake
REST_SECONDS = 2.0      # a program that never comes to rest goes on all the same
RECONNECT_MS = 10
DRAIN_MAX = 100


# ---- making them

def is_raw(seed):
    """A die of its own: the other programs stay what they were before there were raw ones."""
    return random.Random(f"raw {seed}").random() < RAW


def make(seed):
    """The program of this seed. What was added later has dice of its own: the rest of a program stays what it was."""
    program = core(seed)
    r = random.Random(f"more {seed}")
    if r.random() < CROWDED:
        crowd(r, program)
    if r.random() < TUNED:
        tune(r, program)
    if r.random() < WATCHED:
        watch(r, program)
    return program


def insert(r, program, call):
    """Somewhere, but behind the calls that join the sockets."""
    program["calls"].insert(r.randint(min(len(program["calls"]), len(program["sockets"])), len(program["calls"])), call)


def crowd(r, program):
    """Two further peers of the first endpoint."""
    kinds = [socket["type"] for socket in program["sockets"]]
    if set(kinds) & {"PAIR", "STREAM"}:
        return      # a PAIR has one peer, and raw connections have nobody to tell them apart by
    for _ in range(2):
        number = len(program["sockets"])
        program["sockets"].append({"type": r.choice(kinds[1:]), "options": []})
        insert(r, program, ["connect", number, 0])
        for name in ("send", "recv"):
            insert(r, program, [name, number, *([[f"crowd:{number}"]] if name == "send" else [])])


def tune(r, program):
    for _ in range(r.randint(1, 6)):
        number = r.randrange(len(program["sockets"]))
        name = r.choice([*LIVE_OPTIONS, *READ_ONLY])
        if name in LIVE_OPTIONS and r.random() < 0.7:
            insert(r, program, ["set", number, name, r.choice(LIVE_OPTIONS[name])])
        insert(r, program, ["get", number, name])


def watch(r, program):
    for number, socket in enumerate(program["sockets"]):
        if r.random() < 0.7:
            socket["watched"] = True
            for _ in range(r.randint(0, 2)):
                insert(r, program, ["seen", number])
            program["calls"].append(["seen", number])


def core(seed):
    """What programs have had from the beginning."""
    r = random.Random(seed)
    raw = is_raw(seed)
    family = r.choice(FAMILIES[-2:]) if raw else r.choice(FAMILIES[:-2]) if r.random() < 0.85 else TYPES
    kinds = [r.choice(family) for _ in range(r.choice([2, 2, 3, 3, 4]))]
    for place, kind in zip(range(2), r.sample(family, min(2, len(family)))):
        kinds[place] = kind
    sockets = []
    for number, kind in enumerate(kinds):
        options = [["ROUTING_ID", f"s{number}"]] if r.random() < 0.6 else []
        for name, value in OPTIONS.get(kind, []) + OPTIONS[""]:
            # libzmq's CONFLATE takes multipart messages to pieces.
            if r.random() < 0.12 and not (name == "CONFLATE" and set(kinds) & {"REQ", "REP", "ROUTER"}):
                options.append([name, value])
        if raw:
            options = [option for option in options if option[0] not in ("ROUTING_ID", "ROUTER_HANDOVER")]
            options += [["ROUTER_RAW", 1]] * (kind == "ROUTER")
        sockets.append({"type": kind, "options": options})
    endpoints = [r.choice(TRANSPORTS[:2] if raw else TRANSPORTS) for _ in range(r.choice([1, 1, 2, 3]))]
    program = {"sockets": sockets, "endpoints": endpoints, "calls": []}
    single = any(name == "CONFLATE" for socket in sockets for name, _ in socket["options"])
    calls = program["calls"]
    calls.append(["bind", 0, 0])
    calls.extend(["connect", number, r.randrange(len(endpoints)) if r.random() < 0.2 else 0] for number in range(1, len(sockets)))
    if r.random() < 0.25:
        r.shuffle(calls)
    body = 0
    for number, kind in enumerate(kinds):
        if kind in ("SUB", "XSUB") and r.random() < 0.8:
            calls.append(["subscribe", number, r.choice(TOPICS)])
    for _ in range(r.randrange(4, 22)):
        body += 1
        following = call(r, kinds, len(endpoints), body)
        if single and following[0] in ("send", "send_more"):
            following = ["send", following[1], [f"{body}"]]
        if raw:
            following = of_octets(r, following)
        if decided(r, following, calls, endpoints):
            continue
        calls.append(following)
    return program


def of_octets(r, following):
    """The call that makes sense on raw connections instead."""
    name, number, *arguments = following
    if name in ("recv", "recv_frame", "rcvmore"):
        return ["drain", number]
    if name == "send_more":
        return ["hang_up", number]
    return ["send", number, ["".join(arguments[0])]] if name == "send" else following


def decided(r, following, calls, endpoints):
    """Mostly leaves out what is known to differ, so that programs get beyond it; what is unread at a disconnect is read before it."""
    if r.random() < 0.02:
        return False
    if following[0] in ("unbind", "disconnect"):
        calls.append(["drain", following[1]])
    if following[0] not in ("bind", "connect"):
        return False
    own = [c for c in calls if c[0] in ("bind", "connect") and c[2] == following[2]]
    if any(c[1] == following[1] and c[0] != following[0] for c in own):
        return True
    return endpoints[following[2]] == "ipc" and following[0] == "bind" and any(c[0] == "bind" for c in own)


def call(r, kinds, endpoints, body):
    number = r.randrange(len(kinds))
    kind = kinds[number]
    what = r.random()
    if what < 0.30:
        frames = [f"{r.choice(TOPICS)}:{body}"] + ["x"] * r.choice([0, 0, 0, 1, 2])
        return ["send", number, frames]
    if what < 0.50:
        return ["recv", number]
    if what < 0.54:
        return ["send_more", number, f"more:{body}"]
    if what < 0.58:
        return ["recv_frame", number]
    if what < 0.66:
        return [r.choice(["poll_in", "poll_out", "events", "rcvmore", "last_endpoint"]), number]
    if what < 0.71 and kind in ("SUB", "XSUB", "XPUB"):
        return [r.choice(["subscribe", "unsubscribe"]), number, r.choice(TOPICS)]
    if what < 0.93:
        return [r.choice(["bind", "connect", "connect", "unbind", "disconnect"]), number, r.randrange(endpoints)]
    if what < 0.97:
        return ["close", number, r.choice([0, 0, 300, 100])]
    return ["open", number]


# ---- running them

def is_made(identity):
    """By a library, not by the program."""
    return len(identity) == 5 and identity[0] == 0


class Runner:
    def __init__(self, library, program, addresses, patience):
        self.zmq = importlib.import_module(library)
        self.program = program
        self.addresses = addresses
        self.patience = patience
        self.context = self.zmq.Context()
        self.serial = 0
        self.monitors = [[] for _ in program["sockets"]]
        self.sockets = [self.opened(number) for number in range(len(program["sockets"]))]
        self.peer = [None] * len(self.sockets)      # the routing id a ROUTER has seen last
        self.numbers = {}                           # routing ids made by the library, in the order of their appearance
        self.raw = [dict(map(tuple, made["options"])).get("ROUTER_RAW") or made["type"] == "STREAM" for made in program["sockets"]]
        self.correlated = any(name == "REQ_CORRELATE" for made in program["sockets"] for name, _ in made["options"])

    def opened(self, number):
        zmq = self.zmq
        made = self.program["sockets"][number]
        socket = self.context.socket(getattr(zmq, made["type"]))
        socket.linger = 0
        socket.reconnect_ivl = RECONNECT_MS
        for name, value in made["options"]:
            socket.setsockopt(getattr(zmq, name), value.encode() if isinstance(value, str) else value)
        if made.get("watched"):
            self.serial += 1
            self.monitors[number].append(socket.get_monitor_socket(addr=f"inproc://monitor {self.serial}"))
        return socket

    def settle(self, quiet):
        quiet *= self.patience
        end = time.monotonic() + REST_SECONDS * self.patience
        seen = None
        since = time.monotonic()
        while True:
            now = time.monotonic()
            news = [None if s.closed else s.getsockopt(self.zmq.EVENTS) for s in self.sockets]
            if news != seen:
                seen, since = news, now
            elif now - since >= quiet or now > end:
                return
            time.sleep(0.0005)

    def shown(self, frame):
        """A frame as text; the ids that a library makes are numbered."""
        if is_made(frame):
            return f"<id {self.numbers.setdefault(frame, len(self.numbers))}>"
        return "<request id>" if self.correlated and len(frame) == 4 else frame.decode("latin-1")

    def run(self):
        results = []
        for name, number, *arguments in self.program["calls"]:
            socket = self.sockets[number]
            results.append(self.result(getattr(self, "do_" + name), number, socket, *arguments))
            joins = name in ("bind", "connect", "unbind", "disconnect", "close")
            self.settle(QUIET_JOINING if joins and set(self.program["endpoints"]) != {"inproc"} else QUIET)
        self.settle(QUIET_JOINING)
        return results, [self.drain(number) for number in range(len(self.sockets))]

    def result(self, function, *arguments):
        try:
            return function(*arguments)
        except self.zmq.ZMQError as error:
            return "!" + (errno.errorcode.get(error.errno) or self.zmq.Errno(error.errno).name)

    def drain(self, number):
        messages = []
        for _ in range(DRAIN_MAX):
            message = self.result(self.do_recv, number, self.sockets[number])
            if isinstance(message, str):
                if message not in ("!EAGAIN", "!ENOTSUP", "!EFSM", "!ENOTSOCK"):
                    messages.append(message)
                break
            messages.append(message)
        return self.by_connection(number, messages) if self.raw[number] else messages

    def by_connection(self, number, messages):
        connections = {}
        for identity, octets in messages:
            portions = connections.setdefault(identity, [])
            if octets and portions and portions[-1]:
                octets = portions.pop() + octets
            portions.append(octets)
        if connections:
            self.peer[number] = next(iter(connections)) if len(connections) == 1 else None
        return [["<id>", octets.decode("latin-1")] for portions in sorted(connections.values()) for octets in portions]

    def finish(self):
        self.context.destroy(0)

    # ---- the calls

    def do_drain(self, number, socket):
        return self.drain(number)

    def do_bind(self, number, socket, endpoint):
        socket.bind(self.addresses[endpoint])

    def do_connect(self, number, socket, endpoint):
        socket.connect(self.addresses[endpoint])

    def do_unbind(self, number, socket, endpoint):
        socket.unbind(self.addresses[endpoint])

    def do_disconnect(self, number, socket, endpoint):
        socket.disconnect(self.addresses[endpoint])

    def do_send(self, number, socket, frames):
        frames = [frame.encode() for frame in frames]
        kind = self.program["sockets"][number]["type"]
        if kind == "ROUTER" or self.raw[number]:
            frames = [self.peer[number] or b"s0", *frames]
        socket.send_multipart(frames, self.zmq.DONTWAIT)

    def do_send_more(self, number, socket, frame):
        socket.send(frame.encode(), self.zmq.DONTWAIT | self.zmq.SNDMORE)

    def do_hang_up(self, number, socket):
        socket.send_multipart([self.peer[number] or b"s0", b""], self.zmq.DONTWAIT)

    def do_recv(self, number, socket):
        frames = socket.recv_multipart(self.zmq.DONTWAIT)
        if self.raw[number]:
            return frames
        if self.program["sockets"][number]["type"] == "ROUTER":
            self.peer[number] = frames[0]
        return [self.shown(frame) for frame in frames]

    def do_recv_frame(self, number, socket):
        return self.shown(socket.recv(self.zmq.DONTWAIT))

    def do_poll_in(self, number, socket):
        return socket.poll(0, self.zmq.POLLIN)

    def do_poll_out(self, number, socket):
        return socket.poll(0, self.zmq.POLLOUT)

    def do_events(self, number, socket):
        return socket.getsockopt(self.zmq.EVENTS)

    def do_rcvmore(self, number, socket):
        return socket.getsockopt(self.zmq.RCVMORE)

    def do_last_endpoint(self, number, socket):
        text = socket.getsockopt(self.zmq.LAST_ENDPOINT).rstrip(b"\0").decode()
        return self.addresses.index(text) if text in self.addresses else text

    def do_subscribe(self, number, socket, topic):
        if self.program["sockets"][number]["type"] == "XSUB":
            socket.send(b"\1" + topic.encode(), self.zmq.DONTWAIT)
        else:
            socket.setsockopt(self.zmq.SUBSCRIBE, topic.encode())

    def do_unsubscribe(self, number, socket, topic):
        if self.program["sockets"][number]["type"] == "XSUB":
            socket.send(b"\0" + topic.encode(), self.zmq.DONTWAIT)
        else:
            socket.setsockopt(self.zmq.UNSUBSCRIBE, topic.encode())

    def do_set(self, number, socket, name, value):
        socket.setsockopt(getattr(self.zmq, name), value.encode() if isinstance(value, str) else value)

    def do_get(self, number, socket, name):
        value = socket.getsockopt(getattr(self.zmq, name))
        if isinstance(value, bytes):
            return "<id>" if is_made(value) else value.decode("latin-1")
        return value

    def do_seen(self, number, socket):
        names = []
        for monitor in self.monitors[number]:
            while monitor.poll(0):
                head, _endpoint = monitor.recv_multipart()
                names.append(self.zmq.Event(int.from_bytes(head[:2], sys.byteorder)).name)
        return "~" + " ".join(name for name in names if name not in UNTIMELY)

    def do_close(self, number, socket, linger):
        socket.close(linger)

    def do_open(self, number, socket):
        if not socket.closed:
            return "open"
        self.sockets[number] = self.opened(number)
        self.peer[number] = None
        return None


def serve(library):
    """One program a line on standard input, its results a line on standard output."""
    for line in sys.stdin:
        job = json.loads(line)
        runner = None
        try:
            runner = Runner(library, job["program"], job["addresses"], job["patience"])
            calls, rest = runner.run()
            answer = {"calls": calls, "rest": rest}
        finally:
            if runner is not None:
                with contextlib.suppress(Exception):
                    runner.finish()
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    serve(sys.argv[1])
