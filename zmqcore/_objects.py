"""Objects as messages, without running anything that the sender chose: codecs for `send_object()` and `recv_object()`.

Rules
- A codec encodes what it knows and nothing else. What is received becomes the declared type or an ObjectError; no code of the sender's
  is run, no class is looked up by a name in the data.
- What cannot be declared is a TypeError before anything is received.
- msgspec is imported by the first call that asks for it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, lru_cache
from typing import Any

from . import _typed_json
from .error import ObjectError


def encode(obj: Any, declared: Any, codec: str) -> bytes:
    """The object as one frame. With a declared type: only if a receiver that declares it will take it."""
    data = _codec(codec).encode(obj)
    if declared is not None:
        try:
            loader(declared, codec)(data)
        except ObjectError as error:
            raise TypeError(f"{error.path}: {error.reason}; nothing has been sent") from None
    return data


def loader(declared: Any, codec: str) -> Callable[[Any], Any]:
    """What makes an object of the declared type of a frame."""
    return _codec(codec).loader(declared)


@cache
def _codec(name: str) -> Any:
    if name not in ("json", "msgspec", "msgpack"):
        raise ValueError(f"no such codec: {name!r}; there are json, msgspec and msgpack")
    return _Json() if name == "json" else _Msgspec("json" if name == "msgspec" else "msgpack")


class _Json:
    """By the standard library."""

    encode = staticmethod(_typed_json.dumps)

    def loader(self, declared: Any) -> Callable[[Any], Any]:
        check = _typed_json.checker(declared)

        def load(frame: Any) -> Any:
            try:
                return _typed_json.loads(check, frame)
            except _typed_json.Mismatch as mismatch:
                raise ObjectError(mismatch.path(), str(mismatch)) from mismatch.__cause__
            except RecursionError:
                raise ObjectError("$", "nested too deeply") from None
            except ValueError as error:
                raise ObjectError("$", f"not JSON: {error}") from None

        return load


class _Msgspec:
    """By msgspec, in one of its formats."""

    def __init__(self, form: str) -> None:
        try:
            import msgspec
        except ImportError:
            raise ImportError('this codec needs msgspec: pip install "zmqcore[objects]"') from None
        module = getattr(msgspec, form)
        self.encode = module.encode
        self.decoder = module.Decoder
        self.cached_decoder = lru_cache(maxsize=256)(module.Decoder)

    def loader(self, declared: Any) -> Callable[[Any], Any]:
        decode = (self.cached_decoder if _typed_json.hashable(declared) else self.decoder)(declared).decode

        def load(frame: Any) -> Any:
            try:
                return decode(frame)
            except (ValueError, RecursionError) as error:
                reason, _, path = str(error).partition(" - at ")
                raise ObjectError(path.strip("`") or "$", reason[:1].lower() + reason[1:]) from None

        return load
