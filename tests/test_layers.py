"""Keeps the walls of docs/architecture.md: who may cimport whom, where Python objects and platform differences may appear.

Rules
- The table in the document is the only list of permissions; nothing is repeated here.
- Every check is a function from a root folder to a list of offences, so that each is also tried on a tree that offends.
"""

import ast
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ARCHITECTURE = ROOT / "docs" / "architecture.md"
C_LEVEL = {".pxd", ".pyx", ".pxi", ".h"}
CODE = C_LEVEL | {".py", ".pyi", ".sh"}
MAX_LINES = 700
# Headers of ISO C: the same on every platform. Anything else differs somewhere and belongs behind base.
ISO_HEADERS = {f"{name}.h" for name in "errno limits stdarg stddef stdint stdio stdlib string".split()}
# pyzmq's public paths, and their tests; programs that import them must keep running.
NAMES_FROM_PYZMQ = ("zmqcore/utils/", "tests/api/test_utils.py")
# Modules that join zmqcore to a package the program already uses; nothing else imports them, so none is a dependency.
BRIDGES = {
    "anyio": ("zmqcore/anyio.py", "zmqcore/_anyio_requester.py"),
    "cffi": "zmqcore/utils/interop.py",
    "cryptography": "zmqcore/_openssl.py",
    "gevent": "zmqcore/green/",
    "lz4": "zmqcore/_codecs.py",
    "nacl": "zmqcore/_sodium.py",
    "msgspec": "zmqcore/_objects.py",
    "numpy": "zmqcore/_arrays.py",
    "paramiko": "zmqcore/ssh/",
    "pexpect": "zmqcore/ssh/",
    "tornado": "zmqcore/eventloop/",
    "trio": "zmqcore/_trio.py",
    "zstandard": "zmqcore/_codecs.py",
}
STANDARD = sys.stdlib_module_names | {"annotationlib"}  # 3.14 has it, the interpreter that runs this may not


def permissions(text):
    """The table 'room | may cimport' as {room: set of rooms}. Words in parentheses of the form 'a -> b' add to a."""
    allowed = {}
    rows = iter(text.splitlines())
    for row in rows:
        if re.match(r"\|\s*room\s*\|\s*may cimport\s*\|", row):
            next(rows)  # the rule under the head
            break
    for row in rows:
        if not row.startswith("|"):
            break
        rooms, targets = (cell.strip() for cell in row.strip("|").split("|"))
        extra = re.findall(r"(\w+)\s*->\s*(\w+)", targets)
        plain = re.sub(r"\(.*?\)", "", targets).strip()
        reachable = set(allowed) if plain == "all of the above" else set(plain.split()) - {"-"}
        for room in re.split(r"\s*,\s*", rooms):
            allowed[room] = reachable | {room} | {to for frm, to in extra if frm == room}
    return allowed


def without_comments(path):
    """The file's text with comments blanked, line numbers kept. Strings stay: header names are strings."""
    text = path.read_text()
    if path.suffix == ".h":
        text = re.sub(r"/\*.*?\*/", lambda m: "\n" * m[0].count("\n"), text, flags=re.S)
        return re.sub(r"(?m)//.*$", "", text)
    # A '#' that opens a preprocessor line of a verbatim C block is no comment.
    return re.sub(r"(?m)^\s*#(?!\s*(?:if|ifdef|ifndef|elif|else|endif|include|define)\b).*$|\s#\s.*$", "", text)


def files(root, folder, suffixes):
    return sorted(p for p in (root / folder).rglob("*") if p.suffix in suffixes and "__pycache__" not in p.parts)


def room_of(root, path):
    return path.relative_to(root / "src").parts[0]


def references(path):
    """What a C-level file reaches for: (line number, dotted module or header path)."""
    for number, line in enumerate(without_comments(path).splitlines(), 1):
        if m := re.match(r"\s*from\s+([\w.]+)\s+cimport\b", line):
            yield number, m[1]
        elif m := re.match(r"\s*cimport\s+(.+)", line):
            for module in m[1].split(","):
                yield number, module.split(" as ")[0].strip()
        elif m := re.match(r"\s*cdef extern from\s+[\"']<?([^\"'>]+)", line):
            yield number, m[1]
        elif m := re.match(r"\s*#\s*include\s*[\"<]([^\">]+)", line):
            yield number, m[1]


