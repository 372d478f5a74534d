"""Keys of CURVE as objects: a SecretKey that keeps itself to itself, and its PublicKey.

Rules
- The secret is in memory of its own, which is wiped when the object goes. It is in no repr, str, pickle, error or log; only `reveal()` gives it away.
- A file with a secret can be read by its owner only, from the moment it exists, and none is overwritten unless the caller says so.
- Files are certificates as pyzmq and CZMQ write them; both read each other's.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple, NoReturn, TypeAlias

from . import _core
from .utils import z85

__all__ = ["PeerInfo", "PublicKey", "SecretKey"]

KEY_SIZE = 32  # bytes
TEXT_SIZE = 40  # characters of Z85

# A certificate is some hundred bytes; a wrong path may lead to anything.
FILE_MAX = 65536

_PUBLIC_FILE = b"""\
# CURVE certificate, public key. Give it to peers by a way on which it cannot be exchanged for another.
metadata
curve
    public-key = "%b"
"""
_SECRET_FILE = b"""\
# CURVE certificate with a SECRET key. Whoever has it can pose as its owner.
metadata
curve
    public-key = "%b"
    secret-key = \""""
_LINE = re.compile(rb"""^[ \t]*(public-key|secret-key)[ \t]*=[ \t]*(["']?)([!-~]{40})\2[ \t]*\r?$""", re.MULTILINE)


class PublicKey:
    """The public key of a server or client. It may be shown to all.

    `str()` is its text (Z85), `bytes()` its 32 bytes. Keys can be compared, and be members of sets and keys of dicts.

    Args:
        key (PublicKey | str | bytes): the text (40 characters of Z85) or the 32 bytes.

    Raises:
        ValueError: it is neither.
        TypeError: a value of another type.

    Source: RFC 26 (CurveZMQ), RFC 32 (Z85).

    Example:
        >>> zmq.PublicKey("Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID")
        PublicKey('Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID')
    """

    __slots__ = ("_raw",)
    _raw: bytes

    def __init__(self, key: PublicKey | str | bytes) -> None:
        object.__setattr__(self, "_raw", _raw_public(key))

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError("a PublicKey does not change")

    __delattr__ = __setattr__  # type: ignore[assignment]

    def __str__(self) -> str:
        return z85.encode(self._raw).decode()

    def __repr__(self) -> str:
        return f"PublicKey({str(self)!r})"

    def __bytes__(self) -> bytes:
        return self._raw

    def __eq__(self, other: object) -> bool:
        return self._raw == other._raw if isinstance(other, PublicKey) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._raw)

    def __reduce__(self) -> tuple[Any, ...]:
        return PublicKey, (self._raw,)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> PublicKey:
        """Read the public key of a certificate, of either kind.

        Args:
            path (str | PathLike): a file that `save()` of a PublicKey or SecretKey, `zmqcore.auth.create_certificates()`, pyzmq or CZMQ
                has written.

        Returns:
            PublicKey: the key.

        Raises:
            ValueError: the file has no public key.
            OSError: it cannot be read.
        """
        with _contents(path) as data:
            found = _find(data, b"public-key")
            if found is None:
                raise ValueError(f'no public key in {os.fspath(path)!r}: it should have a line  public-key = "..."')
            return cls(bytes(found))

    def save(self, path: str | os.PathLike[str], *, overwrite: bool = False) -> None:
        """Write the key as a certificate that all may read.

        Args:
            path (str | PathLike): the file. Its name should end with ".key" if a directory of certificates is to be made.
            overwrite (bool): replaces a file that is there. Default False.

        Raises:
            FileExistsError: the file is there.
            OSError: it cannot be written.
        """
        _write(path, [_PUBLIC_FILE % z85.encode(self._raw)], 0o644, overwrite)


