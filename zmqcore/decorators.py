"""Decorators that open a context or a socket for the time of a call.

    @context()
    @socket(zmq.PUSH)
    def send(ctx, push): ...

Rules
- The object is added to the positional arguments, or becomes a keyword argument if the decorator was given a name.
- A socket belongs to the context among the arguments: the keyword named `context_name`, else the first positional one, else
  `Context.instance()`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from .context import Context

__all__ = ["context", "socket"]

_Open = Callable[[tuple[Any, ...], dict[str, Any]], AbstractContextManager[Any]]


def _take_name(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[str | None, tuple[Any, ...]]:
    if "name" in kwargs:
        return kwargs.pop("name"), args
    if args and isinstance(args[0], str):
        return args[0], args[1:]
    return None, args


def _decorator(name: str | None, open_one: _Open) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            if name is not None and name in kwargs:
                raise TypeError(f"{function.__name__}() got multiple values for argument '{name}'")
            with open_one(args, kwargs) as opened:
                if name is None:
                    return function(*args, opened, **kwargs)
                return function(*args, **{**kwargs, name: opened})

        return call

    return decorate


def context(*args: Any, **kwargs: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Open a context for the time of each call of the decorated function, and pass it to the function.

    Args:
        *args (Any): a name, to pass the context as that keyword argument instead of positionally; then
            arguments of Context.
        **kwargs: `name`, and arguments of Context.

    Returns:
        Callable: the decorator.
    """
    name, args = _take_name(args, kwargs)
    return _decorator(name, lambda _args, _kwargs: Context(*args, **kwargs))


def socket(*args: Any, **kwargs: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Open a socket for the time of each call of the decorated function, and pass it to the function.

    The socket belongs to a context among the arguments of the call, or else to `Context.instance()`.

    Args:
        *args (Any): a name, to pass the socket as that keyword argument instead of positionally; then
            arguments of `Context.socket()`.
        **kwargs: `name`, `context_name` (the keyword argument that is the context; default "context"), and
            arguments of `Context.socket()`.

    Returns:
        Callable: the decorator.
    """
    name, args = _take_name(args, kwargs)
    context_name = kwargs.pop("context_name", "context")

    def open_socket(call_args: tuple[Any, ...], call_kwargs: dict[str, Any]) -> Any:
        given = (call_kwargs.get(context_name), *call_args)
        found = next((one for one in given if isinstance(one, Context)), None)
        owner = Context.instance() if found is None else found
        return owner.socket(*args, **kwargs)

    return _decorator(name, open_socket)
