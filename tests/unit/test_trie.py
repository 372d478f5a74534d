"""The two topic tables of src/pattern: what a subscriber holds (counted), and who wants what at a publisher (sets)."""

import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from zmqcore import _probe

ABSENT, REMAINS, LAST = 0, 1, 2
HELD, ADDED, FIRST = 0, 1, 2

# Few letters make common prefixes; any octets make wide nodes.
narrow = st.text("ab", max_size=8).map(str.encode)
wide = st.binary(max_size=3)
topic = st.one_of(narrow, wide, st.sampled_from([b"", b"\0", b"\xff", b"a" * 300, b"a" * 299 + b"b"]))
relaxed = settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])


# ---- own subscriptions


def test_counts_and_prefixes():
    table = _probe.pattern_Subscriptions()
    assert not table.match(b"") and not table.match(b"x")
    assert table.add(b"test") == 1
    assert table.add(b"test") == 0
    assert not table.match(b"tes")
    assert table.match(b"test") and table.match(b"test.x")
    assert table.remove(b"tes") == ABSENT
    assert table.remove(b"test.") == ABSENT
    assert table.remove(b"test") == REMAINS
    assert table.match(b"test")
    assert table.remove(b"test") == LAST
    assert table.remove(b"test") == ABSENT
    assert not table.match(b"test")
    assert len(table) == 0


def test_a_common_prefix_is_no_entry():
    table = _probe.pattern_Subscriptions()
    for name in (b"foobar", b"foobaz", b"foox"):
        assert table.add(name) == 1
    for name in (b"", b"f", b"foo", b"fooba", b"foob"):
        assert not table.match(name)
        assert table.remove(name) == ABSENT
    assert sorted(table.topics()) == [b"foobar", b"foobaz", b"foox"]


def test_the_empty_topic_matches_everything():
    table = _probe.pattern_Subscriptions()
    table.add(b"long")
    table.add(b"")
    assert table.match(b"") and table.match(b"anything")
    assert table.remove(b"") == LAST
    assert not table.match(b"") and table.match(b"longer")


@relaxed
@given(st.lists(st.tuples(st.booleans(), topic), max_size=60), st.lists(topic, max_size=20))
def test_subscriptions_like_a_model(changes, questions):
    table = _probe.pattern_Subscriptions()
    model = {}
    for add, name in changes:
        if add:
            assert table.add(name) == (name not in model)
            model[name] = model.get(name, 0) + 1
        elif name not in model:
            assert table.remove(name) == ABSENT
        else:
            model[name] -= 1
            assert table.remove(name) == (REMAINS if model[name] else LAST)
            if not model[name]:
                del model[name]
        assert len(table) == len(model)
    assert sorted(table.topics()) == sorted(model)
    for question in questions + [name + b"more" for name in model]:
        assert table.match(question) == any(question.startswith(name) for name in model)


@pytest.mark.parametrize("seed", range(4))
def test_many_topics_come_and_go(seed):
    """Nodes of every width, in both directions."""
    rng = random.Random(seed)
    alphabet = [bytes([c]) for c in range(256)][: (256, 60, 17, 3)[seed]]
    names = list({b"".join(rng.choices(alphabet, k=rng.randint(0, 6))) for _ in range(4000)})
    table = _probe.pattern_Subscriptions()
    for name in names:
        assert table.add(name) == 1
    present = set(names)
    rng.shuffle(names)
    for i, name in enumerate(names):
        assert table.match(name)
        assert table.remove(name) == LAST
        present.remove(name)
        if i % 400 == 0:
            for other in rng.sample(names, 50):
                assert table.match(other) == any(other[:n] in present for n in range(len(other) + 1))
    assert len(table) == 0 and table.memory() < 1000


def test_chains_of_single_octets_and_long_topics():
    table = _probe.pattern_Subscriptions()
    chain = b"x" * 3000
    for n in range(1, 3001):
        assert table.add(chain[:n]) == 1
    assert table.match(b"x") and table.match(chain + b"y") and not table.match(b"y" + chain)
    for n in range(1, 3001):
        assert table.remove(chain[:n]) == LAST
        assert table.match(chain) == (n < 3000)
    # Topics around the sizes at which blocks get chunks of their own.
    sizes = [1200, 1267, 1268, 1269, 2035, 2036, 2037, 32755, 32756, 32757, 65524, 65525, 100_000, 3_000_000]
    for size in sizes:
        assert table.add(b"\1" * size) == 1
    for size in reversed(sizes):
        assert table.match(b"\1" * size)
        assert table.remove(b"\1" * size) == LAST
    assert table.memory() < 1000


def test_a_huge_first_topic():
    table = _probe.pattern_Subscriptions()
    assert table.add(b"h" * 1_000_000) == 1
    assert table.add(b"h" * 1_000_001) == 1
    assert table.match(b"h" * 1_000_000 + b"i")
    assert table.remove(b"h" * 1_000_000) == LAST
    assert not table.match(b"h" * 1_000_000 + b"i")


# ---- the publisher's table


