"""The list of cases. Names are stable: results of different days are compared by them.

Rules
  - Roles are listed in the order in which they are opened; each gets the endpoints of those before it.
  - Side "b" is the other side: what --peer replaces (receivers, servers, subscribers).
  - `measure` names a function of measures.py; it turns what the roles report into the one number of a round.
"""

from dataclasses import dataclass, field, replace

SIZES = (16, 256, 4096, 65536, 1048576)
# Sizes of the few messages whose contents are compared one by one before the clock runs.
CHECK_BYTES = 4 << 20
# Cases that are measured beside a busy neighbour, too.
BESIDE = ("push_pull/tcp/16", "push_pull/tcp/65536", "push_pull/ipc/1048576", "round_trip/tcp/16")


@dataclass(frozen=True)
class Part:
    role: str
    side: str = "a"
    params: dict = field(default_factory=dict)


@dataclass(frozen=True)
class Case:
    name: str
    parts: tuple
    measure: str
    params: dict = field(default_factory=dict)
    raw: bool = False  # the raw stacks have it too
    box: bool = False  # messages of `size` are encrypted: secretbox is the ceiling
    fixed: bool = False  # a burst is so many milliseconds, not so many messages
    at_least: int = 1  # fewer messages than this make no sense (percentiles)
    one_core: bool = False  # all processes pinned to the same core
    # Several ways to do the same on zmqcore alone, compared with each other instead of with other stacks: {label: parts}
    variants: dict = field(default_factory=dict)
    series: str = ""  # scaling cases: the panel of the plot ...
    x: float = 0  # ... and where in it

    @property
    def check_count(self):
        return max(4, min(64, CHECK_BYTES // max(1, self.params.get("size", 16))))


def one_way(module="pipeline", sender="Push", receiver="Pull"):
    return (Part(f"{module}.{receiver}", "b"), Part(f"{module}.{sender}"))


def there_and_back(module="roundtrip"):
    return (Part(f"{module}.Rep", "b"), Part(f"{module}.Req"))


def subscribers(count):
    return tuple(Part("publish.Subscriber", "b", {"rank": k}) for k in range(count))


def push_pull():
    for transport in ("tcp", "ipc"):
        for size in SIZES:
            yield Case(f"push_pull/{transport}/{size}", one_way(), "rate", {"transport": transport, "size": size}, raw=True)
    for size in (16, 65536):
        yield Case(f"push_pull/inproc/{size}", (Part("pipeline.Inproc"),), "rate", {"transport": "inproc", "size": size})
    yield Case("multipart/tcp/3x256", one_way(sender="PushParts", receiver="PullParts"), "rate", {"size": 256, "parts": 3})


def patterns():
    yield Case(
        "dealer_router/tcp/window100",
        (Part("echo.Router", "b"), Part("echo.Client")),
        "rate",
        {"size": 256, "window": 100},
    )
    for count in (1, 8):
        yield Case(
            f"pub_sub/tcp/{count}",
            (Part("publish.Publisher"), *subscribers(count)),
            "rate",
            {"size": 256, "subscribers": count},
        )
    yield Case(
        "pub_sub/topics/10000",
        (Part("publish.Publisher"), *subscribers(1)),
        "rate",
        {"size": 64, "subscribers": 1, "topics": 10000, "random": True},
    )
    yield Case(
        "proxy/xsub_xpub",
        (
            Part("proxy.Proxy", "b", {"sockets": ("XSUB", "XPUB")}),
            Part("publish.Publisher"),
            *subscribers(1),
        ),
        "rate",
        {"size": 256, "subscribers": 1},
    )
    yield Case(
        "proxy/router_dealer",
        (Part("proxy.Proxy", "b", {"sockets": ("ROUTER", "DEALER")}), Part("echo.Worker", "b"), Part("echo.Client")),
        "rate",
        {"size": 256, "window": 100},
    )


def coroutines():
    for loop in ("asyncio", "uvloop"):
        yield Case(f"{loop}/one_way/256", one_way("aio"), "rate", {"size": 256, "loop": loop})
        yield Case(f"{loop}/round_trip/256", there_and_back("aio"), "each", {"size": 256, "loop": loop})
    for name, prefix in (("gevent", "Green"), ("tornado", "Stream"), ("anyio", "Anyio")):
        ends = one_way("loops", f"{prefix}Push", f"{prefix}Pull"), (Part(f"loops.{prefix}Rep", "b"), Part(f"loops.{prefix}Req"))
        yield Case(f"{name}/one_way/256", ends[0], "rate", {"size": 256})
        yield Case(f"{name}/round_trip/256", ends[1], "each", {"size": 256})


def working():
    """Programs that compute between their calls, for so many microseconds a message."""
    for transport in ("tcp", "ipc"):
        for size in (65536, 1048576):
            for sender, receiver in ((50, 0), (0, 50), (50, 50), (200, 200)):
                yield Case(
                    f"working/{transport}/{size}/{sender}-{receiver}",
                    one_way("working"),
                    "rate",
                    {"transport": transport, "size": size, "sender_us": sender, "receiver_us": receiver},
                )
    for size in (1024, 65536, 1048576):
        engines = 2
        yield Case(
            f"working/serving/{size}",
            (
                Part("working.Server"),
                *(Part("working.Engine", "b", {"rank": rank}) for rank in range(engines)),
            ),
            "rate",
            {"transport": "ipc", "size": size, "engines": engines, "engine_us": 200},
        )


def shared():
    """Memory shared between two processes against the connection alone: zmqcore with itself, no other stack here has it."""
    segment = {"segment": 64 << 20}
    plain = {"segment": 0}
    for size in (65536, 1048576):
        yield Case(
            f"shared/one_way/{size}",
            (),
            "rate",
            {"transport": "ipc", "size": size},
            variants={
                "zmqcore shared": (Part("shared.Pull", "b", segment), Part("shared.Push", params=segment)),
                "zmqcore lent": (Part("shared.Pull", "b", segment), Part("shared.Lender", params=segment)),
                "zmqcore ipc": (Part("shared.Pull", "b", plain), Part("shared.Push", params=plain)),
            },
        )
        yield Case(
            f"shared/round_trip/{size}",
            (),
            "each",
            {"transport": "ipc", "size": size},
            variants={
                label: (Part("shared.Rep", "b", how), Part("shared.Req", params=how)) for label, how in (("zmqcore shared", segment), ("zmqcore ipc", plain))
            },
        )


def programs():
    """What programs are made of: pictures among floods, market data, a neighbour on the same processors."""
    yield Case(
        "cameras/tcp/60000",
        (Part("cameras.Viewer", "b"), Part("cameras.Cameras")),
        "delivery_p99",
        {"size": 60000},
        at_least=45,
    )
    count = 8
    yield Case(
        f"market/tcp/{count}",
        (Part("market.Publisher"), *(Part("market.Subscriber", "b", {"rank": rank}) for rank in range(count))),
        "rate",
        {"size": 128, "topics": 200, "subscribers": count, "subscriber_us": 5},
        at_least=1000,
    )
    for case in (*push_pull(), *round_trips()):
        if case.name in BESIDE:
            # One neighbour: one of two processors is half taken.
            yield replace(case, name=f"beside/{case.name}", parts=(*case.parts, Part("neighbour.Busy", "b")), raw=False)


def many_peers():
    for count in (64, 1000):
        parts = Part("many.Publisher"), Part("many.Subscribers", "b")
        yield Case(f"many/pub_sub/{count}", parts, "rate", {"size": 64, "peers": count})
    yield Case("many/router/1000", (Part("many.Router", "b"), Part("many.Dealers")), "rate", {"size": 64, "peers": 1000})
    yield Case("many/poller/100", (Part("many.Polled", "b"), Part("many.Asker")), "each", {"size": 64, "peers": 100})


def round_trips():
    for one_core in (False, True):
        for transport in ("tcp", "ipc"):
            yield Case(
                f"round_trip/{transport}/16" + ("/one_core" if one_core else ""),
                there_and_back(),
                "each",
                {"transport": transport, "size": 16},
                raw=True,
                one_core=one_core,
            )
    for transport in ("tcp", "ipc"):
        yield Case(
            f"round_trip/{transport}/16/block",
            there_and_back(),
            "each",
            {"transport": transport, "size": 16, "strategy": 0},
            raw=True,
        )
    yield Case("round_trip/inproc/16", (Part("roundtrip.Inproc"),), "each", {"transport": "inproc", "size": 16})


def encrypted():
    """CURVE, without a ZAP handler."""
    for size in SIZES[:-1]:
        yield Case(f"curve/tcp/{size}", one_way(), "rate", {"size": size, "curve": True}, box=True)
    yield Case("curve/round_trip/tcp/256", there_and_back(), "each", {"size": 256, "curve": True})


def transports():
    """Beside tcp and ipc. What WebSocket and TLS cost, which no other stack here has, is told against tcp; WebSocket against a libzmq that has it."""
    for size in (16, 256, 1400):
        yield Case(f"radio_dish/udp/{size}", (Part("groups.Dish", "b"), Part("groups.Radio")), "rate", {"size": size})
    for scheme in ("lz4+tcp", "zstd+tcp"):
        for size in (1024, 65536):
            yield Case(f"compressed/{scheme}/{size}", one_way("records"), "rate", {"transport": scheme, "size": size})
    for size in (256, 65536):
        yield Case(
            f"websocket/{size}",
            (),
            "rate",
            {"size": size, "transport": "ws"},
            variants={
                "zmqcore ws": one_way(),
                "pyzmq ws": one_way("drafts"),
                "libzmq ws in C": one_way("libzmq"),
                "zeromq.js ws": one_way("node"),
            },
        )
    for size in (256, 65536):
        yield Case(
            f"transports/{size}",
            (),
            "rate",
            {"size": size},
            variants={
                f"zmqcore {transport}": tuple(replace(part, params={"transport": transport}) for part in one_way())
                for transport in ("tcp", "ws", "tls+tcp", "wss")
            },
        )


def costs():
    yield Case("cpu/tcp/16", one_way(), "cpu_per_million", {"size": 16}, raw=True)
    idle = (Part("idle.Server", "b"), Part("idle.Clients"))
    yield Case("idle/cpu/100", idle, "cpu_share", {"connections": 100}, fixed=True)
    yield Case("idle/memory/100", idle, "memory", {"connections": 100}, fixed=True)


def tails():
    yield Case(
        "tail/round_trip_mixed",
        (Part("tail.MixedServer", "b"), Part("tail.MixedClient")),
        "p999",
        {"size": 16},
        at_least=1000,
    )
    yield Case(
        "tail/after_burst",
        (Part("tail.BurstReceiver", "b"), Part("tail.BurstSender")),
        "delivery_p99",
        {"size": 16},
        at_least=100,
    )


def batches():
    for size in (16, 4096):
        yield Case(
            f"batch/tcp/{size}",
            (),
            "rate",
            {"size": size, "batch": 1000},
            variants={
                "zmqcore many": one_way(sender="PushMany", receiver="PullMany"),
                "zmqcore loop": one_way(),
            },
        )


def scaling():
    for size in (16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576):
        yield Case(f"scaling/size/{size}", one_way(), "each", {"size": size}, raw=True, series="message size (bytes)", x=size)
    fan = one_way(sender="PushFan", receiver="PullFan")
    for peers in (1, 2, 4, 8, 16, 32, 64):
        yield Case(f"scaling/peers/{peers}", fan, "each", {"size": 64, "peers": peers}, series="peers of one PULL", x=peers)
    for count in (1, 10, 100, 1000, 10000):
        yield Case(
            f"scaling/subscriptions/{count}",
            (Part("publish.Publisher"), *subscribers(1)),
            "each",
            {"size": 64, "subscribers": 1, "topics": count},
            series="subscriptions of one SUB",
            x=count,
        )
    for depth in (1, 10, 100, 1000, 10000, 100000):
        yield Case(
            f"scaling/depth/{depth}",
            (Part("pipeline.Depth"),),
            "each",
            {"transport": "inproc", "size": 64, "depth": depth},
            series="messages queued (inproc)",
            x=depth,
        )


ALL = (
    *push_pull(), *patterns(), *coroutines(), *working(), *programs(), *many_peers(), *round_trips(), *encrypted(), *transports(),
    *shared(), *costs(), *tails(), *batches(),
)  # fmt: skip
SCALING = tuple(scaling())
