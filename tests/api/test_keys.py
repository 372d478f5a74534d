"""Keys as objects: texts, files, permissions, and that the secret stays where it is."""

import copy
import gc
import io
import json
import logging
import os
import pickle
import stat
import subprocess
import sys
import traceback
import types

import pytest

pytestmark = pytest.mark.better

pytest.importorskip("nacl")

# RFC 26's neighbours: the key pairs of libzmq's own tests.
PUBLIC = "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID"
SECRET = "D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs"


@pytest.fixture
def key(zmq):
    return zmq.SecretKey(SECRET)


def private(path):
    return stat.S_IMODE(os.stat(path).st_mode) & 0o077 == 0


# -- public keys


def test_a_public_key_has_a_text_and_bytes(zmq):
    key = zmq.PublicKey(PUBLIC)
    assert str(key) == PUBLIC
    assert repr(key) == f"PublicKey({PUBLIC!r})"
    assert len(bytes(key)) == 32
    for same in (key, PUBLIC.encode(), bytes(key), bytearray(PUBLIC.encode()), memoryview(bytes(key))):
        assert zmq.PublicKey(same) == key
    assert {key, zmq.PublicKey(PUBLIC)} == {key}
    assert key != PUBLIC and key != zmq.PublicKey(b"\0" * 32)
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        assert pickle.loads(pickle.dumps(key, protocol)) == key
    assert copy.copy(key) == copy.deepcopy(key) == key
    with pytest.raises(AttributeError):
        key._raw = b""


@pytest.mark.parametrize("wrong", ["", "x" * 39, b"x" * 31, b"x" * 41, "x" * 32, "~" * 40, '"' * 40, "é" * 40, "#" * 40])
def test_what_is_no_public_key(zmq, wrong):
    with pytest.raises(ValueError) as error:
        zmq.PublicKey(wrong)
    assert not wrong or str(wrong) not in str(error.value)


@pytest.mark.parametrize("wrong", [None, 5, [1], object()])
def test_what_is_no_key_at_all(zmq, wrong):
    with pytest.raises(TypeError):
        zmq.PublicKey(wrong)
    if wrong is not None:
        with pytest.raises(TypeError):
            zmq.SecretKey(wrong)


# -- secret keys


def test_a_secret_key_knows_its_public_key(zmq, key):
    assert str(key.public) == PUBLIC
    assert key.reveal() == SECRET.encode()
    assert zmq.SecretKey(key.reveal()) == zmq.SecretKey(bytearray(SECRET.encode())) == key
    raw = pytest.importorskip("zmqcore.utils.z85").decode(SECRET)
    assert zmq.SecretKey(raw) == key
    assert key != SECRET and hash(key) == hash(zmq.SecretKey(SECRET))
    assert copy.copy(key) is key and copy.deepcopy(key) is key


def test_generated_keys_differ(zmq):
    keys = [zmq.SecretKey.generate() for _ in range(5)]
    assert len(set(keys)) == len({key.public for key in keys}) == 5
    assert zmq.curve_public(keys[0].reveal()) == str(keys[0].public).encode()


@pytest.mark.parametrize("wrong", ["", SECRET[:-1], SECRET + "x", b"x" * 33, "é" * 40, '"' * 40])
def test_what_is_no_secret_key(zmq, wrong):
    with pytest.raises(ValueError) as error:
        zmq.SecretKey(wrong)
    assert "40 characters" in str(error.value)
    assert not wrong or str(wrong) not in str(error.value)


def shown(key):
    """All ways by which people, loggers and debuggers look at an object."""
    yield from (repr(key), str(key), f"{key}", f"{key!r}", "%s" % key, ascii(key), repr([key]), repr({"key": key}))  # noqa: UP031
    stream = io.StringIO()
    logger = logging.Logger("test")
    logger.addHandler(logging.StreamHandler(stream))
    logger.error("key %s %r", key, key)
    logger.error("key", extra={"key": key})
    yield stream.getvalue()
    for member in dir(key):
        if member != "reveal":
            yield repr(getattr(key, member))
    for use in (
        lambda: pickle.dumps(key), lambda: json.dumps(key), lambda: bytes(key), lambda: memoryview(key), lambda: key + key, lambda: key.secret,
        lambda: vars(key), lambda: setattr(key, "public", 1), lambda: key.save("/no/such/directory/key"), lambda: type(key)(key), lambda: key < key,
        lambda: copy.copyreg.__reduce_ex__(key, 2), lambda: key.__getstate__() and pickle.dumps(key.__getstate__()), lambda: int(key),
    ):  # fmt: skip
        try:
            yield repr(use())
        except Exception as error:
            yield "".join(traceback.format_exception(error))
            yield from (str(frame.locals) for frame in traceback.TracebackException.from_exception(error, capture_locals=True).stack)


