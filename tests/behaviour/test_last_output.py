"""Output that is coalesced leaves by itself: the application may never call again."""

import pytest

WINDOW = 20


@pytest.mark.parametrize("size", [1, 1000, 70000])
def test_the_end_of_a_burst(pair, transport, size):
    push, pull = pair("PUSH", "PULL", transport)
    for burst in (1, 2, 3, 100, 1, 500, 2):
        for number in range(burst):
            push.send(number.to_bytes(2, "big") + bytes(size))
        for number in range(burst):
            assert int.from_bytes(pull.recv()[:2], "big") == number


@pytest.mark.parametrize("left", [1, 2, 300])
def test_the_end_of_an_echo(pair, transport, left):
    """A thread that has always come back to write its output is not waited for when it does not."""
    dealer, router = pair("DEALER", "ROUTER", transport)
    for _ in range(150):
        for number in range(WINDOW):
            dealer.send(b"%d" % number)
        messages = [router.recv_multipart() for _ in range(WINDOW)]
        for message in messages:
            router.send_multipart(message)
        assert [dealer.recv() for _ in range(WINDOW)] == [b"%d" % number for number in range(WINDOW)]
    for number in range(left):
        dealer.send(b"%d" % number)
    for number in range(left):
        peer, body = router.recv_multipart()
        assert body == b"%d" % number
    for number in range(left):
        router.send_multipart([peer, b"%d" % number])
    assert [dealer.recv() for _ in range(left)] == [b"%d" % number for number in range(left)]
