"""ZMQStream: a socket on an event loop that calls functions of the program.

Rules
- What is sent is queued and leaves in the loop's next turn, or in `flush`. What arrives is handed over as long as there is a function for it;
  without one it stays in the socket.
- The descriptor is level-triggered and the loop listens to it only while the stream waits for something: to receive, or for room. So nothing
  is missed by being looked at late, and what the stream leaves in the socket makes the loop turn again.
- After a turn in which messages came or went, the stream looks again in each turn of the loop for a short while: an answer may be on its way.
- A turn hands over many messages, but no longer than TURN: others on the loop have their turn, too. Sending and receiving do not starve
  each other.
- A function of the program may do anything, also close the stream: its state is read anew after each call.
- What a function raises is logged, and goes on to the loop or to the caller of `flush`. No message is lost by it.
- The stream may be used from another thread than the loop's for sending and for changing functions, not from several at once.
"""

from __future__ import annotations

import asyncio
import inspect
import pickle
import sys
import warnings
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from time import monotonic
from typing import Any

from tornado.ioloop import IOLoop
from tornado.log import gen_log

from .. import _core
from .. import asyncio as _asyncio
from .._awaiting import DONTWAIT, PAUSE_FIRST, PAUSE_LAST, Awaitings, Sharer, awaitings_of, running_loop
from .._readers import listen, stop_listening
from .._received import receive_again
from ..constants import POLLIN, POLLOUT, Errno
from ..error import Again, ContextTerminated, ZMQError
from ..poll import Poller
from ..socket import Socket
from ..utils import jsonapi
from ._closer import Closer

__all__ = ["ZMQStream"]

# As plain ints: operators of enums are slow.
IN = int(POLLIN)
OUT = int(POLLOUT)

# Seconds that a turn may take in each direction before the loop goes on to others; the function called last may take longer.
TURN = 0.001

_core_recv_multipart = _core.Socket.recv_multipart