def wall_offences(root, allowed):
    found = []
    for path in files(root, "src", C_LEVEL):
        room = room_of(root, path)
        for number, target in references(path):
            first = re.split(r"[./]", target)[0]
            where = f"{path.relative_to(root)}:{number}: {target}"
            if first in allowed and target != f"{first}.h":  # Windows has an io.h
                if first not in allowed[room]:
                    found.append(f"{where}: {room} may not know {first}")
            elif "/" not in target and target.endswith(".h") and (path.parent / target).exists():
                pass  # a header beside it, of the same room
            elif target.endswith(".h"):
                if room != "base" and target not in ISO_HEADERS and not (room == "api" and target == "Python.h"):
                    found.append(f"{where}: a header that only base may include")
            elif first not in {"libc", "cython"} and not (room == "api" and first == "cpython"):
                found.append(f"{where}: {room} may not know {first}")
    return found


PYTHON_LEVEL = re.compile(
    r"Python\.h|\bcpython\b|\bPyObject\b|\bwith gil\b|\bPy_[A-Z]\w+|\bPy[A-Z][A-Za-z]+_\w+"
    r"|\bcdef class\b|(?:[(,]\s*|\bcdef\s+|\binline\s+|^\s+)object\s+\w"
)


def python_object_offences(root):
    found = []
    for path in files(root, "src", C_LEVEL):
        if room_of(root, path) == "api":
            continue
        for number, line in enumerate(without_comments(path).splitlines(), 1):
            if m := PYTHON_LEVEL.search(line):
                found.append(f"{path.relative_to(root)}:{number}: Python object outside src/api: {m[0].strip()}")
    return found


def conditional_offences(root):
    found = []
    for path in files(root, "src", C_LEVEL):
        if room_of(root, path) == "base" and path.suffix == ".h":
            continue
        conditions = [
            (number, line.strip())
            for number, line in enumerate(without_comments(path).splitlines(), 1)
            if re.match(r"\s*#\s*(if|ifdef|ifndef|elif|else)\b|\s*(IF|ELIF)\s+\w.*:\s*$", line)
        ]
        if path.suffix == ".h" and conditions and re.match(r"#ifndef \w+_H_?$", conditions[0][1]):
            del conditions[0]  # the include guard
        if path.suffix == ".h" and room_of(root, path) == "api":  # what the interpreter offers, as base knows the systems
            conditions = [(number, line) for number, line in conditions if not re.fullmatch(r"#if PY_VERSION_HEX [<>]=? 0x[0-9A-F]{8}", line)]
        found += [f"{path.relative_to(root)}:{number}: {line}" for number, line in conditions]
    return found


def convention_offences(root):
    """C-level functions neither raise nor need the GIL, and a .pxd holds no variable (Cython would not share it)."""
    found = []
    for path in files(root, "src", {".pxd"}):
        if room_of(root, path) == "api":
            continue
        text = without_comments(path)
        for m in re.finditer(r"(?m)^cdef inline\b(?:[^:]|:(?!\s*$))*:", text):
            if not re.search(r"\)\s*noexcept nogil\s*:$", m[0]):
                name = re.search(r"(\w+)\s*\(", m[0])
                number = text.count("\n", 0, m.start()) + 1
                found.append(f"{path.relative_to(root)}:{number}: {name and name[1]} is not 'noexcept nogil'")
        for m in re.finditer(r"(?m)^cdef (?!inline\b|extern\b|(?:packed )?struct\b|union\b|enum\b)[^(\n]*$", text):
            number = text.count("\n", 0, m.start()) + 1
            found.append(f"{path.relative_to(root)}:{number}: variable in a .pxd: {m[0]}")
    return found


def memory_offences(root):
    """The core's memory comes from base/memory, where a test can make it run out."""
    found = []
    for path in files(root, "src", C_LEVEL):
        if path.name == "memory.h":
            continue
        for number, line in enumerate(without_comments(path).splitlines(), 1):
            names = re.match(r"\s*from libc\.stdlib cimport (.*)", line)
            taken = re.findall(r"\b(malloc|calloc|realloc|free)\b", names[1]) if names else []
            if path.suffix == ".h":
                taken = re.findall(r"(?<![\w.>])(malloc|calloc|realloc|free|strdup)\(", line)
            found += [f"{path.relative_to(root)}:{number}: {name} is not base/memory's" for name in taken]
    return found


