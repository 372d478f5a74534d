"""Where the functions of OpenSSL are that TLS is made of: in the package `cryptography`, which brings the library.

Imported with the first endpoint that needs TLS, and only then: neither `import zmqcore` nor a program without TLS loads `cryptography`.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec

__all__ = ["addresses", "installed", "trusted"]


def installed() -> bool:
    """Whether `cryptography` could be imported, without importing it."""
    return find_spec("cryptography") is not None


def addresses(names: Sequence[str]) -> list[int]:
    """The address of each C function; 0 for one that is not there.

    Args:
        names (list[str]): as in OpenSSL's headers.

    Raises:
        ImportError: `cryptography` is not installed, or does not load, or is so old or new that it keeps OpenSSL elsewhere.
    """
    # Through this module, which initialises OpenSSL, and not through the lower one alone.
    from cryptography.hazmat.bindings._rust import _openssl
    from cryptography.hazmat.bindings.openssl import binding

    binding.Binding()
    ffi, lib = _openssl.ffi, _openssl.lib

    def address(name: str) -> int:
        try:
            return int(ffi.cast("uintptr_t", ffi.addressof(lib, name)))
        except AttributeError:
            return 0

    return [address(name) for name in names]


def trusted() -> tuple[str, str]:
    """File and directory of the certificates that this system trusts, as Python's own `ssl` finds them (SSL_CERT_FILE and SSL_CERT_DIR name
    others). Empty texts: there are none."""
    try:
        import ssl
    except ImportError:
        return "", ""
    paths = ssl.get_default_verify_paths()
    return paths.cafile or "", paths.capath or ""
