"""A page in a browser that subscribes and asks, by ws://.

    python examples/browser.py --serve     # and open the address that it prints; Ctrl-C ends it
    python examples/browser.py             # plays the page's part itself, and ends

The page is browser.html. It needs no library: a frame of ZeroMQ is a message of WebSocket.
"""

import argparse
import functools
import http.server
import itertools
import threading
import time
from pathlib import Path

import zmqcore as zmq


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


def listening(context, kind, path):
    socket = context.socket(kind)
    socket.bind(f"ws://127.0.0.1:*/{path}")
    return socket, socket.last_endpoint.decode()


def publish(news, stop):
    """An item every quarter of a second."""
    for number in itertools.count(1):
        if stop.wait(0.25):
            return
        news.send_string(f"news {number}: it is {time.strftime('%X')}")


def answer(questions):
    """Answers one question after the other, until the context ends."""
    try:
        for question in questions:
            print("asked:", question.decode())
            questions.send_string(f"I do not know, but it is {time.strftime('%X')}")
    except zmq.ContextTerminated:
        questions.close()


def play_the_page(context, news, questions):
    reader, asker = context.socket(zmq.SUB), context.socket(zmq.REQ)
    reader.subscribe("news")
    reader.connect(news)
    asker.connect(questions)
    item = reader.recv_string()
    print("read: ", item)
    asker.send_string(f'a page has read "{item}"')
    print("answer:", asker.recv_string())
    reader.close()
    asker.close()


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--serve", action="store_true", help="serve the page until Ctrl-C")
    serve = arguments.parse_args().serve
    context = zmq.Context()
    news, news_address = listening(context, zmq.PUB, "news")
    questions, questions_address = listening(context, zmq.REP, "questions")
    stop = threading.Event()
    threads = [threading.Thread(target=publish, args=(news, stop)), threading.Thread(target=answer, args=(questions,))]
    for thread in threads:
        thread.start()
    if serve:
        handler = functools.partial(Quiet, directory=Path(__file__).parent)
        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
            page = f"http://127.0.0.1:{server.server_port}/browser.html"
            print(f"{page}#{news_address},{questions_address}", flush=True)
            try:
                server.serve_forever()
            except KeyboardInterrupt:
                pass
    else:
        play_the_page(context, news_address, questions_address)
    stop.set()
    threads[0].join()
    news.close()
    context.term()
    threads[1].join()


if __name__ == "__main__":
    main()
