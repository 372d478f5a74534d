"""Security in one line: `secure_server` and `secure_client`.

Rules
- Both come before the first bind or connect, and decide mechanism and keys for good: nothing of the socket falls back to NULL afterwards.
- What a server is told about who may come in can be replaced at any time; connections that are there stay.
"""

from __future__ import annotations

from . import _core
from .keys import Allow, PublicKey, SecretKey


class SecureSocket(_core.Socket):
    """Base of Socket: security."""

    def secure_server(self, key: SecretKey, *, allow: Allow) -> None:
        """Take no connections but encrypted ones of clients that are allowed. To be called before the first bind or connect.

        Everything that the socket binds and connects to is CURVE from now on, with this socket as the server. Clients know its public key,
        `key.public`. Who is not allowed is refused in the handshake (status 400), before any message. No ZAP handler is asked, and none has
        to run.

        What is allowed can be changed by calling it again with the same key. That, and what changes in a directory, is for the handshakes to
        come: who is connected stays connected.

        Args:
            key (SecretKey): of this server.
            allow (Iterable[PublicKey | str | bytes] | PublicKey | str | PathLike | Callable): the public keys of clients; or the path of a
                directory of certificates (its files named `*.key`), which is read again when it changes; or a function, called with a PeerInfo, that
                returns whether the client may come in, or, as str, the user id that its frames will tell (`frame.get("User-Id")`; otherwise
                the key's text); or "*" for all who know the server's public key. A function is called in a thread of its own, as
                are files of a directory read; what it raises refuses the client, and is logged ("zmqcore").

        Raises:
            ZMQError (EBUSY): the socket has been bound or connected already.
            ZMQError (EPERM): it has been secured with another key, or as a client.
            ZMQError (ENOTSUP): PyNaCl is not installed; or it is a raw socket (STREAM), which has no handshake.
            OSError: the directory cannot be read.
            TypeError, ValueError: what is allowed is none of these, or one of the keys is not a key.
            ZMQError (ENOTSOCK): the socket is closed.
            ContextTerminated (ETERM): the context is ending.

        Source: RFC 26 (CurveZMQ).

        Example:
            >>> server_key, client_key = zmq.SecretKey.generate(), zmq.SecretKey.generate()
            >>> with context.socket(zmq.REP) as server, context.socket(zmq.REQ) as client:
            ...     server.secure_server(server_key, allow=[client_key.public])
            ...     client.secure_client(server_key.public, client_key)
            ...     connected = client.connect(server.bind("tcp://127.0.0.1:*").addr)
            ...     client.send(b"hello")
            ...     frame = server.recv(copy=False)
            ...     frame.peer_key == client_key.public
            True
        """
        from . import _policies

        _check_key(key)
        _core.secure_server(self, key, *_policies.policy_of(allow))

    def secure_client(self, server_key: PublicKey | str | bytes, key: SecretKey | None = None) -> None:
        """Make no connections but encrypted ones to the server that has this key. To be called before the first bind or connect.

        Everything that the socket binds and connects to is CURVE from now on, with this socket as a client of that server; a peer that does
        not have the secret key that belongs to `server_key` gets and sends nothing.

        Args:
            server_key (PublicKey | str | bytes): the public key of the server.
            key (SecretKey): of this client, by which the server knows it. Default None: a key of its own, made now and kept nowhere.

        Raises:
            ZMQError (EBUSY): the socket has been bound or connected already.
            ZMQError (EPERM): it has been secured already.
            ZMQError (ENOTSUP): PyNaCl is not installed; or it is a raw socket (STREAM), which has no handshake.
            TypeError, ValueError: one of the keys is not a key.
            ZMQError (ENOTSOCK): the socket is closed.
            ContextTerminated (ETERM): the context is ending.

        Source: RFC 26 (CurveZMQ).
        """
        from .keys import PublicKey, SecretKey

        if key is None:
            key = SecretKey.generate()
        _check_key(key)
        _core.secure_client(self, key, bytes(PublicKey(server_key)))


def _check_key(key: object) -> None:
    if not isinstance(key, _core.SecretKey):  # and say no more of it: it may be a secret in another form
        raise TypeError(f"key must be a zmqcore.SecretKey, such as SecretKey.load(path), not {type(key).__name__}")
