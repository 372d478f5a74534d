"""Three exchanges between processes: request/reply, publish/subscribe and a pipeline.

Run it without arguments; it starts its own child processes, shows what each one sends and receives, and ends by itself.
"""

import multiprocessing
import os
import sys
import time

import zmqcore as zmq
from zmqcore.utils.monitor import recv_monitor_message

DEADLINE_MS = 20_000  # A demo that cannot finish must say so instead of hanging.


def say(who, text):
    # The newline is in the text: one write, which lines of other processes cannot cut.
    print(f"  [{os.getpid()}] {who:<12} {text}\n", end="", flush=True)


def open_socket(context, kind):
    socket = context.socket(kind)
    socket.rcvtimeo = socket.sndtimeo = socket.linger = DEADLINE_MS
    return socket


def bind_anywhere(socket):
    socket.bind("tcp://127.0.0.1:*")
    return socket.get_string(zmq.LAST_ENDPOINT)


def client(endpoint, name):
    with zmq.Context() as context, open_socket(context, zmq.REQ) as req:
        req.connect(endpoint)
        for number in (3, 12):
            req.send_json({"from": name, "number": number})
            say(name, f"asked for the square of {number}, got {req.recv_json()['square']}")


def request_reply(context, start):
    with open_socket(context, zmq.REP) as rep:
        endpoint = bind_anywhere(rep)
        names = ["client-1", "client-2"]
        for name in names:
            start(client, endpoint, name)
        for _ in range(2 * len(names)):
            request = rep.recv_json()
            say("server", f"request from {request['from']}: {request['number']}")
            rep.send_json({"square": request["number"] ** 2})


def subscriber(endpoint, topic):
    with zmq.Context() as context, open_socket(context, zmq.SUB) as sub:
        sub.subscribe(topic)
        sub.connect(endpoint)
        while (message := sub.recv_string()) != f"{topic} end":
            say(f"sub({topic})", f"received {message!r}")


def publish_subscribe(context, start):
    # XPUB is PUB that also shows the subscriptions, so the publisher knows when its audience is complete.
    with open_socket(context, zmq.XPUB) as pub:
        endpoint = bind_anywhere(pub)
        topics = ["weather", "sport"]
        for topic in topics:
            start(subscriber, endpoint, topic)
        for _ in topics:
            say("publisher", f"new subscription: {pub.recv()[1:].decode()}")
        for message in ("weather sunny", "sport 3:1", "finance up", "weather rain", "weather end", "sport end"):
            say("publisher", f"publishes {message!r}")
            pub.send_string(message)


def worker(tasks, results, name):
    with zmq.Context() as context, open_socket(context, zmq.PULL) as pull, open_socket(context, zmq.PUSH) as push:
        pull.connect(tasks)
        push.connect(results)
        push.send_string(f"{name} ready")
        while (number := pull.recv_pyobj()) is not None:
            say(name, f"works on {number}")
            push.send_pyobj((number, number * number))


def pipeline(context, start):
    with open_socket(context, zmq.PUSH) as tasks, open_socket(context, zmq.PULL) as results:
        endpoints = bind_anywhere(tasks), bind_anywhere(results)
        workers = ["worker-1", "worker-2"]
        # Each worker connects twice. That its greeting came in by one connection says nothing about the other, by which the tasks go.
        with tasks.get_monitor_socket(zmq.EVENT_HANDSHAKE_SUCCEEDED) as connected:
            connected.rcvtimeo = DEADLINE_MS
            for name in workers:
                start(worker, *endpoints, name)
            for _ in workers:
                recv_monitor_message(connected)
                say("ventilator", results.recv_string())
            tasks.disable_monitor()
        numbers = range(1, 9)
        for number in numbers:
            tasks.send_pyobj(number)
        total = sum(results.recv_pyobj()[1] for _ in numbers)
        say("sink", f"sum of the squares of 1..8 = {total}")
        for _ in workers:
            tasks.send_pyobj(None)


def run(exchange):
    spawn = multiprocessing.get_context("spawn")
    children = []

    def start(target, *args):
        child = spawn.Process(target=target, args=args, daemon=True)
        child.start()
        children.append(child)

    print(exchange.__name__.replace("_", "/"), flush=True)
    with zmq.Context() as context:
        exchange(context, start)
        for child in children:
            child.join(DEADLINE_MS / 1000)
    failed = [child.name for child in children if child.exitcode != 0]
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


def main():
    began = time.monotonic()
    print(f"zmqcore {zmq.__version__} on Python {sys.version.split()[0]}")
    for exchange in (request_reply, publish_subscribe, pipeline):
        run(exchange)
    print(f"done in {time.monotonic() - began:.1f} s")


if __name__ == "__main__":
    main()
