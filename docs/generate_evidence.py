"""Prints docs/evidence.md: the tests of each line of docs/behaviour.md, and what libzmq does in them.

python docs/generate_evidence.py > docs/evidence.md
"""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
RECORD = json.loads((ROOT / "tests" / "data" / "behaviour_on_libzmq.json").read_text())

HEAD = f"""# Evidence

Which tests hold each line of [behaviour.md](behaviour.md), and whether libzmq does the same. Made by `docs/generate_evidence.py`.

- **same**: the same test passes with libzmq {RECORD["libzmq"]} (pyzmq {RECORD["pyzmq"]}); `tests/data/record_behaviour.py` has run it, and tests in
  `tests/differential` run both in one go.
- **better**: libzmq does otherwise, on purpose; the test is marked so. What follows is the reason, or else it stands in
  [from-pyzmq.md](from-pyzmq.md#what-is-different).
- **here only**: about parts, octets or names that libzmq's API does not show.
"""
LAST = 4  # tests named in a row; the others have the id in their names, too


class Test(NamedTuple):
    """A test function."""

    name: str
    path: str
    better: bool
    reason: str


def tests() -> list[Test]:
    """All of them, with what marks them."""
    found = []
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        module = ast.parse(path.read_text())
        marks = " ".join(ast.unparse(n) for n in module.body if isinstance(n, ast.Assign) and "pytestmark" in ast.unparse(n))
        for node in module.body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
                text = (ast.get_docstring(node) or "").split("\n")[0]
                better = "mark.better" in marks or any("mark.better" in ast.unparse(d) for d in node.decorator_list)
                found.append(Test(node.name, str(path.relative_to(ROOT / "tests")), better, text))
    return found


def ids_of(test: str) -> set[str]:
    """test_HWM_2_to_4_x: HWM-2, HWM-3, HWM-4; test_THR_7_and_ERR_7_x: THR-7, ERR-7."""
    head = re.match(r"test_([A-Z]+)_(\d+)", test)
    if head is None:
        return set()
    area, number = head[1], int(head[2])
    ids = {f"{area}-{number}"}
    rest = test[head.end() :]
    while more := re.match(r"_(and|to)_(?:([A-Z]+)_)?(\d+)(?=_|$)", rest):
        first = number if more[1] == "to" else int(more[3])
        area, number = more[2] or area, int(more[3])
        ids |= {f"{area}-{n}" for n in range(first, number + 1)}
        rest = rest[more.end() :]
    return ids


def same(test: Test) -> bool:
    """Whether it passes with libzmq."""
    folder, _, name = test.path.rpartition("/")
    return folder == "differential" or (folder == "behaviour" and not test.better and test.name in RECORD["passed"].get(name, []))


def verdict(own: list[Test]) -> str:
    """Of the tests of one line."""
    words = ["same"] if any(map(same, own)) else []
    reasons = list(dict.fromkeys(test.reason for test in own if test.better and test.reason))
    if any(test.better for test in own):
        words.append("better" + (": " + " ".join(reasons) if reasons else ""))
    return "; ".join(words) or "here only"


def row(line: str, own: list[Test]) -> str:
    """One row of the table."""
    named = [f"`{test.path}` {test.name}" for test in own[:LAST]]
    if len(own) > LAST:
        named.append(f"and {len(own) - LAST} more")
    return f"| {line} | {'<br>'.join(named)} | {verdict(own)} |"


def document() -> str:
    """The whole page."""
    done = (ROOT / "docs" / "behaviour.md").read_text().split("\n## Not yet\n")[0]
    every = tests()
    by_name: dict[str, list[Test]] = {}
    by_id: dict[str, list[Test]] = {}
    for test in every:
        by_name.setdefault(test.name, []).append(test)
        for line in ids_of(test.name):
            by_id.setdefault(line, []).append(test)
    rows = []
    for line, statement in re.findall(r"^- ([A-Z]+-\d+): (.*)$", done, flags=re.M):
        own = list(by_id.get(line, []))
        for name in re.findall(r"\btest_\w+", statement):
            own += [test for test in by_name.get(name, []) if test not in own]
        rows.append(row(line, own))
    verdicts = [text.rsplit(" | ", 1)[1] for text in rows]
    counts = f"{len(rows)} lines: {sum('same' in text for text in verdicts)} the same as libzmq, {sum('better' in text for text in verdicts)} better in"
    counts += f" some respect, {sum('here only' in text for text in verdicts)} here only."
    return "\n".join([HEAD, counts, "", "| line | tests | libzmq |", "| --- | --- | --- |", *rows]) + "\n"


if __name__ == "__main__":
    print(document(), end="")
