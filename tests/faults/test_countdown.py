"""The machine itself: a fault comes where it was asked for, once, and blocks are counted."""

import errno

import pytest
from countdown import blocks, memory_fails, resources_fail


def test_the_first_allocation_fails_and_only_it(zmq):
    context = zmq.Context()
    with memory_fails(1) as fault:
        with pytest.raises(zmq.ZMQError) as raised:
            context.socket(zmq.PUSH)
        assert raised.value.errno == errno.ENOMEM
        assert fault.happened
        context.socket(zmq.PUSH).close()
    context.term()


def test_a_run_of_allocations_fails(zmq):
    with memory_fails(1, run=2):
        for _ in range(2):
            with pytest.raises(MemoryError):
                zmq.Context()
        zmq.Context().term()


def test_a_fault_that_does_not_come_is_told(zmq):
    with memory_fails(10_000) as fault:
        zmq.Context().term()
    assert not fault.happened
    assert fault.next < 10_000


def test_the_first_descriptor_fails(zmq):
    context = zmq.Context()
    socket = context.socket(zmq.PULL)
    with resources_fail(1, error=errno.ENFILE) as fault:
        with pytest.raises(zmq.ZMQError) as raised:
            socket.bind("tcp://127.0.0.1:*")
        assert raised.value.errno == errno.ENFILE
        assert fault.happened
    socket.bind("tcp://127.0.0.1:*")
    socket.close()
    context.term()


def test_blocks_are_counted(zmq):
    zmq.Context().term()
    before = blocks()
    context = zmq.Context()
    assert blocks() > before
    context.term()
    del context
    assert blocks() == before