def _raw_public(key: object) -> bytes:
    if isinstance(key, PublicKey):
        return key._raw
    if not isinstance(key, (str, bytes, bytearray, memoryview)):
        raise TypeError(f"a public key is a PublicKey, str or bytes, not {type(key).__name__}")
    if len(key) == KEY_SIZE and not isinstance(key, str):
        return bytes(key)
    if len(key) != TEXT_SIZE:
        raise ValueError(f"a public key has {TEXT_SIZE} characters (Z85) or {KEY_SIZE} bytes, not {len(key)}")
    try:
        return z85.decode(key if isinstance(key, str) else bytes(key))
    except ValueError:  # its text would show what may be a secret key at the wrong place
        raise ValueError("a public key of 40 characters is Z85; this is not") from None


class SecretKey(_core.SecretKey):
    """The secret key of a server or client, and its public key. Made by `generate()` or `load()`.

    `repr()` and `str()` show the public key. A SecretKey cannot be pickled; copies are itself; equal ones are compared in constant time.

    Attributes:
        public (PublicKey): the public key that belongs to it.

    Args:
        key (str | bytes | bytearray): a secret key from elsewhere, such as the environment: 40 characters of Z85, or 32 bytes.

    Raises:
        ValueError: it is neither.
        ZMQError (ENOTSUP): CURVE needs PyNaCl, which is not installed.

    Source: RFC 26 (CurveZMQ).

    Example:
        >>> key = zmq.SecretKey.generate()
        >>> repr(key) == f"<SecretKey of {key.public!r}>"
        True
    """

    __slots__ = ("public",)
    public: PublicKey

    def __init__(self, key: str | bytes | bytearray | memoryview | None = None) -> None:
        super().__init__()
        object.__setattr__(self, "public", PublicKey(self._public))

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError("a SecretKey does not change")

    __delattr__ = __setattr__  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"<SecretKey of {self.public!r}>"

    def __eq__(self, other: object) -> bool:
        return self._same(other) if isinstance(other, SecretKey) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.public)

    def __copy__(self) -> SecretKey:
        return self

    def __deepcopy__(self, memo: object) -> SecretKey:
        return self

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a SecretKey cannot be pickled: save() it to a file that only its owner can read")

    @classmethod
    def generate(cls) -> SecretKey:
        """Make a new key, from the system's random numbers.

        Returns:
            SecretKey: the key.

        Raises:
            ZMQError (ENOTSUP): CURVE needs PyNaCl, which is not installed.

        Example:
            >>> zmq.SecretKey.generate() == zmq.SecretKey.generate()
            False
        """
        return cls(None)

    @classmethod
    def load(cls, path: str | os.PathLike[str], *, others_may_read: bool = False) -> SecretKey:
        """Read the key from a certificate.

        Args:
            path (str | PathLike): a file that `save()`, `zmqcore.auth.create_certificates()`, pyzmq or CZMQ has written.
            others_may_read (bool): takes a file that other users of this machine can read. Default False. Windows has no such check.

        Returns:
            SecretKey: the key.

        Raises:
            PermissionError: other users can read the file, or it is another user's.
            ValueError: it has no secret key, or one that its public key does not belong to.
            OSError: it cannot be read.
            ZMQError (ENOTSUP): CURVE needs PyNaCl, which is not installed.
        """
        name = os.fspath(path)
        with _contents(path, None if others_may_read else _check_private) as data:
            secret, public = _find(data, b"secret-key"), _find(data, b"public-key")
            if secret is None:
                has = "it has only the public key" if public is not None else 'it should have a line  secret-key = "..."'
                raise ValueError(f"no secret key in {name!r}: {has}")
            try:
                key = cls(secret)
            except ValueError:
                raise ValueError(f"the secret key in {name!r} is damaged: it is not Z85") from None
            if public is not None and bytes(public) != str(key.public).encode():
                raise ValueError(f"the keys in {name!r} do not belong together")
            return key

    def save(self, path: str | os.PathLike[str], *, overwrite: bool = False) -> None:
        """Write the key as a certificate that only its owner can read.

        Args:
            path (str | PathLike): the file. pyzmq's names end with ".key_secret".
            overwrite (bool): replaces a file that is there, at once and with its permissions set. Default False.

        Raises:
            FileExistsError: the file is there.
            OSError: it cannot be written.
        """
        secret = bytearray(TEXT_SIZE)
        try:
            self._reveal_into(secret)
            _write(path, [_SECRET_FILE % str(self.public).encode(), secret, b'"\n'], 0o600, overwrite)
        finally:
            secret[:] = bytes(TEXT_SIZE)

    def reveal(self) -> bytes:
        """Return the secret itself, for a vault, or for the options of pyzmq. Whoever prints or logs it gives it away.

        Returns:
            bytes: 40 characters of Z85.
        """
        secret = bytearray(TEXT_SIZE)
        self._reveal_into(secret)
        return bytes(secret)


