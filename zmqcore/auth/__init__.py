"""Authentication: who may connect to the sockets of a context (ZAP, ZeroMQ RFC 27), and certificates for CURVE.

An authenticator answers for all sockets of its context. `zmqcore.auth.thread.ThreadAuthenticator` does so in a thread of its own,
`zmqcore.auth.asyncio.AsyncioAuthenticator` on the event loop.
"""

from .base import CURVE_ALLOW_ANY, Authenticator
from .certs import create_certificates, load_certificate, load_certificates

__all__ = ["CURVE_ALLOW_ANY", "Authenticator", "create_certificates", "load_certificate", "load_certificates"]
