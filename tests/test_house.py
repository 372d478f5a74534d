"""What the eye misses in the core: names nobody uses, names defined twice, functions and files that have grown too long.

Rules
- Every check is a function from a root folder to a list of offences, so that each is also tried on a tree that offends.
- An exception stands in one of the lists below, with its reason; an exception that no longer applies is an offence, too.
"""

import re
from collections import defaultdict

import pytest
from test_layers import C_LEVEL, ROOT, all_permissions, files, references, room_of, without_comments

MAX_FUNCTION = 60
MAX_FILE = 500

# name of the function, or path of the file: why it is longer.
LONGER = {}

# name of the function: who calls it instead of src.
UNCALLED = {
    "decoder_feed": "the fuzzers and the probe, which have octets and no buffer of a session",
    "tuning_default": "the probe",
}

# file and option that endpoints keep: why it is asked of the socket all the same.
LIVE = {
    "src/socket/lending.pxd shared_memory": "memory that the program fills belongs to no endpoint",
    "src/socket/options.pxd router_raw": "a set that is taken back",
    "src/socket/secure.pxd curve_secretkey": "the key of the whole socket, before it has any endpoint",
}

WORD = re.compile(r"[A-Za-z_]\w*")


def statements(text):
    """(line number, statement) for each line of code, with parentheses joined."""
    lines = text.splitlines()
    number = 0
    while number < len(lines):
        first, line = number, lines[number]
        while line.count("(") > line.count(")") and number + 1 < len(lines):
            number += 1
            line += "\n" + lines[number]
        yield first + 1, line
        number += 1


def cimported(text):
    """(line number, name in this file) of every cimport."""
    for number, statement in statements(text):
        if m := re.match(r"\s*from\s+[\w.]+\s+cimport\s+(.*)", statement, re.S):
            for part in m[1].strip("() \n").split(","):
                if (name := part.split(" as ")[-1].strip(" ()\n\\")) not in {"", "*"}:
                    yield number, name


def unused_offences(root):
    """A cimport that the file does not use. The .pxi files of one .pyx are one file to Cython."""
    found = []
    for path in [*files(root, "src", C_LEVEL - {".h"}), *files(root, "tests/native", C_LEVEL - {".h"})]:
        text = without_comments(path)
        scope = text
        if path.suffix in {".pxi", ".pyx"}:
            folder = "src" if path.is_relative_to(root / "src") else "tests/native"
            scope = "\n".join(without_comments(other) for other in files(root, folder, {".pxi", ".pyx"}))
        uses = defaultdict(int)
        for word in WORD.findall(scope):
            uses[word] += 1
        names = list(cimported(scope))
        listed = defaultdict(int)
        for _, name in names:
            listed[name] += 1
        for number, name in cimported(text):
            if uses[name] <= listed[name]:
                found.append(f"{path.relative_to(root)}:{number}: {name} is not used")
    return found


def twice_offences(root):
    """A constant, struct or function that two files define."""
    places = defaultdict(list)
    for path in files(root, "src", C_LEVEL - {".h"}):
        text = without_comments(path)
        where = path.relative_to(root).as_posix()
        for m in re.finditer(r"(?m)^(?:cdef|ctypedef)\s+enum\b[^:\n]*:\n((?:[ \t]+.*\n|\n)*)", text):
            for name in re.findall(r"(?m)^\s+([A-Za-z_]\w*)\s*(?:=|$|\")", m[1]):
                places[name].append(where)
        for m in re.finditer(r"(?m)^cdef\s+(?:packed\s+)?struct\s+(\w+)\s*:", text):
            places[m[1]].append(where)
        for m in re.finditer(r"(?m)^cdef\s+inline\s+[^\n(]*?(\w+)\(", text):
            places[m[1]].append(where)
    return [f"{name} is defined in {' and '.join(where)}" for name, where in sorted(places.items()) if len(where) > 1]


DOCSTRING = re.compile(r'(?m)^([ \t]*)"""(?:[^"]|"(?!""))*"""\n')


def without_docstrings(text):
    """Help for callers is no code that the next engineer has to read, and may be long. Line numbers stay."""
    return DOCSTRING.sub(lambda m: "\n" * m[0].count("\n"), text)


