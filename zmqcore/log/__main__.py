"""`python -m zmqcore.log ADDRESS`: prints the log records that a PUBHandler publishes there."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from datetime import datetime

import zmqcore as zmq

# ECMA-48: what a terminal shows the levels in.
COLORS = {"DEBUG": "36", "INFO": "32", "WARNING": "33", "ERROR": "31", "CRITICAL": "1;31"}


def level_of(topic: str) -> str:
    """The level among the parts of a topic; "" if there is none."""
    return next((part for part in topic.split(".") if part in COLORS), "")


def lines(messages: Iterable[list[bytes]], arguments: argparse.Namespace) -> Iterable[str]:
    """What is printed of each message."""
    width = 0
    for topic_bytes, *texts in messages:
        topic = topic_bytes.decode(errors="replace")
        text = b"".join(texts).decode(errors="replace").rstrip()
        width = max(width, len(topic))
        line = topic.ljust(width if arguments.align else 0) + arguments.separator + text
        if arguments.timestamp:
            line = f"{datetime.now().strftime(arguments.dateformat)} {line}"
        color = COLORS.get(level_of(topic)) if arguments.color else None
        yield f"\x1b[{color}m{line}\x1b[0m" if color else line


def parse(given: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m zmqcore.log", description="Print the log records that a PUBHandler publishes, until Ctrl-C.")
    parser.add_argument("zmq_pub_url", help="the endpoint of the publisher: tcp://host:port, ipc://path")
    parser.add_argument("-t", "--topic", default="", help="only topics that begin with this, such as a root topic or a level")
    parser.add_argument("--timestamp", action="store_true", help="the local time first")
    parser.add_argument("--separator", default=" | ", help="between topic and text (default: %(default)r)")
    parser.add_argument("--dateformat", default="%Y-%m-%d %H:%M:%S", help="of --timestamp, as strftime() takes it")
    parser.add_argument("--align", action="store_true", help="texts below each other: topics as wide as the longest so far")
    parser.add_argument("--color", action="store_true", help="a color for each level")
    return parser.parse_args(given)


def main(given: list[str]) -> int:
    arguments = parse(given)
    with zmq.Context() as context, context.socket(zmq.SUB) as subscriber:
        try:
            subscriber.subscribe(arguments.topic)
            subscriber.connect(arguments.zmq_pub_url)
            for line in lines(iter(subscriber.recv_multipart, None), arguments):
                print(line, flush=True)
        except zmq.ZMQError as error:
            print(f"zmqcore.log: {error}", file=sys.stderr)
            return 1
        except KeyboardInterrupt:
            pass
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
