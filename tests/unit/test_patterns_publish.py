"""PUB, SUB, XPUB and XSUB: topics, filters and what is told upstream. On pipes that lead nowhere (pattern_pipes.py)."""


import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pattern_pipes import AGAIN, IN, NOTSUP, OUT, PUB, SUB, XPUB, XSUB, drain, link, wire
from platforms import errno

from zmqcore import _probe

# ---- PUB and SUB


def test_pub_sub(make):
    pub, sub = make(PUB), make(SUB)
    link(sub, pub)
    assert pub.recv() == NOTSUP and sub.send(b"x") == NOTSUP
    assert pub.events == OUT and pub.send(b"nobody") == 0 and drain(sub) == []
    assert sub.subscribe(b"a") == 0 and sub.subscribe(b"ab") == 0
    assert pub.topics == 2 and sub.topics == 2
    for message in ([b"a"], [b"abc", b"body"], [b"b", b"a"], [b""]):
        assert pub.send_multipart(message) == 0
    assert sub.events == IN
    assert drain(sub) == [[b"a"], [b"abc", b"body"]]
    assert sub.unsubscribe(b"a") == 0 and sub.unsubscribe(b"unknown") == 0
    pub.send(b"a1")
    pub.send(b"ab1")
    assert drain(sub) == [[b"ab1"]]
    assert pub.subscribe(b"x") == -errno.EINVAL
    sub.subscribe(b"")
    pub.send(b"")
    pub.send(b"zz")
    assert drain(sub) == [[b""], [b"zz"]]


def test_subscriptions_are_counted_here_and_sets_there(make):
    sub = make(SUB)
    w = wire(sub)
    for _ in range(3):
        sub.subscribe(b"t")
    assert w.out() == [("sub", b"t")] * 3
    sub.unsubscribe(b"t")
    sub.unsubscribe(b"t")
    assert w.out() == []
    w.feed(b"topic")
    assert sub.recv() == (b"topic", False)
    sub.unsubscribe(b"t")
    assert w.out() == [("cancel", b"t")]
    w.feed(b"topic")
    assert sub.recv() == AGAIN


def test_subscriptions_are_sent_again_at_every_connection(make):
    for type in (SUB, XSUB):
        sub = make(type)
        w = wire(sub, connected=False, local=True)
        for i in range(2000):
            if type == SUB:
                sub.subscribe(b"%d" % i)
            else:
                sub.send(b"\1%d" % i)
        assert w.out() == []
        for _ in range(2):
            w.ready()
            assert sorted(w.out()) == sorted(("sub", b"%d" % i) for i in range(2000))
            w.lost()


def test_subscriptions_are_not_subject_to_a_mark(make):
    pub, sub = make(XPUB), make(SUB)
    link(sub, pub, hwm_left=2, hwm_right=2)
    for i in range(100):
        sub.subscribe(b"%d" % i)
    assert pub.topics == 100 and len(drain(pub)) == 100


def test_filtering_does_not_go_on_for_ever(make):
    sub = make(SUB)
    w = wire(sub)
    sub.subscribe(b"yes")
    for _ in range(2500):
        w.feed(b"no", b"body")
    w.feed(b"yes")
    assert sub.recv() == AGAIN and sub.unfinished
    assert sub.events == 0 and sub.unfinished
    assert sub.events == IN and not sub.unfinished
    assert sub.recv() == (b"yes", False)
    assert sub.recv() == AGAIN and not sub.unfinished


def test_xsub_sees_everything(make):
    xsub = make(XSUB)
    w = wire(xsub)
    w.feed(b"unasked", b"for")
    assert xsub.events == IN | OUT
    assert xsub.recv_multipart() == [b"unasked", b"for"]


