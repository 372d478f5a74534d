"""The core's tables of options, and what is made from them: enums, attributes, docstrings and docs/options.md agree with them."""

import importlib.util
import pydoc
from pathlib import Path

import pytest

import zmqcore
from zmqcore import _core
from zmqcore._option_texts import describe
from zmqcore.constants import ContextOption, SocketOption
from zmqcore.options import about_option
from zmqcore.socket_options import Option, SocketOptions

ROOT = Path(__file__).parent.parent.parent
OF_SOCKETS, OF_CONTEXTS = _core.option_info()
ROWS = {row["name"]: row for row in OF_SOCKETS}
# Options of contexts whose numbers are those of options of sockets, and one that no release of pyzmq names.
SHARED = {"IPV6", "BLOCKY"}
UNNAMED = {"ZERO_COPY_RECV"}


def generator():
    spec = importlib.util.spec_from_file_location("generate_options", ROOT / "docs" / "generate_options.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_socket_option_has_a_row_and_every_row_a_name():
    assert len(ROWS) == len(OF_SOCKETS)
    assert {option.name: int(option) for option in SocketOption} == {name: row["number"] for name, row in ROWS.items()}


def test_every_context_option_has_a_row_and_every_row_a_name():
    named = {name: int(option) for name, option in ContextOption.__members__.items()}
    rows = {row["name"]: row["number"] for row in OF_CONTEXTS}
    assert {name: number for name, number in rows.items() if name not in SHARED | UNNAMED} == named
    assert all(rows[name] == SocketOption[name] for name in SHARED)


# What has the option's name in small letters is a method, or says more than a number.
METHODS = {"subscribe", "unsubscribe", "subscribe_exact", "unsubscribe_exact", "exclude", "include", "type"}


@pytest.mark.parametrize("option", SocketOption, ids=lambda option: option.name)
def test_kinds_agree(option):
    """The table, the enum's own notion (which pyzmq has, too) and the types of the attributes."""
    row = ROWS[option.name]
    kind = option._opt_type.value
    assert row["kind"] == ("int" if kind == "fd" else kind)
    names = [name for name, member in SocketOption.__members__.items() if member is option]
    for name in names:
        attribute = vars(SocketOptions)[name]
        assert isinstance(attribute, Option)
        assert attribute.__orig_class__.__args__ == (bytes if kind == "bytes" else int,)
        assert (attribute.name, attribute.number) == (option.name, option)
        if name.lower() not in METHODS:
            assert vars(SocketOptions)[name.lower()] is attribute


@pytest.mark.parametrize("option", SocketOption, ids=lambda option: option.name)
def test_help_tells_what_the_table_says(option):
    row = ROWS[option.name]
    text = pydoc.plain(pydoc.render_doc(getattr(zmqcore.Socket, option.name)))
    for fact in (f"zmq.{option.name}, option {int(option)}", row["doc"], row["unit"], row["when"], "EINVAL"):
        assert fact in text
    if row["default"] is not None:
        assert f"Default: {row['default']!r}" in text


def test_help_of_one_option_in_full():
    assert describe(SocketOption.LINGER) == "\n".join(
        [
            "zmq.LINGER, option 17: int (milliseconds).",
            "",
            "How long messages that are not sent yet are kept after close() and disconnect(); -1: until they are sent.",
            "",
            "Default: -1 (SUB, XSUB, DISH: 0).",
            "Values: from -1.",
            "Set and read by all types of socket.",
            "A new value counts at once.",
            "",
            "Setting raises TypeError for what is not int, ZMQError(EINVAL) for other values and on other types of socket.",
            "Both raise ZMQError(ENOTSOCK) on a closed socket, ContextTerminated after term() of its context.",
        ]
    )


@pytest.mark.parametrize("row", OF_SOCKETS, ids=lambda row: row["name"])
def test_the_text_of_an_error_names_what_is_not_supported(row):
    assert ("does not support" in about_option(row["number"])) is row["absent"]


@pytest.mark.parametrize("row", [*OF_SOCKETS, *OF_CONTEXTS], ids=lambda row: row["name"])
def test_a_row_makes_sense(row):
    assert row["doc"].endswith((".", ".)")) and "  " not in row["doc"]
    if row["set_on"] != () and not row["absent"]:
        assert row["when"], "from when on does a new value count?"
        assert row["lowest"] <= row["highest"]
    else:
        assert not row["when"]


def test_document_is_up_to_date():
    assert (ROOT / "docs" / "options.md").read_text() == generator().document(), "python docs/generate_options.py > docs/options.md"
