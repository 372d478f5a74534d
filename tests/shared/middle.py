"""Who sits between a client and a server of ZMTP 3 and changes what one of them says."""

import contextlib
import socket
import threading

GREETING_SIZE = 64
LONG = 2


class Middle:
    """Passes the greetings on, then frame by frame what `change(from_client, number, octets)` makes of them: a list of what is sent on instead.
    `over` is set when either end has closed its connection."""

    def __init__(self, endpoint, change):
        host, port = endpoint.removeprefix("tcp://").split(":")
        self.change = change
        self.over = threading.Event()
        self.heard = {True: [], False: []}
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.endpoint = f"tcp://127.0.0.1:{self.listener.getsockname()[1]}"
        self.threads = [threading.Thread(target=self.run, args=(host, int(port)))]
        self.threads[0].start()

    def run(self, host, port):
        with contextlib.suppress(OSError), self.listener:
            client, _ = self.listener.accept()
            with client, socket.create_connection((host, port)) as server:
                other = threading.Thread(target=self.pass_on, args=(False, server, client))
                other.start()
                self.pass_on(True, client, server)
                other.join()

    def pass_on(self, from_client, source, target):
        stream = source.makefile("rb")
        with contextlib.suppress(OSError, EOFError):
            for _ in range(GREETING_SIZE):  # each end waits for parts of the other's
                target.sendall(self.read(stream, 1))
            number = 0
            while True:
                octets = self.read(stream, 1)
                size = self.read(stream, 8 if octets[0] & LONG else 1)
                octets += size + self.read(stream, int.from_bytes(size, "big"))
                self.heard[from_client].append(octets)
                for changed in self.change(from_client, number, octets):
                    target.sendall(changed)
                number += 1
        self.over.set()
        for end in (source, target):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    @staticmethod
    def read(stream, count):
        octets = stream.read(count)
        if len(octets) < count:
            raise EOFError
        return octets

    def close(self):
        with contextlib.suppress(OSError):  # who waits to accept somebody
            socket.create_connection(("127.0.0.1", int(self.endpoint.rpartition(":")[2]))).close()
        for thread in self.threads:
            thread.join()
