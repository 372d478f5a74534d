"""What the documents tell users to type works: code blocks run, examples finish, commands and links lead somewhere."""

import os
import re
import runpy
import socket
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
table = runpy.run_path(str(ROOT / "bench" / "table.py"))
evidence = runpy.run_path(str(ROOT / "docs" / "generate_evidence.py"))
ids_of = evidence["ids_of"]
README = (ROOT / "README.md").read_text()
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))
NEEDS = {"tls": "cryptography"}  # what an example needs beside zmqcore; a free-threaded Python may not have it
EXAMPLE_SECONDS = 40  # Interpreter start and spawned children on a loaded two-core machine; unloaded each takes under 2 s.


def blocks(language, text=README):
    return re.findall(rf"^```{language}\n(.*?)^```", text, flags=re.S | re.M)


def run(arguments):
    environment = {**os.environ, "PYTHONUNBUFFERED": "1", "PYTHONWARNINGS": "error"}
    done = subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=EXAMPLE_SECONDS
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    return done.stdout


PROGRAM = re.compile(r"# (\w+\.py)\n")  # the first line of a program that works together with those of its section


def sections():
    """(name, text) of all sections that show Python."""
    for document in DOCUMENTS:
        for number, text in enumerate(re.split(r"^#+ ", document.read_text(), flags=re.M)):
            if blocks("python", text):
                yield pytest.param(text, id=f"{document.stem}-{number}")


def with_free_ports(text):
    """Documents use ports from 5555 on; those may be taken on the machine that runs the tests."""
    numbers = {}
    for number in set(re.findall(r"\b55\d\d\b", text)):
        with socket.create_server(("127.0.0.1", 0)) as free:
            numbers[number] = str(free.getsockname()[1])
    return re.sub(r"\b55\d\d\b", lambda found: numbers[found[0]], text)


@pytest.mark.parametrize("text", list(sections()))
@pytest.mark.timeout(EXAMPLE_SECONDS + 20)
def test_code_in_documents_runs(text, tmp_path):
    text = with_free_ports(text)
    code = blocks("python", text)
    for module, library in {"eventloop": "tornado", "green": "gevent", "anyio": "anyio"}.items():
        if f"zmqcore.{module}" in "".join(code):
            pytest.importorskip(library)
    programs = [block for block in code if PROGRAM.match(block)]
    for block in code:
        if block not in programs:
            run(["-c", block])
    if programs:
        (expected,) = blocks("text", text)
        assert run_together(programs, tmp_path) == expected


def run_together(programs, folder):
    """Starts them all. What the last one prints; those that run for ever are ended when the others are through."""
    started = []
    try:
        for block in programs:
            path = folder / PROGRAM.match(block)[1]
            path.write_text(block)
            process = subprocess.Popen(
                [sys.executable, "-W", "error", path], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
            )
            started.append((process, "while True" in block or "zmq.proxy(" in block))
        for process, endless in started:
            if not endless:
                printed, errors = process.communicate(timeout=EXAMPLE_SECONDS)
                assert (process.returncode, errors) == (0, "")
        for process, endless in started:
            if endless:
                assert process.poll() is None, process.communicate()[1]
    finally:
        for process, _endless in started:
            process.kill()
            process.communicate()
    return printed


def test_readme_quick_start_prints_both_greetings():
    (code,) = [code for code in blocks("python") if "REP" in code]
    assert run(["-c", code]).split() == ["Hello", "World"]


def test_readme_installs_first_then_shows_the_demo_and_the_tests():
    install, demo, tests = (command.strip() for command in blocks("sh"))
    assert install == "pip install zmqcore"
    assert demo.endswith("examples/demo.py")
    assert tests == "sh tests/run.sh"