def test_a_full_subscriber_misses_whole_messages(make):
    pub, slow, fast = make(PUB), make(SUB), make(SUB)
    link(pub, slow, hwm_left=2)
    link(pub, fast)
    for sub in (slow, fast):
        sub.subscribe(b"")
    for i in range(5):
        assert pub.send_multipart([b"%d" % i, b"a", b"b"]) == 0
    assert [m[0] for m in drain(fast)] == [b"0", b"1", b"2", b"3", b"4"]
    # Room comes back in the middle of a message: that one is missed, too.
    pub.send(b"5", True)
    assert slow.recv_multipart() == [b"0", b"a", b"b"]
    pub.send(b"rest")
    pub.send(b"6")
    assert [m[0] for m in drain(slow)] == [b"1", b"6"]
    assert [m[0] for m in drain(fast)] == [b"5", b"6"]


def test_nodrop(make):
    pub, one, two = make(XPUB, xpub_nodrop=True), make(SUB), make(SUB)
    link(pub, one, hwm_left=2)
    link(pub, two)
    one.subscribe(b"a")
    two.subscribe(b"")
    assert pub.send(b"a1") == 0 and pub.send_multipart([b"a2", b"more"]) == 0
    assert pub.events & OUT
    assert pub.send(b"a3") == AGAIN
    assert pub.events & OUT == 0
    assert pub.send(b"b") == 0
    assert drain(two) == [[b"a1"], [b"a2", b"more"], [b"b"]]
    assert one.recv() == (b"a1", False)
    assert pub.events & OUT
    assert pub.send(b"a3") == 0
    assert drain(one) == [[b"a2", b"more"], [b"a3"]]
    assert drain(two) == [[b"a3"]]


def test_nodrop_is_unblocked_when_the_full_subscriber_goes(make):
    pub, one = make(PUB, xpub_nodrop=True), make(SUB)
    joined = link(pub, one, hwm_left=1)
    one.subscribe(b"")
    assert pub.send(b"1") == 0 and pub.send(b"2") == AGAIN and pub.events == 0
    joined.forget(one)
    assert pub.events == OUT and pub.send(b"2") == 0


def test_invert_matching(make):
    pub, sub = make(PUB, invert_matching=True), make(SUB, invert_matching=True)
    everything = make(SUB, invert_matching=True)
    link(sub, pub)
    link(everything, pub)
    sub.subscribe(b"no")
    for name in (b"no", b"not", b"yes"):
        pub.send(name)
    assert drain(sub) == [[b"yes"]]
    assert drain(everything) == [[b"no"], [b"not"], [b"yes"]]


def test_a_legacy_peer_gets_everything(make):
    xpub = make(XPUB)
    w = wire(xpub, legacy=True)
    xpub.send(b"anything")
    assert w.out() == [[b"anything"]]
    assert drain(xpub) == [[b"\1"]]


def test_both_forms_of_a_subscription(make):
    for type in (PUB, XPUB):
        pub = make(type)
        w = wire(pub)
        w.feed(("sub", b"A"))
        w.feed(b"\1B")
        for name in (b"A", b"B", b"C"):
            pub.send(name)
        assert w.out() == [[b"A"], [b"B"]]
        w.feed(b"\0A")
        w.feed(("cancel", b"B"))
        for name in (b"A", b"B", b"C"):
            pub.send(name)
        assert w.out() == []
        if type == XPUB:
            assert drain(pub) == [[b"\1A"], [b"\1B"], [b"\0A"], [b"\0B"]]


@pytest.mark.parametrize("size", [0, 1, 245, 246, 255, 5000])
def test_topics_are_reported_exactly(make, size):
    xpub, xsub = make(XPUB), make(XSUB)
    link(xsub, xpub)
    xsub.send(b"\1" + b"t" * size)
    assert xpub.recv() == (b"\1" + b"t" * size, False)
    xpub.send(b"t" * size)
    assert xsub.recv() == (b"t" * size, False)
    xsub.send(b"\0" + b"t" * size)
    assert xpub.recv() == (b"\0" + b"t" * size, False)


def reports(xpub):
    return [m[0] for m in drain(xpub)]