class ZMQStream(Sharer):
    """A socket whose messages are handed to callbacks, on an event loop.

    Args:
        socket (Socket): an ordinary socket, or one of zmqcore.green. An asynchronous one is used through a shadow, with a warning.
        io_loop (IOLoop): a loop of tornado or of asyncio. Default None: tornado's current one.

    Raises:
        ZMQError (ENOTSOCK): the socket is closed.
        TypeError: not a socket.
    """

    socket: Any
    io_loop: Any
    poller: Poller

    def __init__(self, socket: Any, io_loop: Any = None) -> None:
        if not isinstance(socket, _core.Socket):
            raise TypeError(f"a socket is needed, not {socket!r}")
        if isinstance(socket, _asyncio.Socket):
            warnings.warn(
                "ZMQStream is for ordinary sockets: it uses a shadow of this one. Socket.shadow(socket) makes one.",
                RuntimeWarning,
                stacklevel=2,
            )
            socket = Socket.shadow(socket)
        if socket.closed:
            raise ZMQError(Errno.ENOTSOCK)
        self.socket = socket
        self.io_loop = IOLoop.current() if io_loop is None else io_loop
        self.poller = Poller()
        self.poller.register(socket, POLLIN | POLLOUT)
        self._loop: asyncio.AbstractEventLoop = getattr(self.io_loop, "asyncio_loop", self.io_loop)
        self._fd: int = socket.fileno()
        self._closer: Closer | None = None
        if hasattr(self.io_loop, "asyncio_loop"):  # one of tornado's
            try:
                self._closer = Closer(socket, self.io_loop)
            except ValueError:  # another stream of this socket is there already
                pass
        self._listening = False
        self._kicked = False
        self._due = False  # as _kicked, for what has been queued alone
        self._spinner = _core.Spinner()
        self._spinning = False  # its next look is on the loop's list
        self._terminated = False
        self._pause: asyncio.TimerHandle | None = None
        self._pause_time = PAUSE_FIRST
        self._send_queue: deque[tuple[Any, dict[str, Any]]] = deque()
        self._recv_callback: Callable[..., Any] | None = None
        self._recv_copy = True
        self._send_callback: Callable[..., Any] | None = None
        self._close_callback: Callable[[], Any] | None = None
        self._tasks: set[asyncio.Future[Any]] = set()
        self._shared: Awaitings = awaitings_of(socket)
        self._shared.add(self)
        # pyzmq's names of the socket's methods.
        self.bind = socket.bind
        self.bind_to_random_port = socket.bind_to_random_port
        self.connect = socket.connect
        self.setsockopt = socket.setsockopt
        self.getsockopt = socket.getsockopt
        self.setsockopt_string = socket.setsockopt_string
        self.getsockopt_string = socket.getsockopt_string
        self.setsockopt_unicode = socket.setsockopt_unicode
        self.getsockopt_unicode = socket.getsockopt_unicode

    # -- functions to be called

    def on_recv(self, callback: Callable[[list[Any]], Any] | None, copy: bool = True) -> None:
        """Set the callback for messages that arrive.

        Args:
            callback (Callable): called with the list of frames of each message; a coroutine that it returns is run. None leaves messages in
                the socket.
            copy (bool): False passes Frames instead of bytes. Default True.

        Raises:
            OSError: the stream is closed.
            TypeError: not callable.
        """
        self._check_open()
        _check_callback(callback)
        self._recv_callback = callback
        self._recv_copy = copy
        if callback is not None:
            self._listen_soon()
            if self._shared.returned:  # of these the descriptor knows nothing
                self._kick()

    def on_recv_stream(self, callback: Callable[[ZMQStream, list[Any]], Any] | None, copy: bool = True) -> None:
        """Set a callback for messages that arrive which can serve several streams.

        Args:
            callback (Callable): called with the stream and the list of frames of each message; None leaves messages in the socket.
            copy (bool): False passes Frames instead of bytes. Default True.

        Raises:
            OSError: the stream is closed.
            TypeError: not callable.
        """
        if callback is None:
            self.stop_on_recv()
            return
        _check_callback(callback)
        function = callback
        self.on_recv(lambda message: function(self, message), copy=copy)

    def stop_on_recv(self) -> None:
        """Leave messages that arrive in the socket.

        Raises:
            OSError: the stream is closed.
        """
        self.on_recv(None)

    def on_send(self, callback: Callable[[Any, Any], Any] | None) -> None:
        """Set the callback for messages that have been sent.

        Args:
            callback (Callable): called with each message and its status: None, a MessageTracker, or the error that kept the message from
                being sent. None calls nothing.

        Raises:
            OSError: the stream is closed.
            TypeError: not callable.
        """
        self._check_open()
        _check_callback(callback)
        self._send_callback = callback

    def on_send_stream(self, callback: Callable[[ZMQStream, Any, Any], Any] | None) -> None:
        """Set a callback for messages that have been sent which can serve several streams.

        Args:
            callback (Callable): called with the stream, the message and its status, see `on_send()`. None calls nothing.

        Raises:
            OSError: the stream is closed.
            TypeError: not callable.
        """
        if callback is None:
            self.stop_on_send()
            return
        _check_callback(callback)
        function = callback
        self.on_send(lambda message, status: function(self, message, status))

    def stop_on_send(self) -> None:
        """Call nothing for messages that have been sent.

        Raises:
            OSError: the stream is closed.
        """
        self.on_send(None)

    def on_err(self, callback: Callable[[], Any] | None) -> None:
        """Deprecated: it is never called, errors are logged.

        Args:
            callback (Callable): ignored.
        """
        gen_log.warning("on_err does nothing: errors are logged")

    def stop_on_err(self) -> None:
        """Deprecated: see `on_err()`."""
        gen_log.warning("stop_on_err does nothing: errors are logged")

    def set_close_callback(self, callback: Callable[[], Any] | None) -> None:
        """Set the callback for the end of the stream.

        Args:
            callback (Callable): called without arguments when the stream is closed. None calls nothing.

        Raises:
            TypeError: not callable.
        """
        _check_callback(callback)
        self._close_callback = callback

    # -- sending

    def send(
        self,
        msg: Any,
        flags: int = 0,
        copy: bool = True,
        track: bool = False,
        callback: Callable[[Any, Any], Any] | None = None,
        **kwargs: Any,
    ) -> None:
        """Queue a message of one frame.

        Args:
            msg (bytes | buffer | Frame): the frame.
            flags (int): zmq.SNDMORE. Default 0.
            copy (bool): see `zmqcore.Socket.send()`. Default True.
            track (bool): give the callback a MessageTracker. Default False.
            callback (Callable): the same as calling `on_send(callback)` before. Default None: the callback stays.
            **kwargs: for `zmqcore.Socket.send_multipart()`.

        Raises:
            OSError: the stream is closed.
        """
        self.send_multipart([msg], flags=flags, copy=copy, track=track, callback=callback, **kwargs)

    def send_multipart(
        self,
        msg: Sequence[Any],
        flags: int = 0,
        copy: bool = True,
        track: bool = False,
        callback: Callable[[Any, Any], Any] | None = None,
        **kwargs: Any,
    ) -> None:
        """Queue a message. It leaves in the next turn of the loop, or as soon as there is room.

        Args:
            msg (Sequence[bytes | buffer | Frame]): the frames.
            flags (int): zmq.SNDMORE. Default 0.
            copy (bool): see `zmqcore.Socket.send()`. Default True.
            track (bool): give the callback a MessageTracker. Default False.
            callback (Callable): the same as calling `on_send(callback)` before. Default None: the callback stays.
            **kwargs: for `zmqcore.Socket.send_multipart()`.

        Raises:
            OSError: the stream is closed.
        """
        self._check_open()
        if callback is not None:
            self.on_send(callback)
        kwargs.update(flags=flags, copy=copy, track=track)
        self._send_queue.append((msg, kwargs))
        if not self._due and not self._kicked and not self._loop.is_closed():
            self._due = True
            self._soon(self._turn_due)

    def send_string(
        self,
        u: str,
        flags: int = 0,
        encoding: str = "utf-8",
        callback: Callable[[Any, Any], Any] | None = None,
        **kwargs: Any,
    ) -> None:
        """Queue a string, encoded.

        Args:
            u (str): the string.
            flags (int): zmq.SNDMORE. Default 0.
            encoding (str): Default "utf-8".
            callback (Callable): as for `send_multipart()`. Default None.
            **kwargs: for `send()`.

        Raises:
            TypeError: not a string.
            OSError: the stream is closed.
        """
        if not isinstance(u, str):
            raise TypeError("str objects only")
        self.send(u.encode(encoding), flags=flags, callback=callback, **kwargs)

    send_unicode = send_string

    def send_json(
        self, obj: Any, flags: int = 0, callback: Callable[[Any, Any], Any] | None = None, **kwargs: Any
    ) -> None:
        """Queue an object as JSON.

        Args:
            obj (Any): what json.dumps() takes.
            flags (int): zmq.SNDMORE. Default 0.
            callback (Callable): as for `send_multipart()`. Default None.
            **kwargs: copy, track, routing_id and group for `send()`, others for json.dumps().

        Raises:
            TypeError: json.dumps() does not take it.
            OSError: the stream is closed.
        """
        of_send = {key: kwargs.pop(key) for key in ("copy", "track", "routing_id", "group") if key in kwargs}
        self.send(jsonapi.dumps(obj, **kwargs), flags=flags, callback=callback, **of_send)

    def send_pyobj(
        self,
        obj: Any,
        flags: int = 0,
        protocol: int = -1,
        callback: Callable[[Any, Any], Any] | None = None,
        **kwargs: Any,
    ) -> None:
        """Queue a pickled object.

        Args:
            obj (Any): what can be pickled.
            flags (int): zmq.SNDMORE. Default 0.
            protocol (int): of pickle; -1 is the newest. Default -1.
            callback (Callable): as for `send_multipart()`. Default None.
            **kwargs: for `send()`.

        Raises:
            Exception: it cannot be pickled.
            OSError: the stream is closed.
        """
        self.send(pickle.dumps(obj, protocol), flags=flags, callback=callback, **kwargs)

    # -- state

    def receiving(self) -> bool:
        """Return whether there is a callback for messages that arrive.

        Returns:
            bool: whether there is.
        """
        return self._recv_callback is not None

    def sending(self) -> bool:
        """Return whether messages are queued.

        Returns:
            bool: whether there are.
        """
        return bool(self._send_queue)

    def closed(self) -> bool:
        """Return whether the stream is closed, by `close()` or because its socket is.

        Returns:
            bool: whether it is.
        """
        if self.socket is None:
            return True
        if self.socket.closed:
            gen_log.warning("%s has a closed socket", self)
            warnings.warn(
                f"{self!r} was closed after closing socket {self.socket!r}: what it had queued is lost. Close the stream, it closes the socket.",
                stacklevel=3,
            )
            self.close()
            return True
        return False

    def close(self, linger: int | None = None) -> None:
        """Close the socket, and then call the close callback. Messages that are still queued are dropped.

        Args:
            linger (int): ms for messages that the socket has taken; None: the socket's LINGER. Default None.
        """
        socket = self.socket
        if socket is None:
            return
        self.socket = None
        self._shared.others.discard(self)
        if self._closer is not None:
            self._closer.remove()
        self._recv_callback = None
        self._send_queue.clear()
        self._on_loop(self._leave)
        socket.close(linger)
        callback, self._close_callback = self._close_callback, None
        if callback is not None:
            self._run(callback)

    def flush(self, flag: int = POLLIN | POLLOUT, limit: int | None = None) -> int:
        """Send and hand over everything that is possible without waiting.

        Args:
            flag (int): POLLIN to receive, POLLOUT to send. Messages that are received without a callback are dropped. Default both.
            limit (int): how many messages at most; 0 and None: no limit, as with pyzmq. Default None.

        Returns:
            int: how many messages were sent and received.

        Raises:
            OSError: the stream is closed.
            Exception: what a callback has raised.
        """
        self._check_open()
        flag = int(flag)
        room = limit or sys.maxsize
        done = 0
        try:
            while done < room and self.socket is not None:
                before = done
                if flag & IN:
                    done += self._receive()
                if flag & OUT and done < room and self.socket is not None:
                    done += self._send()
                if done == before:
                    break
        finally:
            self._arrange()
        return done

    # -- a turn of the loop

    def _look(self) -> None:
        """The descriptor is readable."""
        if not self._spinning and self.socket is not None and not self.socket.closed:
            self._spinner.waited(self.socket)
        self._turn(True)

    def _turn_kicked(self) -> None:
        self._kicked = False
        self._turn(False)

    def _turn_due(self) -> None:
        self._due = False
        if self._send_queue:  # else it has left, in the turn in which it was queued
            self._turn(False)

    def _turn(self, told: bool) -> int:
        """Hands over and sends for a while; how many messages. `told`: by the descriptor."""
        progress = 0
        try:
            if self.closed():
                return 0
            end = monotonic() + TURN
            while self._recv_callback is not None and self._receive():
                progress += 1
                if monotonic() > end:
                    break
            end = monotonic() + TURN
            while self._send_queue and self._send():
                progress += 1
                if monotonic() > end:
                    self._kick()
                    break
        except ContextTerminated:
            self._terminate()
        except BaseException:
            progress += 1
            if self._send_queue:
                self._kick()
            raise
        finally:
            self._arrange(told and not progress)
            if progress and self._recv_callback is not None:
                self._begin_spin()
            if progress and (self._shared.of_loop or len(self._shared.others) > 1):
                self._shared.tell(self)
        return progress

    def _receive(self) -> int:
        """Receives a message and hands it over; how many that were."""
        socket = self.socket
        shared = self._shared
        try:
            if shared.returned:
                message = receive_again(socket, shared.returned, _core_recv_multipart, (DONTWAIT, self._recv_copy), {})
            else:
                message = socket.recv_multipart(DONTWAIT, self._recv_copy)
        except Again:
            return 0
        except ZMQError as error:
            if error.errno == Errno.ETERM:
                raise
            if not socket.closed and socket._events() & IN:  # else it is not for receiving, now or ever
                gen_log.error("RECV Error: %s", error)
            return 0
        callback = self._recv_callback
        if callback is not None:
            self._run(callback, message)
        return 1

    def _send(self) -> int:
        """Sends the first message of the queue; how many that were."""
        socket = self.socket
        queue = self._send_queue
        # Reading the events also has the descriptor tell when there is room, if there is none.
        if not queue or socket.closed or not socket._events() & OUT:
            return 0
        message, kwargs = queue.popleft()
        try:
            status = socket.send_multipart(message, **{**kwargs, "flags": kwargs["flags"] | DONTWAIT})
        except Again:
            queue.appendleft((message, kwargs))
            socket._events()
            return 0
        except ContextTerminated:
            queue.appendleft((message, kwargs))
            raise
        except ZMQError as error:
            gen_log.error("SEND Error: %s", error)
            status = error
        except Exception:
            gen_log.error("ZMQStream dropped a message that cannot be sent", exc_info=True)
            raise
        callback = self._send_callback
        if callback is not None:
            self._run(callback, message, status)
        return 1

    def _run(self, callback: Callable[..., Any], *args: Any) -> None:
        try:
            result = callback(*args)
        except BaseException as error:
            if isinstance(error, Exception):
                gen_log.error("Uncaught exception in ZMQStream callback", exc_info=True)
            raise
        if result is not None and inspect.isawaitable(result):
            task = asyncio.ensure_future(result, loop=self._loop)
            self._tasks.add(task)
            task.add_done_callback(self._ran)

    def _ran(self, task: asyncio.Future[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            gen_log.error("Uncaught exception in ZMQStream callback", exc_info=error)

    # -- spinning

    def _begin_spin(self) -> None:
        """Something came or went, and an answer may be on its way: quicker than sleeping and being woken up."""
        socket = self.socket
        self._spinner.end_spin()
        if socket is not None and not socket.closed and self._spinner.begin_spin(socket) and not self._spinning:
            self._spinning = True
            self._loop.call_soon(self._spin)

    def _spin(self) -> None:
        self._spinning = False
        socket = self.socket
        if socket is None or socket.closed or self._recv_callback is None:
            self._spinner.end_spin()
            return
        state = self._spinner.spin_on(socket)
        if state == 0:
            self._spinning = True
            self._loop.call_soon(self._spin)
        elif state > 0 and not self._turn(True):
            with suppress(ZMQError):  # closed, or its context has ended
                socket._events()  # brings the descriptor up to date, which the look has left to the call that follows

    # -- on the loop

    def _arrange(self, idle: bool = False) -> None:
        """Listens if there is something to wait for. `idle`: the descriptor was readable and nothing came of it."""
        socket = self.socket
        if socket is None or socket.closed or self._terminated:
            return
        waits = self._recv_callback is not None
        if not waits and not self._send_queue:
            if idle:
                self._stop()
        elif idle and not waits and self._readable_for_nobody(socket):
            self._stop()
            self._pause = self._loop.call_later(self._pause_time, self._look_again)
            self._pause_time = min(2 * self._pause_time, PAUSE_LAST)
        else:
            if not idle:
                self._pause_time = PAUSE_FIRST
            if not self._listening and self._pause is None and (waits or not self._kicked):
                self._listen_soon()
            if waits and self._shared.returned:
                self._kick()

    def _readable_for_nobody(self, socket: Any) -> bool:
        """Whether messages are there that the stream does not take, while it waits for room: the loop would turn without rest."""
        try:
            events = socket._events()
        except ZMQError:
            return False
        if events & OUT:
            self._kick()
            return False
        return bool(events & IN)

    def _look_again(self) -> None:
        self._pause = None
        self._turn(False)

    def _terminate(self) -> None:
        """The context has ended: the descriptor stays readable, and nothing more will come."""
        if not self._terminated:
            self._terminated = True
            self._stop()
            gen_log.warning("The context of %s was terminated: the stream waits to be closed", self)

    def _listen_soon(self) -> None:
        if not self._listening and not self._terminated:
            self._on_loop(self._listen)

    def _listen(self) -> None:
        if self.socket is not None and not self._listening and self._pause is None:
            listen(self._loop, self._fd, self._look)
            self._listening = True

    def _stop(self) -> None:
        if self._listening:
            self._listening = False
            stop_listening(self._loop, self._fd, self._look)

    def _leave(self) -> None:
        self._stop()
        if self._pause is not None:
            self._pause.cancel()
            self._pause = None

    def _kick(self) -> None:
        """Has a turn soon, whatever the descriptor says."""
        if not self._kicked and not self._loop.is_closed():
            self._kicked = True
            self._soon(self._turn_kicked)

    def _soon(self, function: Callable[[], None]) -> None:
        """In the loop's next turn."""
        if running_loop() is self._loop:
            self._loop.call_soon(function)
        else:
            self._loop.call_soon_threadsafe(function)

    def _on_loop(self, function: Callable[[], None]) -> None:
        """On the loop's thread, or now if there is none."""
        if running_loop() is self._loop or not self._loop.is_running():
            function()
        else:
            self._loop.call_soon_threadsafe(function)

    def _check_open(self) -> None:
        if self.closed():
            raise OSError("Stream is closed")

    # -- what the socket's other objects tell

    def news(self) -> None:
        """Something was done that may be what the stream waits for."""
        if self._send_queue or self._recv_callback is not None:
            self._kick()

    def end(self) -> None:
        """The socket is about to be closed."""
        if self.socket is not None and not self._loop.is_closed():
            self._on_loop(self._leave)
            self._kick()  # finds the socket closed


class NotCallable(TypeError, AssertionError):
    """What was given as a callback cannot be called. pyzmq's is an AssertionError."""


def _check_callback(callback: Any) -> None:
    if callback is not None and not callable(callback):
        raise NotCallable(f"a function is needed, not {callback!r}")
