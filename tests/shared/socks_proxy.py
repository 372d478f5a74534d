"""A SOCKS5 proxy that does as a test tells it."""

import contextlib
import select
import socket
import struct
import threading


class Proxy:
    """Listens at `endpoint` until the end of the block. `heard` is the list of (method, login, host, port) of those it let through.

    login: (user, password) that it insists on. names: where a name leads to, else it answers "host unreachable". answer: what it says at once
    instead of the answer of that stage ("method", "login", "request"), a connection that is then closed. pieces: octet by octet. refuse: so many
    connections are closed before a word.
    """

    def __init__(self, login=None, names=None, answer=None, pieces=False, refuse=0, port=0, bound=b"\1\x7f\0\0\1\0\0"):
        self.login, self.names, self.answer, self.pieces, self.refuse, self.bound = login, names or {}, answer or {}, pieces, refuse, bound
        self.listener = socket.create_server(("127.0.0.1", port))
        self.endpoint = f"127.0.0.1:{self.listener.getsockname()[1]}"
        self.heard = []
        self.connections = 0
        self.open = []
        self.stopping = False
        self.thread = threading.Thread(target=self.serve, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stopping = True
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for one in list(self.open):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        self.thread.join()

    def serve(self):
        threads = []
        while not self.stopping:
            try:
                client, _ = self.listener.accept()
            except OSError:
                break
            self.connections += 1
            self.open.append(client)
            threads.append(threading.Thread(target=self.guarded, args=[client], daemon=True))
            threads[-1].start()
        for thread in threads:
            thread.join()

    def guarded(self, client):
        with client, contextlib.suppress(OSError, EOFError):
            self.converse(client)

    def say(self, client, octets):
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for one in [octets[i : i + 1] for i in range(len(octets))] if self.pieces else [octets]:
            client.sendall(one)

    def hear(self, client, size):
        got = b""
        while len(got) < size:
            piece = client.recv(1 if self.pieces else size - len(got))
            if not piece:
                raise EOFError
            got += piece
        return got

    def stage(self, client, name, octets):
        """Says what the test wants, or `octets`."""
        if name not in self.answer:
            return self.say(client, octets)
        self.say(client, self.answer[name])
        raise EOFError

    def converse(self, client):
        if self.refuse:
            self.refuse -= 1
            return
        version, count = self.hear(client, 2)
        assert (version, count) == (5, 1)
        method = self.hear(client, 1)[0]
        self.stage(client, "method", b"\5" + (bytes([method]) if method == (2 if self.login else 0) else b"\xff"))
        login = None
        if method == 2:
            assert self.hear(client, 1) == b"\1"
            login = tuple(self.hear(client, self.hear(client, 1)[0]) for _ in range(2))
            self.stage(client, "login", b"\1" + (b"\0" if login == self.login else b"\1"))
            if login != self.login:
                return
        assert self.hear(client, 3) == b"\5\1\0"
        kind = self.hear(client, 1)[0]
        text = self.hear(client, {1: 4, 4: 16}.get(kind) or self.hear(client, 1)[0])
        port = struct.unpack("!H", self.hear(client, 2))[0]
        host = text.decode() if kind == 3 else socket.inet_ntop(socket.AF_INET if kind == 1 else socket.AF_INET6, text)
        if kind == 3 and host not in self.names:
            return self.say(client, b"\5\4\0\1\0\0\0\0\0\0")
        try:
            beyond = socket.create_connection((self.names.get(host, host), port))
        except OSError:
            return self.say(client, b"\5\5\0\1\0\0\0\0\0\0")
        with beyond:
            self.open.append(beyond)
            self.heard.append((method, login, host, port))
            self.stage(client, "request", b"\5\0\0" + self.bound)
            self.relay(client, beyond)

    def relay(self, *both):
        other = {both[0]: both[1], both[1]: both[0]}
        while True:
            for one in select.select(both, [], [])[0]:
                octets = one.recv(65536)
                if not octets:
                    return
                other[one].sendall(octets)