@pytest.mark.parametrize(
    ("verbose", "verboser", "expected"),
    [
        (False, False, [b"\1t", b"\0t"]),
        (True, False, [b"\1t", b"\1t", b"\1t", b"\0t"]),
        (True, True, [b"\1t", b"\1t", b"\1t", b"\0t", b"\0t"]),
    ],
)
def test_verbose(make, verbose, verboser, expected):
    xpub = make(XPUB, **({"xpub_verboser": True} if verboser else {"xpub_verbose": verbose}))  # the later one decides
    one, two = wire(xpub), wire(xpub)
    one.feed(("sub", b"t"))
    one.feed(("sub", b"t"))
    two.feed(("sub", b"t"))
    one.feed(("cancel", b"t"))
    two.feed(("cancel", b"t"))
    assert reports(xpub) == expected
    # A cancellation of what nobody holds is reported like a real one.
    one.feed(("cancel", b"never"))
    assert reports(xpub) == [b"\0never"]


@pytest.mark.parametrize(("verboser", "expected"), [(False, [b"\0mine"]), (True, [b"\0mine", b"\0t"])])
@pytest.mark.parametrize("how", ["ended", "forget"])
def test_a_peer_that_is_gone_is_an_unsubscription(make, verboser, expected, how):
    xpub = make(XPUB, xpub_verboser=verboser)
    one, two = wire(xpub, local=True), wire(xpub)
    one.feed(("sub", b"t"))
    two.feed(("sub", b"t"))
    one.feed(("sub", b"mine"))
    drain(xpub)
    getattr(one, how)()
    assert sorted(reports(xpub)) == sorted(expected)
    assert xpub.topics == 1
    two.forget()
    assert reports(xpub) == [b"\0t"] and xpub.topics == 0


def test_a_peer_that_may_come_back_keeps_its_topics(make):
    xpub = make(XPUB)
    one = wire(xpub, local=True)
    one.feed(("sub", b"t"))
    drain(xpub)
    one.lost()
    assert reports(xpub) == [] and xpub.topics == 1
    one.ready()
    one.feed(("sub", b"t"), ("sub", b"new"))
    assert reports(xpub) == [b"\1new"] and xpub.topics == 2
    one.ended()
    assert sorted(reports(xpub)) == [b"\0new", b"\0t"] and xpub.topics == 0


def test_upstream_messages(make):
    xpub, pub, xsub = make(XPUB), make(PUB), make(XSUB)
    link(xsub, xpub)
    link(xsub, pub)
    xsub.send_multipart([b"user", b"data", b""])
    xsub.send(b"")
    assert drain(xpub) == [[b"user", b"data", b""], [b""]]
    assert pub.topics == 0


def test_every_frame_may_be_a_subscription(make):
    xpub, xsub = make(XPUB), make(XSUB)
    link(xsub, xpub)
    xsub.send_multipart([b"user", b"\1B", b"data", b"\1C"])
    assert drain(xpub) == [[b"user", b"data"], [b"\1B"], [b"\1C"]]
    assert xpub.topics == 2 and xsub.topics == 2
    xsub.send_multipart([b"user", b"\0B"])
    assert drain(xpub) == [[b"user"], [b"\0B"]]
    assert xpub.topics == 1 and xsub.topics == 1


def test_only_the_first_frame_may_be_a_subscription(make):
    xpub, xsub = make(XPUB, only_first_subscribe=True), make(XSUB, only_first_subscribe=True)
    link(xsub, xpub)
    xsub.send_multipart([b"user", b"\1B", b"\0C"])
    assert drain(xpub) == [[b"user", b"\1B", b"\0C"]]
    assert xpub.topics == 0 and xsub.topics == 0
    xsub.send_multipart([b"\1A", b"\1B", b"user"])
    assert drain(xpub) == [[b"\1A"], [b"\1B"], [b"user"]]
    assert xpub.topics == 2


