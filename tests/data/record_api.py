"""Record pyzmq's public names, numbers and signatures.

Run by hand, with a Python that has pyzmq and tornado:

    python tests/data/record_api.py            # writes api_facts.json beside this file

Only facts are recorded: which names there are, what numbers they stand for, and how they are called.
"""

import importlib
import inspect
import json
import sys
from enum import Enum
from pathlib import Path

MODULES = [
    "", "asyncio", "constants", "decorators", "devices", "devices.basedevice", "devices.monitoredqueue",
    "devices.monitoredqueuedevice", "devices.proxydevice", "devices.proxysteerabledevice", "error", "eventloop.zmqstream",
    "log.handlers", "sugar", "sugar.attrsettr", "sugar.context", "sugar.frame", "sugar.poll", "sugar.socket",
    "sugar.stopwatch", "sugar.tracker", "sugar.version", "utils.interop", "utils.jsonapi", "utils.monitor",
    "utils.strtypes", "utils.win32", "utils.z85",
]  # fmt: skip
SPECIAL = {"__init__"}


def signature(thing):
    """(name, kind, default) of each parameter; None if Python cannot tell."""
    try:
        parameters = inspect.signature(thing).parameters.values()
    except (TypeError, ValueError):
        return None
    return [
        [p.name, p.kind.name] + ([] if p.default is p.empty else [plain(p.default)])
        for p in parameters
        if p.name not in ("self", "cls")
    ]


def plain(value):
    if isinstance(value, Enum):
        return int(value)
    if value is None or isinstance(value, bool | int | str):
        return value
    return repr(value)


def own(module, thing):
    return (getattr(thing, "__module__", "") or "").startswith("zmq")


def class_facts(cls):
    facts = {}
    for name in sorted(dir(cls)):
        if name.startswith("_") and name not in SPECIAL:
            continue
        thing = inspect.getattr_static(cls, name)
        owner = next(base for base in cls.__mro__ if name in vars(base))
        if owner.__module__.split(".")[0] in sys.stdlib_module_names:
            continue  # what a class has from the interpreter's own differs from version to version
        if isinstance(thing, Enum) or name.isupper():
            continue
        if isinstance(thing, staticmethod | classmethod):
            thing = thing.__func__
        facts[name] = signature(thing) if callable(thing) and not isinstance(thing, type) else "attribute"
    return facts


def record():
    seen = set()
    facts = {"all": {}, "constants": {}, "enums": {}, "option_types": {}, "functions": {}, "classes": {}}
    for path in MODULES:
        module = importlib.import_module(f"zmq.{path}" if path else "zmq")
        if hasattr(module, "__all__"):
            facts["all"][path] = sorted(set(module.__all__))
        if path.startswith("sugar"):
            continue  # the classes are those of the package itself
        for name, thing in sorted(vars(module).items()):
            if name.startswith("_") or inspect.ismodule(thing):
                continue
            if inspect.isclass(thing) or inspect.isroutine(thing):  # once is enough for what has several homes
                if thing in seen:
                    continue
                seen.add(thing)
            where = f"{path}.{name}".lstrip(".")
            if isinstance(thing, int) and not isinstance(thing, bool) and path == "":
                facts["constants"][name] = int(thing)
            elif isinstance(thing, type) and issubclass(thing, Enum):
                if path == "" and issubclass(thing, int):
                    facts["enums"][name] = {key: int(member) for key, member in thing.__members__.items()}
            elif isinstance(thing, type) and own(module, thing) and not issubclass(thing, BaseException):
                facts["classes"][where] = class_facts(thing)
            elif inspect.isroutine(thing) and own(module, thing):
                facts["functions"][where] = signature(thing)
    import zmq

    facts["option_types"] = {name: o._opt_type.value for name, o in zmq.SocketOption.__members__.items()}
    return facts


if __name__ == "__main__":
    target = Path(__file__).with_name("api_facts.json")
    lines = []
    for kind, entries in record().items():
        inner = ",\n".join(f"  {json.dumps(key)}: {json.dumps(value)}" for key, value in entries.items())
        lines.append(f" {json.dumps(kind)}: {{\n{inner}\n }}")
    target.write_text("{\n" + ",\n".join(lines) + "\n}\n")
