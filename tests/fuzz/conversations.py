"""The corpus of the socket fuzzer: conversations that reach what chance seldom finds, and what it has found (corpus_sockets.txt, one to a line).

`conversations.py unpack FOLDER` writes all of them, a file for each, as libFuzzer wants them; `conversations.py pack FOLDER` makes corpus_sockets.txt
of such a folder; `conversations.py pool STATE FOLDER` puts what sockets.py has learnt into one folder, each for the type it was learnt with.
The names in capitals are the steps of tests/native/sim/conversation.pxi."""

import sys
from pathlib import Path

(COME, OCTETS, FRAME, FRAMES, LARGE, COMMAND, HEAR, HEAR_ALL, LIE, GO, HALF, RESET, SEND, _, SEND_LARGE, ROUTE, RECV, RECV_WAIT, RECV_ALL, EVENTS,
 POLL_IN, POLL_OUT, SUBSCRIBE, UNSUBSCRIBE, REST, SLEEP, REOPEN, MARKS, MONITOR, CLOSE, ANSWER, MEET) = range(32)  # fmt: skip
IDLE = 0x80
# fuzz_kind() of tests/native/sim/conversation.pxi; ROUTER_RAW: a ROUTER with that option
TYPES = ("PAIR", "PUB", "SUB", "REQ", "REP", "DEALER", "ROUTER", "PULL", "PUSH", "XPUB", "XSUB", "STREAM", "SERVER", "CLIENT", "ROUTER_RAW", "PEER",
         "GATHER", "SCATTER", "CHANNEL", "RADIO", "DISH")  # fmt: skip
(PAIR, PUB, SUB, REQ, REP, DEALER, ROUTER, PULL, PUSH, XPUB, XSUB, STREAM, SERVER, CLIENT, ROUTER_RAW, PEER,
 GATHER, SCATTER, CHANNEL, RADIO, DISH) = KINDS = range(len(TYPES))  # fmt: skip
CONNECT, IPC, MARK_1, MARK_2, NO_MARK, SMALL, IMMEDIATE, CONFLATE = 1, 2, 4, 8, 12, 16, 64, 128


def peer(number, step, *arguments):
    return bytes([step | number << 5, *arguments])


def rested(octets):
    return bytes([octets[0] | IDLE]) + octets[1:]


def frame(body, more=False, number=0):
    return peer(number, FRAME, int(more), len(body)) + body


def command(which, data=b"", number=0):
    return peer(number, COMMAND, which | len(data) << 3) + data


def send(body, more=False, wait=False):
    return bytes([SEND, int(more) | wait << 1 | len(body) << 2]) + body


def topic(step, octets):
    return bytes([step, len(octets)]) + octets


def case(kind, steps, a=0, b=0, c=0, d=0):
    return bytes([kind, a, b, c, d]) + steps


come = rested(peer(0, COME, 0))
another = rested(peer(1, COME, 0b01000))
idle = bytes([REST | IDLE])
both_ways = come + another + frame(b"", True) + frame(b"hello") + idle + bytes([RECV_ALL]) + send(b"", True) + send(b"there")
both_ways += idle + peer(0, HEAR_ALL) + peer(1, HEAR_ALL) + peer(0, ROUTE) + idle

