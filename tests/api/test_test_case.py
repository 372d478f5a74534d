"""zmq.tests: what other projects' tests take from there."""

import unittest

import pytest


def outcome(case):
    result = unittest.TestResult()
    unittest.defaultTestLoader.loadTestsFromTestCase(case).run(result)
    return result


@pytest.fixture(params=["threads", "greenlets"])
def base(request, submodule):
    if request.param == "threads":
        return submodule("tests").BaseZMQTestCase
    pytest.importorskip("gevent")
    tests = submodule("tests")
    return type("Green", (tests.GreenTest, tests.BaseZMQTestCase), {"__module__": __name__})


def test_sockets_and_contexts_go_with_the_test(zmq, base):
    seen = []

    class Case(base):
        def test_talk(self):
            one, two = self.create_bound_pair(zmq.PAIR, zmq.PAIR)
            assert self.ping_pong(one, two, b"x") == b"x"
            assert self.ping_pong_json(one, two, {"a": 1}) == {"a": 1}
            one.send_multipart([b"a", b"b"])
            assert self.recv_multipart(two) == [b"a", b"b"]
            one.send(b"c")
            assert self.recv(two) == b"c"
            self.assertRaisesErrno(zmq.EINVAL, one.setsockopt, zmq.LINGER, -5)
            seen.extend([self.context, one, two])

    result = outcome(Case)
    assert (result.testsRun, result.failures, result.errors) == (1, [], [])
    assert all(thing.closed for thing in seen)


def test_what_fails(zmq, base):
    class Case(base):
        def test_other_errno(self):
            self.assertRaisesErrno(zmq.EFSM, self.socket(zmq.PULL).setsockopt, zmq.LINGER, -5)

        def test_nothing_comes(self):
            self.recv(self.socket(zmq.PULL))

    result = outcome(Case)
    assert len(result.failures) + len(result.errors) == result.testsRun == 2


def test_tests_left_out_for_greenlets(base, submodule):
    class Case(base):
        @submodule("tests").skip_green
        def test_one(self):
            pass

    assert len(outcome(Case).skipped) == (1 if base.green else 0)


@pytest.mark.better  # libzmq aborts the process when a context is ended twice at a time
def test_a_context_that_does_not_end(zmq, submodule):
    context = zmq.Context()
    socket = context.socket(zmq.PUSH)
    with pytest.raises(RuntimeError):
        submodule("tests").term_context(context, 0.05)
    socket.close()
    context.term()