@pytest.mark.parametrize("command", blocks("sh")[1:])
def test_readme_commands_name_files_that_exist(command):
    named = re.findall(r"(?:tests|examples|bench|wheelhouse-config)/[\w./-]+", command)
    assert named
    for path in named:
        assert (ROOT / path).is_file(), path


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
@pytest.mark.timeout(EXAMPLE_SECONDS + 20)
def test_example_finishes_and_shows_something(example):
    if example.stem in NEEDS:
        pytest.importorskip(NEEDS[example.stem])
    assert run([str(example)]).strip()


def test_demo_shows_all_three_exchanges_between_processes():
    shown = run(["examples/demo.py"])
    for heading in ("request/reply", "publish/subscribe", "pipeline"):
        assert f"\n{heading}\n" in shown
    assert "asked for the square of 12, got 144" in shown
    assert "sum of the squares of 1..8 = 204" in shown
    assert "received 'finance up'" not in shown
    # One parent, and two children for each of the three exchanges.
    assert len(set(re.findall(r"\[(\d+)\]", shown))) == 7


def test_readme_lists_every_example():
    for example in EXAMPLES:
        assert f"examples/{example.name}" in README


def test_build_variants_are_documented():
    variants = re.search(r"VARIANTS = \{(.*?)\}", (ROOT / "setup.py").read_text())[1]
    documented = re.findall(r"^\| `(\w+)` \|", (ROOT / "CONTRIBUTING.md").read_text(), flags=re.M)
    assert sorted(documented) == sorted(re.findall(r'"(\w+)"', variants))


def test_tables_of_the_benchmark_can_be_rewritten():
    for page, marks in ((README, table["SHORT_BLOCK"]), ((ROOT / "docs" / "performance.md").read_text(), table["FULL_BLOCK"])):
        begin, end = marks
        assert page.count(begin) == page.count(end) == 1
        assert page.index(begin) < page.index(end)
    for name in table["SHORT"]:
        assert f"| {name} |" in README


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(document):
    for target in re.findall(r"\]\((?!https?:|mailto:|#)([^)#\s]+)", document.read_text()):
        assert (document.parent / target).exists(), target


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_sources_named_in_documents_exist(document):
    for name in re.findall(r"`((?:[a-z_0-9]+/)+[a-z_0-9]+\.(?:pxd|pxi|pyx|h|py|sh|json|txt))\b", document.read_text()):
        places = [ROOT / name, ROOT / "src" / name, ROOT / "tests" / name, ROOT / "tests" / "native" / name]
        assert any(place.exists() for place in places), f"{name}: where is it now?"


# ---- words

GLOSSARY = (ROOT / "docs" / "glossary.md").read_text()
# Replaced by other words, see the glossary. They come back easily: from old habits and old comments.
OLD_WORDS = r"straggl\w*|salvage\w*|glance\w*|doomed|graves?|give-back"
# Pages for users name their actors: the peer, the thread, the application.
ACTORS = r"whoever|somebody|nobody"
FOR_USERS = ["README.md", "CHANGELOG.md", *(f"docs/{name}.md" for name in (
    "index", "tutorial", "patterns", "asyncio", "errors", "from-pyzmq", "limits", "performance", "behaviour", "glossary"
))]  # fmt: skip


def test_every_word_of_the_glossary_is_used():
    sources = [*(ROOT / "src").rglob("*.p*"), *(ROOT / "zmqcore").rglob("*.py"), *(ROOT / "tests").rglob("*.py"), *DOCUMENTS]
    texts = " ".join(path.read_text() for path in sources if path.name != "glossary.md" and path.suffix != ".pyc").lower()
    texts = re.sub(r"[\s#]+", " ", texts)
    terms = re.findall(r"\*\*(.+?)\*\*", GLOSSARY)
    assert len(terms) > 30
    for term in terms:
        assert term.lower() in texts, f"nothing is called {term}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_old_words_stay_away(document):
    prose = re.sub(r"`.*?`", "", re.sub(r"^```.*?^```", "", document.read_text(), flags=re.S | re.M))
    assert not (found := re.findall(rf"\b(?:{OLD_WORDS})\b", prose)), found
    if str(document.relative_to(ROOT)) in FOR_USERS:
        assert not (found := re.findall(rf"\b(?:{ACTORS})\b", prose, flags=re.I)), found


