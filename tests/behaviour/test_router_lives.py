"""Random lives of a ROUTER's peers over inproc: ids that are announced, given with CONNECT_ROUTING_ID, taken over and waited for.

What must hold: a message arrives once, whole, in the order of its peer and under the id that this peer had when it was sent, or waited for; an answer
reaches a peer that has had the id; poll() and recv() agree; a peer that stays is served when those before it have gone. Over inproc, in one thread,
nothing depends on time: a seed is always the same life.
"""

import random
from collections import deque

import pytest
from awaiting import endpoint

pytestmark = pytest.mark.better  # in libzmq a peer that waits is never served, and there is no OVERFLOW

DROP_OLDEST = 3
NAMES = [b"A", b"B", b"C"]


def is_named(routing_id, name):
    return routing_id == name if name else routing_id[0] == 0 and len(routing_id) == 5


class Peer:
    def __init__(self, number, announced):
        self.number, self.announced = number, announced
        self.name = announced  # b"": made by the ROUTER
        self.names = {announced}  # that it has had
        self.sent = 0
        self.due = deque()  # (number, name) of messages that have not been received
        self.address = None  # that the router connects to
        self.here = True
        self.silent_since = None  # displaced, when so many messages had been sent


class Names:
    """Who has which id, as the head of src/pattern/router_ids.pxd says."""

    def __init__(self):
        self.holders = {}
        self.waiting = []

    def give(self, peer, name):
        """With CONNECT_ROUTING_ID. Who has spoken, and is served when the rest of its earlier messages is read, waits on."""
        if name in self.holders:
            self.waiting.append(self.holders[name])
        self.holders[name] = peer
        peer.name = name

    def announce(self, peer, handover):
        holder = self.holders.get(peer.announced)
        peer.name = peer.announced
        if peer.name == b"":
            return
        if holder and not handover:
            self.waiting.append(peer)
            return
        self.holders[peer.name] = peer
        if holder and holder.announced == peer.name:
            self.waiting.append(holder)
            holder.silent_since = holder.sent
        elif holder:
            self.announce(holder, handover)

    def leave(self, peer):
        if peer in self.waiting:
            self.waiting.remove(peer)
        elif self.holders.get(peer.name) is peer:
            del self.holders[peer.name]
            self.adopt(peer.name)

    def adopt(self, name):
        """The first that has not been served yet, or the last that was and has spoken since."""
        those = [peer for peer in self.waiting if peer.announced == name]
        new = [peer for peer in those if peer.silent_since is None]
        old = [peer for peer in those if peer.silent_since is not None and peer.sent > peer.silent_since]
        if new or old:
            peer = [*new[:1], *old[-1:]][0]
            self.waiting.remove(peer)
            peer.silent_since = None
            self.holders[name] = peer

    def spoke(self, peer):
        if peer in self.waiting and peer.announced not in self.holders:
            self.adopt(peer.announced)