CASES = {}
for kind in KINDS:
    CASES[f"{kind}_both_ways"] = case(kind, both_ways)
    CASES[f"{kind}_connects"] = case(kind, idle + both_ways + rested(peer(0, RESET)) + bytes([REST | 3 << 5]) + come + frame(b"x") + idle, CONNECT)
    for version in range(1, 8):
        CASES[f"{kind}_version_{version}"] = case(kind, rested(peer(0, COME, version)) + frame(b"ab", True) + frame(b"c") + send(b"d") + idle)
    CASES[f"{kind}_lost_inside"] = case(kind, come + frame(b"part", True) + rested(peer(0, RESET)) + bytes([RECV_WAIT]), IPC)
    CASES[f"{kind}_reset_at_once"] = case(kind, peer(0, COME, 0) + rested(peer(0, RESET)) + come)
    CASES[f"{kind}_full_input"] = case(kind, come + peer(0, FRAMES, 2, 65, 31) + idle + bytes([POLL_IN, RECV, RECV_ALL]) + idle, MARK_1)
    CASES[f"{kind}_full_then_malformed"] = case(
        kind, come + peer(0, FRAMES, 2, 65, 31) + peer(0, OCTETS, 2) + b"\xff\xff" + idle + bytes([RECV_ALL]) + idle, MARK_1
    )
    CASES[f"{kind}_full_output"] = case(
        kind, come + another + bytes([SEND_LARGE, 0xFC]) * 6 + send(b"x", wait=True) + bytes([POLL_OUT]) + peer(0, HEAR_ALL) + idle, MARK_2, d=2
    )
    CASES[f"{kind}_large"] = case(kind, come + peer(0, LARGE, 0xFF) + peer(0, LARGE, 0xFE) + idle + bytes([RECV_ALL]) + peer(0, LIE, 0x40))
    CASES[f"{kind}_commands"] = case(kind, come + b"".join(command(n, b"\0\1abc") for n in range(8)) + idle + peer(0, HEAR_ALL), d=0x80)
    CASES[f"{kind}_silent_peers"] = case(kind, peer(0, COME, 7) + peer(1, COME, 6) + peer(2, COME, 7) + come + bytes([SLEEP, 40]) + come, c=3)
    CASES[f"{kind}_conflate"] = case(kind, come + frame(b"1" * 60) + frame(b"2" * 60) + idle + bytes([RECV_ALL]) + send(b"3") * 3 + idle, CONFLATE)
    CASES[f"{kind}_reopened"] = case(kind, come + frame(b"before") + bytes([REOPEN | IDLE]) + come + frame(b"after") + idle + bytes([RECV_ALL]), d=0x40)
    CASES[f"{kind}_watches_who_reads_nothing"] = case(kind, rested(peer(2, LARGE, 2)) + bytes([REOPEN]) + bytes([SLEEP, 63]) * 10, IPC | MARK_1)
    CASES[f"{kind}_closed"] = case(kind, come + frame(b"before") + bytes([CLOSE | IDLE]) + send(b"x") + bytes([RECV, EVENTS, REOPEN, MONITOR, 0]))
    CASES[f"{kind}_limits"] = case(kind, both_ways + frame(b"1", True) * 4 + idle + come + frame(b"x" * 120) + idle + come, c=0x1F)
    CASES[f"{kind}_slowly"] = case(kind, both_ways, d=0x2F)
for kind in (PUB, XPUB):
    ask = command(0, b"ab") + command(0, b"a", 1) + command(0, b"", 1) + idle
    rest = bytes([RECV, RECV]) + topic(SUBSCRIBE, b"a") + send(b"abc") + send(b"a", True) + send(b"x") + idle + command(1, b"ab") + idle
    for switches in (0, 1, 3, 4, 8, 16, 24, 64, 128, 32):
        CASES[f"{kind}_subscribed_{switches}"] = case(
            kind, come + another + ask + rest + bytes([RECV_ALL]) + rested(peer(1, GO)) + bytes([RECV_ALL, MARKS, 0x60]) + send(b"a"), b=switches
        )
    CASES[f"{kind}_old_subscriptions"] = case(
        kind, rested(peer(0, COME, 2)) + frame(b"\1ab") + frame(b"\0ab") + frame(b"\1a", True) + frame(b"user") + idle + bytes([RECV_ALL]) + send(b"ab")
    )
for kind in (SUB, XSUB):
    mine = topic(SUBSCRIBE, b"a") + topic(SUBSCRIBE, b"ab") + send(b"\1xsub") + idle
    CASES[f"{kind}_subscribes"] = case(
        kind, mine + come + frame(b"abc") + frame(b"zzz") + idle + bytes([RECV_ALL]) + topic(UNSUBSCRIBE, b"a") + send(b"\0xsub", True) + send(b"\1y")
        + rested(peer(0, RESET)) + come + frame(b"abc", True) + frame(b"d") + idle + bytes([RECV_WAIT, RECV_ALL]),
    )  # fmt: skip
for switches in (0, 1, 2, 3, 4, 7, 8, 16, 32, 63):
    twins = rested(peer(0, COME, 0b01000)) + rested(peer(1, COME, 0b01000)) + frame(b"one") + frame(b"two", number=1) + idle
    CASES[f"{ROUTER}_twins_{switches}"] = case(
        ROUTER, twins + peer(1, ROUTE) + bytes([RECV_ALL]) + rested(peer(0, GO)) + bytes([RECV_ALL]) + peer(1, ROUTE) + idle, b=switches
    )
    CASES[f"{REQ}_requests_{switches}"] = case(
        REQ, come + send(b"q") + idle + peer(0, HEAR_ALL) + frame(b"", True) + frame(b"stray") + frame(b"a") + idle + bytes([RECV_WAIT]) + send(b"r")
        + rested(peer(0, RESET)) + come + frame(b"\0\0\0\1", True) + frame(b"", True) + frame(b"late") + bytes([RECV_WAIT]), b=switches,
    )  # fmt: skip