def test_interleaved_multipart_messages_of_several_peers(make):
    xpub, one, two = make(XPUB), make(XSUB), make(XSUB)
    link(one, xpub)
    link(two, xpub)
    one.send(b"1a", True)
    two.send(b"2a", True)
    one.send(b"\1t", True)
    two.send(b"2b")
    assert drain(xpub) == [[b"2a", b"2b"]]
    one.send(b"1b")
    assert drain(xpub) == [[b"1a", b"1b"], [b"\1t"]]


def test_xsub_unsubscribing_inside_a_message_keeps_a_counted_topic(make):
    xpub, xsub = make(XPUB), make(XSUB)
    link(xsub, xpub)
    xsub.send(b"\1t")
    xsub.send(b"\1t")
    xsub.send_multipart([b"user", b"\0t"])
    assert drain(xpub)[:2] == [[b"\1t"], [b"user"]]
    xpub.send(b"topic")
    assert drain(xsub) == [[b"topic"]]
    xsub.send_multipart([b"user", b"\0t"])
    xpub.send(b"topic")
    assert drain(xsub) == [] and xpub.topics == 0


def test_xsub_counts_and_verbose_unsubscribe(make):
    xsub = make(XSUB)
    w = wire(xsub)
    for _ in range(2):
        xsub.send(b"\1t")
    xsub.send(b"\0t")
    xsub.send(b"\0unknown")
    assert w.out() == [("sub", b"t"), ("sub", b"t")]
    xsub.send(b"\0t")
    assert w.out() == [("cancel", b"t")]
    xsub.set("xsub_verbose_unsubscribe", True)
    for _ in range(2):
        xsub.send(b"\1t")
    for _ in range(2):
        xsub.send(b"\0t")
    assert w.out() == [("sub", b"t"), ("sub", b"t"), ("cancel", b"t"), ("cancel", b"t")]


def test_xsub_never_blocks(make):
    xsub, xpub = make(XSUB), make(XPUB)
    link(xsub, xpub, hwm_left=2)
    # Nobody has looked at the other end yet, so nothing has been read.
    for i in range(10):
        assert xsub.events & OUT and xsub.send_multipart([b"%d" % i, b"x"]) == 0
    assert [m[0] for m in drain(xpub)] == [b"0", b"1"]


def test_manual_subscriptions_take_effect_when_granted(make):
    xpub = make(XPUB, xpub_manual=True)
    one, two = wire(xpub), wire(xpub)
    one.feed(("sub", b"A"))
    one.feed(("sub", b"A"))
    two.feed(("sub", b"B"))
    assert xpub.subscribe(b"nobody asked yet") == 0
    xpub.send(b"A")
    assert one.out() == []
    assert xpub.recv() == (b"\1A", False)
    assert xpub.subscribe(b"XA") == 0
    assert xpub.recv() == (b"\1A", False)
    assert xpub.recv() == (b"\1B", False)
    assert xpub.subscribe(b"XB") == 0
    for name in (b"A", b"B", b"XA", b"XB"):
        xpub.send(name)
    assert one.out() == [[b"XA"]] and two.out() == [[b"XB"]]
    one.feed(("cancel", b"A"))
    assert xpub.recv() == (b"\0A", False)
    assert xpub.unsubscribe(b"XA") == 0
    xpub.send(b"XA")
    assert one.out() == []
    # What was asked for is reported at the end, what took effect is not.
    two.feed(("sub", b"C"))
    assert xpub.recv() == (b"\1C", False)
    two.forget()
    assert sorted(reports(xpub)) == [b"\0B", b"\0C"]
    assert xpub.subscribe(b"ignored") == 0 and xpub.topics == 0
    xpub.set("xpub_manual", False)
    assert xpub.subscribe(b"x") == -errno.EINVAL