class PeerInfo(NamedTuple):
    """A client that asks to come in, as the function given to `Socket.secure_server()` sees it. CURVE has proved that the key is the client's.

    Attributes:
        key (PublicKey): its public key.
        address (str): its numeric address, without a port ("10.0.0.5", also if the socket listens to IPv4 and IPv6); over ipc
            ":uid:gid:pid", or "" where the system does not tell.
        identity (bytes): the routing id that it has set. It claims that; only the key is proved.
        metadata (dict[str, str]): the properties that it tells of itself: "Socket-Type", "X-...". Claims, too.
    """

    key: PublicKey
    address: str
    identity: bytes
    metadata: Mapping[str, str]


Key: TypeAlias = PublicKey | str | bytes
# What `Socket.secure_server()` takes.
Allow: TypeAlias = Iterable[Key] | PublicKey | str | os.PathLike[str] | Callable[[PeerInfo], object]


# ---- files


def _check_private(name: str, found: os.stat_result) -> None:
    if os.name == "nt":
        return
    if found.st_mode & 0o077:
        raise PermissionError(f"other users can read {name!r}: chmod 600 it, or load it with others_may_read=True")
    if os.geteuid() not in (0, found.st_uid) and found.st_uid != 0:
        raise PermissionError(f"{name!r} belongs to another user: load it with others_may_read=True if that is meant")


@contextmanager
def _contents(path: str | os.PathLike[str], check: Any = None) -> Iterator[memoryview]:
    """What is in a certificate, in memory that is wiped afterwards. The file that is checked is the one that is read."""
    data = bytearray(FILE_MAX)
    fd = os.open(path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0))
    try:
        with open(fd, "rb", buffering=0) as file:
            found = os.fstat(fd)
            if not stat.S_ISREG(found.st_mode) or found.st_size > FILE_MAX:
                raise ValueError(f"{os.fspath(path)!r} is no certificate")
            if check is not None:
                check(os.fspath(path), found)
            size = 0
            while size < found.st_size and (more := file.readinto(memoryview(data)[size : found.st_size])):
                size += more
        yield memoryview(data)[:size]
    finally:
        data[:] = bytes(FILE_MAX)


def _find(data: memoryview, name: bytes) -> memoryview | None:
    """The text of a key. Not copied: a copy could not be wiped."""
    for line in _LINE.finditer(data):
        if line[1] == name:
            return data[line.start(3) : line.end(3)]
    return None


def _write(path: str | os.PathLike[str], parts: Iterable[bytes | bytearray], mode: int, overwrite: bool) -> None:
    """A file that is there whole, with its permissions, or not at all."""
    name = os.fspath(path)
    fresh = f"{name}.{os.getpid()}.new" if overwrite else name
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0)
    try:
        fd = os.open(fresh, flags, mode)
    except FileExistsError:
        raise FileExistsError(f"{fresh!r} is there already" + ("" if overwrite else ": pass overwrite=True to replace it")) from None
    try:
        with open(fd, "wb", buffering=0) as file:
            for part in parts:
                file.write(part)
            os.fsync(fd)
        if overwrite:
            os.replace(fresh, name)
    except BaseException:
        os.unlink(fresh)
        raise