def held_offences(root):
    """Under a socket's lock nothing is called that may raise or run foreign code: the core's functions, and the room's own that have no GIL."""
    found = []
    text = {path: without_comments(path) for path in files(root, "src/api", {".pyx", ".pxi"})}
    safe = {"zc_lock_release", "unlock_socket", "leave_socket", "if", "while", "and", "or", "not"}
    for words in text.values():
        safe |= set(re.findall(r"(?m)^cdef inline [^\n]*?(\w+)\([^\n]*\) noexcept nogil:$", words))
        for m in re.finditer(r"(?m)^from (\w+)\.\w+ cimport (\([^)]*\)|[^\n]*)$", words):
            if m[1] not in {"cpython", "libc"}:
                safe |= set(re.findall(r"\w+", m[2]))
    for path, words in text.items():
        held = None
        for number, line in enumerate(words.splitlines(), 1):
            if held is not None and line.strip():
                indent = len(line) - len(line.lstrip())
                unlocked = re.match(r"\s+(unlock_socket|zc_lock_release)\(", line)
                if unlocked or indent < held:
                    held = None
                elif bad := [name for name in re.findall(r"(\w+)\(", line) if name not in safe]:
                    found.append(f"{path.relative_to(root)}:{number}: under a socket's lock: {', '.join(bad)}")
                elif re.match(r"\s+(raise|return|yield|assert|del|for .* in (?!range))\b", line):
                    found.append(f"{path.relative_to(root)}:{number}: under a socket's lock: {line.strip()}")
            if m := re.match(r"(\s+)if (not )?zc_lock_try\(", line):
                held = len(m[1]) + (0 if m[2] else 1)
                if m[2]:
                    held = None  # the lines below it are what happens without the lock
    return found


OPTION_NUMBER = r"\b(?:OPT|CTX)_[A-Z]\w*|\boption\b(?!_|\()"
# Not a comparison with a text: those are the properties of a Frame.
OPTION_COMPARED = re.compile(rf"(?:{OPTION_NUMBER})\s*(?:[=!]=|[<>]=?|(?:not\s+)?in\b)(?!\s*\")|(?:[=!]=|[<>]=?|\bin\s*\(?)\s*(?:\b(?:OPT|CTX)_[A-Z])")


def option_offences(root):
    """What an option is and does stands in its row: nobody outside src/option tells options apart by their numbers."""
    found = []
    for path in files(root, "src", C_LEVEL):
        if room_of(root, path) == "option":
            continue
        for number, line in enumerate(without_comments(path).splitlines(), 1):
            if m := OPTION_COMPARED.search(line):
                found.append(f"{path.relative_to(root)}:{number}: number of an option: {m[0]}")
    return found


def import_offences(root):
    """zmqcore/*.py imports the standard library, itself and the compiled API; never the test-only probe."""
    found = []
    for path in files(root, "zmqcore", {".py"}):
        for node in ast.walk(ast.parse(path.read_text(), str(path))):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [f"zmqcore.{node.module or ''}" if node.level else node.module]
                names += [f"{names[0].rstrip('.')}.{alias.name}" for alias in node.names]
            else:
                continue
            for name in names:
                top = name.split(".")[0]
                where = path.relative_to(root).as_posix()
                bridged = top in BRIDGES and where.startswith(BRIDGES[top])
                if "_probe" in name.split(".") or not (top == "zmqcore" or top in STANDARD or bridged):
                    found.append(f"{where}:{node.lineno}: imports {name}")
    return found


def name_offences(root):
    found = []
    for folder in ("src", "zmqcore", "tests", "bench"):
        for path in files(root, folder, CODE):
            name = path.relative_to(root).as_posix()
            if not name.startswith(NAMES_FROM_PYZMQ):
                if m := re.search(r"(?:^|[/_])(utils?|common|manager|helpers?)(?:[/_.]|$)", name):
                    found.append(f"{name}: '{m[1]}' names no concept")
    return found


