"""`python -m zmqcore.log`: shows what a PUBHandler publishes."""

import argparse
import logging
import os
import signal
import subprocess
import sys

import pytest
from awaiting import endpoint

MODULE = os.environ.get("ZMQ_MODULE", "zmqcore")


@pytest.mark.skipif(sys.platform == "win32", reason="ends the watcher by Ctrl-C")
def test_prints_records_of_a_topic(context, zmq, submodule):
    publisher = context.socket(zmq.XPUB)
    publisher.bind("tcp://127.0.0.1:*")
    watcher = subprocess.Popen(
        [sys.executable, "-u", "-m", f"{MODULE}.log", "-t", "app.INFO", "--separator", " > ", endpoint(publisher)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert publisher.recv() == b"\x01app.INFO"
        handler = submodule("log.handlers").PUBHandler(publisher, root_topic="app")
        logger = logging.getLogger("watched")
        logger.propagate = False
        logger.setLevel(logging.DEBUG)
        logger.addHandler(handler)
        logger.debug("not asked for")
        logger.info("hello")
        logger.info("part::of it")
        assert watcher.stdout.readline().rstrip().replace(" ", "") == "app.INFO>hello"
        assert watcher.stdout.readline().rstrip().replace(" ", "") == "app.INFO.part>ofit"
    finally:
        logging.getLogger("watched").handlers.clear()
        watcher.send_signal(signal.SIGINT)
        watcher.wait(timeout=30)
        watcher.stdout.close()


@pytest.mark.better
def test_lines(submodule):
    watching = submodule("log.__main__")
    messages = [[b"a.INFO", b"one\n"], [b"a.ERROR.longer", b"two\n"], [b"a", b"\xff"]]

    def shown(*given):
        return list(watching.lines(messages, watching.parse([*given, "tcp://127.0.0.1:1"])))

    assert shown() == ["a.INFO | one", "a.ERROR.longer | two", "a | \ufffd"]
    assert shown("--align", "--separator", ": ") == ["a.INFO: one", "a.ERROR.longer: two", "a             : \ufffd"]
    assert shown("--color")[:2] == ["\x1b[32ma.INFO | one\x1b[0m", "\x1b[31ma.ERROR.longer | two\x1b[0m"]
    assert shown("--timestamp", "--dateformat", "then") == ["then a.INFO | one", "then a.ERROR.longer | two", "then a | \ufffd"]


@pytest.mark.better
def test_an_address_that_is_none(submodule, capsys):
    assert submodule("log.__main__").main(["127.0.0.1:1"]) == 1
    assert "expected transport://address" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        submodule("log.__main__").main([])
    assert isinstance(submodule("log.__main__").parse(["x"]), argparse.Namespace)
