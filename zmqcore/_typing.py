"""pyzmq's name for what its annotations need: the names of `typing`, those that older interpreters lack included."""

from __future__ import annotations

import sys
from typing import Any, Literal, TypeAlias, TypedDict

if sys.version_info >= (3, 11):
    from typing import NotRequired as NotRequired
    from typing import Required as Required

__all__ = ["Any", "Literal", "TypeAlias", "TypedDict"]
