"""Certificates of CURVE: files with a key pair, as pyzmq and CZMQ write and read them.

Rules
- NAME.key holds the public key, NAME.key_secret both keys. Only its owner may read the latter, from the moment it exists.
- A file has sections ("metadata", "curve") with indented lines `name = value`, and comments that begin with "#". The keys are Z85.
- `_write_key_file()` and the comments in front have pyzmq's names: programs whose keys come from elsewhere use them.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from .. import _core

__all__ = ["create_certificates", "load_certificate", "load_certificates"]

PUBLIC, SECRET = ".key", ".key_secret"

_cert_public_banner = """\
# CURVE certificate, public part. Made on {0} by zmqcore.
# Give it to your peers by a way that nobody can tamper with.
"""
_cert_secret_banner = """\
# CURVE certificate with the SECRET key. Made on {0} by zmqcore.
# Keep it to yourself: who has this file can pretend to be you.
"""


def _open_secret(path: str, flags: int) -> int:
    descriptor = os.open(path, flags, 0o600)
    if hasattr(os, "fchmod"):
        os.fchmod(descriptor, 0o600)  # a file that was there already keeps the permissions it had
    return descriptor


def _write_key_file(
    key_filename: str | os.PathLike[str],
    banner: str,
    public_key: str | bytes,
    secret_key: str | bytes | None = None,
    metadata: Mapping[Any, Any] | None = None,
    encoding: str = "utf-8",
) -> None:
    """Write a certificate. `encoding` is that of names, values and keys that are bytes."""

    def text(value: Any) -> str:
        return value.decode(encoding) if isinstance(value, bytes) else str(value)

    lines = ["metadata", *(f"    {text(name)} = {text(value)}" for name, value in (metadata or {}).items())]
    lines += ["curve", f'    public-key = "{text(public_key)}"']
    if secret_key:
        lines.append(f'    secret-key = "{text(secret_key)}"')
    with open(key_filename, "w", encoding="utf-8", opener=_open_secret if secret_key else None) as file:
        file.write("\n".join([banner, *lines, ""]))


def create_certificates(
    key_dir: str | os.PathLike[str], name: str, metadata: Mapping[str, str] | None = None
) -> tuple[str, str]:
    """Make a CURVE key pair and write it to two files. Files of these names are overwritten.

    The file with the secret key can be read by its owner only.

    Args:
        key_dir (str | PathLike): a directory that exists.
        name (str): what the files are called: NAME.key (public) and NAME.key_secret.
        metadata (Mapping): names and values to note in the secret file, such as who it is for; bytes are UTF-8. Default None: nothing.

    Returns:
        tuple[str, str]: the paths of the public and of the secret file.

    Raises:
        OSError: the files cannot be written.
        ZMQError (ENOTSUP): CURVE needs PyNaCl, which is not installed.

    Example:
        >>> from zmqcore.auth import create_certificates
        >>> public, secret = create_certificates(".", "server")
    """
    public_key, secret_key = _core.curve_keypair()
    base = os.path.join(key_dir, name)
    now = datetime.now().isoformat(" ", "seconds")
    _write_key_file(base + PUBLIC, _cert_public_banner.format(now), public_key)
    _write_key_file(base + SECRET, _cert_secret_banner.format(now), public_key, secret_key, metadata)
    return base + PUBLIC, base + SECRET


def load_certificate(filename: str | os.PathLike[str]) -> tuple[bytes, bytes | None]:
    """Read the keys of a certificate, as Z85.

    Args:
        filename (str | PathLike): a file made by `create_certificates()`, pyzmq or CZMQ.

    Returns:
        tuple[bytes, bytes | None]: the public key, and the secret key or None if the file has none.

    Raises:
        OSError: there is no such file, or it cannot be read.
        ValueError: it has no public key.

    Example:
        >>> from zmqcore.auth import create_certificates, load_certificate
        >>> files = create_certificates(".", "server")
        >>> public_key, secret_key = load_certificate(files[1])
    """
    keys: dict[str, bytes] = {}
    try:
        text = Path(os.fsdecode(filename)).read_text(encoding="utf-8", errors="surrogateescape")
    except FileNotFoundError:
        raise OSError(f"Invalid certificate file: {os.fsdecode(filename)}") from None
    for line in text.splitlines():
        name, equals, value = line.strip().partition("=")
        if equals and not name.startswith("#"):
            keys[name.strip()] = value.strip(" \t'\"").encode("utf-8", "surrogateescape")
    if "public-key" not in keys:
        raise ValueError(f"No public key found in {os.fsdecode(filename)}")
    return keys["public-key"], keys.get("secret-key")


def load_certificates(directory: str | os.PathLike[str] = ".") -> dict[bytes, bool]:
    """Read the public keys of all certificates in a directory.

    Args:
        directory (str | PathLike): its files NAME.key are read, but for hidden ones (".NAME.key"). Default ".".

    Returns:
        dict[bytes, bool]: True for each public key (Z85).

    Raises:
        OSError: there is no such directory.
        ValueError: one of the files has no public key.

    Example:
        >>> from zmqcore.auth import load_certificates
        >>> known = load_certificates(".")
    """
    if not os.path.isdir(directory):
        raise OSError(f"Invalid certificate directory: {os.fsdecode(directory)}")
    paths = sorted(Path(os.fsdecode(directory)).glob("*" + PUBLIC))
    return {load_certificate(path)[0]: True for path in paths if not path.name.startswith(".")}
