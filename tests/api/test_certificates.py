"""zmq.auth: certificates, read and made. The same as pyzmq's, unless marked `better`."""

import os
import stat

import pytest
from zap import CLIENT_KEY_Z85 as KEY
from zap import certificate


def test_reading_certificates(submodule, tmp_path):
    auth = submodule("auth")
    certificate(tmp_path, "a.key", KEY)
    certificate(tmp_path, "b.key", b"other")
    (tmp_path / "c.key_secret").write_text("# public-key = no\ncurve\n\tpublic-key='p#q'\n  secret-key = \"s=t\" \n")
    (tmp_path / "d.txt").write_text("nothing")
    assert auth.load_certificate(tmp_path / "a.key") == (KEY, None)
    assert auth.load_certificate(str(tmp_path / "c.key_secret")) == (b"p#q", b"s=t")
    assert auth.load_certificates(tmp_path) == {KEY: True, b"other": True}
    with pytest.raises(ValueError, match="public key"):
        auth.load_certificate(tmp_path / "d.txt")
    with pytest.raises(OSError):
        auth.load_certificate(tmp_path / "none.key")
    with pytest.raises(OSError):
        auth.load_certificates(tmp_path / "none")
    (tmp_path / ".e.key").write_text("hidden files count for nothing, as what other systems leave beside each file")
    assert auth.load_certificates(tmp_path) == {KEY: True, b"other": True}
    (tmp_path / "e.key").write_text("curve\n")
    with pytest.raises(ValueError):
        auth.load_certificates(tmp_path)


@pytest.fixture
def curve(zmq):
    if not zmq.has("curve"):
        pytest.skip("no CURVE")


def test_making_certificates(zmq, curve, submodule, tmp_path):
    auth = submodule("auth")
    public, secret = auth.create_certificates(tmp_path, "me", metadata={"name": "me", "answer": 42, b"b\xc3\xb6": b"\xc3\xa4"})
    assert (public, secret) == (str(tmp_path / "me.key"), str(tmp_path / "me.key_secret"))
    key, hidden = auth.load_certificate(secret)
    assert auth.load_certificate(public) == (key, None)
    assert zmq.curve_public(hidden) == key
    text = open(secret, encoding="utf-8").read()
    assert "    name = me\n" in text and "    answer = 42\n" in text and "    bö = ä\n" in text
    assert hidden.decode() not in open(public).read()
    assert auth.create_certificates(str(tmp_path), "me") == (public, secret)
    assert auth.load_certificate(public) != (key, None)
    with pytest.raises(FileNotFoundError):
        auth.create_certificates(tmp_path / "none", "me")


def test_certificates_of_keys_from_elsewhere(submodule, tmp_path):
    """Indy, Lamden and others write theirs by pyzmq's own function."""
    certs = submodule("auth.certs")
    certs._write_key_file(tmp_path / "a.key", certs._cert_public_banner.format("today"), KEY)
    certs._write_key_file(str(tmp_path / "a.key_secret"), certs._cert_secret_banner.format("today"), KEY.decode(), secret_key=b"s=t")
    certs._write_key_file(tmp_path / "b.key", "", KEY, "s=t", {"name": b"\xe4"}, encoding="latin1")
    assert certs.load_certificate(tmp_path / "a.key") == (KEY, None)
    assert certs.load_certificate(tmp_path / "a.key_secret") == certs.load_certificate(tmp_path / "b.key") == (KEY, b"s=t")
    assert "    name = ä\n" in (tmp_path / "b.key").read_text("utf-8")
    assert "today" in (tmp_path / "a.key").read_text()


@pytest.mark.better  # pyzmq leaves the secret to whoever may read the directory
@pytest.mark.skipif(os.name == "nt", reason="no permissions of this kind")
def test_a_secret_is_its_owners(curve, submodule, tmp_path):
    old = tmp_path / "me.key_secret"
    old.write_text("")
    old.chmod(0o644)
    for name in ("me", "new"):
        _, secret = submodule("auth").create_certificates(tmp_path, name)
        assert stat.S_IMODE(os.stat(secret).st_mode) == 0o600


@pytest.mark.better  # both packages are needed, so once is enough
def test_certificates_of_either_package(curve, submodule, tmp_path):
    theirs = pytest.importorskip("zmq.auth")
    ours = submodule("auth")
    for maker, reader in ((ours, theirs), (theirs, ours)):
        for file in maker.create_certificates(str(tmp_path), "me", metadata={"name": "me"}):
            assert reader.load_certificate(file) == maker.load_certificate(file)
        assert reader.load_certificates(str(tmp_path)) == maker.load_certificates(str(tmp_path))