def test_manual_request_of_a_peer_that_has_gone(make):
    xpub = make(XPUB, xpub_manual=True)
    gone = wire(xpub)
    gone.feed(("sub", b"A"))
    gone.forget()
    stays = wire(xpub)
    assert xpub.recv() == (b"\1A", False)
    assert xpub.subscribe(b"A") == 0
    xpub.send(b"A")
    assert stays.out() == [] and xpub.topics == 0
    assert reports(xpub) == [b"\0A"]


def test_last_value(make):
    xpub = make(XPUB, xpub_manual_last_value=True)
    one, two = wire(xpub), wire(xpub)
    for w in (one, two):
        w.feed(("sub", b"t"))
        assert xpub.recv() == (b"\1t", False)
        assert xpub.subscribe(b"t") == 0
        assert xpub.send_multipart([b"t", b"cached"]) == 0
        assert xpub.send(b"t for all") == 0
    assert one.out() == [[b"t", b"cached"], [b"t for all"], [b"t for all"]]
    assert two.out() == [[b"t", b"cached"], [b"t for all"]]


def test_welcome(make):
    xpub = make(XPUB, xpub_welcome_msg=b"W")
    w = wire(xpub)
    assert w.out() == [[b"W"]]
    pub, sub, deaf = make(PUB, xpub_welcome_msg=b"W"), make(SUB), make(SUB)
    sub.subscribe(b"W")
    link(sub, pub)
    link(deaf, pub)
    assert drain(sub) == [[b"W"]] and drain(deaf) == []


def test_subscriber_that_goes_in_the_middle_of_a_message(make):
    pub = make(PUB)
    one, two = wire(pub), wire(pub)
    for w in (one, two):
        w.feed(("sub", b""))
    pub.send(b"1", True)
    one.forget()
    pub.send(b"2")
    assert two.out() == [[b"1", b"2"]]


@settings(max_examples=80, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("sub"), st.integers(0, 3), st.text("ab", max_size=3).map(str.encode)),
            st.tuples(st.just("unsub"), st.integers(0, 3), st.text("ab", max_size=3).map(str.encode)),
            st.tuples(st.just("send"), st.integers(1, 3), st.text("ab", max_size=4).map(str.encode)),
            st.tuples(st.just("read"), st.integers(0, 3), st.just(b"")),
            st.tuples(st.just("leave"), st.integers(0, 3), st.just(b"")),
        ),
        max_size=60,
    )
)
def test_pub_sub_like_a_model(steps):
    """Whoever holds a prefix gets the message, whole and in order; nobody else gets anything."""
    pub = _probe.pattern_Socket(PUB)
    subs, links, models, expected = [], [], [], []

    def fresh():
        sub = _probe.pattern_Socket(SUB)
        return sub, link(sub, pub), {}, []

    def wanted(n):
        """What is under way is filtered once more when it is read, by the set of then."""
        return [m for m in expected[n] if any(m[0].startswith(t) for t in models[n])]

    for _ in range(4):
        for place, value in zip((subs, links, models, expected), fresh()):
            place.append(value)
    number = 0
    try:
        for what, n, name in steps:
            if what == "sub":
                subs[n].subscribe(name)
                models[n][name] = models[n].get(name, 0) + 1
            elif what == "unsub":
                subs[n].unsubscribe(name)
                if name in models[n]:
                    models[n][name] -= 1
                    if not models[n][name]:
                        del models[n][name]
            elif what == "send":
                number += 1
                message = [name] + [b"%d" % number] * n
                assert pub.send_multipart(message) == 0
                for i in range(4):
                    if any(name.startswith(t) for t in models[i]):
                        expected[i].append(message)
            elif what == "read":
                assert drain(subs[n]) == wanted(n)
                expected[n] = []
            else:
                links[n].forget(subs[n])
                subs[n].close()
                subs[n], links[n], models[n], expected[n] = fresh()
        for n in range(4):
            assert drain(subs[n]) == wanted(n)
    finally:
        for sub in subs:
            sub.close()
        pub.close()
