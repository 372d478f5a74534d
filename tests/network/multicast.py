"""What a multicast group makes of a wire that loses frames, zmqcore and libzmq in the same run: `python tests/network/multicast.py --help`.

Needs Linux, root, and Debian's libzmq5, which has OpenPGM.
"""

import argparse
import sys
from pathlib import Path

from wire import ADDRESSES, Wire

PEER = Path(__file__).with_name("multicast_peer.py")
GROUP = "239.192.78.1"


class Pair:
    """A sender on host A, a receiver on host B."""

    def __init__(self, wire, sender, receiver, scheme="epgm", port=5999, *, count, size, rate, recovery, sender_options=()):
        # By address: libzmq refuses an interface by name if it has addresses of both families.
        arguments = [str(n) for n in (count, size, rate, recovery)]
        self.receiver = self.start(wire.hosts[1], receiver, "recv", f"{scheme}://{ADDRESSES[1]};{GROUP}:{port}", *arguments)
        self.sender = self.start(wire.hosts[0], sender, "send", f"{scheme}://{ADDRESSES[0]};{GROUP}:{port}", *arguments, *sender_options)

    def start(self, host, module, *arguments):
        process = host.start(sys.executable, PEER, module, *arguments, text=True)
        if process.stdout.readline() != "ready\n":
            raise RuntimeError(f"{module} did not start")
        return process

    def begin(self):
        print("go", file=self.sender.stdin, flush=True)

    def end(self):
        """(received, missing, wrong, packets told lost or -1, seconds)"""
        *numbers, seconds = self.receiver.stdout.readline().split()
        print("enough", file=self.sender.stdin, flush=True)
        for process in (self.sender, self.receiver):
            process.communicate(timeout=60)
        return (*map(int, numbers), float(seconds))

    def close(self):
        for process in (self.sender, self.receiver):
            process.kill()
            process.wait()
            process.stdin.close()
            process.stdout.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1_000_000, help="messages, default 1000000")
    parser.add_argument("--size", type=int, default=100, help="bytes of each, default 100")
    parser.add_argument("--rate", type=int, default=40_000, help="RATE, default 40000 kbit/s")
    parser.add_argument("--recovery", type=int, default=10_000, help="RECOVERY_IVL, default 10000 ms")
    parser.add_argument("--loss", type=float, nargs="*", default=[0.01, 0.1], help="shares of frames, default 0.01 0.1")
    parser.add_argument("--scheme", default="epgm")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--pairs", nargs="*", default=["zmqcore:zmqcore", "libzmq:zmqcore", "zmqcore:libzmq", "libzmq:libzmq"])
    given = parser.parse_args()
    print(f"{'loss':>5} {'sender':>8} {'receiver':>8} {'received':>9} {'missing':>8} {'wrong':>6} {'told lost':>9} {'seconds':>8}")
    for loss in given.loss:
        for names in given.pairs:
            sender, receiver = names.split(":")
            wire = Wire(given.seed)
            pair = Pair(wire, sender, receiver, given.scheme, count=given.count, size=given.size, rate=given.rate, recovery=given.recovery)
            try:
                wire.order(loss=loss)
                pair.begin()
                got, missing, wrong, told, seconds = pair.end()
                told = "" if told < 0 else told
                print(f"{loss:5} {sender:>8} {receiver:>8} {got:9} {missing:8} {wrong:6} {told:>9} {seconds:8}", flush=True)
            finally:
                pair.close()
                wire.close()


if __name__ == "__main__":
    main()
