"""What counts conversations: sockets.py, with a process in libFuzzer's place."""

import stat

import conversations
import pytest

pytest.importorskip("resource", reason="the fuzzer runs on Linux")

import sockets

LIBFUZZER = """#!/bin/sh
# -runs=N, as libFuzzer prints it; the type whose number is FOUND has a finding.
for word; do
    case $word in -runs=*) runs=${word#-runs=};; --type=*) type=${word#--type=};; esac
done
echo "stat::number_of_executed_units: $runs"
[ "$type" != "$FOUND" ]
"""


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    target = tmp_path / "fuzz_sockets"
    target.write_text(LIBFUZZER)
    target.chmod(target.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setattr(sockets, "TARGET", target)
    monkeypatch.setenv("FOUND", "none")

    def run(*arguments):
        monkeypatch.setattr("sys.argv", ["sockets.py", *arguments, "--state", str(tmp_path / "state")])
        return sockets.main(), capsys.readouterr().out

    return run


def test_runs_add_up(run):
    for times in (1, 2):
        status, text = run("450000", "--types", "STREAM", "PEER")
        assert status == 0
        lines = text.splitlines()
        assert lines[0].startswith("STREAM         450000 conversations") and f"; {times * 450000} so far" in lines[0]
        assert lines[1].startswith("PEER           450000 conversations")
    assert f"STREAM     {900000:12} conversations" in run("--counts")[1]


def test_a_finding_fails_and_ends_its_type(run, monkeypatch):
    monkeypatch.setenv("FOUND", str(conversations.STREAM))
    status, text = run("450000", "--types", "STREAM", "PEER", "--jobs", "2")
    assert status == 1
    assert "FINDING, see" in text.splitlines()[0] and "no finding" in text.splitlines()[1]
    assert ", 1 finding(s)" in run("--counts")[1]


def test_what_was_learnt_is_pooled_for_its_type(tmp_path):
    for kind in ("STREAM", "PEER"):
        (tmp_path / kind).mkdir()
        (tmp_path / kind / "abc").write_bytes(b"\xffsame")
    (tmp_path / "pool").mkdir()
    conversations.pool(tmp_path, tmp_path / "pool")
    pooled = {file.name: file.read_bytes() for file in (tmp_path / "pool").iterdir()}
    assert pooled == {"STREAM-abc": bytes([conversations.STREAM]) + b"same", "PEER-abc": bytes([conversations.PEER]) + b"same"}