def without_texts(path):
    """The lines of a file. Texts for help() in zmqcore are not counted: they make nothing harder to follow."""
    lines = path.read_text().splitlines()
    if path.suffix == ".py" and "zmqcore" in path.parts:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and ast.get_docstring(node):
                text = node.body[0]
                lines[text.lineno - 1 : text.end_lineno] = [None] * (text.end_lineno - text.lineno + 1)
    return [line for line in lines if line is not None]


def length_offences(root):
    found = []
    for folder in ("src", "zmqcore", "tests", "bench", "examples"):
        for path in files(root, folder, CODE):
            lines = len(without_texts(path))
            if lines > MAX_LINES:
                found.append(f"{path.relative_to(root)}: {lines} lines, split at {MAX_LINES}")
    return found


def transports(root):
    """The transports that src/transport has: {scheme: module}."""
    found = {}
    for path in files(root, "src/transport", {".pxd"}):
        for scheme in re.findall(r"(?m)^    o\.scheme = [\"']([\w+]+)[\"']", path.read_text()):
            found[scheme] = f"transport.{path.stem}"
    # Rows of a table that several share: the scheme is told where they are selected.
    select = (root / "src/transport/select.pxd").read_text()
    for function, scheme in re.findall(r"(?m)^    (\w+)\(transports_add\(all\), [\"']([\w+]+)[\"']", select):
        found[scheme] = re.search(rf"(?m)^from (\S+) cimport {function}$", select)[1]
    return found


def code_texts(path):
    """(line number, text) of what is quoted in a file and is no docstring."""
    if path.suffix == ".py":
        tree = ast.parse(path.read_text(), str(path))
        described = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
        docstrings = {id(n.body[0].value) for n in ast.walk(tree) if isinstance(n, described) and n.body and isinstance(n.body[0], ast.Expr)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str | bytes) and id(node) not in docstrings:
                yield node.lineno, node.value if isinstance(node.value, str) else node.value.decode("latin-1")
        return
    text = re.sub(r'"""(?:.|\n)*?"""', lambda m: "\n" * m[0].count("\n"), without_comments(path))
    for number, line in enumerate(text.splitlines(), 1):
        for m in re.finditer(r"\"([^\"\n]*)\"|'([^'\n]*)'", line):
            yield number, m[1] if m[1] is not None else m[2]


def transport_offences(root):
    """Which transports there are is known to src/transport alone: no other file names one, or reaches for its module."""
    known = transports(ROOT)
    names = set(known) | {f"{scheme}://" for scheme in known}
    found = []
    for path in [*files(root, "src", C_LEVEL), *files(root, "zmqcore", {".py"})]:
        where = path.relative_to(root).as_posix()
        if where.startswith("src/transport/"):
            continue
        if path.suffix != ".py":
            found += [f"{where}:{number}: {target}" for number, target in references(path) if target in known.values()]
        found += [f"{where}:{number}: names the transport {text!r}" for number, text in code_texts(path) if text in names]
    return found


# What the rooms behind the engine know and nobody before it may say. A block of properties is everybody's.
WIRE_ROOMS = ("zmtp", "mechanism")
BEYOND_THE_WIRE = ("session", "io", "socket")
SHARED_FILES = {"metadata.pxd"}


def wire_names():
    """Every function, struct and constant of the wire and of its mechanisms but monitor events, and the members that tell a version."""
    names = {"version", "minor"}
    names |= set(re.findall(r"(?m)^\s+(MECHANISM_\w+)$", without_comments(ROOT / "src/base/mechanisms.pxd")))
    for room in WIRE_ROOMS:
        for path in files(ROOT, f"src/{room}", {".pxd"}):
            if path.name not in SHARED_FILES:
                text = without_comments(path)
                names |= set(re.findall(r"(?m)^(?:cdef inline|ctypedef)\b[^\n(]*?(\w+)\(", text))
                names |= set(re.findall(r"(?m)^cdef struct (\w+)", text))
                names |= set(re.findall(r"(?m)^    ([A-Z][A-Z0-9_]+) = ", text))
    return {name for name in names if not name.startswith("EVENT_")}


