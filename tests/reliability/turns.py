"""Says how often this thread had to sleep, at worst, in one recv(NOBLOCK), while the I/O thread has more input than it can take in: `turns.py MODULE tcp`.

Such a call does not wait for input. It sleeps only for the lock of its socket, which the I/O thread has.
"""
import importlib
import resource
import subprocess
import sys
import tempfile
import time

MESSAGES, SIZE = 3000, 1 << 20
WORK_NS = 100_000
SEND = """
import importlib, sys
zmq = importlib.import_module(sys.argv[1])
out = zmq.Context().socket(zmq.PUSH)
out.linger = 0
out.connect(sys.argv[2])
message = bytes(int(sys.argv[3]))
while True:
    out.send(message)
"""


def sleeps():
    return resource.getrusage(resource.RUSAGE_THREAD).ru_nvcsw


def work():
    end = time.perf_counter_ns() + WORK_NS
    while time.perf_counter_ns() < end:
        pass


def received(zmq, pull):
    most = count = 0
    while count < MESSAGES:
        work()
        message = None      # its memory is given back before it is counted
        before = sleeps()
        try:
            message = pull.recv(zmq.NOBLOCK)
        except zmq.Again:
            continue
        most = max(most, sleeps() - before)
        count += len(message) == SIZE
    return most


def main(module, transport):
    zmq = importlib.import_module(module)
    context = zmq.Context()
    pull = context.socket(zmq.PULL)
    with tempfile.TemporaryDirectory() as folder:
        pull.bind(f"ipc://{folder}/s" if transport == "ipc" else f"{transport}://127.0.0.1:*")
        child = subprocess.Popen([sys.executable, "-c", SEND, module, pull.last_endpoint.decode(), str(SIZE)])
        try:
            pull.recv()
            print(received(zmq, pull))
        finally:
            child.kill()
            child.wait()
            context.destroy(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