def test_first_added_held_last():
    table = _probe.pattern_Topics()
    one, two = table.open(), table.open()
    assert table.add(one, b"t") == FIRST
    assert table.add(one, b"t") == HELD
    assert table.add(two, b"t") == ADDED
    assert table.match(b"topic") == {one, two}
    assert table.remove(one, b"other") == ABSENT
    assert table.remove(one, b"t") == REMAINS
    assert table.remove(one, b"t") == REMAINS  # others hold it
    assert table.match(b"topic") == {two}
    assert table.remove(two, b"t") == LAST
    assert table.match(b"topic") == set()
    assert table.remove(two, b"t") == ABSENT


def test_removing_what_is_not_there_disturbs_nobody():
    table = _probe.pattern_Topics()
    h = table.open()
    for name in (b"foo", b"foobar", b"fox"):
        table.add(h, name)
    for name in (b"", b"f", b"fo", b"foob", b"foobarx", b"fow", b"foz", b"g"):
        assert table.remove(h, name) == ABSENT
    assert len(table) == 3
    assert table.match(b"foobar") == {h} and table.match(b"fox") == {h} and table.match(b"fo") == set()


def test_many_holders_of_one_topic():
    table = _probe.pattern_Topics()
    holders = [table.open() for _ in range(500)]
    order = holders[:]
    random.Random(1).shuffle(order)
    for i, h in enumerate(order):
        assert table.add(h, b"all") == (ADDED if i else FIRST)
        assert table.add(h, b"own%d" % h) == FIRST
    assert table.match(b"all of you") == set(holders)
    random.Random(2).shuffle(order)
    for i, h in enumerate(order):
        last = i == len(order) - 1
        assert sorted(table.close(h)) == sorted([(b"all", last), (b"own%d" % h, True)])
    assert len(table) == 0 and table.memory() < 1000


class Model:
    def __init__(self):
        self.topics = {}

    def match(self, question):
        return set().union(*(held for name, held in self.topics.items() if question.startswith(name)))


steps = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.integers(0, 5), topic),
        st.tuples(st.just("add"), st.integers(0, 5), topic),
        st.tuples(st.just("remove"), st.integers(0, 5), topic),
        st.tuples(st.just("close"), st.integers(0, 5), st.just(b"")),
    ),
    max_size=80,
)


@relaxed
@given(steps, st.lists(topic, max_size=20))
def test_topics_like_a_model(steps, questions):
    table = _probe.pattern_Topics()
    holders = [table.open() for _ in range(6)]
    model = Model()
    for what, which, name in steps:
        h = holders[which]
        held = model.topics.get(name, set())
        if what == "add":
            assert table.add(h, name) == (HELD if h in held else ADDED if held else FIRST)
            model.topics.setdefault(name, set()).add(h)
        elif what == "remove":
            before = bool(held)
            held.discard(h)
            assert table.remove(h, name) == (ABSENT if not before else REMAINS if held else LAST)
            if before and not held:
                del model.topics[name]
        else:
            expected = sorted((name, held == {h}) for name, held in model.topics.items() if h in held)
            assert sorted(table.close(h)) == expected
            for name in [name for name, held in model.topics.items() if h in held]:
                model.topics[name].remove(h)
                if not model.topics[name]:
                    del model.topics[name]
            holders[which] = table.open()
        assert len(table) == len(model.topics)
    for question in questions + [name + b"x" for name in model.topics]:
        assert table.match(question) == model.match(question)


def test_memory_stays_in_the_budget():
    """Both tables together: at most 150 octets for each subscription."""
    count = 100_000
    rng = random.Random(5)
    kinds = {
        "numbered": [b"topic.%06d.price" % i for i in range(count)],
        "random": list({rng.getrandbits(192).to_bytes(24, "big")[: rng.randint(16, 24)] for _ in range(count)}),
    }
    for kind, names in kinds.items():
        own, theirs = _probe.pattern_Subscriptions(), _probe.pattern_Topics()
        h = theirs.open()
        for name in names:
            own.add(name)
            theirs.add(h, name)
        each = (own.memory() + theirs.memory()) / len(names)
        assert each <= 150, (kind, each)


def test_very_many_topics():
    """So many that their memory comes in slabs of large pages; both tables together take at most 100 octets for each. Topics that need a
    block of their own come in between, one of them just as large as the pieces of a slab."""
    count = 300_000
    names = [b"topic/%09d" % i for i in range(count)]
    long = b"topic/000000000" + b"x" * 100_000
    even = b"x" * (65536 - 12)
    own, theirs = _probe.pattern_Subscriptions(), _probe.pattern_Topics()
    h = theirs.open()
    for _ in range(2):
        for number, name in enumerate(names):
            assert own.add(name) == 1
            assert theirs.add(h, name) == FIRST
            if number == count // 2:
                own.add(long)
                theirs.add(h, long)
        assert (own.memory() + theirs.memory()) / count <= 100
        assert (own.add(even), theirs.add(h, even)) == (1, FIRST)
        assert own.remove(even) == theirs.remove(h, even) == LAST
        for name in [*names[:: count // 100], long, names[-1] + b"x"]:
            assert own.match(name) and theirs.match(name) == {h}
            assert not own.match(name[:-2]) or name == long
        assert not own.match(b"topic/%09d" % count) and not theirs.match(b"topic/%09d" % count)
        for name in [*reversed(names), long]:
            assert own.remove(name) == theirs.remove(h, name) == LAST
        assert own.memory() == 0
        assert len(theirs) == 0
