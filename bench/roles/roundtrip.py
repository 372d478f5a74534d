"""REQ <-> REP: one message there, one back, the next one only then. Two processes, or two threads over inproc."""

import threading

from .base import Role, expect, now, numbered, payload


def ask(socket, message, n):
    start = now()
    got = b""
    for _ in range(n):
        socket.send(message)
        got = socket.recv()
    end = now()
    expect(got, message, "last answer")
    return {"t0": start, "t1": end}


def ask_checked(socket, size, n):
    for i in range(n):
        socket.send(numbered(size, i))
        expect(socket.recv(), numbered(size, i), f"answer {i} of {n}")


def answer(socket, n):
    for _ in range(n):
        socket.send(socket.recv())


class Req(Role):
    drives = True

    def open(self, endpoints):
        self.req = self.socket("REQ")
        self.req.connect(endpoints["rep"])
        self.message = payload(self.size)

    def burst(self, n, check):
        if check:
            return ask_checked(self.req, self.size, n)
        return ask(self.req, self.message, n)


class Rep(Role):
    def open(self, endpoints):
        self.rep = self.socket("REP")
        return {"rep": self.bind(self.rep, "rep")}

    def burst(self, n, check):
        answer(self.rep, n)


class Inproc(Role):
    drives = True

    def open(self, endpoints):
        self.rep = self.socket("REP")
        self.req = self.socket("REQ")
        self.req.connect(self.bind(self.rep, "rep"))
        self.message = payload(self.size)

    def burst(self, n, check):
        thread = threading.Thread(target=answer, args=(self.rep, n), daemon=True)
        thread.start()
        result = ask_checked(self.req, self.size, n) if check else ask(self.req, self.message, n)
        thread.join()
        return result