def functions(text):
    """(name, line number, lines) of the functions and methods of a C-level file; empty lines and docstrings do not count."""
    lines = without_docstrings(text).splitlines()
    heads = re.compile(r"(\s*)(?:cdef|cpdef|def)\b(?!.*\b(?:class|struct|enum|union|extern)\b)[^=]*?\b(\w+)\s*\(")
    for number, line in enumerate(lines):
        if m := heads.match(line):
            indent, end = len(m[1]), number
            while end < len(lines) and not lines[end].rstrip().endswith(":"):
                end += 1
            if end == len(lines):
                continue
            size = end - number + 1
            for after in range(end + 1, len(lines)):
                if lines[after].strip():
                    if len(lines[after]) - len(lines[after].lstrip()) <= indent:
                        break
                    size += 1
            yield m[2], number + 1, size


def longer_offences(root, longer=LONGER):
    found = []
    met = set()
    for path in files(root, "src", C_LEVEL - {".h"}):
        where = path.relative_to(root).as_posix()
        text = path.read_text()
        sizes = [(name, f"{where}:{number}: {name}", lines, MAX_FUNCTION) for name, number, lines in functions(text)]
        sizes.append((where, where, len(DOCSTRING.sub("", text).splitlines()), MAX_FILE))
        for key, told, lines, limit in sizes:
            if lines > limit:
                met.add(key)
                if key not in longer:
                    found.append(f"{told} has {lines} lines, more than {limit}")
    return found + [f"{name} is in the list of longer ones and is not" for name in longer if name not in met]


def uncalled_offences(root, uncalled=UNCALLED):
    """A function of the core that nothing in src uses."""
    uses = defaultdict(int)
    places = {}
    for path in files(root, "src", C_LEVEL):
        text = without_comments(path)
        for word in WORD.findall(re.sub(r'"""(?:.|\n)*?"""', "", text) if path.suffix != ".h" else text):
            uses[word] += 1
        for _, name in cimported(text):
            uses[name] -= 1
        for m in re.finditer(r"(?m)^cdef\s+inline\s+[^\n(]*?(\w+)\(", text):
            places[m[1]] = path.relative_to(root).as_posix()
    found = [f"{where}: {name} is called by nothing in src" for name, where in sorted(places.items()) if uses[name] < 2]
    names = {line.split(": ")[1].split()[0] for line in found}
    return [line for line in found if line.split(": ")[1].split()[0] not in uncalled] + [
        f"{name} is in the list of uncalled ones and is not" for name in uncalled if name not in names
    ]


def declared_offences(root):
    """A function of C that Cython is told of and never calls, here or in the tests; and a member of a struct that is named nowhere else."""
    cython = [*files(root, "src", C_LEVEL - {".h"}), *files(root, "tests", C_LEVEL - {".h"})]
    texts = {path: re.sub(r'"""(?:.|\n)*?"""', "", without_comments(path)) for path in [*files(root, "src", C_LEVEL), *cython]}
    uses, calls = defaultdict(int), defaultdict(int)
    for path, text in texts.items():
        for word in WORD.findall(text):
            uses[word] += 1
            calls[word] += path.suffix != ".h"
        for _, name in cimported(text):
            calls[name] -= 1
    found = []
    for path in files(root, "src", C_LEVEL - {".h"}):
        where = path.relative_to(root).as_posix()
        for m in re.finditer(r"(?m)^cdef extern from [^\n]*:\n((?:[ \t]+.*\n|\n)*)", texts[path]):
            names = re.findall(r"(?m)^    (?!ctypedef)[^\n(]*?(\w+)\(", m[1])
            found += [f"{where}: {name} is told of and not called" for name in names if calls[name] < 2]
        for m in re.finditer(r"(?m)^cdef\s+(?:packed\s+)?struct\s+\w+\s*:\n((?:[ \t]+.*\n|\n)*)", texts[path]):
            names = re.findall(r"(?m)^    [^\n()]*?(\w+)(?:\[[^]]*\])*[ \t]*$", m[1])
            found += [f"{where}: {name} is a member that nobody uses" for name in names if uses[name] < 2 and not name.startswith("pad")]
    return found


def size_offences(root):
    """An array whose size is a number in the code and the name of a constant in a comment: one day they differ, and the array is too short."""
    paths = [*files(root, "src", C_LEVEL - {".h"}), *files(root, "tests", C_LEVEL - {".h"})]
    constants = {name for path in paths for name in re.findall(r"(?m)^\s+([A-Z][A-Z0-9_]+)\s*(?:=|#|$)", path.read_text())}
    found = []
    for path in paths:
        for number, line in enumerate(path.read_text().splitlines(), 1):
            m = re.search(r"\w\[\d+\](?:\[\w+\])?\s+# ([A-Z][A-Z0-9_]+)\b", line)
            if m and m[1] in constants:
                found.append(f"{path.relative_to(root)}:{number}: {m[1]} is told in a comment only")
    return found