# ---- docs/behaviour.md: each line has a test, each id of a test has a line

BEHAVIOUR = (ROOT / "docs" / "behaviour.md").read_text()
DONE, NOT_YET = BEHAVIOUR.split("\n## Not yet\n")
NAMES = {
    name
    for path in (ROOT / "tests").rglob("test_*.py")
    for name in re.findall(r"^(?:async )?def (test_\w+)", path.read_text(), flags=re.M)
}


def lines_of(text):
    """{"REQ-2": names of the tests in brackets}."""
    found = {}
    for line in re.findall(r"^- .*", text, flags=re.M):
        name, statement = re.fullmatch(r"- ([A-Z]+-\d+): ([^\[]+\.(?: \[.*\])?)", line).groups()
        assert name not in found, f"{name} stands there twice"
        found[name] = re.findall(r"\btest_\w+", statement)
    return found


def test_each_line_of_the_behaviour_page_has_a_test():
    tested = set().union(*map(ids_of, NAMES))
    for name, tests in lines_of(DONE).items():
        assert name in tested or tests, f"no test for {name}: name one test_{name.replace('-', '_')}_..., or put its name in brackets"
        assert set(tests) <= NAMES, f"{name} names a test that does not exist: {set(tests) - NAMES}"


def test_each_id_of_a_test_has_a_line_on_the_behaviour_page():
    done, not_yet = lines_of(DONE), lines_of(NOT_YET)
    assert not done.keys() & not_yet.keys()
    for test in sorted(NAMES):
        for name in ids_of(test):
            assert name not in not_yet, f"{test} exists: move {name} out of 'Not yet' in docs/behaviour.md"
            assert name in done, f"docs/behaviour.md has no line {name} for {test}"


def test_the_page_of_evidence_names_tests_that_exist():
    """Lines that are newer than the page are missing there until `python docs/generate_evidence.py > docs/evidence.md`."""
    page = (ROOT / "docs" / "evidence.md").read_text()
    rows = dict(re.findall(r"^\| ([A-Z]+-\d+) \| (.*) \|$", page, flags=re.M))
    assert len(rows) > 350
    assert set(re.findall(r"\btest_\w+(?!\w*\.py)\b", " ".join(re.sub(r"`.*?`", "", row) for row in rows.values()))) <= NAMES
    assert rows.keys() <= lines_of(DONE).keys()
    fresh = dict(re.findall(r"^\| ([A-Z]+-\d+) \| (.*) \|$", evidence["document"](), flags=re.M))
    assert fresh.keys() == lines_of(DONE).keys() and all(row.startswith("`") for row in fresh.values())


def test_ids_are_read_from_names():
    assert ids_of("test_HWM_2_to_4_marks") == {"HWM-2", "HWM-3", "HWM-4"}
    assert ids_of("test_THR_7_and_ERR_7_signals") == {"THR-7", "ERR-7"}
    assert ids_of("test_END_39_ipc") == {"END-39"}
    assert ids_of("test_z85_lengths") == set()


# ---- the tests themselves

TRANSPORT_LISTS = re.compile(r"""[\[({]\s*"(?:tcp|ipc|inproc)"(?:,\s*"(?:tcp|ipc|inproc)")+\s*[\])}]""")


def test_transports_are_listed_once():
    """In tests/shared/transports.py: a new transport must find every test that it has to pass. Elsewhere a list says what a peer can do."""
    for room in ("behaviour", "api", "reliability", "hostile"):
        for path in (ROOT / "tests" / room).rglob("test_*.py"):
            assert not TRANSPORT_LISTS.search(path.read_text()), f"{path}: use TRANSPORTS or NETWORKS of tests/shared/transports.py"
