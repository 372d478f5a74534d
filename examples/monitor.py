"""Monitor: the events of a socket's connections, received like messages."""

import zmqcore as zmq
from zmqcore.utils.monitor import recv_monitor_message


def talk(context, rep):
    with context.socket(zmq.REQ) as req:
        req.connect(rep.get_string(zmq.LAST_ENDPOINT))
        req.send(b"hello")
        print("request:", rep.recv())
        rep.send(b"world")
        print("reply:", req.recv())


def main():
    with zmq.Context() as context, context.socket(zmq.REP) as rep, rep.get_monitor_socket() as events:
        rep.bind("tcp://127.0.0.1:*")
        talk(context, rep)

        event = None
        while event != zmq.EVENT_DISCONNECTED:
            if not events.poll(timeout=5000):
                raise SystemExit("no event within 5 s")
            message = recv_monitor_message(events)
            event = message["event"]
            print(event.name, message["endpoint"].decode())
        rep.disable_monitor()


if __name__ == "__main__":
    main()
