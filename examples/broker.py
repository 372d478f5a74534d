"""Broker: zmq.proxy_steerable between a ROUTER for clients and a DEALER for workers, so neither side knows the other."""

import threading

import zmqcore as zmq

CLIENTS = 3
REQUESTS = 4


def work(context, name):
    with context.socket(zmq.REP) as rep:
        rep.connect("inproc://workers")
        while (request := rep.recv_string()) != "stop":
            rep.send_string(f"{name} did {request}")
        rep.send_string("stopped")


def ask(context, number):
    with context.socket(zmq.REQ) as req:
        req.connect("inproc://clients")
        for turn in range(REQUESTS):
            req.send_string(f"job {number}.{turn}")
            print(req.recv_string())


def broker(context, ready):
    with (
        context.socket(zmq.ROUTER) as clients,
        context.socket(zmq.DEALER) as workers,
        context.socket(zmq.PAIR) as control,
    ):
        clients.bind("inproc://clients")
        workers.bind("inproc://workers")
        control.bind("inproc://control")
        ready.set()
        zmq.proxy_steerable(clients, workers, None, control)


def main():
    with zmq.Context() as context:
        ready = threading.Event()
        proxy = threading.Thread(target=broker, args=(context, ready))
        proxy.start()
        ready.wait()
        worker = threading.Thread(target=work, args=(context, "worker"))
        worker.start()
        clients = [threading.Thread(target=ask, args=(context, number)) for number in range(CLIENTS)]
        for client in clients:
            client.start()
        for client in clients:
            client.join()

        with context.socket(zmq.REQ) as req:
            req.connect("inproc://clients")
            req.send_string("stop")
            print("worker:", req.recv_string())
        worker.join()
        with context.socket(zmq.PAIR) as control:
            control.connect("inproc://control")
            control.send(b"TERMINATE")
            proxy.join()
        print("broker stopped")


if __name__ == "__main__":
    main()
