"""Who may come in: what `secure_server(allow=...)` takes, and how questions of the core are decided in Python.

Rules
- Keys are looked up by the core itself. A function or a directory is asked through `decide`, which the core calls in a thread of the policy's own, with
  no lock held.
- Whatever goes wrong refuses: an exception, a result that is no answer, a directory that cannot be read, a certificate that is none.
- A directory is read when it has changed. Its own time tells of files that come and go; once a second those of its files are looked at, too.
"""

from __future__ import annotations

import inspect
import logging
import os
import time
from collections.abc import Callable, Iterable
from typing import TypeAlias

from .keys import Allow, PeerInfo, PublicKey

# As the core knows them (socket/policy.pxd).
ANYONE, KEYS, ASK = 0, 1, 2

# Status codes of RFC 27.
WELCOME, REFUSED, BROKEN = 200, 400, 500

LOOK_AGAIN_S = 1.0

Decide: TypeAlias = Callable[[bytes, str, bytes], tuple[int, bytes]]

_log = logging.getLogger("zmqcore")


def policy_of(allow: Allow) -> tuple[int, bytes, Decide | None]:
    """The kind of policy, its keys one after the other, and who decides."""
    if isinstance(allow, str) and allow == "*":
        return ANYONE, b"", None
    if isinstance(allow, (str, os.PathLike)):
        return ASK, b"", _Directory(allow)
    if isinstance(allow, PublicKey):
        allow = [allow]
    if callable(allow):
        if inspect.iscoroutinefunction(allow):
            raise TypeError("allow must be an ordinary function: it is called in a thread of its own, where no event loop runs")
        return ASK, b"", _Function(allow)
    if isinstance(allow, (bytes, bytearray)) or not isinstance(allow, Iterable):
        raise TypeError(
            f'allow must be a set of public keys, the path of a directory of certificates, a function, or "*", not {type(allow).__name__}'
        )
    return KEYS, b"".join(sorted({bytes(PublicKey(key)) for key in allow})), None


def _welcome(key: bytes) -> tuple[int, bytes]:
    return WELCOME, str(PublicKey(key)).encode()


class _Function:
    """Asks a function of the program."""

    def __init__(self, allow: Callable[[PeerInfo], object]) -> None:
        self.allow = allow

    def __call__(self, key: bytes, address: str, properties: bytes) -> tuple[int, bytes]:
        metadata = _metadata(properties)
        identity = metadata.pop("Identity", b"")
        if address.startswith("::ffff:") and "." in address:  # of IPv4, at a socket of IPv6
            address = address.removeprefix("::ffff:")
        peer = PeerInfo(PublicKey(key), address, identity, {name: value.decode(errors="replace") for name, value in metadata.items()})
        try:
            answer = self.allow(peer)
            if inspect.isawaitable(answer):
                getattr(answer, "close", lambda: None)()
                raise TypeError("the function returned something to be awaited, not an answer")
            user = answer.encode() if isinstance(answer, str) else str(peer.key).encode()
            admitted = bool(answer)
        except BaseException:
            _log.exception("refusing the client %s at %s: the function that decides has failed", peer.key, address)
            return BROKEN, b""
        return (WELCOME, user) if admitted else (REFUSED, b"")


def _metadata(properties: bytes) -> dict[str, bytes]:
    """Properties as the client's handshake has them. If they are malformed, something is read, and the handshake fails afterwards."""
    found: dict[str, bytes] = {}
    at = 0
    while at < len(properties):
        value = at + 1 + properties[at] + 4
        end = value + int.from_bytes(properties[value - 4 : value], "big")
        found.setdefault(properties[at + 1 : value - 4].decode(errors="replace"), properties[value:end])
        at = end
    return found


class _Directory:
    """Looks the key up among the certificates of a directory."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = os.path.abspath(path)
        self.keys: frozenset[bytes] = frozenset()
        self.changed: object = None  # the directory's own time at the last look
        self.files: object = None  # and those of its files
        self.looked = 0.0
        self.look()

    def __call__(self, key: bytes, address: str, properties: bytes) -> tuple[int, bytes]:
        try:
            self.look()
        except BaseException:
            self.files = None
            _log.exception("refusing the client %s at %s: the directory of certificates cannot be read", PublicKey(key), address)
            return BROKEN, b""
        return _welcome(key) if key in self.keys else (REFUSED, b"")

    def look(self) -> None:
        """Brings the keys up to date. OSError if the directory cannot be read."""
        now = time.monotonic()
        changed = os.stat(self.path).st_mtime_ns
        if self.files is not None and changed == self.changed and now - self.looked < LOOK_AGAIN_S:
            return
        with os.scandir(self.path) as entries:
            names = sorted(entry.path for entry in entries if entry.name.endswith(".key") and not entry.name.startswith("."))
        files = [(name, *_stamp(name)) for name in names]
        if files != self.files:
            self.keys = frozenset(key for key in map(_key_of, names) if key is not None)
        self.changed, self.files, self.looked = changed, files, now


def _stamp(path: str) -> tuple[int, ...]:
    try:
        found = os.stat(path)
    except OSError:
        return (0,)
    return found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino


def _key_of(path: str) -> bytes | None:
    try:
        return bytes(PublicKey.load(path))
    except (OSError, ValueError) as error:
        _log.warning("a certificate is left out: %s", error)
        return None
