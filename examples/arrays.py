"""An array of NumPy on its way: dtype, shape and order arrive, and within a process nothing is copied."""

import numpy as np

import zmqcore as zmq

with zmq.Context() as context, context.socket(zmq.PUSH) as push, context.socket(zmq.PULL) as pull:
    push.connect(pull.bind("inproc://arrays").addr)
    image = np.linspace(0, 1, 1920 * 1080, dtype=np.float32).reshape(1080, 1920)
    push.send_array(image, copy=False)
    received = pull.recv_array()
    print(received.dtype, received.shape, "the same memory:", np.shares_memory(image, received))

    push.send_multipart([np.arange(4), np.arange(3.0)])
    numbers, floats = np.zeros(4, dtype=int), np.zeros(3)
    print(pull.recv_multipart_into([numbers, floats]), numbers, floats)
