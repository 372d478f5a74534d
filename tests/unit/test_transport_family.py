"""Addresses of vsock and tipc: what is one, and what is none."""

import errno
import sys

import pytest

from zmqcore import _probe

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Linux has them")

VSOCK = ["0:0", "2:1234", "1:4294967294", "4294967294:1"]
VSOCK_TO_BIND = ["*:*", "*:1", "3:*"]
NO_VSOCK = [
    "", ":", "1", "1:", ":1", "1:4294967295", "4294967295:1", "99999999999:1", "1:99999999999", "-1:1", "1:-1", "+1:1", "1: 1", " 1:1", "0x1:1",
    "1:1x", "host:1", "**:1", "1:**", "@@:1", "1:1\0", "1:2:3",
]  # fmt: skip
TIPC_FOR_BOTH = ["{64,0}", "{5560,1}", "{5560, 1}", "{4294967295,4294967295}", "{5560,1,1}", "{5560,0,4294967295}", "{5560, 0, 7}"]
TIPC_TO_CONNECT = ["{5560,1}@1.2.3", "{5560,1}@255.4095.4095", "<1.2.3:4>", "<0.0.0:4294967295>"]
NO_TIPC = [
    "", "x", "{", "{}", "{5560}", "{5560,}", "{5560,1", "5560,1}", "{63,1}", "{5560,2,1}", "{5560,1,2,3}", "{4294967296,1}", "{5560,4294967296}",
    "{5560,1}x", "{5560,1}@", "{5560,1}@1.2", "{5560,1}@1.2.3x", "{5560,1}@256.0.0", "{5560,1}@1.4096.0", "{5560,1}@1.0.4096",
    "{5560,1,2}@1.2.3", "{-5560,1}", "{5560 ,1}", "{ 5560,1}", "{5560,  1}", "<", "<>", "<*", "<*>x", "<**>", "<1.2.3>", "<1.2.3:4", "<1.2.3:4>x",
    "<1.2.3:4294967296>", "<1.2.3:-4>", "{5560,1}\0",
]  # fmt: skip


def error(scheme, text, bind):
    return _probe.TransportAddress.of(scheme, text.encode(), bind).error


@pytest.mark.parametrize("text", VSOCK)
@pytest.mark.parametrize("bind", [True, False])
def test_vsock_addresses(text, bind):
    assert error(b"vsock", text, bind) == 0


@pytest.mark.parametrize("text", VSOCK_TO_BIND)
def test_vsock_wildcards_are_to_bind(text):
    assert error(b"vsock", text, True) == 0
    assert error(b"vsock", text, False) == -errno.EINVAL


@pytest.mark.parametrize("text", NO_VSOCK)
@pytest.mark.parametrize("bind", [True, False])
def test_no_vsock_addresses(text, bind):
    assert error(b"vsock", text, bind) == -errno.EINVAL


@pytest.mark.parametrize("text", TIPC_FOR_BOTH)
@pytest.mark.parametrize("bind", [True, False])
def test_tipc_addresses(text, bind):
    assert error(b"tipc", text, bind) == 0


@pytest.mark.parametrize("text", TIPC_TO_CONNECT)
def test_tipc_addresses_to_connect_to(text):
    assert error(b"tipc", text, False) == 0
    assert error(b"tipc", text, True) == -errno.EINVAL


def test_tipc_port_of_the_systems_choice():
    assert error(b"tipc", "<*>", False) == -errno.EINVAL
    assert error(b"tipc", "<*>", True) in (0, -errno.EAFNOSUPPORT)


@pytest.mark.parametrize("text", NO_TIPC)
@pytest.mark.parametrize("bind", [True, False])
def test_no_tipc_addresses(text, bind):
    assert error(b"tipc", text, bind) == -errno.EINVAL
