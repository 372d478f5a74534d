"""Descriptors in tests: what this machine can do, waiting, connecting, and closing at the end."""

import contextlib
import os
import select
import selectors
import socket
import sys

import pytest

from zmqcore import _probe

LINUX = sys.platform.startswith("linux")
POSIX = os.name == "posix"
# Python has no names for those of WSAPoll().
POLLIN, POLLOUT = (select.POLLIN, select.POLLOUT) if hasattr(select, "poll") else (0x100, 0x10)


def has_ipv6():
    try:
        with socket.socket(socket.AF_INET6) as s:
            s.bind(("::1", 0))
    except OSError:
        return False
    return True


needs_ipv6 = pytest.mark.skipif(not has_ipv6(), reason="no IPv6 loopback here")
loopback_name = next((name for _, name in socket.if_nameindex() if name in ("lo", "lo0")), None)
needs_loopback_name = pytest.mark.skipif(loopback_name is None, reason="the loopback interface has no usual name")


@contextlib.contextmanager
def closing(*fds):
    try:
        yield
    finally:
        for fd in fds:
            assert fd < 0 or _probe.base_close(fd) == 0


def wait_for(fd, event=selectors.EVENT_READ):
    with selectors.DefaultSelector() as selector:
        selector.register(fd, event)
        assert selector.select(10), "nothing happened"


def connect(address, **options):
    """A finished connection's descriptor, or the negative errno it ended with."""
    fd, under_way = address.open(**options)
    if fd < 0:
        return fd
    if under_way:
        wait_for(fd, selectors.EVENT_WRITE)
    rc = _probe.transport_finish(fd)
    if rc < 0:
        _probe.base_close(fd)
    return fd if rc == 0 else rc
