"""What a socket tells of itself: where it is bound, and its monitor events."""
import importlib

import pytest


def endpoint_of(socket):
    return socket.last_endpoint.rstrip(b"\0").decode()


class Watch:
    """The monitor events of one socket, as (name, value)."""

    def __init__(self, zmq, socket):
        self.zmq = zmq
        self.recv = importlib.import_module(zmq.__name__ + ".utils.monitor").recv_monitor_message
        self.monitor = socket.get_monitor_socket()
        self.monitor.rcvtimeo = 5000

    def until(self, name):
        seen = []
        while True:
            try:
                event = self.recv(self.monitor)
            except self.zmq.Again:
                pytest.fail(f"{name} never came; seen: {seen}")
            seen.append(self.zmq.Event(event["event"]).name)
            if seen[-1] == name:
                return event["value"]