def wire_offences(root):
    """Versions, frame layouts, commands and mechanisms are told apart behind the engine, by nobody before it."""
    known = wire_names()
    found = []
    for room in BEYOND_THE_WIRE:
        for path in files(root, f"src/{room}", {".pxd"}):
            for number, line in enumerate(without_comments(path).splitlines(), 1):
                line = re.sub(r'"[^"]*"', '""', line)
                if bad := sorted(set(re.findall(r"\w+", line)) & known):
                    found.append(f"{path.relative_to(root)}:{number}: the engine's: {', '.join(bad)}")
    return found


# A comparison of a socket's type, or of a trait that has no name.
ASKS_FOR_A_TYPE = re.compile(
    r"(?:[=!]=|\b(?:not )?in \(?)\s*TYPE_[A-Z]|\bTYPE_[A-Z]+\s*[=!]="
    r"|\b(?:socket_type|(?:s|c|binder|connecter|socket|host|pattern)\.(?:socket_)?type)\s*[=!]=\s*\w"
    r"|\btraits\s*&\s*\(?\d|\bpattern_is\([^()]*,\s*\d"
)


def type_offences(root):
    """What a socket type does stands in its table: no file outside src/pattern tells types apart, by number or by an unnamed trait."""
    found = []
    for path in files(root, "src", C_LEVEL):
        if room_of(root, path) != "pattern":
            for number, line in enumerate(without_comments(path).splitlines(), 1):
                if m := ASKS_FOR_A_TYPE.search(line):
                    found.append(f"{path.relative_to(root)}:{number}: asks what type a socket is: {m[0].strip()}")
    for path in files(root, "src/pattern", {".pxd"}):
        if path.name != "select.pxd":
            for number, line in enumerate(without_comments(path).splitlines(), 1):
                if m := re.search(r"\bTYPE_[A-Z]+\b(?!\s*=\s*\d)", line):
                    found.append(f"{path.relative_to(root)}:{number}: a type knows itself by its table: {m[0]}")
    return found


def all_permissions():
    return permissions(ARCHITECTURE.read_text())


def test_table_names_every_room():
    rooms = {p.name for p in (ROOT / "src").iterdir() if p.is_dir() and p.name != "__pycache__"}
    assert rooms == set(all_permissions())


def test_table_is_read_as_meant():
    allowed = all_permissions()
    assert allowed["base"] == {"base"}
    assert allowed["zmtp"] == {"base", "mechanism", "zmtp"}
    assert allowed["mechanism"] == {"base", "mechanism"}
    assert allowed["api"] == set(allowed)


def test_every_cimport_is_read():
    """The checks see as many cimports and externs as a plain count of the words finds."""
    for path in files(ROOT, "src", {".pxd", ".pyx", ".pxi"}):
        text = without_comments(path)
        words = len(re.findall(r"(?m)^\s*(?:from\s+\S+\s+)?cimport\b|^\s*cdef extern from\s+[\"']", text))
        assert len({number for number, _ in references(path)}) == words, path


def test_walls_between_rooms():
    assert wall_offences(ROOT, all_permissions()) == []


@pytest.mark.parametrize(
    "check",
    [
        python_object_offences,
        conditional_offences,
        convention_offences,
        memory_offences,
        held_offences,
        option_offences,
        import_offences,
        name_offences,
        length_offences,
        transport_offences,
        wire_offences,
        type_offences,
    ],
)
def test_house_rules(check):
    assert check(ROOT) == []


def walls(root):
    return wall_offences(root, all_permissions())


