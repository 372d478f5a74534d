"""Sending and receiving text and objects: what is built on `send` and `recv`.

Rules
- Each call sends or receives one frame (`send_serialized`, `recv_serialized`: one message) by `self.send` and `self.recv`, which may be a subclass's.
- What is received is loaded by `_deserialize`: asynchronous sockets load it when it is there.
- What fails to load has been received: the error says so, and the socket goes on.
- Whatever can be wrong with the arguments is found before anything is received.
"""

from __future__ import annotations

import builtins
import importlib
import pickle
import sys
from collections.abc import Callable, Iterable
from typing import Any, Literal, TypeAlias, TypeVar, overload

from . import _core, _pickles
from ._deadlines import within
from .utils import jsonapi

_T = TypeVar("_T")
Codec: TypeAlias = Literal["json", "msgspec", "msgpack"]

_OBJECTS = f"{__package__}._objects"

# Bits of Socket._asked.
ASKED_SEND = 1
ASKED_RECV = 2

# Older interpreters read it, and newer ones gain nothing from a higher one for messages.
DEFAULT_PROTOCOL = pickle.DEFAULT_PROTOCOL


def _objects() -> Any:
    """The module, loaded when it is first needed: it takes a while."""
    return sys.modules.get(_OBJECTS) or importlib.import_module(_OBJECTS)


