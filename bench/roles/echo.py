"""DEALER <-> ROUTER echo with a window: as many messages under way as the window allows."""

from .base import Role, expect, now, numbered, payload


def check_echo(socket, size, n, window):
    for i in range(n + window):
        if i >= window:
            expect(socket.recv(), numbered(size, i - window), f"echo {i - window} of {n}")
        if i < n:
            socket.send(numbered(size, i))


class Client(Role):
    drives = True

    def open(self, endpoints):
        self.dealer = self.socket("DEALER")
        self.dealer.connect(endpoints["echo"])
        self.message = payload(self.size)

    def burst(self, n, check):
        window = min(n, self.params["window"])
        if check:
            return check_echo(self.dealer, self.size, n, window)
        start = now()
        got = b""
        for _ in range(window):
            self.dealer.send(self.message)
        for _ in range(n - window):
            got = self.dealer.recv()
            self.dealer.send(self.message)
        for _ in range(window):
            got = self.dealer.recv()
        end = now()
        expect(got, self.message, "last echo")
        return {"t0": start, "t1": end}


class Router(Role):
    def open(self, endpoints):
        self.router = self.socket("ROUTER")
        return {"echo": self.bind(self.router, "echo")}

    def burst(self, n, check):
        for _ in range(n):
            peer, message = self.router.recv_multipart()
            self.router.send_multipart([peer, message])


class Worker(Role):
    """Behind a ROUTER-DEALER proxy: gets the envelope and sends it back."""

    def open(self, endpoints):
        self.dealer = self.socket("DEALER")
        self.dealer.connect(endpoints["backend"])

    def burst(self, n, check):
        for _ in range(n):
            self.dealer.send_multipart(self.dealer.recv_multipart())
