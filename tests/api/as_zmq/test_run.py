"""`python -m zmqcore run`: the program is as with plain python, but for zmq."""

import json
import shutil

import pytest
from environments import CHILDREN, PACKAGE_ROOT, check_children
from transports import TRANSPORTS

pytestmark = pytest.mark.better

WHICH = "import zmq; print(zmq.Socket.__module__)"

LOOK = """
import json, sys, threading
import zmq, zmq.asyncio

main = sys.modules["__main__"]
place = [__name__, getattr(main, "__file__", None), getattr(main.__spec__, "name", None)]
print(json.dumps([zmq.Context.__module__, sys.argv, sys.path, sys.flags.optimize, *place]))
"""


@pytest.fixture
def program(tmp_path):
    (tmp_path / "look.py").write_text(LOOK)
    (tmp_path / "fails.py").write_text("import zmq\n\ndef fail():\n    raise zmq.Again('here')\n\nfail()\n")
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "__main__.py").write_text(LOOK)
    return tmp_path


@pytest.mark.parametrize(
    "command",
    [["look.py", "a", "-m", "--help"], ["-m", "look", "run"], ["-m", "package"], ["package", "x"], ["-c", LOOK, "-c"], ["-O", "look.py"]],
    ids=["script", "module", "package", "folder", "code", "option"],
)
def test_a_program_sees_what_it_sees_in_plain_python(with_pyzmq, program, command):
    plain = json.loads(with_pyzmq.output(*command, folder=program))
    ours = json.loads(with_pyzmq.output("-m", "zmqcore", "run", *command, folder=program))
    assert (plain[0], ours[0]) == ("zmq.sugar.context", "zmqcore.context")
    assert ours[1:] == plain[1:]


def test_a_program_ends_as_in_plain_python(with_pyzmq, program):
    plain = with_pyzmq.start("fails.py", folder=program)
    ours = with_pyzmq.start("-m", "zmqcore", "run", "fails.py", folder=program)
    assert ours.returncode == plain.returncode == 1
    assert ours.stderr.replace("zmqcore.error.Again", "zmq.error.Again") == plain.stderr
    assert with_pyzmq.start("-m", "zmqcore", "run", "-c", "import sys; sys.exit(7)").returncode == 7


def test_options_in_front_are_kept(environment):
    shown = environment.output("-X", "dev", "-Wignore", "-Om", "zmqcore", "run", "-c", "import sys; print(sys.flags.dev_mode, sys.flags.optimize)")
    assert shown == "True 1"


def test_child_processes(environment, tmp_path):
    (tmp_path / "children.py").write_text(CHILDREN)
    check_children(environment.output("-m", "zmqcore", "run", "children.py", folder=tmp_path), "zmqcore.socket")


def test_the_switch_turns_it_off_for_a_child(with_pyzmq):
    program = f"import os, subprocess, sys; os.environ['ZMQCORE_AS_ZMQ'] = '0'; subprocess.run([sys.executable, '-c', {WHICH!r}], check=True)"
    assert with_pyzmq.output("-m", "zmqcore", "run", "-c", program) == "zmq.sugar.socket"


def test_a_sitecustomize_of_the_environment_is_run(environment, tmp_path):
    (tmp_path / "sitecustomize.py").write_text("import sys; print(__name__, __file__, any('_startup' in entry for entry in sys.path))\n")
    shown = environment.output("-m", "zmqcore", "run", "-c", WHICH, PYTHONPATH=str(tmp_path)).splitlines()
    # Once for `python -m zmqcore`, once for the program.
    assert shown == [f"sitecustomize {tmp_path / 'sitecustomize.py'} False"] * 2 + ["zmqcore.socket"]


@pytest.mark.parametrize("option", ["-I", "-E", "-S", "-BIq"])
def test_what_ignores_the_environment_is_refused_in_words(environment, option):
    done = environment.start("-m", "zmqcore", "run", option, "-c", WHICH)
    assert done.returncode == 1 and done.stdout == ""
    assert "as-zmq enable" in done.stderr and "Traceback" not in done.stderr


def test_zmqcore_of_the_current_folder_only_is_refused_in_words(with_pyzmq, tmp_path):
    shutil.copytree(PACKAGE_ROOT / "zmqcore", tmp_path / "zmqcore", ignore=shutil.ignore_patterns("__pycache__"))
    visible = with_pyzmq.site / "zmqcore.pth"
    text = visible.read_text()
    visible.unlink()
    try:
        done = with_pyzmq.start("-m", "zmqcore", "run", "-c", WHICH, folder=tmp_path)
    finally:
        visible.write_text(text)
    assert done.returncode == 1 and "current folder" in done.stderr


def test_help_and_mistakes_are_short(environment):
    assert "run a program" in environment.output("-m", "zmqcore", "--help")
    assert "SCRIPT | -m MODULE" in environment.output("-m", "zmqcore", "run", "--help")
    for mistake in ([], ["walk"], ["as-zmq"], ["as-zmq", "enable", "--user", "--system"]):
        done = environment.start("-m", "zmqcore", *mistake)
        assert done.returncode == 2 and len(done.stderr.splitlines()) == 1 and "--help" in done.stderr


def test_info(environment):
    found = json.loads(environment.output("-m", "zmqcore", "info", "--json"))
    assert set(TRANSPORTS) <= set(found["transports"]) and found["mechanisms"][0] == "NULL"
    shown = environment.output("-m", "zmqcore", "info")
    assert found["zmqcore"] in shown and found["platform"] in shown
    polling = json.loads(environment.output("-m", "zmqcore", "info", "--json", ZMQCORE_POLLER="poll"))
    assert polling["poller"] == "poll"
