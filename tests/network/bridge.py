"""A wire between two network interfaces that does what it is told to the frames: `bridge.py INTERFACE INTERFACE SEED`.

It runs in a network namespace of its own. Orders come on stdin, a JSON object a line, and each is answered with a line on stdout. Its members set the
probabilities `loss`, `duplicate`, `late`, the seconds `delay` (of every frame) and `late_by` (of those that are late, so that others overtake them), and
`cut` (nothing passes). `{"reset": true}` resets the TCP connections that there are: nothing of them passes any more, and either end is told by a RST.
`{"vanish": 0}`: the host on that side has lost its connections without a word, as if it had been switched off and on: what the other end goes on to send
is answered by a RST.
"""
import ctypes
import fcntl
import heapq
import itertools
import json
import os
import random
import select
import socket
import struct
import sys
import time

IPV4, ARP = 0x0800, 0x0806
ETH_P_ALL = 3
SIOCETHTOOL = 0x8946
# Checksums, scatter, TSO, GSO, GRO: frames must be whole, as on a wire, before they get here.
OFFLOADS = (0x17, 0x19, 0x1f, 0x24, 0x2c)
RST, ACK = 4, 16
MAX_WAITING = 20000     # frames under way; what is above is dropped, as in any queue


def without_offload(interface):
    with socket.socket() as any_socket:
        for command in OFFLOADS:
            value = (ctypes.c_uint32 * 2)(command, 0)
            try:
                fcntl.ioctl(any_socket, SIOCETHTOOL, struct.pack("16sP16x", interface.encode(), ctypes.addressof(value)))
            except OSError as error:
                if error.errno not in (95, 22):     # what this kernel cannot do at all
                    raise


def checksum(octets):
    if len(octets) % 2:
        octets += b"\0"
    total = sum(struct.unpack(f"!{len(octets) // 2}H", octets))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


class Segment:
    """The TCP segment in a frame."""

    def __init__(self, frame):
        start = 14 + (frame[14] & 15) * 4
        self.ethernet, self.ip = frame[:14], frame[14:34]
        self.source, self.target = frame[26:30], frame[30:34]
        self.ports, self.flags = frame[start:start + 4], frame[start + 13]
        self.ack = struct.unpack("!I", frame[start + 8:start + 12])[0]

    @property
    def connection(self):
        a, b = self.source + self.ports[:2], self.target + self.ports[2:]
        return min(a, b), max(a, b)

    def reset_of_sender(self):
        """A frame for the one that sent this segment, as if from the other end: what it has acknowledged is what it expects next."""
        tcp = self.ports[2:] + self.ports[:2] + struct.pack("!IIBBHHH", self.ack, 0, 5 << 4, RST, 0, 0, 0)
        pseudo = self.target + self.source + struct.pack("!BBH", 0, socket.IPPROTO_TCP, len(tcp))
        tcp = tcp[:16] + struct.pack("!H", checksum(pseudo + tcp)) + tcp[18:]
        ip = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(tcp), 0, 0, 64, socket.IPPROTO_TCP, 0) + self.target + self.source
        ip = ip[:10] + struct.pack("!H", checksum(ip)) + ip[12:]
        return self.ethernet[6:12] + self.ethernet[:6] + self.ethernet[12:] + ip + tcp


def segment_of(frame):
    if len(frame) >= 54 and frame[12:14] == b"\x08\0" and frame[23] == socket.IPPROTO_TCP:
        return Segment(frame)
    return None


