"""An ssh server by paramiko that takes a password, forwards connections, and knows the commands `sleep` and `exit`."""

import contextlib
import socket
import threading

import paramiko


class PasswordServer:
    def __init__(self, user, password):
        self.user = user
        self.password = password
        self.key = paramiko.ECDSAKey.generate()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.asked = []  # for how somebody tried to get in
        self.stopped = threading.Event()
        self.transports = []
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while not self.stopped.is_set():
            try:
                connection, _ = self.listener.accept()
                transport = paramiko.Transport(connection)
                transport.add_server_key(self.key)
                self.transports.append(transport)
                transport.start_server(server=Session(self), event=threading.Event())
                threading.Thread(target=self.accept, args=(transport,), daemon=True).start()
            except OSError:
                return

    def accept(self, transport):
        channels = []  # one that nobody holds closes
        while transport.is_active():
            channels.append(transport.accept(0.2))

    def stop(self):
        self.stopped.set()
        self.listener.close()
        for transport in self.transports:
            transport.close()


class Session(paramiko.ServerInterface):
    def __init__(self, server):
        self.server = server
        self.targets = {}

    def get_allowed_auths(self, username):
        return "password,publickey"

    def check_auth_password(self, username, password):
        self.server.asked.append("password")
        let_in = (username, password) == (self.server.user, self.server.password)
        return paramiko.AUTH_SUCCESSFUL if let_in else paramiko.AUTH_FAILED

    def check_auth_publickey(self, username, key):
        self.server.asked.append("publickey")
        return paramiko.AUTH_FAILED

    def check_channel_request(self, kind, chanid):
        return paramiko.OPEN_SUCCEEDED if kind == "session" else paramiko.OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED

    def check_channel_exec_request(self, channel, command):
        word, *arguments = command.split()
        if word == b"exit":
            threading.Thread(target=end, args=(channel,), daemon=True).start()
        else:
            threading.Timer(float(arguments[0]), end, (channel,)).start()
        return True

    def check_channel_direct_tcpip_request(self, chanid, origin, destination):
        try:
            target = socket.create_connection(destination)
        except OSError:
            return paramiko.OPEN_FAILED_CONNECT_FAILED
        threading.Thread(target=self.forward, args=(chanid, target), daemon=True).start()
        return paramiko.OPEN_SUCCEEDED

    def forward(self, chanid, target):
        transport = next(one for one in self.server.transports if one.server_object is self)
        while (channel := transport._channels.get(chanid)) is None:
            self.server.stopped.wait(0.005)
        back = threading.Thread(target=copy, args=(target.recv, channel.sendall), daemon=True)
        back.start()
        copy(channel.recv, target.sendall)
        target.close()
        with contextlib.suppress(EOFError):  # the client has gone before
            channel.close()


def end(channel):
    channel.send_exit_status(0)
    channel.close()


def copy(receive, send):
    try:
        while data := receive(65536):
            send(data)
    except OSError:
        pass