def test_the_secret_is_shown_by_nothing(zmq, key):
    from zmqcore.utils import z85

    raw = z85.decode(SECRET)
    for text in shown(key):
        assert SECRET not in text and raw.hex() not in text and repr(raw)[2:-1] not in text


def test_no_python_object_holds_the_secret(zmq, tmp_path, context):
    """Not in what the collector knows, nor in what that refers to: after making, saving, loading, securing and failing."""
    path = tmp_path / "key"
    key = zmq.SecretKey.generate()
    key.save(path)
    again = zmq.SecretKey.load(path)
    with context.socket(zmq.PULL) as server:
        server.secure_server(again, allow=[])
        with pytest.raises(zmq.ZMQError):
            server.secure_server(zmq.SecretKey.generate(), allow=[])
        with pytest.raises(TypeError):
            server.secure_server(again, allow=5)
        lines = path.read_bytes().split(b'"')
        secret = bytearray(lines[3])
        del lines
        raw = bytearray(__import__("zmqcore.utils.z85", fromlist=["z85"]).decode(bytes(secret)))
        found = []
        for holder in gc.get_objects():
            if isinstance(holder, types.ModuleType):  # its dictionary comes, too. CPython 3.12's asyncio lends what is on its list of free objects
                continue
            for thing in [holder, *gc.get_referents(holder)]:
                if isinstance(thing, (str, bytes, bytearray)) and thing is not secret and thing is not raw:
                    data = thing.encode("utf-8", "replace") if isinstance(thing, str) else bytes(thing)
                    if secret in data or raw in data:
                        found.append(thing)
    assert found == []


@pytest.mark.skipif(sys.platform != "linux" or "LD_PRELOAD" in os.environ, reason="reads memory that has been given back")
def test_memory_of_a_key_is_wiped():
    """In a process of its own: reading what has been freed is not for others."""
    program = """if True:
        import ctypes
        import zmqcore as zmq
        key = zmq.SecretKey.generate()
        raw = zmq.utils.z85.decode(key.reveal())
        memory = (ctypes.c_char * key.__sizeof__()).from_address(id(key))
        assert raw in bytes(memory)
        del key
        assert raw not in bytes(memory)
    """
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


# -- files


def test_files_come_back(zmq, key, tmp_path):
    secret, public = tmp_path / "server.key_secret", tmp_path / "server.key"
    key.save(secret)
    key.public.save(public)
    assert zmq.SecretKey.load(secret) == zmq.SecretKey.load(str(secret)) == key
    for path in (secret, public):
        assert zmq.PublicKey.load(path) == key.public
    assert SECRET in secret.read_text() and SECRET not in public.read_text()
    if os.name != "nt":
        assert private(secret) and not private(public)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such permissions")
@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077, 0o277])
def test_a_secret_file_is_private_whatever_the_mask(key, tmp_path, mask):
    before = os.umask(mask)
    try:
        key.save(tmp_path / "key")
    finally:
        os.umask(before)
    assert private(tmp_path / "key")


def test_nothing_is_overwritten_unless_told(zmq, key, tmp_path):
    path = tmp_path / "key"
    path.write_text("precious")
    path.chmod(0o644)
    for write in (key.save, key.public.save):
        with pytest.raises(FileExistsError, match="overwrite=True"):
            write(path)
    assert path.read_text() == "precious"
    key.save(path, overwrite=True)
    assert zmq.SecretKey.load(path) == key
    other = zmq.SecretKey.generate()
    other.save(path, overwrite=True)
    assert zmq.SecretKey.load(path) == other
    assert [one.name for one in tmp_path.iterdir()] == ["key"]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such links")
def test_a_link_is_not_followed_to_write(key, tmp_path):
    (tmp_path / "key").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(FileExistsError):
        key.save(tmp_path / "key")
    key.save(tmp_path / "key", overwrite=True)
    assert not (tmp_path / "elsewhere").exists() and not (tmp_path / "key").is_symlink()