class Life:
    def __init__(self, zmq, make, fresh, seed):
        self.zmq, self.make, self.fresh, self.random = zmq, make, fresh, random.Random(seed)
        self.router = make("ROUTER", RCVHWM=self.random.choice([1, 2, 5, 1000]), ROUTER_NOTIFY=self.random.choice([0, 0, 1, 2, 3]))
        self.router.bind(fresh("inproc"))
        self.where = endpoint(self.router)
        self.names = NAMES[: self.random.choice([1, 2, 3])]
        self.peers = []
        self.model = Names()
        self.handover = 0
        self.frames = []  # of the message that is half read

    def live(self):
        steps = {self.join: 6, self.send: 34, self.read: 35, self.listen: 5, self.leave: 4, self.change_rules: 2, self.look: 8}
        for step in self.random.choices(list(steps), list(steps.values()), k=self.random.choice([30, 100, 300])):
            step()
        if self.random.random() > 0.15:  # else it ends here, with all that is under way
            self.end()

    def those_here(self):
        return [peer for peer in self.peers if peer.here]

    def join(self):
        if len(self.peers) == 8:
            return
        peer = Peer(len(self.peers), self.random.choice([*self.names, b""]))
        peer.conflates = self.random.random() < 0.2
        options = {"CONFLATE": 1} if peer.conflates else {"SNDHWM": self.random.choice([1, 3, 1000])}
        if peer.announced:
            options["ROUTING_ID"] = peer.announced
        peer.drops = peer.conflates
        if self.random.random() < 0.4:
            peer.drops = True
            options["OVERFLOW"] = DROP_OLDEST
        peer.socket = self.make("DEALER", **options)
        self.peers.append(peer)
        if self.random.random() < 0.6:
            peer.socket.connect(self.where)
            self.model.announce(peer, self.handover)
        else:
            self.join_by_connect(peer, self.random.choice([*self.names, b"given", b""]))
        self.look()

    def join_by_connect(self, peer, given):
        peer.socket.bind(self.fresh("inproc"))
        peer.address = endpoint(peer.socket)
        try:
            if given:
                self.router.setsockopt(self.zmq.CONNECT_ROUTING_ID, given)
            self.router.connect(peer.address)
        except self.zmq.ZMQError as error:
            assert given in self.model.holders and error.errno == self.zmq.EINVAL
            peer.here = False
            peer.socket.close()
        else:
            if given:
                self.model.give(peer, given)
                peer.names.add(given)
            else:
                self.model.announce(peer, self.handover)

    def send(self):
        if not self.those_here():
            return
        peer = self.random.choice(self.those_here())
        for _ in range(self.random.choice([1, 1, 2, 8])):
            size = 1 if peer.conflates else self.random.choice([1, 1, 2, 3])
            try:
                peer.socket.send_multipart([b"%d %d %d" % (peer.number, peer.sent, size)] * size, self.zmq.DONTWAIT)
            except self.zmq.Again:
                return
            peer.due.append((peer.sent, peer.name))
            peer.sent += 1
            self.model.spoke(peer)

    def read(self):
        for _ in range(self.random.choice([1, 1, 3, 20])):
            if not self.read_frame():
                return

    def read_frame(self):
        announced = self.router.poll(0)
        try:
            self.frames.append(self.router.recv(self.zmq.DONTWAIT))
        except self.zmq.Again:
            assert not announced
            return False
        assert announced
        if not self.router.rcvmore:
            self.received(*self.frames)
            self.frames = []
        return True

    def received(self, routing_id, body, *rest):
        if (body, rest) == (b"", ()):
            return  # a notice
        number, message, size = map(int, body.split())
        assert [body, *rest] == [body] * size
        peer = self.peers[number]
        while peer.drops and peer.due and peer.due[0][0] < message:
            peer.due.popleft()
        assert peer.due and peer.due[0][0] == message
        assert is_named(routing_id, peer.due.popleft()[1])
        if self.random.random() < 0.3:
            try:
                self.router.send_multipart([routing_id, routing_id], self.zmq.DONTWAIT)
            except self.zmq.ZMQError as error:
                assert error.errno in (self.zmq.EAGAIN, self.zmq.EHOSTUNREACH)

    def listen(self):
        for peer in self.those_here():
            while peer.socket.poll(0):
                routing_id = peer.socket.recv()
                assert any(is_named(routing_id, name) for name in peer.names)

    def leave(self):
        if self.those_here():
            self.part_with(self.random.choice(self.those_here()))

    def part_with(self, peer):
        peer.here = False
        peer.drops = True
        if self.random.random() < 0.5:
            peer.socket.close()
        if peer.address:
            self.router.disconnect(peer.address)
        elif not peer.socket.closed:
            peer.socket.disconnect(self.where)
        peer.socket.close()
        self.look()
        self.model.leave(peer)

    def change_rules(self):
        self.handover = self.router.router_handover = self.random.choice([0, 1])
        self.router.router_mandatory = self.random.choice([0, 1])

    def look(self):
        self.router.getsockopt(self.zmq.EVENTS)

    def end(self):
        while self.those_here():
            while self.read_frame():
                pass
            self.listen()
            satisfied = [peer for peer in self.those_here() if not peer.due]
            assert satisfied, f"never served: {[(peer.number, peer.names, peer.due) for peer in self.those_here()]}"
            self.part_with(self.random.choice(satisfied))


@pytest.mark.parametrize("seeds", range(0, 400, 20))
def test_ROUTER_11_random_lives(zmq, make, fresh, seeds):
    for seed in range(seeds, seeds + 20):
        try:
            Life(zmq, make, fresh, seed).live()
        except Exception as error:
            raise AssertionError(f"in the life of seed {seed}") from error
