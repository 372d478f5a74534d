"""Who has an address that a bind() found taken: what the text of the error says of it.

Rules
- Imported by the error only, so that nothing else pays for it.
- Everything may fail or be forbidden. Then the text says less; it never guesses.
"""

from __future__ import annotations

import os
import socket
import stat
import struct

TABLES = ("/proc/net/tcp", "/proc/net/tcp6")
LISTENING = "0A"  # a state, as /proc/net/tcp writes it


def path_taken(path: str) -> str:
    """Why the path of a socket file cannot be bound. libzmq removes whatever is there; here the user has to, if it is not needed."""
    try:
        if not path.startswith("@") and not stat.S_ISSOCK(os.lstat(path).st_mode):
            return ": the file there is not a socket: remove it, or bind another path"
        pid = _listener_at(path)
    except (AttributeError, OSError, ValueError):  # no such option in this system, or it is gone by now
        return ": another socket is bound to it"
    if pid <= 0:  # of a process that cannot be seen from here
        return ": another socket is bound to it"
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return (
            f": process {pid} bound it and has ended, but a child that it forked still holds the socket: end the child, "
            "or remove the file"
        )
    except OSError:
        pass
    return f": a socket of process {pid}{_name_of(pid)} is bound to it"


def _listener_at(path: str) -> int:
    """The process that listens at a path; asked by connecting."""
    with socket.socket(socket.AF_UNIX) as asking:
        asking.setblocking(False)
        if path.startswith("@"):
            asking.connect("\0" + path[1:])
        elif len(os.fsencode(path)) > 100 and hasattr(os, "O_PATH"):  # the address of a socket has no room for it
            file = os.open(path, os.O_PATH)
            try:
                asking.connect(f"/proc/self/fd/{file}")
            finally:
                os.close(file)
        else:
            asking.connect(path)
        size = struct.calcsize("iII")
        pid: int = struct.unpack("iII", asking.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size))[0]
    return pid


def port_taken(address: str) -> str:
    """Who listens at a tcp port, as far as this process may see it."""
    try:
        port = int(address.partition("/")[0].rpartition(":")[2])
        listeners = [found for table in TABLES for found in _listeners(table, port)]
        if not listeners:
            return ""
        for uid, inode in listeners:
            pid = _holder(f"socket:[{inode}]")
            if pid == os.getpid():
                return ": a socket of this process listens there"
            if pid:
                return f": a socket of process {pid}{_name_of(pid)} listens there"
        return f": a process of user {uid} listens there, which this one may not look into"
    except (AttributeError, OSError, ValueError):
        return ""


def _listeners(table: str, port: int) -> list[tuple[int, str]]:
    """User and inode of each socket that listens at the port, from a table of /proc/net."""
    found = []
    try:
        with open(table) as lines:
            for line in list(lines)[1:]:
                words = line.split()
                if words[3] == LISTENING and int(words[1].rpartition(":")[2], 16) == port:
                    found.append((int(words[7]), words[9]))
    except OSError:
        pass  # a system without IPv6, or without /proc
    return found


def _holder(link: str) -> int:
    """The process that has a descriptor of the socket; 0 if none is found. Those of other users cannot be seen."""
    for pid in sorted(filter(str.isdecimal, os.listdir("/proc")), key=lambda text: text != str(os.getpid())):
        try:
            if any(os.readlink(f"/proc/{pid}/fd/{number}") == link for number in os.listdir(f"/proc/{pid}/fd")):
                return int(pid)
        except OSError:
            continue
    return 0


def _name_of(pid: int) -> str:
    try:
        with open(f"/proc/{pid}/comm", errors="replace") as file:
            name = "".join(filter(str.isprintable, file.read()))
    except OSError:
        return ""
    return f" ({name})" if name else ""