def permission_offences(root):
    """A room that another one may know, and does not."""
    known = defaultdict(set)
    for path in files(root, "src", C_LEVEL):
        for _, target in references(path):
            known[room_of(root, path)].add(re.split(r"[./]", target)[0])
    return [
        f"{room} may know {other} and does not"
        for room, others in all_permissions().items()
        if room != "api"  # its row says: all of the above
        for other in sorted(others - {room})
        if other not in known[room]
    ]


def circle_offences(root):
    """Files that cimport each other, directly or by way of others: no file of the core is part of a circle."""
    below = {}
    for path in files(root, "src", {".pxd"}):
        if path.name != "__init__.pxd":
            module = ".".join(path.relative_to(root / "src").with_suffix("").parts)
            below[module] = {target for _, target in references(path)}
    found = []
    while free := [module for module, targets in below.items() if not targets & below.keys()]:
        for module in free:
            del below[module]
    while below:
        module, road = sorted(below)[0], []
        while module not in road:
            road.append(module)
            module = min(below[module] & below.keys())
        circle = road[road.index(module) :]
        found.append("a circle: " + " -> ".join([*circle, module]))
        for one in circle:
            below.pop(one, None)
        while free := [one for one, targets in below.items() if not targets & below.keys()]:
            for one in free:
                del below[one]
    return found


def settled_fields(table):
    """Fields of options that count at the next bind() or connect() (WHEN_CALL), of the text of the table."""
    found = set()
    for row in re.split(r"\n    (?=[A-Z_]+\()", table.partition("option_table[OPTIONS_ROOM]")[2]):
        if row.startswith("SERVER("):
            found |= {"as_server", "mechanism"}
        elif re.search(r"\bWHEN_CALL\b|\bCALL,", row) or re.match(r"CREDENTIAL|CURVE_KEY|GSSAPI_NAME|PEM", row):
            found.add((re.search(r"\bAT\((\w+)\)", row) or re.match(r"\w+\(\w+, (\w+)", row)).group(1))
    return found


def settled_offences(root, live=LIVE):
    """An endpoint keeps these (src/socket/terms.pxd): what serves its connections does not ask the socket."""
    table = root / "src" / "option" / "table.h"
    fields = settled_fields(table.read_text()) if table.exists() else set()
    asked = set()
    for path in files(root, "src", {".pxd"}):
        if room_of(root, path) in ("io", "pattern", "session", "socket"):
            found = re.findall(r"\b(?:s\.opt|binder\.opt|pt\.options)\.(\w+)", path.read_text())
            asked |= {f"{path.relative_to(root).as_posix()} {field}" for field in found if field in fields}
    return sorted(asked ^ live.keys())


CHECKS = [
    unused_offences,
    twice_offences,
    longer_offences,
    uncalled_offences,
    declared_offences,
    size_offences,
    permission_offences,
    circle_offences,
    settled_offences,
]


@pytest.mark.parametrize("check", CHECKS)
def test_house(check):
    assert check(ROOT) == []


def without_lists(check):
    return (lambda root: check(root, {})) if check in (longer_offences, uncalled_offences, settled_offences) else check


LONG = "cdef inline int f() noexcept nogil:\n" + "    x = 1\n" * 60
SHORT = "cdef inline int f() noexcept nogil:\n" + "    x = 1\n" * 59

TABLE = """option_table[OPTIONS_ROOM] = {
    SWITCH(IPV6, ipv6, CALL,
        "."),
    ROW(RATE, INT, ".", AT(rate), .when = WHEN_CALL),
    NUMBER(LINGER, linger, NULL, 0, 0, 1, AT_ONCE,
        "."),
};"""