for kind in (STREAM, ROUTER_RAW):
    for switches in (0, 8, 32):  # with notices, without, with greetings
        CASES[f"{kind}_octets_{switches}"] = case(
            kind, peer(0, COME, 7) + idle + bytes([RECV_ALL]) + rested(peer(0, OCTETS, 5) + b"hello") + bytes([RECV, RECV, ANSWER, 6 << 1]) + b"answer"
            + bytes([ANSWER | IDLE, 0]) + peer(0, HEAR_ALL) + bytes([RECV_ALL, ANSWER, 6 << 1]) + b"nobody", b=switches,
        )  # fmt: skip
    CASES[f"{kind}_hangs_up_with_much_to_say"] = case(
        kind, peer(0, COME, 7) + idle + bytes([RECV, RECV]) + bytes([ANSWER, 0xFE]) * 9 + bytes([ANSWER | IDLE, 0]) + peer(0, HEAR_ALL) + idle, MARK_2, d=2
    )
for kind in (SERVER, PEER, CHANNEL, CLIENT, GATHER, SCATTER):
    CASES[f"{kind}_single_frames"] = case(
        kind, come + another + frame(b"one") + frame(b"two", number=1) + frame(b"of", True) + frame(b"two") + idle + bytes([RECV, ANSWER, 6 << 1]) + b"answer"
        + send(b"refused", True) + send(b"sent") + bytes([RECV, ANSWER | IDLE, 6 << 1]) + b"second" + rested(peer(0, GO)) + bytes([ANSWER, 0, RECV_ALL]),
    )  # fmt: skip
for switches in (0, 32, 64):
    CASES[f"{PEER}_meets_{switches}"] = case(
        PEER, bytes([MEET | 2 << 5]) + send(b"waits") + bytes([MEET | 3 << 5, MEET]) + idle + come + send(b"to it") + frame(b"hello") + idle + bytes([RECV])
        + bytes([MEET | 1 << 5]) + send(b"gone") + bytes([MEET | 1 << 5]) + idle + come, CONNECT, b=switches,
    )  # fmt: skip

for switches in (0, 4, 32):
    joined = command(0, b"a") + command(0, b"b") + command(1, b"b") + command(0, b"a", 1) + command(0, b"a" * 30) + command(1, b"c") + idle
    CASES[f"{RADIO}_groups_{switches}"] = case(
        RADIO, come + another + joined + send(b"a") + send(b"b") + send(b"") + send(b"a", True) + send(b"a", wait=True) * 3 + idle + peer(0, HEAR_ALL)
        + rested(peer(1, RESET)) + send(b"a") + command(0, b"") + idle + send(b"") + rested(peer(0, GO)) + send(b"a"), MARK_1, b=switches, c=16,
    )  # fmt: skip
    CASES[f"{DISH}_groups_{switches}"] = case(
        DISH, topic(SUBSCRIBE, b"a") + come + topic(SUBSCRIBE, b"") + topic(SUBSCRIBE, b"a") + frame(b"a", True) + frame(b"one") + frame(b"b", True)
        + frame(b"not joined") + frame(b"", True) + frame(b"nameless") + idle + bytes([RECV, POLL_IN, RECV_ALL]) + topic(UNSUBSCRIBE, b"a")
        + topic(UNSUBSCRIBE, b"x") + frame(b"a", True) + frame(b"late") + another + frame(b"", True, 1) + frame(b"in parts", True, 1)
        + frame(b"more", number=1) + idle + bytes([RECV_ALL]) + frame(b"no group") + idle + bytes([RECV_WAIT]) + come, b=switches,
    )  # fmt: skip

FOUND = Path(__file__).parent / "corpus_sockets.txt"


def found():
    return [bytes.fromhex(line) for line in FOUND.read_text().split()]


def unpack(folder):
    for name, octets in [*CASES.items(), *((f"found_{number}", octets) for number, octets in enumerate(found()))]:
        (folder / name).write_bytes(octets)


def pool(state, folder):
    """--type=N made libFuzzer blind for octet 0; where all types come together it says which is meant."""
    for kind, name in enumerate(TYPES):
        for file in sorted((state / name).glob("*")):
            (folder / f"{name}-{file.name}").write_bytes(bytes([kind]) + file.read_bytes()[1:])


def main(action, *folders):
    folder = folders[-1]
    if action == "unpack":
        unpack(folder)
    elif action == "pool":
        pool(*folders)
    elif action == "pack":
        known = set(CASES.values())
        lines = {file.read_bytes().hex() for file in folder.iterdir() if file.read_bytes() not in known}
        FOUND.write_text("".join(line + "\n" for line in sorted(lines)))
    else:
        raise SystemExit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1], *map(Path, sys.argv[2:]))
