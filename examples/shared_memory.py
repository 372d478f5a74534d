"""Two processes: one writes pictures straight into memory that both share, the other reads them in place."""

import multiprocessing
import os
import tempfile

import zmqcore as zmq

SIZE = 1920 * 1080 * 3
PICTURES = 20
ROOM = 16 * SIZE


def camera(endpoint):
    with zmq.Context() as context, context.socket(zmq.PUSH) as push:
        push.SHARED_MEMORY = ROOM
        push.connect(endpoint)
        for number in range(PICTURES):
            frame = push.lend(SIZE)
            memoryview(frame)[:] = bytes([number]) * SIZE  # a real camera would write here itself
            push.send(frame, copy=False)


def main():
    folder = tempfile.mkdtemp()
    endpoint = f"ipc://{folder}/camera"
    with zmq.Context() as context, context.socket(zmq.PULL) as pull:
        pull.SHARED_MEMORY = ROOM
        pull.rcvtimeo = 30_000
        pull.bind(endpoint)
        process = multiprocessing.get_context("spawn").Process(target=camera, args=(endpoint,))
        process.start()
        for number in range(PICTURES):
            picture = memoryview(pull.recv(copy=False))
            assert picture[0] == picture[-1] == number
            del picture  # gives the memory back
        shared = pull.statistics().shared_in
        process.join()
    os.rmdir(folder)
    print(f"{PICTURES} pictures, {shared // SIZE} of them through shared memory")


if __name__ == "__main__":
    main()
