"""Publishing log records, with the level and a topic in front of each message.

Rules
- A record becomes two frames: the topic, `root.LEVEL.topic` without what is empty, and the formatted text.
- The topic of one record is what stands before TOPIC_DELIM in its message; TopicLogger puts it there.
"""

from __future__ import annotations

import logging
from copy import copy
from typing import Any

from ..constants import PUB
from ..context import Context
from ..socket import Socket

__all__ = ["PUBHandler", "TopicLogger", "TOPIC_DELIM"]

TOPIC_DELIM = "::"

_PLACE = "%(levelname)s %(filename)s:%(lineno)d - %(message)s"


class PUBHandler(logging.Handler):
    """Publish log records. The first frame is root topic, level and topic, joined by dots; the second is the text.

    Args:
        interface_or_socket (str | Socket): an endpoint to bind a PUB to, or a PUB socket.
        context (Context): for the PUB. Default None: a context of its own.
        root_topic (str): the first part of every topic. Default "".

    Raises:
        ZMQError: as `Socket.bind()`.
    """

    ctx: Context[Any]
    socket: Any

    def __init__(self, interface_or_socket: str | Socket, context: Context[Any] | None = None, root_topic: str = "") -> None:
        super().__init__()
        self.root_topic = root_topic
        self.formatters = {
            logging.DEBUG: logging.Formatter(f"{_PLACE}\n"),
            logging.INFO: logging.Formatter("%(message)s\n"),
            logging.WARNING: logging.Formatter(f"{_PLACE}\n"),
            logging.ERROR: logging.Formatter(f"{_PLACE} - %(exc_info)s\n"),
            logging.CRITICAL: logging.Formatter(f"{_PLACE}\n"),
        }
        if isinstance(interface_or_socket, Socket):
            self.socket = interface_or_socket
            self.ctx = self.socket.context
        else:
            self.ctx = Context() if context is None else context
            self.socket = self.ctx.socket(PUB)
            self.socket.bind(interface_or_socket)

    @property
    def root_topic(self) -> str:
        """The first part of every topic."""
        return self._root_topic

    @root_topic.setter
    def root_topic(self, value: str) -> None:
        self.setRootTopic(value)

    def setRootTopic(self, root_topic: str) -> None:
        """Set the first part of every topic.

        Args:
            root_topic (str): the text.
        """
        if isinstance(root_topic, bytes):
            root_topic = root_topic.decode()
        self._root_topic = root_topic

    def setFormatter(self, fmt: logging.Formatter | None, level: int = logging.NOTSET) -> None:
        """Set the formatter of one level, or of all levels.

        Args:
            fmt (logging.Formatter): the formatter; None is logging's default.
            level (int): a level of logging. Default logging.NOTSET: all.
        """
        for one in self.formatters if level == logging.NOTSET else (level,):
            self.formatters[one] = fmt if fmt is not None else logging.Formatter()

    def format(self, record: logging.LogRecord) -> str:
        """Format a record by its level, or else by the next lower level that has a formatter.

        Args:
            record (logging.LogRecord): the record.

        Returns:
            str: the text.
        """
        below = [level for level in self.formatters if level <= record.levelno]
        return self.formatters[max(below, default=min(self.formatters))].format(record)

    def emit(self, record: logging.LogRecord) -> None:
        """Send a record.

        Args:
            record (logging.LogRecord): the record. What is in front of "::" in its message is its topic.
        """
        try:
            topic, delim, text = str(record.msg).partition(TOPIC_DELIM)
            if delim:
                record = copy(record)  # other handlers get the message as it was
                record.msg = text
            else:
                topic = ""
            parts = (self.root_topic, record.levelname, topic)
            self.socket.send_multipart([".".join(part for part in parts if part).encode(), self.format(record).encode()])
        except Exception:
            self.handleError(record)


class TopicLogger(logging.Logger):
    """A logger whose methods take the topic first: `logger.info("db", "slow query %s", query)`."""

    def log(self, level: int, topic: Any, msg: Any, *args: Any, **kwargs: Any) -> None:  # type: ignore[override]
        """Log a message under a topic.

        Args:
            level (int): a level of logging.
            topic (Any): the topic.
            msg (Any): the message.
            *args (Any): for the message, as in logging.
            **kwargs: as in logging.
        """
        kwargs["stacklevel"] = kwargs.get("stacklevel", 1) + 1
        super().log(level, f"{topic}{TOPIC_DELIM}{msg}", *args, **kwargs)

    def debug(self, topic: Any, msg: Any, *args: Any, **kwargs: Any) -> None:  # type: ignore[override]
        """Log a message under a topic at level DEBUG. See `log()`."""
        self._log_at(logging.DEBUG, topic, msg, args, kwargs)

    def info(self, topic: Any, msg: Any, *args: Any, **kwargs: Any) -> None:  # type: ignore[override]
        """Log a message under a topic at level INFO. See `log()`."""
        self._log_at(logging.INFO, topic, msg, args, kwargs)

    def warning(self, topic: Any, msg: Any, *args: Any, **kwargs: Any) -> None:  # type: ignore[override]
        """Log a message under a topic at level WARNING. See `log()`."""
        self._log_at(logging.WARNING, topic, msg, args, kwargs)

    def error(self, topic: Any, msg: Any, *args: Any, **kwargs: Any) -> None:  # type: ignore[override]
        """Log a message under a topic at level ERROR. See `log()`."""
        self._log_at(logging.ERROR, topic, msg, args, kwargs)

    def exception(self, topic: Any, msg: Any, *args: Any, **kwargs: Any) -> None:  # type: ignore[override]
        """Log a message under a topic at level ERROR, with the current exception. See `log()`."""
        kwargs.setdefault("exc_info", True)
        self._log_at(logging.ERROR, topic, msg, args, kwargs)

    def critical(self, topic: Any, msg: Any, *args: Any, **kwargs: Any) -> None:  # type: ignore[override]
        """Log a message under a topic at level CRITICAL. See `log()`."""
        self._log_at(logging.CRITICAL, topic, msg, args, kwargs)

    warn = warning  # type: ignore[assignment]
    fatal = critical  # type: ignore[assignment]

    def _log_at(self, level: int, topic: Any, msg: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        # Two frames, this and the caller's, stand between the user's line and `log`, which adds its own.
        kwargs["stacklevel"] = kwargs.get("stacklevel", 1) + 2
        self.log(level, topic, msg, *args, **kwargs)