class Bridge:
    def __init__(self, interfaces, seed):
        self.random = random.Random(seed)
        self.rules = {"loss": 0, "duplicate": 0, "late": 0, "late_by": 0, "delay": 0, "cut": False}
        self.waiting, self.serial = [], itertools.count()
        self.last = {}          # (connection, its sending port's side) -> its last segment
        self.doomed = {}        # connection -> the side that knows nothing of it any more, None if both are to be told
        self.resets = self.dropped = self.passed = self.out_of_order = 0
        self.newest = 0         # serial number of the newest frame that has waited and passed
        self.ports = []
        for interface in interfaces:
            port = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
            port.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
            port.bind((interface, 0))
            port.setblocking(False)
            self.ports.append(port)

    def take(self, side):
        """Frames that have come in on one side, at most so many that the other has its turn."""
        for _ in range(200):
            try:
                frame, address = self.ports[side].recvfrom(65536)
            except BlockingIOError:
                return
            if address[2] == socket.PACKET_OUTGOING or int.from_bytes(frame[12:14], "big") not in (IPV4, ARP):
                continue
            if not self.rules["cut"]:
                self.judge(side, frame)

    def judge(self, side, frame):
        segment = segment_of(frame)
        if segment is not None:
            connection = segment.connection
            if connection in self.doomed:
                if not segment.flags & RST and self.doomed[connection] != side:
                    self.put(side, segment.reset_of_sender())
                return
            if segment.flags & ACK:
                self.last[connection, side] = segment
        rules = self.rules
        if self.random.random() < rules["loss"] or len(self.waiting) > MAX_WAITING:
            self.dropped += 1
            return
        for _ in range(2 if self.random.random() < rules["duplicate"] else 1):
            delay = rules["delay"]
            if self.random.random() < rules["late"]:
                delay += self.random.random() * rules["late_by"]
            if delay:
                heapq.heappush(self.waiting, (time.monotonic() + delay, next(self.serial), 1 - side, frame))
            else:
                self.put(1 - side, frame)

    def put(self, side, frame):
        try:
            self.ports[side].send(frame)
            self.passed += 1
        except OSError:         # full: a wire that is full loses frames
            self.dropped += 1

    def reset(self, vanished=None):
        for (connection, side), segment in self.last.items():
            self.doomed[connection] = vanished
            if vanished is None:
                self.put(side, segment.reset_of_sender())
        self.resets += len({connection for connection, _ in self.last})
        self.last.clear()
        self.waiting = [one for one in self.waiting if not self.is_doomed(one[3])]
        heapq.heapify(self.waiting)

    def is_doomed(self, frame):
        segment = segment_of(frame)
        return segment is not None and segment.connection in self.doomed

    def obey(self, order):
        if order.pop("reset", False):
            self.reset()
        if "vanish" in order:
            self.reset(order.pop("vanish"))
        if order.get("cut"):
            self.waiting.clear()
        self.rules.update(order)
        print(json.dumps({"passed": self.passed, "dropped": self.dropped, "resets": self.resets,
                          "out_of_order": self.out_of_order}), flush=True)

    def run(self):
        poller = select.poll()
        for port in (*self.ports, sys.stdin):
            poller.register(port, select.POLLIN)
        sides = {port.fileno(): side for side, port in enumerate(self.ports)}
        orders = b""
        while True:
            wait = max(0, self.waiting[0][0] - time.monotonic()) * 1000 if self.waiting else None
            for fd, _ in poller.poll(wait):
                if fd in sides:
                    self.take(sides[fd])
                    continue
                octets = os.read(fd, 4096)
                if not octets:
                    return
                orders += octets
                while b"\n" in orders:
                    line, _, orders = orders.partition(b"\n")
                    self.obey(json.loads(line))
            now = time.monotonic()
            while self.waiting and self.waiting[0][0] <= now:
                _, serial, side, frame = heapq.heappop(self.waiting)
                self.out_of_order += serial < self.newest
                self.newest = max(self.newest, serial)
                self.put(side, frame)


def main(first, second, seed):
    for interface in (first, second):
        without_offload(interface)
    bridge = Bridge((first, second), seed)
    print("ready", flush=True)
    bridge.run()


if __name__ == "__main__":
    if sys.argv[1] == "--no-offload":
        without_offload(sys.argv[2])
    else:
        main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