@pytest.mark.parametrize(
    ("check", "path", "text", "offends"),
    [
        (walls, "src/pipe/a.pxd", "from session.link cimport x\n", True),
        (walls, "src/pipe/a.pxd", "cimport message.message, transport.tcp as t\n", True),
        (walls, "src/mechanism/a.pxd", "from zmtp.frame cimport x\n", True),
        (walls, "src/zmtp/a.pxd", "from mechanism.null cimport x\n", False),
        (walls, "src/pipe/a.pxd", "from libc.string cimport memcpy\n", False),
        (walls, "src/pipe/a.pxd", "from posix.unistd cimport write\n", True),
        (walls, "src/pipe/a.pxd", "from cpython.bytes cimport PyBytes_AsString\n", True),
        (walls, "src/pipe/a.pxd", "# from session.link cimport x\n", False),
        (walls, "src/pipe/a.pxd", 'cdef extern from "base/atomics.h" nogil:\n    pass\n', False),
        (walls, "src/base/a.pxd", 'cdef extern from "message/decref_queue.h" nogil:\n    pass\n', True),
        (walls, "src/session/a.pxd", 'cdef extern from "<sys/socket.h>":\n    pass\n', True),
        (walls, "src/message/a.h", "#include <unistd.h>\n", True),
        (python_object_offences, "src/pipe/a.pxd", "cdef inline int f(object x) noexcept nogil:\n", True),
        (python_object_offences, "src/pipe/a.pxd", "cdef struct s:\n    void *object  # a PyObject\n", False),
        (python_object_offences, "src/pipe/a.pxd", "    with gil:\n", True),
        (python_object_offences, "src/message/a.h", "Py_DECREF(x);\n", True),
        (python_object_offences, "src/api/a.pxi", "cdef object x\n", False),
        (conditional_offences, "src/message/a.h", "#ifndef A_H\n#define A_H\n#endif\n", False),
        (conditional_offences, "src/message/a.h", "#ifndef A_H\n#ifdef _WIN32\n#endif\n#endif\n", True),
        (conditional_offences, "src/pipe/a.pxd", 'cdef extern from *:\n    """\n    #ifdef _WIN32\n    """\n', True),
        (conditional_offences, "src/base/platform.h", "#ifdef _WIN32\n#endif\n", False),
        (conditional_offences, "src/api/a.h", "#if PY_VERSION_HEX < 0x030C0000\n#endif\n", False),
        (conditional_offences, "src/pipe/a.h", "#if PY_VERSION_HEX < 0x030C0000\n#endif\n", True),
        (convention_offences, "src/pipe/a.pxd", "cdef inline int f(int a,\n    int b) noexcept nogil:\n    return a\n", False),
        (convention_offences, "src/pipe/a.pxd", "cdef inline int f(int a) nogil:\n    return a\n", True),
        (convention_offences, "src/pipe/a.pxd", "cdef int counter\n", True),
        (memory_offences, "src/pipe/a.pxd", "from libc.stdlib cimport atoi, free\n", True),
        (memory_offences, "src/pipe/a.pxd", "from base.memory cimport free\n", False),
        (memory_offences, "src/message/a.h", "    x = malloc(n);\n", True),
        (memory_offences, "src/message/a.h", "    x = zc_malloc(n); ops->free(x);\n", False),
        (held_offences, "src/api/a.pxi", "    if zc_lock_try(&s.lock):\n        out.append(x)\n        unlock_socket(s)\n", True),
        (held_offences, "src/api/a.pxi", "    if zc_lock_try(&s.lock):\n        raise X\n        unlock_socket(s)\n", True),
        (held_offences, "src/api/a.pxi", "    if zc_lock_try(&s.lock):\n        unlock_socket(s)\n        out.append(x)\n", False),
        (
            held_offences,
            "src/api/a.pxi",
            "from socket.drive cimport f\n    if zc_lock_try(&s.lock):\n        rc = f(s)\n        unlock_socket(s)\n",
            False,
        ),
        (option_offences, "src/socket/a.pxd", "    if option == OPT_SNDHWM:\n", True),
        (option_offences, "src/socket/a.pxd", "    if OPT_SNDHWM == number:\n", True),
        (option_offences, "src/api/a.pxi", "    elif rc == 1 or option > 65:\n", True),
        (option_offences, "src/api/a.pxi", "    if kind == 3 and option in (58, 59, 60):\n", True),
        (option_offences, "src/api/a.pxi", "    if number not in (OPT_FD, OPT_EVENTS):\n", True),
        (option_offences, "src/api/a.pxi", "    return self.get(OPT_FD)\n    # option == OPT_FD\n", False),
        (option_offences, "src/api/a.pxi", "    if option_kind(option) == OPTION_TEXT and rc == ACTION_FD:\n", False),
        (option_offences, "src/api/a.pxi", "    if option == 'group':\n".replace("'", '"'), False),
        (option_offences, "src/option/a.pxd", "    if option == OPT_SNDHWM:\n", False),
        (import_offences, "zmqcore/a.py", "import os\nfrom ._core import Socket\nimport zmqcore\n", False),
        (import_offences, "zmqcore/a.py", "import zmq\n", True),
        (import_offences, "zmqcore/a.py", "import cffi\n", True),
        (import_offences, "zmqcore/utils/interop.py", "import cffi\n", False),
        (import_offences, "zmqcore/a.py", "from . import _probe\n", True),
        (transport_offences, "src/socket/a.pxd", 'if strcmp(e.scheme, "tcp") == 0:\n    pass\n', True),
        (transport_offences, "src/api/a.pxi", "if addr.startswith('inproc://'):\n    pass\n", True),
        (transport_offences, "src/socket/a.pxd", "from transport.ipc cimport ipc_name\n", True),
        (transport_offences, "src/socket/a.pxd", "from transport.ops cimport stream_t\n", False),
        (transport_offences, "src/transport/a.pxd", "from transport.tcp cimport tcp_open\n", False),
        (transport_offences, "src/api/a.pxi", 'def bind(addr):\n    """Such as "tcp://*:5555"; "tcp" is one of them."""\n', False),
        (transport_offences, "zmqcore/a.py", 'if transport == "ipc":\n    pass\n', True),
        (transport_offences, "src/api/a.pxi", 'if transport == "lz4+tcp":\n    pass\n', True),
        (transport_offences, "src/api/a.pxi", 'if transport == "tls+tcp":\n    pass\n', True),
        (transport_offences, "zmqcore/a.py", 'def f(transport):\n    """ipc"""\n    return f"inproc://{transport}"\n', True),
        (transport_offences, "zmqcore/a.py", 'def f(name):\n    """ipc"""\n    return f"inproc://monitor-{name}"\n', False),
        (wire_offences, "src/session/a.pxd", "    if s.version >= 2:\n", True),
        (wire_offences, "src/session/a.pxd", "    n = frame_put(out, size, 0)\n", True),
        (wire_offences, "src/session/a.pxd", "from zmtp.command cimport CMD_PING\n", True),
        (wire_offences, "src/socket/a.pxd", "    c.mechanism = MECHANISM_NULL\n", True),
        (wire_offences, "src/socket/a.pxd", "from zmtp.metadata cimport metadata_t\n", False),
        (wire_offences, "src/session/a.pxd", "    # the version is the engine's\n", False),
        (wire_offences, "src/engine/a.pxd", "    n = frame_put(out, size, 0)\n", False),
        (type_offences, "src/socket/a.pxd", "    if s.type == TYPE_REP:\n", True),
        (type_offences, "src/io/a.pxd", "    if s.type == 4:\n", True),
        (type_offences, "src/socket/a.pxd", "    elif TYPE_PUB != type:\n", True),
        (type_offences, "src/session/a.pxd", "    if s.host.socket_type == kind:\n", True),
        (type_offences, "src/socket/a.pxd", "    if s.pattern.ops.traits & 4:\n", True),
        (type_offences, "src/socket/a.pxd", "    if pattern_is(&s.pattern, 4):\n", True),
        (type_offences, "src/socket/a.pxd", "    if pattern_is(&s.pattern, ANSWERS):\n", False),
        (type_offences, "src/socket/a.pxd", "    s = socket_new(ctx, TYPE_PAIR, True, &rc)\n", False),
        (type_offences, "src/pattern/a.pxd", "    if pt.type == TYPE_XPUB:\n", True),
        (type_offences, "src/pattern/select.pxd", "    if type == TYPE_XPUB:\n", False),
        (type_offences, "src/pattern/types.pxd", "    TYPE_XPUB = 9\n", False),
        (name_offences, "src/pipe/ring_util.pxd", "", True),
        (name_offences, "zmqcore/utils/monitor.py", "", False),
        (length_offences, "src/pipe/a.pxd", "\n" * 701, True),
        (length_offences, "src/pipe/a.pxd", "\n" * 700, False),
        (length_offences, "zmqcore/a.py", "def f():\n    \"\"\"Do." + "\n" * 701 + "\"\"\"\n", False),
        (length_offences, "zmqcore/a.py", "def f():\n    \"\"\"x\"\"\"\n" + "\n" * 701, True),
    ],
)
def test_each_check_finds_a_planted_offence(tmp_path, check, path, text, offends):
    planted = tmp_path / path
    planted.parent.mkdir(parents=True)
    planted.write_text(text)
    assert bool(check(tmp_path)) is offends, check(tmp_path)
