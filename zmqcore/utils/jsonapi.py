"""JSON as bytes."""

from __future__ import annotations

import json
import json as jsonmod
from typing import Any

__all__ = ["jsonmod", "dumps", "loads"]


def dumps(o: Any, **kwargs: Any) -> bytes:
    """Return an object as JSON in UTF-8.

    Args:
        o (Any): the object.
        **kwargs: for json.dumps().

    Returns:
        bytes: the text.
    """
    return json.dumps(o, **kwargs).encode()


def loads(s: bytes | str, **kwargs: Any) -> Any:
    """Return the object that a JSON text stands for.

    Args:
        s (bytes | str): the text.
        **kwargs: for json.loads().

    Returns:
        Any: the object.
    """
    return json.loads(s, **kwargs)
