"""Decorators that open a context or a socket for one call."""

import pytest


@pytest.fixture
def decorators(submodule):
    return submodule("decorators")


def test_positional(zmq, decorators):
    @decorators.context()
    @decorators.socket(zmq.PUSH)
    @decorators.socket(zmq.PULL)
    def call(*args, **kwargs):
        assert not any(one.closed for one in args[2:])
        return args, kwargs

    args, kwargs = call(1, 2)
    assert args[:2] == (1, 2) and not kwargs
    context, push, pull = args[2:]
    assert type(context) is zmq.Context
    assert (push.type, pull.type) == (zmq.PUSH, zmq.PULL)
    assert push.context is context and pull.context is context
    assert context.closed and push.closed and pull.closed


def test_named(zmq, decorators):
    @decorators.context("ctx", io_threads=2)
    @decorators.socket(zmq.PUSH, name="push", context_name="ctx")
    def call(*args, **kwargs):
        assert kwargs["ctx"].io_threads == 2
        return args, kwargs

    args, kwargs = call(1, x=2)
    assert args == (1,) and kwargs["x"] == 2
    assert kwargs["push"].context is kwargs["ctx"]
    with pytest.raises(TypeError, match="multiple values"):
        call(ctx=5)
    with pytest.raises(TypeError, match="multiple values"):
        call(push=5)


def test_context_that_is_given(zmq, decorators, context):
    @decorators.socket("push", zmq.PUSH)
    def call(*args, push, **kwargs):
        return push.context

    assert call(context) is context
    assert call(context=context) is context
    assert call() is zmq.Context.instance()
    assert call(context=5) is zmq.Context.instance()


def test_wrapping(zmq, decorators):
    @decorators.context("ctx")
    def call(ctx):
        """What it does."""
        raise RuntimeError(ctx)

    assert (call.__name__, call.__doc__) == ("call", "What it does.")
    with pytest.raises(RuntimeError) as caught:
        call()
    assert caught.value.args[0].closed


def test_missing_type(decorators):
    @decorators.socket("push")
    def call(push):
        raise AssertionError("not reached")

    with pytest.raises(TypeError):
        call()
