"""For tests of programs that use zmqcore: sockets that are closed and contexts that are ended after each test, and pairs that are connected.

pyzmq has these classes in `zmq.tests`, from where other projects' tests take them. The tests of zmqcore itself are not installed.
"""

from __future__ import annotations

import functools
import platform
import threading
import unittest
from collections.abc import Callable
from typing import Any, ClassVar
from unittest import SkipTest

import zmqcore as zmq

try:
    import zmqcore.green as gzmq
except ImportError:  # no gevent
    gzmq = None  # type: ignore[assignment]

__all__ = ["BaseZMQTestCase", "GreenTest", "PollZMQTestCase", "SkipTest", "have_gevent", "skip_green", "term_context"]

PYPY = platform.python_implementation() == "PyPy"
have_gevent = gzmq is not None


def skip_green(f: Callable[..., Any]) -> Callable[..., Any]:
    """Leave a test method out where `green` is true.

    Args:
        f (Callable): the method.

    Returns:
        Callable: it, or what skips it.
    """

    @functools.wraps(f)
    def skipping(self: Any, *args: Any, **kwargs: Any) -> Any:
        self.skip_green()
        return f(self, *args, **kwargs)

    return skipping


def term_context(ctx: zmq.Context[Any], timeout: float) -> None:
    """End a context, and wait no longer than a time for it.

    Args:
        ctx (Context): the context.
        timeout (float): seconds.

    Raises:
        RuntimeError: it has not ended by then: a socket is open, or has messages that linger.
    """
    ending = threading.Thread(target=ctx.term, daemon=True)
    ending.start()
    ending.join(timeout)
    if ending.is_alive():
        if type(ctx)._instance is ctx:
            type(ctx)._instance = None  # or else the next test would get it
        raise RuntimeError(f"{ctx!r} has not ended in {timeout} s: is one of its sockets still open, or does one linger?")


class BaseZMQTestCase(unittest.TestCase):
    """A TestCase with `self.context`, whose sockets are closed and whose contexts are ended after each test."""

    green: ClassVar[bool] = False
    teardown_timeout: ClassVar[float] = 10
    test_timeout_seconds: ClassVar[float] = 60
    sockets: list[Any]
    contexts: list[Any]

    @property
    def Context(self) -> Any:
        """The class of contexts: zmqcore.green's where `green` is true."""
        return gzmq.Context if self.green else zmq.Context

    def setUp(self) -> None:
        super().setUp()
        if self.green and not have_gevent:
            raise SkipTest("gevent is not installed")
        self.context = self.Context.instance()
        self.contexts = [self.context]
        self.sockets = []

    def tearDown(self) -> None:
        contexts = {*self.contexts, *(socket.context for socket in self.sockets)}
        for socket in self.sockets:
            socket.close(linger=0)
        for context in contexts:
            if self.green:
                context.term()  # a thread could not wait for this one's greenlets
            else:
                term_context(context, self.teardown_timeout)
        super().tearDown()

    def skip_green(self) -> None:
        """Leave the rest of this test out where `green` is true."""
        if self.green:
            raise SkipTest("not for greenlets")

    def socket(self, socket_type: int) -> Any:
        """Make a socket that is closed after the test.

        Args:
            socket_type (int): a SocketType.

        Returns:
            Socket: it.
        """
        made = self.context.socket(socket_type)
        self.sockets.append(made)
        return made

    def create_bound_pair(self, type1: int = zmq.PAIR, type2: int = zmq.PAIR, interface: str = "tcp://127.0.0.1") -> tuple[Any, Any]:
        """Make two sockets; the first one is bound to a free port, the second one connects to it.

        Args:
            type1 (int): type of the first. Default zmq.PAIR.
            type2 (int): type of the second. Default zmq.PAIR.
            interface (str): an endpoint without a port. Default "tcp://127.0.0.1".

        Returns:
            tuple[Socket, Socket]: they do not linger, and are closed after the test.
        """
        bound, connected = self.socket(type1), self.socket(type2)
        bound.linger = connected.linger = 0
        port = bound.bind_to_random_port(interface)
        connected.connect(f"{interface}:{port}")
        return bound, connected

    def ping_pong(self, s1: Any, s2: Any, msg: bytes) -> bytes:
        """Send a frame from the first to the second and back, and return what came back."""
        s1.send(msg)
        s2.send(s2.recv())
        back: bytes = s1.recv()
        return back

    def ping_pong_json(self, s1: Any, s2: Any, o: Any) -> Any:
        """The same with an object as JSON."""
        if zmq.utils.jsonapi.jsonmod is None:
            raise SkipTest("no JSON")
        s1.send_json(o)
        s2.send_json(s2.recv_json())
        return s1.recv_json()

    def ping_pong_pyobj(self, s1: Any, s2: Any, o: Any) -> Any:
        """The same with a pickled object."""
        s1.send_pyobj(o)
        s2.send_pyobj(s2.recv_pyobj())
        return s1.recv_pyobj()

    def recv(self, socket: Any, **kwargs: Any) -> Any:
        """Receive a frame; fails if none comes within a second."""
        if not socket.poll(1000):
            self.fail("nothing to receive")
        return socket.recv(**kwargs)

    def recv_multipart(self, socket: Any, **kwargs: Any) -> Any:
        """Receive a message; fails if none comes within a second."""
        if not socket.poll(1000):
            self.fail("nothing to receive")
        return socket.recv_multipart(**kwargs)

    def assertRaisesErrno(self, errno: int, func: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
        """Fail unless the call raises a ZMQError of this errno."""
        with self.assertRaises(zmq.ZMQError) as caught:
            func(*args, **kwargs)
        self.assertEqual(caught.exception.errno, errno, f"{caught.exception!r} is not {zmq.strerror(errno)}")


class PollZMQTestCase(BaseZMQTestCase):
    """For tests that poll."""


class GreenTest:
    """Put before a TestCase of the above, it makes its tests run with zmqcore.green."""

    green: ClassVar[bool] = True
    teardown_timeout: ClassVar[float] = 10
