"""Request/reply: a server that answers, a client that asks, each in its own thread."""

import threading

import zmqcore as zmq


def serve(rep):
    while (name := rep.recv_string()) != "bye":
        rep.send_string(f"Hello, {name}!")
    rep.send_string("bye")


def main():
    with zmq.Context() as context, context.socket(zmq.REP) as rep, context.socket(zmq.REQ) as req:
        rep.bind("tcp://127.0.0.1:*")
        server = threading.Thread(target=serve, args=(rep,))
        server.start()

        req.connect(rep.get_string(zmq.LAST_ENDPOINT))
        for name in ("Ada", "Grace", "bye"):
            req.send_string(name)
            print(f"{name} -> {req.recv_string()}")
        server.join()


if __name__ == "__main__":
    main()
