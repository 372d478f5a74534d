"""Names whose server takes its time: who asks for them, who waits for them, and what happens meanwhile to sockets, threads and processes."""

import pytest
from preload import run_with

pytestmark = pytest.mark.better  # libzmq's I/O thread asks by itself, and everything else of that thread waits

# Names that end in .slow are not answered before names_answer(): shared/slow_names.c. A context has eight threads that ask (RESOLVERS).
BEGIN = """
import ctypes, os, signal, threading, time
import zmqcore as zmq
system = ctypes.CDLL(None)
context = zmq.Context()

def until(condition):
    while not condition():
        time.sleep(0.001)

def opened(kind, **options):
    socket = context.socket(kind)
    socket.rcvtimeo = 15000
    for name, value in options.items():
        setattr(socket, name, value)
    return socket

def ask(count, **options):
    "Sockets that wait for so many names, and eight of them are being asked for."
    made = [opened(zmq.PUSH, **options) for _ in range(count)]
    for number, socket in enumerate(made):
        socket.connect(f"tcp://{number}.slow:1")
    until(lambda: system.names_asked() == min(count, 8))
    return made

def bound():
    pull = opened(zmq.PULL)
    return pull, pull.bind_to_random_port("tcp://127.0.0.1")
"""

UNWANTED = """
for socket in ask(20, linger=0):
    socket.close()
system.names_answer()
context.term()
print(system.names_asked())
"""

BESIDE = """
ask(5)
pull, port = bound()
push = opened(zmq.PUSH)
push.connect(f"tcp://localhost:{port}")
push.send(b"meanwhile")
print(pull.recv().decode())
system.names_answer()
context.destroy(linger=0)
"""

# Its socket makes no second attempt.
NINTH = """
ask(8)
pull, port = bound()
push = opened(zmq.PUSH, reconnect_ivl=-1)
push.connect(f"tcp://localhost:{port}")
push.send(b"afterwards")
system.names_answer()
print(pull.recv().decode())
context.destroy(linger=0)
"""

# The thread that has asked for the first name is called for the second, for no other can be started.
IDLE = """
pull, port = bound()
for message in b"one", b"after the other":
    push = opened(zmq.PUSH, reconnect_ivl=-1)
    push.connect(f"tcp://localhost:{port}")
    push.send(message)
    print(pull.recv().decode(), end=" ")
    system.threads_refuse(1)
context.destroy(linger=0)
"""

# The socket that waits for the only thread makes no second attempt.
NO_SECOND_THREAD = """
ask(1)
pull, port = bound()
push = opened(zmq.PUSH, reconnect_ivl=-1)
system.threads_refuse(1)
push.connect(f"tcp://localhost:{port}")
push.send(b"by the first")
until(lambda: system.threads_refused())
system.names_answer()
print(pull.recv().decode())
context.destroy(linger=0)
"""

NO_THREAD = """
pull, port = bound()
push = opened(zmq.PUSH, reconnect_ivl=1)
watch = push.get_monitor_socket(zmq.EVENT_CONNECT_RETRIED)
watch.rcvtimeo = 15000
system.threads_refuse(1)
push.connect(f"tcp://localhost:{port}")
push.send(b"by a later attempt")
for _ in range(2):
    watch.recv_multipart()
system.threads_refuse(0)
print(pull.recv().decode())
context.destroy(linger=0)
"""

# What the socket has left goes when the name is known: one is asked for, or waits for those that are.
CLOSED = """
ask({busy})
pull, port = bound()
push = opened(zmq.PUSH, linger=-1)
push.connect(f"tcp://here.slow:{{port}}")
push.send(b"left")
until(lambda: system.names_asked() == min({busy} + 1, 8))
push.close()
system.names_answer()
print(pull.recv().decode())
context.destroy(linger=0)
"""

# The resolver's thread ends the last session of a closed socket; term() waits for nothing else.
CLOSED_IN_VAIN = """
for socket in ask(3, linger=-1, reconnect_ivl=-1):
    socket.send(b"for nobody")
    socket.close()
ended = threading.Thread(target=context.term, daemon=True)
ended.start()
system.names_answer()
ended.join(15)
print(context.closed)
"""

# The second one comes when the first waits for the threads.
TERMINATED_BY_TWO = """
for socket in ask(20, linger=0):
    socket.close()
enders = [threading.Thread(target=context.term) for _ in range(2)]
enders[0].start()
until(system.threads_joining)
enders[1].start()
until(lambda: context.closed or system.threads_joined_twice())
system.names_answer()
for ender in enders:
    ender.join()
print(system.threads_joined_twice(), system.threads_joining(), system.names_asked())
"""

# The child has none of the threads that the parent's context waits for.
FORKED = """
for socket in ask(20, linger=0):
    socket.close()
del socket
child = os.fork()
if not child:
    signal.alarm(15)
    context.term()
    context = zmq.Context()
    pull, port = bound()
    push = opened(zmq.PUSH)
    push.connect(f"tcp://localhost:{port}")
    push.send(b"the child's")
    pull.recv()
    context.destroy()
    os._exit(0)
print(os.waitpid(child, 0)[1])
system.names_answer()
context.term()
print(system.names_asked())
"""


def run(folder, program):
    return run_with("slow_names", folder, BEGIN + program).strip()


def test_REC_1_names_that_nobody_waits_for_are_not_looked_up(tmp_path):
    """Each could keep term() waiting for as long as the resolver takes."""
    assert run(tmp_path, UNWANTED) == "8"


def test_REC_1_names_without_an_answer_hold_up_no_others(tmp_path):
    """libzmq's I/O thread asks by itself, and everything else of that thread waits."""
    assert run(tmp_path, BESIDE) == "meanwhile"


def test_REC_1_a_ninth_name_waits_for_one_of_eight(tmp_path):
    assert run(tmp_path, NINTH) == "afterwards"


def test_REC_1_an_idle_thread_takes_the_next_name(tmp_path):
    assert run(tmp_path, IDLE) == "one after the other"


def test_REC_1_without_a_second_thread_names_wait_for_the_first(tmp_path):
    assert run(tmp_path, NO_SECOND_THREAD) == "by the first"


def test_REC_1_without_any_thread_the_attempt_is_made_again(tmp_path):
    assert run(tmp_path, NO_THREAD) == "by a later attempt"


@pytest.mark.parametrize("busy", [0, 8], ids=["asked for", "waits"])
def test_REC_1_closed_while_its_name_is_looked_up(tmp_path, busy):
    assert run(tmp_path, CLOSED.format(busy=busy)) == "left"


def test_REC_1_closed_and_its_name_is_unknown(tmp_path):
    assert run(tmp_path, CLOSED_IN_VAIN) == "True"


def test_REC_1_terminated_by_two_while_names_are_looked_up(tmp_path):
    assert run(tmp_path, TERMINATED_BY_TWO) == "0 0 8"


def test_REC_1_forked_while_names_are_looked_up(tmp_path):
    assert run(tmp_path, FORKED) == "0\n8"
