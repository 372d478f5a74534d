"""A second connect to the same address, by types that make one connection of two, when it is refused: an error, and nothing else."""


import pytest
from platforms import errno

KINDS = ("SUB", "XSUB", "PUB", "XPUB", "DEALER", "REQ")
INCOMPLETE = {"CURVE_SERVERKEY": b"rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7"}


@pytest.mark.better
@pytest.mark.parametrize("scheme", ["tcp", "ws"])
@pytest.mark.parametrize("kind", KINDS)
def test_refused_for_its_keys(zmq, make, kind, scheme):
    address = f"{scheme}://127.0.0.1:9"
    for _ in range(3):
        socket = make(kind, LINGER=0)
        socket.connect(address)
        for name, value in INCOMPLETE.items():
            socket.setsockopt(getattr(zmq, name), value)
        with pytest.raises(zmq.ZMQError) as refused:
            socket.connect(address)
        assert refused.value.errno == zmq.EINVAL
        socket.disconnect(address)
        with pytest.raises(zmq.ZMQError) as gone:
            socket.disconnect(address)
        assert gone.value.errno == errno.ENOENT
