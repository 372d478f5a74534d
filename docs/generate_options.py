"""Prints docs/options.md, from the core's table of options (src/option/table.h, src/option/context_table.h).

    python docs/generate_options.py > docs/options.md
"""

from __future__ import annotations

from typing import Any

from zmqcore import _core
from zmqcore._option_texts import bounds, default, support, types
from zmqcore.constants import ContextOption, SocketOption

HEAD = """# Options

Every option of a socket and of a context, made by `docs/generate_options.py` from the core's tables. `help(zmqcore.Socket.linger)`
tells the same about one of them.

`socket.linger = 0`, `socket.LINGER = 0`, `socket.setsockopt(zmq.LINGER, 0)` and `socket.set(zmq.LINGER, 0)` are the same thing. A value
that is not allowed, or a type of socket that does not have the option, raises `ZMQError` with `EINVAL`; a value of the wrong type raises
`TypeError`; what cannot be read is no attribute. `context.linger = 0` makes a default for sockets that are made later.

- **Values**: numbers from 0 or -1 go up to the largest of their type.
- **Sockets**: the types that set it, and after a slash those that read it when they are others; "-" is none.
- **Counts**: from when on a new value counts. "bind(), connect()": for endpoints made later. An endpoint keeps what it was made with, for all its
  connections and reconnections, as in libzmq. "connections": for those made later, reconnections included; "binds": at the next `bind()`.
- Numbers from 9001 on are zmqcore's own, see [limits](limits.md).
"""

SHORT = {
    "": "",
    "at once": "at once",
    "for connections made later, reconnections included": "connections",
    "at the next bind()": "binds",
    "at the next bind() or connect()": "bind(), connect()",
    "at the next connect()": "next `connect()`",
    "at the first bind() or connect() over a network": "first network endpoint",
    "for sockets made later": "later sockets",
}


def table(columns: list[str], rows: list[list[str]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "".join("| " + " | ".join(cells) + " |\n" for cells in lines)


def kind(row: dict[str, Any]) -> str:
    name = "bytes" if row["kind"] == "bytes" else "int"
    return f"{name}, {row['unit']}" if row["unit"] else name


def sockets(row: dict[str, Any]) -> str:
    setters, getters = (types(row[way]).replace("none", "-") for way in ("set_on", "get_on"))
    return setters if setters == getters else f"{setters} / {getters}"


def access(row: dict[str, Any]) -> str:
    return {(True, True): "set, read", (True, False): "set", (False, True): "read"}[row["set_on"] is None, row["get_on"] is None]


def told(row: dict[str, Any]) -> list[str]:
    return [SHORT[row["when"]], row["doc"].replace("|", "\\|")]


def start(row: dict[str, Any]) -> list[str]:
    return [f"`{row['name']}` {row['number']}", kind(row), default(row), bounds(row)]


def document() -> str:
    of_sockets, of_contexts = (sorted(rows, key=lambda row: row["name"]) for rows in _core.option_info())
    supported = [[*start(row), sockets(row), *told(row)] for row in of_sockets if not row["absent"]]
    others = [[f"`{row['name']}` {row['number']}", row["doc"], support(row)] for row in of_sockets if row["absent"]]
    contexts = [[*start(row), access(row), *told(row)] for row in of_contexts]
    aliases = [
        [f"`{name}`", f"`{option.name}`"]
        for enum in (SocketOption, ContextOption)
        for name, option in sorted(enum.__members__.items())
        if name != option.name and name not in {row["name"] for row in of_contexts}
    ]
    return "\n".join(
        [
            HEAD,
            "## Sockets\n",
            table(["option", "type", "default", "values", "sockets", "counts", "what it does"], supported),
            "## Older names\n",
            table(["name", "of"], aliases),
            "## Known, but not supported\n",
            "They belong to features that zmqcore does not have, and are never accepted and ignored.\n",
            table(["option", "what it is for", "here"], others),
            "## Contexts\n",
            "`context.set(zmq.IO_THREADS, 2)`, `context.io_threads = 2`. IPV6 and BLOCKY are names of socket options, too: as attributes they are\n"
            "defaults for sockets, as any other. So BLOCKY takes `context.set(zmq.BLOCKY, 0)`.\n",
            table(["option", "type", "default", "values", "access", "counts", "what it does"], contexts),
        ]
    )


if __name__ == "__main__":
    print(document(), end="")
