"""What the documents tell users to type works: code blocks run, examples finish, commands and links lead somewhere."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text()
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))
EXAMPLE_SECONDS = 40  # Interpreter start and spawned children on a loaded two-core machine; unloaded each takes under 2 s.


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```", README, flags=re.S | re.M)


def run(arguments):
    environment = {**os.environ, "PYTHONUNBUFFERED": "1", "PYTHONWARNINGS": "error"}
    done = subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=EXAMPLE_SECONDS
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    return done.stdout


@pytest.mark.parametrize("code", blocks("python"))
def test_readme_code_runs(code):
    run(["-c", code])


def test_readme_quick_start_prints_both_greetings():
    (code,) = [code for code in blocks("python") if "REP" in code]
    assert run(["-c", code]).split() == ["Hello", "World"]


def test_readme_first_command_is_the_demo_and_second_the_tests():
    first, second = (command.strip() for command in blocks("sh")[:2])
    assert first.endswith("examples/demo.py")
    assert second == "sh tests/run.sh"


@pytest.mark.parametrize("command", blocks("sh"))
def test_readme_commands_name_files_that_exist(command):
    named = re.findall(r"(?:tests|examples|bench|wheelhouse-config)/[\w./-]+", command)
    assert named
    for path in named:
        assert (ROOT / path).is_file(), path


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
@pytest.mark.timeout(EXAMPLE_SECONDS + 20)
def test_example_finishes_and_shows_something(example):
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


def test_benchmark_block_can_be_rewritten():
    assert README.count("<!-- bench:begin -->") == README.count("<!-- bench:end -->") == 1
    assert README.index("<!-- bench:begin -->") < README.index("<!-- bench:end -->")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(document):
    for target in re.findall(r"\]\((?!https?:|mailto:|#)([^)#\s]+)", document.read_text()):
        assert (document.parent / target).exists(), target
