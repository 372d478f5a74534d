"""The counters add up under every fault of a connection: what was sent is what arrived, plus what was dropped, and where.

A relay stands between the sockets and does to the connection what networks do. Messages carry numbers, so what is missing is known without the counters.
"""

import socket as system
import struct
import threading

import pytest
from awaiting import Events, dead_endpoint, endpoint, until

RESET = struct.pack("ii", 1, 0)  # SO_LINGER: close with RST


class Relay:
    """Forwards connections to an address, until told to do worse."""

    def __init__(self, target):
        self.target = target
        self.holding = threading.Event()  # set: bytes go through
        self.holding.set()
        self.pairs = []
        self.listener = system.create_server(("127.0.0.1", 0))
        self.address = f"tcp://127.0.0.1:{self.listener.getsockname()[1]}"
        self.made = 0
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                near, _ = self.listener.accept()
                far = system.create_connection(self.target)
            except OSError:
                return
            self.made += 1
            self.pairs.append((near, far))
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=self.pump, args=(source, sink), daemon=True).start()

    def pump(self, source, sink):
        try:
            while data := source.recv(16384):
                self.holding.wait()
                sink.sendall(data)
        except OSError:
            pass
        # Both are over. (A socket that another thread still reads is closed when that returns.)
        for one in (source, sink):
            try:
                one.shutdown(system.SHUT_RD)
            except OSError:
                pass
            one.close()

    def cut(self, reset):
        """Ends the connections there are. What is on its way is forgotten if it is by a reset."""
        pairs, self.pairs = self.pairs, []
        for pair in pairs:
            for one in pair:
                try:
                    if reset:
                        one.setsockopt(system.SOL_SOCKET, system.SO_LINGER, RESET)
                    one.shutdown(system.SHUT_RD)  # whoever reads it returns, and closes it
                except OSError:
                    pass

    def close(self):
        self.holding.set()
        self.listener.close()
        self.cut(True)


@pytest.fixture
def relay():
    made = []

    def relay(address):
        host, _, port = address.removeprefix("tcp://").rpartition(":")
        made.append(Relay((host, int(port))))
        return made[-1]

    yield relay
    for one in made:
        one.close()


def adds_up(sender, receiver, sent, got):
    """Everything is accounted for, and the counters know what the numbers tell."""
    left, arrived = sender.statistics(), receiver.statistics()
    assert left.messages_out == sent
    dropped = left.dropped
    assert left.queued_out == 0 and dropped.total == dropped.lost
    assert left.messages_left == sent - dropped.lost
    assert arrived.messages_in == len(got) and arrived.queued_in == 0 and arrived.dropped.total == 0
    missing = sent - len(set(got))
    assert missing == dropped.lost + (left.messages_left - arrived.messages_in)
    assert len(got) == len(set(got))  # nothing twice


@pytest.mark.parametrize("fault", ["reset", "closed", "partition", "half-open"])
@pytest.mark.parametrize("kinds", [("PUSH", "PULL"), ("DEALER", "DEALER"), ("PUB", "SUB")], ids="-".join)
def test_what_was_sent_has_arrived_or_is_accounted_for(zmq, make, relay, kinds, fault):
    beats = {"HEARTBEAT_IVL": 50, "HEARTBEAT_TIMEOUT": 200} if fault == "half-open" else {}
    sender = make(kinds[0], SNDHWM=0, RECONNECT_IVL=1, **beats)
    receiver = make(kinds[1], RCVHWM=0, **beats)
    receiver.bind("tcp://127.0.0.1:*")
    between = relay(endpoint(receiver))
    if kinds[1] == "SUB":
        receiver.subscribe(b"")
    sender.connect(between.address)

    def there():
        sender.wait_for_peers(1, timeout=15000)
        if kinds[0] == "PUB":
            sender.wait_for_subscribers(1, b"", timeout=15000)

    got = []
    sent = 0
    there()
    for turn in range(4):
        for _ in range(300):
            sender.send(b"%d" % sent + b" " * 500)
            sent += 1
            if sent % 20 == 0:
                while receiver.poll(0):
                    got.append(int(receiver.recv()))
        ended = sender.statistics().disconnections + 1
        if fault in ("partition", "half-open"):
            between.holding.clear()
            for _ in range(100):
                sender.send(b"%d" % sent + b" " * 500)
                sent += 1
        if fault == "half-open":
            until(lambda at_least=ended: sender.statistics().disconnections >= at_least)  # the heartbeat finds it
            between.holding.set()
        else:
            between.holding.set()
            between.cut(fault == "reset")
            until(lambda at_least=ended: sender.statistics().disconnections >= at_least)
        there()
    sender.send(b"%d" % sent)
    sent += 1
    while not got or got[-1] != sent - 1:
        got.append(int(receiver.recv()))
    while receiver.poll(0):  # what an older connection has brought may come behind
        got.append(int(receiver.recv()))
    until(lambda: sender.statistics().queued_out == 0)
    adds_up(sender, receiver, sent, got)


def test_a_server_that_restarts_at_another_address(zmq, make):
    """The client is told; what was queued for the old address and has not left is dropped with it, and counted."""
    push = make("PUSH", SNDHWM=0, RECONNECT_IVL=1)
    got, sent = [], 0
    for turn in range(5):
        pull = make("PULL", RCVHWM=0)
        pull.bind("tcp://127.0.0.1:*")
        address = endpoint(pull)
        push.connect(address)
        push.wait_for_peers(1, timeout=15000)
        for _ in range(50):
            push.send(b"%d" % sent)
            sent += 1
        while not got or got[-1] != sent - 1:
            got.append(int(pull.recv()))
        pull.close()
        until(lambda: not any(peer.state == "ready" for peer in push.statistics().peers))
        for _ in range(10):
            push.send(b"%d" % sent)
            sent += 1
        push.disconnect(address)
        until(lambda: push.statistics().queued_out == 0)
    found = push.statistics()
    assert found.messages_out == sent == 300
    assert found.dropped.lost + found.dropped.lingered == 50 and len(got) == found.messages_left == 250


def test_many_clients_of_a_server_that_is_gone_do_not_come_back_at_once(zmq, make):
    """Each waits for a time of its own: told by the events, not by a clock."""
    clients = 100
    dealer = make("DEALER", RECONNECT_IVL=100)
    told = Events(zmq, dealer, zmq.EVENT_CONNECT_RETRIED)
    for _ in range(clients):
        dealer.connect(dead_endpoint())  # the same one twice would be one connection
    waits = [told.next()[1] for _ in range(clients)]
    assert all(100 <= wait < 200 for wait in waits)
    assert max(waits.count(wait) for wait in waits) < clients // 6