class ObjectSocket(_core.Socket):
    """Base of Socket: text and objects."""

    def send_string(
        self, u: str, flags: int = 0, copy: bool = True, encoding: str = "utf-8", **kwargs: Any
    ) -> Any:
        """Send a text as one frame.

        Args:
            u (str): the text.
            flags (int): zmq.DONTWAIT, zmq.SNDMORE. Default 0.
            copy (bool): as for `send()`. Default True.
            encoding (str): Default "utf-8".
            **kwargs: `track`, `routing_id`, `group` and `timeout`, as for `send()`.

        Returns:
            MessageTracker | None: as `send()`.

        Raises:
            TypeError: not str.
            Again, ZMQError, ContextTerminated: as `send()`.

        Example:
            >>> push.send_string("héllo")
            >>> pull.recv_string()
            'héllo'
        """
        if not isinstance(u, str):
            raise TypeError("str objects only")
        return self.send(u.encode(encoding), flags=flags, copy=copy, **kwargs)

    send_unicode = send_string

    def recv_string(self, flags: int = 0, encoding: str = "utf-8", *, timeout: float | None = None) -> str:
        """Receive one frame as text.

        Args:
            flags (int): zmq.DONTWAIT. Default 0.
            encoding (str): Default "utf-8".
            timeout (float): milliseconds to wait at most, as for `recv()`. Default None.

        Returns:
            str: the text.

        Raises:
            UnicodeDecodeError: the frame is not text in this encoding. It has been received then.
            Again, ZMQError, ContextTerminated: as `recv()`.
        """
        return self._deserialize(self.recv(flags=flags, **within(timeout)), lambda frame: frame.decode(encoding))

    recv_unicode = recv_string

    def send_json(self, obj: Any, flags: int = 0, **kwargs: Any) -> Any:
        """Send an object as JSON, in one frame.

        Args:
            obj (Any): what json.dumps() takes.
            flags (int): zmq.DONTWAIT, zmq.SNDMORE. Default 0.
            **kwargs: `routing_id`, `group` and `timeout`, as for `send()`; others go to json.dumps().

        Returns:
            MessageTracker | None: as `send()`.

        Raises:
            TypeError: what json.dumps() does not take.
            Again, ZMQError, ContextTerminated: as `send()`.

        Example:
            >>> push.send_json({"answer": 42})
            >>> pull.recv_json()
            {'answer': 42}
        """
        of_send = {key: kwargs.pop(key) for key in ("routing_id", "group", "timeout") if key in kwargs}
        return self.send(jsonapi.dumps(obj, **kwargs), flags=flags, **of_send)

    def recv_json(self, flags: int = 0, *, timeout: float | None = None, **kwargs: Any) -> Any:
        """Receive one frame of JSON as an object.

        Args:
            flags (int): zmq.DONTWAIT. Default 0.
            timeout (float): milliseconds to wait at most, as for `recv()`. Default None.
            **kwargs: for json.loads().

        Returns:
            Any: the object.

        Raises:
            ValueError: the frame is not JSON. It has been received then.
            Again, ZMQError, ContextTerminated: as `recv()`.
        """
        return self._deserialize(self.recv(flags=flags, **within(timeout)), lambda frame: jsonapi.loads(frame, **kwargs))

    def send_object(self, obj: Any, flags: int = 0, *, type: Any = None, codec: Codec = "json", **kwargs: Any) -> Any:
        """Send an object as data, in one frame. `recv_object()` receives it with a declared type, and runs nothing of the sender's.

        Args:
            obj (Any): of dict, list, tuple, str, int, float, bool, None and dataclasses; with msgspec, of what msgspec knows.
            flags (int): zmq.DONTWAIT, zmq.SNDMORE. Default 0.
            type (Any): what receivers declare: what they would refuse is not sent. Default None: not checked.
            codec (str): "json" by the standard library, "msgspec" (JSON) or "msgpack" (MessagePack) by msgspec, which is to be installed
                (`pip install "zmqcore[objects]"`). Default "json".
            **kwargs: as for `send()`.

        Returns:
            MessageTracker | None: as `send()`.

        Raises:
            TypeError, ValueError: the codec cannot encode the object, or it is not of the type. Nothing has been sent.
            ImportError: the codec needs msgspec.
            Again, ZMQError, ContextTerminated: as `send()`.

        Example:
            >>> from dataclasses import dataclass
            >>> @dataclass
            ... class Order:
            ...     id: int
            ...     price: float = 0.0
            >>> push.send_object(Order(7, 2.5))
            >>> pull.recv_object(Order).price
            2.5
        """
        return self.send(_objects().encode(obj, type, codec), flags=flags, **kwargs)

    @overload
    def recv_object(
        self, type: builtins.type[_T], flags: int = 0, *, codec: Codec = "json", timeout: float | None = None
    ) -> _T: ...
    @overload
    def recv_object(self, type: Any, flags: int = 0, *, codec: Codec = "json", timeout: float | None = None) -> Any: ...
    def recv_object(self, type: Any, flags: int = 0, *, codec: Codec = "json", timeout: float | None = None) -> Any:
        """Receive an object of a declared type, in one frame, from `send_object()`. What is not of this type is an error.

        Args:
            type (Any): a dataclass, `dict[str, int]`, `list[Order]`, `tuple[int, ...]`, `int | None`, `Literal["a", "b"]`, ...; Any is any
                JSON. With msgspec, what msgspec knows. Members that a dataclass does not have are ignored.
            flags (int): zmq.DONTWAIT. Default 0.
            codec (str): as the sender's; "json" and "msgspec" understand each other. Default "json".
            timeout (float): milliseconds to wait at most, as for `recv()`. Default None.

        Returns:
            Any: the object.

        Raises:
            ObjectError: the frame is not of this type. It has been received, and is dropped.
            TypeError, ValueError, ImportError: the type cannot be declared, or the codec is not there. Nothing has been received.
            Again, ZMQError, ContextTerminated: as `recv()`.

        Example:
            >>> push.send_object([1, 2])
            >>> pull.recv_object(list[int])
            [1, 2]
        """
        load = _objects().loader(type, codec)
        return self._deserialize(self.recv(flags=flags, **within(timeout)), load)

    def send_pyobj(
        self, obj: Any, flags: int = 0, protocol: int = DEFAULT_PROTOCOL, *, key: bytes | None = None, **kwargs: Any
    ) -> Any:
        """Send a pickled object, in one frame. `send_object()` is the way that is safe for its receivers.

        Args:
            obj (Any): what pickle takes.
            flags (int): zmq.DONTWAIT, zmq.SNDMORE. Default 0.
            protocol (int): of pickle. Default pickle.DEFAULT_PROTOCOL.
            key (bytes): signs the pickle: a secret of at least 16 random bytes that sender and receivers share. Default None: not signed.
            **kwargs: as for `send()`.

        Returns:
            MessageTracker | None: as `send()`.

        Raises:
            pickle.PicklingError, TypeError: the object cannot be pickled.
            TypeError, ValueError: the key is not bytes, or too short.
            Again, ZMQError, ContextTerminated: as `send()`.
        """
        return self.send(_pickles.dumps(obj, protocol, key), flags=flags, **kwargs)

    def recv_pyobj(
        self, flags: int = 0, *, key: bytes | None = None, trusted_only: bool = False, timeout: float | None = None
    ) -> Any:
        """Receive a pickled object. Unpickling can run any code that the sender chose: for trusted peers only.

        A peer is trusted if it is authenticated, or connected over inproc, ipc or the loopback address. The first pickle of another one is
        warned of, with UntrustedPickleWarning. docs/security.md says what a signature protects from.

        Args:
            flags (int): zmq.DONTWAIT. Default 0.
            key (bytes): takes nothing but what `send_pyobj()` has signed with the same key. Default None: unsigned pickles.
            trusted_only (bool): refuses pickles of peers that are not trusted. So do the context's attribute `trusted_pickles_only`, and
                the environment variable ZMQCORE_TRUSTED_PICKLES_ONLY=1. Default False.
            timeout (float): milliseconds to wait at most, as for `recv()`. Default None.

        Returns:
            Any: the object.

        Raises:
            UntrustedPickleError: it is refused, or not signed with this key. It has been received, and is dropped; nothing in it was run.
            Exception: whatever unpickling raises. The frame has been received then.
            TypeError, ValueError: the key is not bytes, or too short. Nothing has been received.
            Again, ZMQError, ContextTerminated: as `recv()`.

        Example:
            >>> import secrets
            >>> key = secrets.token_bytes(32)
            >>> push.send_pyobj({1, 2}, key=key)
            >>> pull.recv_pyobj(key=key)
            {1, 2}
        """
        load = _pickles.loader(self, key, trusted_only)
        # A subclass may have a recv that takes no more than flags.
        limit = within(timeout)
        frame = self.recv(flags=flags, **limit) if self._asked & ASKED_RECV else self.recv(flags=flags, copy=False, **limit)
        return self._deserialize(frame, load)

    def send_array(
        self, array: Any, flags: int = 0, copy: bool = True, track: bool = False, *, timeout: float | None = None
    ) -> Any:
        """Send an array of NumPy with its dtype and shape, as a message of two frames. Nothing is pickled.

        Args:
            array (numpy.ndarray): of numbers, booleans, times, texts of a fixed size, or records of these, in any byte order. Memory without gaps is
                sent as it is, whatever the order of its axes (C, Fortran, or another).
            flags (int): zmq.DONTWAIT, zmq.SNDMORE. Default 0.
            copy (bool): False lends the array's memory, as for `send()`: it must not change until it has been sent. Default True.
            track (bool): with copy=False, return a MessageTracker that tells when. Default False.
            timeout (float): milliseconds to wait at most, as for `send()`. Default None.

        Returns:
            MessageTracker | None: as `send()`.

        Raises:
            TypeError: an array of objects. Nothing has been sent.
            ImportError: NumPy is not installed.
            Again, ZMQError, ContextTerminated: as `send()`.

        Example:
            >>> import numpy
            >>> push.send_array(numpy.arange(6).reshape(2, 3))
            >>> pull.recv_array().shape
            (2, 3)
        """
        from . import _arrays

        return self.send_multipart(_arrays.frames_of(array), flags, copy=copy, track=track, **within(timeout))

    def recv_array(self, flags: int = 0, *, timeout: float | None = None) -> Any:
        """Receive an array of NumPy that `send_array()` sent.

        It lies in the memory that was received, and can be written to, but for one in memory that is shared with a peer (SHARED_MEMORY): that
        is read-only, and `array.copy()` can be written to.

        Args:
            flags (int): zmq.DONTWAIT. Default 0.
            timeout (float): milliseconds to wait at most, as for `recv()`. Default None.

        Returns:
            numpy.ndarray: the array.

        Raises:
            ObjectError: the message is no such array. It has been received, and is dropped.
            ImportError: NumPy is not installed.
            Again, ZMQError, ContextTerminated: as `recv_multipart()`.
        """
        from . import _arrays

        return self.recv_serialized(_arrays.array_of, flags, copy=False, **within(timeout))

    def recv_multipart_into(self, buffers: Iterable[Any], flags: int = 0, *, timeout: float | None = None) -> Any:
        """Receive the frames of one message into memory that is there already, such as several arrays.

        Args:
            buffers (Iterable[buffer]): memory that can be written to, without gaps, one for each frame. A frame is stored as it lies in memory:
                an array in Fortran order gets its columns.
            flags (int): zmq.DONTWAIT. Default 0.
            timeout (float): milliseconds to wait at most, as for `recv()`. Default None.

        Returns:
            list[int]: the sizes of the frames that came, in bytes. What of a frame does not fit into its buffer is lost, as are frames without
            a buffer; a buffer without a frame stays as it was.

        Raises:
            TypeError: one of them cannot be written to, or has gaps. Nothing has been received.
            Again, ZMQError, ContextTerminated: as `recv_multipart()`.

        Example:
            >>> head, body = bytearray(4), bytearray(8)
            >>> push.send_multipart([b"head", b"body"])
            >>> pull.recv_multipart_into([head, body])
            [4, 4]
            >>> bytes(head), bytes(body[:4])
            (b'head', b'body')
        """
        places = list(buffers)
        for number, buffer in enumerate(places):
            view = memoryview(buffer)
            if view.readonly or not view.contiguous:
                raise TypeError(f"buffer {number} cannot be written to, or has gaps")

        def load(frames: Any) -> list[int]:
            for place, frame in zip(places, frames, strict=False):
                _core.fill(place, frame, 0)
            return [len(frame) for frame in frames]

        return self.recv_serialized(load, flags, copy=False, **within(timeout))

    def send_serialized(
        self, msg: Any, serialize: Callable[[Any], Any], flags: int = 0, copy: bool = True, **kwargs: Any
    ) -> Any:
        """Send an object as a message, by way of a function.

        Args:
            msg (Any): the object.
            serialize (Callable): called with `msg`, returns a list of frames.
            flags (int): zmq.DONTWAIT, zmq.SNDMORE. Default 0.
            copy (bool): as for `send()`. Default True.
            **kwargs: as for `send_multipart()`.

        Returns:
            MessageTracker | None: as `send_multipart()`.

        Raises:
            Again, ZMQError, ContextTerminated, TypeError: as `send_multipart()`.
            Exception: whatever `serialize` raises.
        """
        return self.send_multipart(serialize(msg), flags=flags, copy=copy, **kwargs)

    def recv_serialized(
        self, deserialize: Callable[[Any], Any], flags: int = 0, copy: bool = True, *, timeout: float | None = None
    ) -> Any:
        """Receive a message as an object, by way of a function.

        Args:
            deserialize (Callable): called with the list of frames, returns the object.
            flags (int): zmq.DONTWAIT. Default 0.
            copy (bool): False passes Frames to the function. Default True.
            timeout (float): milliseconds to wait at most, as for `recv()`. Default None.

        Returns:
            Any: what `deserialize` returned.

        Raises:
            Again, ZMQError, ContextTerminated: as `recv_multipart()`.
            Exception: whatever `deserialize` raises. The message has been received then.
        """
        return self._deserialize(self.recv_multipart(flags=flags, copy=copy, **within(timeout)), deserialize)

    def _deserialize(self, recvd: Any, load: Callable[[Any], Any]) -> Any:
        """Load a message that the receiving methods above received. Asynchronous sockets load it when it is there."""
        return load(recvd)
