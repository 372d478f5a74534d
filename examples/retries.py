"""Two servers, one of which never answers: every question is answered all the same, from several threads over one socket."""

import threading

import zmqcore as zmq
from zmqcore.requester import Requester

with zmq.Context() as context, context.socket(zmq.REP) as silent, context.socket(zmq.REP) as server:
    addresses = [one.bind("tcp://127.0.0.1:*").addr for one in (silent, server)]
    over = threading.Event()

    def serve():
        while not over.is_set():
            if server.poll(50):
                server.send(server.recv().upper())

    serving = threading.Thread(target=serve)
    serving.start()
    with Requester(context, addresses) as requester:
        requester.socket.wait_for_peers(2, timeout=10000)

        def ask(word):
            print(word, "->", requester.request(word.encode(), timeout=500, retries=5)[0].decode())

        threads = [threading.Thread(target=ask, args=(word,)) for word in ("ask", "again", "until", "answered")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    over.set()
    serving.join()
