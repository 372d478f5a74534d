"""Everything at once: sockets made, joined, used, watched and closed by threads that know nothing of each other.

churn.py MODULE [--seconds 20] [--seed 1]. Made to be run under the sanitizers: there is nothing to compare, but nothing may crash, hang or be
reported. Every call may fail with a ZMQError (closed, terminated, in use); term() must return.
"""
import argparse
import contextlib
import importlib
import random
import select
import tempfile
import threading
import time

KINDS = [
    ("PUSH", "PULL"), ("PAIR", "PAIR"), ("DEALER", "ROUTER"), ("PUB", "SUB"), ("REQ", "REP"), ("XPUB", "XSUB"), ("DEALER", "DEALER"),
]
ROUND_SECONDS = 2
LIVES = 6
TERM_SECONDS = 30


class Churn:
    def __init__(self, zmq, folder):
        self.zmq = zmq
        self.folder = folder

    def attempt(self, function, *arguments):
        with contextlib.suppress(self.zmq.ZMQError):
            return function(*arguments)

    def options(self, socket, dice):
        zmq = self.zmq
        choices = {
            zmq.LINGER: [0, 0, 5], zmq.RCVTIMEO: [0, 1, 5, 30], zmq.SNDTIMEO: [0, 1, 5, 30], zmq.RECONNECT_IVL: [1, 1, 100],
            zmq.HEARTBEAT_IVL: [0, 1, 10],
        }
        for option, values in choices.items():
            self.attempt(socket.setsockopt, option, dice.choice(values))

    def use(self, socket, other, endpoint, dice):
        zmq = self.zmq
        for _ in range(dice.randrange(1, 12)):
            kind = dice.random()
            if kind < 0.4:
                self.attempt(socket.send_multipart, [b"a", b"b" * dice.choice([1, 100, 9000, 100000])])
            elif kind < 0.6:
                self.attempt(socket.recv_multipart)
            elif kind < 0.7:
                self.attempt(socket.poll, 3)
            elif kind < 0.8:
                poller = zmq.Poller()
                poller.register(socket, zmq.POLLIN | zmq.POLLOUT)
                poller.register(other, zmq.POLLIN)
                self.attempt(poller.poll, 3)
            elif kind < 0.85:
                assert socket.closed in (True, False)
            elif kind < 0.9:
                descriptor = self.attempt(socket.getsockopt, zmq.FD)
                if descriptor:
                    with contextlib.suppress(OSError, ValueError):  # closed by another thread
                        select.select([descriptor], [], [], 0.001)
            elif kind < 0.93:
                self.attempt(socket.disconnect, endpoint)
            elif kind < 0.96:
                self.attempt(socket.setsockopt, zmq.SNDHWM, dice.randrange(1, 20))
            else:
                self.attempt(socket.unbind, endpoint)

    def couple(self, near, far, number, dice):
        """Joins two sockets, connect first now and then. The endpoint."""
        transport = dice.choice(["tcp", "ipc", "inproc", "name"])
        where = {"ipc": f"ipc://{self.folder}/{number}", "inproc": f"inproc://churn-{number}"}.get(transport, "tcp://127.0.0.1:*")
        early = transport == "inproc" and dice.random() < 0.5
        if early:
            self.attempt(near.connect, where)
        self.attempt(far.bind, where)
        endpoint = (self.attempt(far.getsockopt, self.zmq.LAST_ENDPOINT) or b"").decode().rstrip("\0") or where
        if transport == "name":
            endpoint = endpoint.replace("127.0.0.1", "localhost")
        if not early:
            self.attempt(near.connect, endpoint)
        return endpoint

    def live(self, context, number, dice, end):
        while time.monotonic() < end:
            kinds = dice.choice(KINDS)
            near, far = (self.attempt(context.socket, getattr(self.zmq, kind)) for kind in kinds)
            opened = [socket for socket in (near, far) if socket is not None]
            if len(opened) == 2:
                for socket in opened:
                    self.options(socket, dice)
                if kinds[1] == "SUB":
                    self.attempt(far.setsockopt, self.zmq.SUBSCRIBE, b"")
                monitor = self.attempt(near.get_monitor_socket) if dice.random() < 0.3 else None
                endpoint = self.couple(near, far, number, dice)
                pairs = [(near, far), (far, near), (near, far)]
                users = [threading.Thread(target=self.use, args=(*pair, endpoint, random.Random(dice.random()))) for pair in pairs]
                for user in users:
                    user.start()
                for socket, chance in ((near, 0.4), (far, 0.3)):
                    if dice.random() < chance:
                        socket.close()
                for user in users:
                    user.join()
                if monitor is not None:
                    self.attempt(monitor.recv_multipart, self.zmq.NOBLOCK)
                    monitor.close()
            for socket in opened:
                socket.close(0)
            if len(opened) < 2:
                return  # the context was shut down

    def round(self, number, seed, end):
        dice = random.Random(seed)
        context = self.zmq.Context(io_threads=dice.choice([1, 2]))
        lives = [threading.Thread(target=self.live, args=(context, n, random.Random(dice.random()), end)) for n in range(LIVES)]
        for thread in lives:
            thread.start()
        if number % 3 == 0:
            lives[0].join(ROUND_SECONDS / 2)
            context.shutdown()
        for thread in lives:
            thread.join()
        terminators = [threading.Thread(target=context.term, daemon=True) for _ in range(2)]
        for thread in terminators:
            thread.start()
        for thread in terminators:
            thread.join(TERM_SECONDS)
            if thread.is_alive():
                raise SystemExit("FAILED: term() hangs")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("module")
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    end = time.monotonic() + options.seconds
    rounds = 0
    with tempfile.TemporaryDirectory() as folder:
        churn = Churn(importlib.import_module(options.module), folder)
        while time.monotonic() < end:
            rounds += 1
            churn.round(rounds, options.seed * 1000 + rounds, min(end, time.monotonic() + ROUND_SECONDS))
    print(f"{rounds} rounds")


if __name__ == "__main__":
    main()
