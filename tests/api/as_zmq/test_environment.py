"""`python -m zmqcore as-zmq`: a whole environment, there and back."""

import json
import sysconfig
from pathlib import Path

import pytest
from environments import CHILDREN, PACKAGE_ROOT, Environment, check_children

from zmqcore import _environment
from zmqcore.__main__ import _options

pytestmark = pytest.mark.better

WHICH = "import zmq; print(zmq.Socket.__module__)"
FILES = {Path("zmqcore-as-zmq.pth"), Path("_zmqcore_as_zmq.py")}


def as_zmq(environment, *arguments, **more):
    return json.loads(environment.output("-m", "zmqcore", "as-zmq", *arguments, "--json", **more))


@pytest.fixture
def enabled(environment):
    as_zmq(environment, "enable")
    yield environment
    as_zmq(environment, "disable")


def test_there_and_back_leaves_no_trace(environment):
    before = environment.files()
    pyzmq = environment.start("-c", WHICH).stdout.strip()
    assert pyzmq == ("zmq.sugar.socket" if (environment.site / "zmq").exists() else "")
    assert as_zmq(environment, "status")["import_zmq"] == ("pyzmq" if pyzmq else "nothing")

    found = as_zmq(environment, "enable")
    assert found["enabled"] and found["folders"] == [str(environment.site)] and found["import_zmq"] == "zmqcore"
    assert (found["pyzmq"] is not None) == bool(pyzmq)
    assert set(environment.files()) - set(before) == FILES
    assert environment.output("-c", WHICH) == environment.output("-I", "-c", WHICH) == "zmqcore.socket"
    assert as_zmq(environment, "enable") == as_zmq(environment, "status") == found

    environment.output("-c", WHICH, PYTHONDONTWRITEBYTECODE="")  # leaves a .pyc file behind
    assert set(environment.files()) - set(before) > FILES
    assert not as_zmq(environment, "disable")["enabled"]
    assert environment.files() == before
    assert not (environment.site / "__pycache__").exists()
    assert environment.start("-c", WHICH).stdout.strip() == pyzmq
    as_zmq(environment, "disable")  # nothing to do is no mistake


def test_a_start_costs_no_import(enabled):
    assert enabled.output("-c", "import sys; print([name for name in sys.modules if name.startswith(('zmqcore', 'zmq.')) or name == 'zmq'])") == "[]"


def test_children_and_run_and_switch(enabled, tmp_path):
    (tmp_path / "children.py").write_text(CHILDREN)
    check_children(enabled.output("children.py", folder=tmp_path), "zmqcore.socket")
    assert enabled.output("-m", "zmqcore", "run", "-c", WHICH) == "zmqcore.socket"
    off = enabled.start("-c", WHICH, ZMQCORE_AS_ZMQ="0")
    assert off.stdout.strip() == ("zmq.sugar.socket" if (enabled.site / "zmq").exists() else "")
    assert as_zmq(enabled, "status", ZMQCORE_AS_ZMQ="0")["switched_off_here"]


def test_the_status_in_words(enabled):
    shown = enabled.output("-m", "zmqcore", "as-zmq", "status")
    assert shown.startswith("enabled for") and "`import zmq` gives zmqcore" in shown and str(enabled.site) in shown
    assert ("is installed, but not used" if (enabled.site / "zmq").exists() else "pyzmq is not installed") in shown
    (enabled.site / "_zmqcore_as_zmq.py").write_text("")
    assert "enable or disable again" in enabled.output("-m", "zmqcore", "as-zmq", "status")
    assert as_zmq(enabled, "enable")["damaged"] == []


def test_a_zmqcore_that_has_been_uninstalled_warns_and_gives_pyzmq(with_pyzmq):
    as_zmq(with_pyzmq, "enable")
    visible = with_pyzmq.site / "zmqcore.pth"
    text = visible.read_text()
    visible.unlink()
    try:
        done = with_pyzmq.start("-c", WHICH)
    finally:
        visible.write_text(text)
        as_zmq(with_pyzmq, "disable")
    assert done.stdout.strip() == "zmq.sugar.socket"
    assert "RuntimeWarning: `import zmq` was to give zmqcore" in done.stderr and "_zmqcore_as_zmq.py" in done.stderr


def test_pyzmq_that_was_first_stays_whole(with_pyzmq):
    # A .pth file that comes before ours imports it.
    as_zmq(with_pyzmq, "enable")
    early = with_pyzmq.site / "aaa.pth"
    early.write_text("import zmq\n")
    try:
        assert with_pyzmq.output("-c", "import zmq, zmq.asyncio; print(zmq.asyncio.Context.__module__)") == "zmq.asyncio"
    finally:
        early.unlink()
        as_zmq(with_pyzmq, "disable")


def test_where_nothing_can_be_written_it_says_so(tmp_path):
    own = Environment(tmp_path / "venv", with_pyzmq=False)
    (own.site / "zmqcore.pth").unlink()
    own.site.rmdir()
    own.site.write_text("")  # root may write to every folder, but not into a file
    done = own.start("-m", "zmqcore", "as-zmq", "enable", folder=tmp_path, PYTHONPATH=str(PACKAGE_ROOT))
    assert done.returncode == 1 and done.stderr.startswith(f"zmqcore: cannot write to {own.site}: ") and "Traceback" not in done.stderr


def test_a_module_without_its_pth_file_is_not_left(monkeypatch, tmp_path):
    write = _environment._write

    def refuse(path, text):
        if path.suffix == ".pth":
            raise PermissionError(13, "not allowed")
        write(path, text)

    monkeypatch.setattr(_environment, "chosen_folder", lambda user, system: tmp_path)
    monkeypatch.setattr(_environment, "_write", refuse)
    with pytest.raises(_environment.Refusal, match="not allowed"):
        _environment.enable()
    assert not list(tmp_path.iterdir())


def test_the_python_of_the_operating_system_is_refused(monkeypatch, tmp_path):
    (tmp_path / "EXTERNALLY-MANAGED").write_text("")
    monkeypatch.setattr(sysconfig, "get_path", lambda name: str(tmp_path))
    monkeypatch.setattr(_environment, "_in_venv", lambda: False)
    with pytest.raises(_environment.Refusal, match="--system"):
        _environment.chosen_folder(user=False, system=False)
    assert _environment.chosen_folder(user=False, system=True) == tmp_path


def test_what_was_enabled_outside_is_not_touched(monkeypatch, tmp_path):
    (tmp_path / _environment.PTH).write_text(_environment.PTH_TEXT)
    monkeypatch.setattr(_environment, "_folders", lambda: [tmp_path])
    monkeypatch.setattr(_environment, "_in_venv", lambda: True)
    with pytest.raises(_environment.Refusal, match=r"outside this environment(.|\n)*ZMQCORE_AS_ZMQ=0"):
        _environment.disable()
    assert (tmp_path / _environment.PTH).exists()


@pytest.mark.parametrize(
    ("arguments", "letters"),
    [
        (["-Om", "x", "-I"], "Om"),
        (["-W", "-I", "-X", "dev", "a.py", "-E"], "WX"),
        (["-Wignore::m", "-c", "1"], "Wc"),
        (["--check-hash-based-pycs", "a.py"], ""),
        (["-", "-I"], ""),
        ([], ""),
    ],
)
def test_options_of_python_are_read_up_to_the_program(arguments, letters):
    assert "".join(letter for _, _, letter in _options(arguments)) == letters