@pytest.mark.parametrize(
    ("check", "tree", "offends"),
    [
        (unused_offences, {"pipe/a.pxd": "from base.errors cimport EINTR, (ENOMEM)\ncdef inline int f() nogil:\n    return EINTR\n"}, True),
        (unused_offences, {"pipe/a.pxd": "from base.errors cimport EINTR\ncdef inline int f() nogil:\n    return EINTR\n"}, False),
        (unused_offences, {"pipe/a.pxd": "from base.errors cimport (\n    EINTR,\n    ENOMEM,\n)\nx = EINTR\n"}, True),
        (unused_offences, {"pipe/a.pxd": "from base.errors cimport EINTR as E\nx = EINTR\n"}, True),
        (unused_offences, {"api/a.pxi": "from base.errors cimport EINTR\n", "api/b.pxi": "x = EINTR\n"}, False),
        (twice_offences, {"pipe/a.pxd": "cdef enum:\n    A = 1\n", "base/b.pxd": "cdef enum:\n    B = 2\n    A = 3\n"}, True),
        (twice_offences, {"pipe/a.pxd": "cdef enum:\n    A = 1\n", "base/b.pxd": "cdef enum:\n    B = A\n"}, False),
        (twice_offences, {"pipe/a.pxd": "cdef struct a_t:\n    int x\n", "base/b.pxd": "cdef struct a_t:\n    int x\n"}, True),
        (longer_offences, {"pipe/a.pxd": LONG}, True),
        (longer_offences, {"pipe/a.pxd": SHORT}, False),
        (longer_offences, {"pipe/a.pxd": "# a line\n" * 501}, True),
        (longer_offences, {"api/a.pxi": "cdef class A:\n    def f(self,\n          x):\n" + "        y = 1\n" * 59}, True),
        (uncalled_offences, {"pipe/a.pxd": "cdef inline int f() noexcept nogil:\n    return 0\n"}, True),
        (
            uncalled_offences,
            {"pipe/a.pxd": "cdef inline int f() noexcept nogil:\n    return 0\n", "api/b.pxi": "from pipe.a cimport f\nf()\n"},
            False,
        ),
        (
            uncalled_offences,
            {"pipe/a.pxd": "cdef inline int f() noexcept nogil:\n    return 0\n", "api/b.pxi": "from pipe.a cimport f\n"},
            True,
        ),
        (declared_offences, {"base/a.pxd": 'cdef extern from "base/a.h" nogil:\n    int f(int x)\n', "base/a.h": "int f(int x);\nint y = f(1);\n"}, True),
        (declared_offences, {"base/a.pxd": 'cdef extern from "base/a.h" nogil:\n    int f(int x)\n', "api/b.pxi": "from base.a cimport f\n"}, True),
        (declared_offences, {"base/a.pxd": 'cdef extern from "base/a.h" nogil:\n    int f(int x)\n', "api/b.pxi": "from base.a cimport f\nf(1)\n"}, False),
        (declared_offences, {"pipe/a.pxd": "cdef struct a_t:\n    int x       # of nobody\n"}, True),
        (declared_offences, {"pipe/a.pxd": "cdef struct a_t:\n    char x[4]\n", "api/b.pxi": "a.x[0] = 1\n"}, False),
        (size_offences, {"pipe/a.pxd": "cdef enum:\n    SIZE = 4\n\ncdef struct a_t:\n    char x[4]    # SIZE\n"}, True),
        (size_offences, {"pipe/a.pxd": "cdef enum:\n    SIZE = 4\n\ncdef struct a_t:\n    char x[SIZE]\n    char y[64]    # EVP_MAX_MD_SIZE\n"}, False),
        (circle_offences, {"io/a.pxd": "from socket.b cimport x\n", "socket/b.pxd": "from io.a cimport y\n"}, True),
        (circle_offences, {"io/a.pxd": "from socket.b cimport x\n", "socket/b.pxd": "from base.a cimport y\n"}, False),
        (settled_offences, {"option/table.h": TABLE, "socket/a.pxd": "x = s.opt.ipv6\n"}, True),
        (settled_offences, {"option/table.h": TABLE, "socket/a.pxd": "x = s.opt.rate\n"}, True),
        (settled_offences, {"option/table.h": TABLE, "socket/a.pxd": "x = e.terms.opt.ipv6 + s.opt.linger\n"}, False),
    ],
)
def test_check_can_fail(check, tree, offends, tmp_path):
    for name, text in tree.items():
        path = tmp_path / "src" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    assert bool(without_lists(check)(tmp_path)) == offends


def test_permission_check_can_fail(tmp_path):
    (tmp_path / "src" / "pipe").mkdir(parents=True)
    (tmp_path / "src" / "pipe" / "a.pxd").write_text("from base.errors cimport EINTR\n")
    assert "pipe may know message and does not" in permission_offences(tmp_path)
