"""What annotations tell at run time: injectors, generators of command lines and checkers of calls read them."""

import ast
import inspect
import typing
from pathlib import Path

import pytest

import zmqcore
import zmqcore.asyncio as aio
from zmqcore import _core

pytestmark = pytest.mark.better

CLASSES = ["_SocketBase", "Socket", "Context", "Frame"]
# Method descriptors: they are as fast as they are because they are no functions, and have a signature only.
FAST = {"send", "recv", "send_multipart", "recv_multipart"}


def stub():
    """(where, name, annotations) of each function of the stub that is public and has one form."""
    tree = ast.parse((Path(_core.__file__).parent / "_core.pyi").read_text())
    for node in tree.body:
        inside = node.body if isinstance(node, ast.ClassDef) and node.name in CLASSES else []
        for function in inside or [node]:
            if not isinstance(function, ast.FunctionDef) or function.name.startswith("_") or function.decorator_list:
                continue
            arguments = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
            told = {one.arg: ast.unparse(one.annotation) for one in arguments if one.annotation}
            told["return"] = ast.unparse(function.returns)
            yield (node.name if inside else None), function.name, {name: text.replace("_Data", "Any").replace("Buffer", "Any") for name, text in told.items()}


def test_compiled_functions_tell_what_the_stub_tells():
    seen = set()
    for where, name, told in stub():
        if name in FAST or "Self" in told.values():  # which has no meaning outside of a class
            continue
        public = getattr(zmqcore.Socket, name, None) if where in CLASSES[:2] else getattr(getattr(zmqcore, where or "", zmqcore), name, None)
        found = getattr(_core if where is None else getattr(_core, where), name)
        if public is not found:
            continue  # not the program's, or the Python class has its own
        assert found.__annotations__ == told, (where, name)
        assert typing.get_type_hints(found).keys() == told.keys()
        seen.add(name)
    assert {"curve_keypair", "curve_public", "has", "proxy", "proxy_steerable", "zmq_version_info", "disconnect", "unbind", "join", "fileno"} <= seen


@pytest.mark.parametrize("name", sorted(FAST))
def test_the_fastest_have_a_signature(name):
    parameters = inspect.signature(getattr(zmqcore.Socket, name)).parameters
    assert {"flags", "copy", "track", "timeout"} <= parameters.keys()


PUBLIC = [zmqcore, zmqcore.Socket, zmqcore.Context, zmqcore.Frame, zmqcore.Poller, zmqcore.SecretKey, zmqcore.PublicKey, aio.Socket, aio.Context]


@pytest.mark.parametrize("where", PUBLIC, ids=lambda where: f"{where.__module__}.{where.__name__}" if inspect.isclass(where) else where.__name__)
def test_functions_of_the_package_can_be_asked(where):
    asked = []
    for name in dir(where):
        one = inspect.getattr_static(where, name)
        function = getattr(one, "__func__", getattr(one, "fget", one))
        if not name.startswith("_") and callable(function) and not inspect.isclass(function) and getattr(function, "__annotations__", None):
            typing.get_type_hints(function)
            asked.append(name)
    assert asked
    assert where is not zmqcore.Socket or {"secure_server", "secure_client", "statistics", "watch", "let_go", "send_object", "recv_pyobj"} <= set(asked)
