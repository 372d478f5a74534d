"""JSON as bytes."""

from __future__ import annotations

import json
import json as jsonmod
from typing import Any

__all__ = ["jsonmod", "dumps", "loads"]


def dumps(o: Any, **kwargs: Any) -> bytes:
    """JSON text in UTF-8; keywords as of json.dumps."""
    return json.dumps(o, **kwargs).encode()


def loads(s: bytes | str, **kwargs: Any) -> Any:
    """The object of a JSON text; keywords as of json.loads."""
    return json.loads(s, **kwargs)
