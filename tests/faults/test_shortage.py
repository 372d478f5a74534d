"""Every allocation, and every call for a descriptor, thread or address, made to fail once: no crash, no hang, nothing leaked, an error that
tells what ran out or a connection lost and restored, and everything works afterwards.

The n-th is counted over all threads, so a run does not always hit the same place; all n together leave none out.
"""

import errno
import os
import threading
import time

import pytest
import shortage_programs
from countdown import blocks, memory_fails, resources_fail

NAMES = [f"{program.__name__}-{kind}" for program, kind in shortage_programs.CASES]
SETTLED = 10.0  # s: what ends in the background has ended by then


def descriptors():
    return len(os.listdir("/proc/self/fd"))


def run(zmq, program, kind, folder):
    """The program in a context of its own; True if a call was refused."""
    context = None
    try:
        context = zmq.Context()
        program(zmq, context, shortage_programs.endpoint(kind, folder))
        return False
    except (zmq.ZMQError, MemoryError) as error:
        if not shortage_programs.refused(zmq, error):
            raise
        return True
    finally:
        if context is not None:
            context.destroy(linger=0)


def settled(measure, before):
    """What is measured, once it is back at what it was, or at the end of the patience."""
    until = time.monotonic() + SETTLED
    while measure() > before and time.monotonic() < until:
        time.sleep(0.01)
    return measure()


def fail_one_after_another(zmq, program, kind, folder, failing):
    for _ in range(3):
        run(zmq, program, kind, folder)  # whatever is made once and kept is made now
    before = blocks(), descriptors(), threading.active_count()
    nth = 0
    happened = True
    while happened:
        nth += 1
        with failing(nth) as fault:
            run(zmq, program, kind, folder)
        happened = fault.happened
        assert settled(blocks, before[0]) <= before[0], nth
        assert settled(descriptors, before[1]) <= before[1], nth
        assert threading.active_count() == before[2], nth
    assert nth > 3
    # With the last fault behind us everything is as ever.
    assert run(zmq, program, kind, folder) is False
    return nth


@pytest.mark.timeout(600)
@pytest.mark.parametrize("program, kind", shortage_programs.CASES, ids=NAMES)
def test_each_allocation_fails_once(zmq, tmp_path, program, kind):
    fail_one_after_another(zmq, program, kind, tmp_path, memory_fails)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("error", [errno.EMFILE, errno.ENOMEM], ids=["EMFILE", "ENOMEM"])
@pytest.mark.parametrize("program, kind", shortage_programs.CASES, ids=NAMES)
def test_each_descriptor_fails_once(zmq, tmp_path, program, kind, error):
    if kind == "inproc" and program is not shortage_programs.polled:
        pytest.skip("inproc takes no descriptor")
    fail_one_after_another(zmq, program, kind, tmp_path, lambda nth: resources_fail(nth, error=error))