def test_what_cannot_be_written_leaves_nothing(zmq, key, tmp_path, monkeypatch):
    def fail(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    for overwrite in (False, True):
        with pytest.raises(OSError, match="No space"):
            key.save(tmp_path / "key", overwrite=overwrite)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such permissions")
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644, 0o601])
def test_a_file_that_others_can_read_is_refused(zmq, key, tmp_path, mode):
    path = tmp_path / "key"
    key.save(path)
    path.chmod(mode)
    with pytest.raises(PermissionError, match="chmod 600"):
        zmq.SecretKey.load(path)
    assert zmq.SecretKey.load(path, others_may_read=True) == key
    assert zmq.PublicKey.load(path) == key.public


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no secret key"),
        ("\0" * 100, "no secret key"),
        (f'curve\n    public-key = "{PUBLIC}"\n', "only the public key"),
        (f'#   secret-key = "{SECRET}"\n', "no secret key"),
        (f'curve\n    secret-key = "{SECRET[:-1]}"\n', "no secret key"),
        (f'curve\n    secret-key = "{SECRET[:-1]}~"\n', "damaged"),
        (f'curve\n    public-key = "{PUBLIC[:-1]}0"\n    secret-key = "{SECRET}"\n', "do not belong together"),
        ("x" * 70_000, "no certificate"),
    ],
)  # fmt: skip
def test_files_without_a_secret_key(zmq, tmp_path, text, reason):
    path = tmp_path / "key"
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(ValueError, match=reason) as error:
        zmq.SecretKey.load(path)
    frames = traceback.TracebackException.from_exception(error.value, capture_locals=True).stack
    ours = [frame for frame in frames if frame.filename != __file__]
    assert ours and all(SECRET[:-2] not in str(frame.locals) for frame in ours)


def test_files_that_are_none(zmq, tmp_path):
    for load in (zmq.SecretKey.load, zmq.PublicKey.load):
        with pytest.raises(FileNotFoundError):
            load(tmp_path / "missing")
        with pytest.raises((ValueError, OSError)):
            load(tmp_path)
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe", 0o600)
        with pytest.raises(ValueError, match="no certificate"):
            zmq.SecretKey.load(tmp_path / "pipe")


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
@pytest.mark.parametrize("quote", ['"', "'", ""])
def test_certificates_of_others(zmq, key, tmp_path, ending, quote):
    lines = [
        "#   ****  Generated on 2026-01-01 by pyzmq  ****", "#   ZeroMQ CURVE **Secret** Certificate", "", "metadata", "    name = value", "curve",
        f"    public-key = {quote}{PUBLIC}{quote}", f"    secret-key = {quote}{SECRET}{quote}",
    ]  # fmt: skip
    (tmp_path / "key").write_bytes(ending.join(lines).encode())
    (tmp_path / "key").chmod(0o600)
    assert zmq.SecretKey.load(tmp_path / "key") == key


def test_certificates_of_pyzmq_both_ways(zmq, tmp_path):
    auth = pytest.importorskip("zmq.auth")
    public, secret = auth.create_certificates(tmp_path, "theirs", {"name": "x"})
    if os.name != "nt" and not private(secret):
        with pytest.raises(PermissionError):
            zmq.SecretKey.load(secret)
    key = zmq.SecretKey.load(secret, others_may_read=True)
    assert auth.load_certificate(secret) == (str(key.public).encode(), key.reveal())
    assert zmq.PublicKey.load(public) == key.public
    ours = zmq.SecretKey.generate()
    ours.save(tmp_path / "ours.key_secret")
    ours.public.save(tmp_path / "ours.key")
    assert auth.load_certificate(tmp_path / "ours.key_secret") == (str(ours.public).encode(), ours.reveal())
    assert auth.load_certificate(tmp_path / "ours.key") == (str(ours.public).encode(), None)


def test_certificates_of_our_auth(zmq, tmp_path, submodule):
    pytest.importorskip(f"{zmq.__name__}.auth")
    auth = submodule("auth")
    public, secret = auth.create_certificates(tmp_path, "name")
    key = zmq.SecretKey.load(secret)
    assert auth.load_certificate(secret) == (str(key.public).encode(), key.reveal())
    assert zmq.PublicKey.load(public) == key.public


def test_the_library_is_loaded_when_a_key_is_needed():
    program = "import zmqcore, sys; zmqcore.PublicKey(b'x' * 32); assert 'nacl' not in sys.modules; zmqcore.SecretKey.generate(); assert 'nacl' in sys.modules"
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
