"""Pickles as messages: signed ones, and who may send others.

Rules
- Unpickling runs what the sender chose. With a key, nothing is unpickled before its signature has been checked.
- A signed pickle is one frame: MAGIC, HMAC-SHA256 of PURPOSE and pickle, pickle. The magic makes others fail early and by name. The purpose keeps
  signatures apart from those that the same key makes for something else.
- Without a key a pickle is trusted if its peer is authenticated or on this machine. What is not known is not trusted: behind a SOCKS proxy, whose address
  is the only one that is known, a peer can be anywhere.
- Refusing is told by an argument, by the context, or by the environment; each of them suffices.
"""

from __future__ import annotations

import os
import pickle
import warnings
from collections.abc import Callable
from typing import Any

from . import _core
from .error import UntrustedPickleError, UntrustedPickleWarning, ZMQError

MAGIC = b"ZC-PICKLE-1\n"
PURPOSE = b"zmqcore: signed pickle, version 1\0"
SIGNATURE_SIZE = 32
KEY_MIN = 16  # bytes: what is shorter can be guessed

ENVIRONMENT = "ZMQCORE_TRUSTED_PICKLES_ONLY"

WHAT_TO_DO = (
    "use recv_object() with a declared type, sign pickles (send_pyobj and recv_pyobj with key=...), or authenticate the peers (CURVE)"
)


def check_key(key: Any) -> bytes:
    """The key as bytes. Its value appears in no error."""
    if not isinstance(key, (bytes, bytearray)):
        raise TypeError(f"the key must be bytes, such as secrets.token_bytes(32), not {type(key).__name__}")
    if len(key) < KEY_MIN:
        raise ValueError(f"the key has {len(key)} bytes: at least {KEY_MIN} are needed, such as secrets.token_bytes(32)")
    return bytes(key)


def _signature(key: bytes, data: Any) -> bytes:
    import hmac  # programs that sign nothing need not wait for it to load

    signature = hmac.new(key, PURPOSE, "sha256")
    signature.update(data)
    return signature.digest()


def _same(one: Any, other: Any) -> bool:
    from hmac import compare_digest

    return compare_digest(one, other)


def dumps(obj: Any, protocol: int, key: Any = None) -> bytes:
    """The object pickled, and signed if there is a key."""
    if key is None:
        return pickle.dumps(obj, protocol)
    key = check_key(key)
    data = pickle.dumps(obj, protocol)
    return MAGIC + _signature(key, data) + data


def loader(socket: Any, key: Any, trusted_only: bool) -> Callable[[Any], Any]:
    """What makes an object of a received frame."""
    if key is not None:
        key = check_key(key)
        return lambda frame: _loads_signed(frame, key)

    def load(frame: Any) -> Any:
        if not _trusted(frame):
            if trusted_only or getattr(socket.context, "trusted_pickles_only", False) or _environment_refuses():
                raise UntrustedPickleError(f"a pickle of {_sender(frame)} is dropped: it can run any code here; {WHAT_TO_DO}")
            if not socket._warned and isinstance(frame, _core.Frame):
                warnings.warn(
                    f"unpickling what {_sender(frame)} sent: it can run any code here; {WHAT_TO_DO}", UntrustedPickleWarning, stacklevel=4
                )
                socket._warned = True
        return pickle.loads(frame)

    return load


def _environment_refuses() -> bool:
    """What is set to anything but nothing and 0 refuses: a wrong word must not open the door."""
    return os.environ.get(ENVIRONMENT, "0").strip() not in ("", "0")


def _loads_signed(frame: Any, key: bytes) -> Any:
    data = bytes(frame)  # of our own: memory that another thread still writes to must not change after the check
    body = len(MAGIC) + SIGNATURE_SIZE
    if not data.startswith(MAGIC) or len(data) < body:
        raise UntrustedPickleError("a message without a signed pickle is dropped: the sender has to call send_pyobj with key=...")
    view = memoryview(data)
    if not _same(_signature(key, view[body:]), view[len(MAGIC) : body]):
        raise UntrustedPickleError("a pickle is dropped: its signature was not made with this key, or the message has been changed")
    return pickle.loads(view[body:])


# ---- who sent it


def _trusted(frame: Any) -> bool:
    """Whether the peer is authenticated or on this machine."""
    if not isinstance(frame, _core.Frame):  # of a subclass with a recv of its own: its peer is not known
        return False
    return not frame._remote or frame.authenticated or (not frame._relayed and _is_local(_peer_address(frame)))


def _peer_address(frame: Any) -> str:
    try:
        return str(frame.get("Peer-Address"))
    except (ZMQError, AttributeError):
        return ""


def _is_local(address: str) -> bool:
    """Numeric addresses, and ":uid:gid:pid" over ipc."""
    uid, *others = address[1:].split(":")
    over_ipc = address.startswith(":") and uid.isdigit() and len(others) == 2
    return over_ipc or address == "::1" or address.startswith(("127.", "::ffff:127."))


def _sender(frame: Any) -> str:
    return f"the unauthenticated peer {_peer_address(frame) or '(address unknown)'}"
