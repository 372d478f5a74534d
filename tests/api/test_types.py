"""What a type checker says of programs."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

MODULE = os.environ.get("ZMQ_MODULE", "zmqcore")  # as in tests/conftest.py

pytest.importorskip("mypy", reason="no mypy on free-threaded builds")

PROGRAM = f"""
import array
import {MODULE} as zmq
import {MODULE}.asyncio
import {MODULE}.utils.monitor

def both(context: zmq.Context[zmq.Socket[bytes]], socket: zmq.Socket[bytes]) -> list[bytes]:
    with context.socket(zmq.PAIR) as other:
        other.send(socket.recv())
        return other.recv_multipart()

class Own(zmq.Socket[bytes]): ...

context = zmq.Context()
socket: zmq.Socket[bytes] = context.socket(zmq.PAIR)
both(context, socket)
both(context, Own(context, zmq.PAIR))
socket.send(b"")
socket.send(bytearray())
socket.send(memoryview(b""))
socket.send(array.array("i"))
socket.send(socket.recv(copy=False))
socket.send_multipart([b"", bytearray(), zmq.Frame(b"")])
socket.send_multipart((b"", memoryview(b"")))
socket.send_string("text")
nothing: None = socket.send(b"")
tracker: zmq.MessageTracker = socket.send(b"", track=True)
same: zmq.Context[zmq.Socket[bytes]] = zmq.SyncContext.instance()
happened: bytes = {MODULE}.utils.monitor.recv_monitor_message(socket)["endpoint"]

async def wait(monitor: {MODULE}.asyncio.Socket) -> bytes:
    return (await {MODULE}.utils.monitor.recv_monitor_message(monitor))["endpoint"]

async def receive(socket: {MODULE}.asyncio.Socket) -> None:
    frame: bytes = await socket.recv()
    kept: zmq.Frame = await socket.recv(copy=False)
    frames: list[bytes] = await socket.recv_multipart()
    text: str = await socket.recv_string()
    await socket.send_string(text)
    number: int = await socket.recv()  # error
    word: int = await socket.recv_string()  # error

text: str = socket.recv_string()
status: int = zmq.proxy_steerable(socket, socket)
number: int = socket.recv_string()  # error
socket.send("text")  # error
socket.send(5)  # error
socket.send_multipart(["text"])  # error
"""

# Where pyzmq's annotations tell less, or something else.
BETTER = """
import zmqcore as zmq
import zmqcore.asyncio

def bare(context: zmq.Context, socket: zmq.Socket) -> bytes:
    return socket.recv()

context = zmq.Context.instance()
socket = context.socket(zmq.PAIR)
bare(context, socket)
socket.recv_string() + 5  # error
number: int = zmqcore.asyncio.Context.instance().socket(zmq.PAIR)  # error
awaited: zmqcore.asyncio.Socket = zmqcore.asyncio.Context.instance().socket(zmq.PAIR)
frame = zmq.Frame(b"")
frame.set("group", "name")
frame.set("routing_id", 5)
frame.set("group", 5)  # error
"""


@pytest.mark.timeout(180)
@pytest.mark.parametrize("text", [pytest.param(PROGRAM, id="as_pyzmq"), pytest.param(BETTER, id="better", marks=pytest.mark.better)])
def test_mypy(tmp_path, text):
    lines = text.splitlines()
    program = tmp_path / "program.py"
    program.write_text(text)
    environment = os.environ | ({"MYPYPATH": str(Path(__file__).parents[2])} if MODULE == "zmqcore" else {})
    command = [sys.executable, "-m", "mypy", "--config-file=", "--python-version=3.12", f"--cache-dir={tmp_path}", "--strict", program]
    said = subprocess.run(command, env=environment, capture_output=True, text=True).stdout
    wrong = {int(number) for number in re.findall(r"program\.py:(\d+): error", said)}
    assert wrong == {number for number, line in enumerate(lines, 1) if line.endswith("# error")}, said
