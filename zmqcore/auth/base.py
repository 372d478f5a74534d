"""The authenticator that the others run: what it is asked, and how it decides (ZeroMQ RFC 27, ZAP).

Rules
- Whoever is asked must answer, or the peer's handshake waits until its time is over. What goes wrong here is answered 500.
- In this order: the peer's address (allow, deny), then its mechanism. What has not been configured lets nobody in; but NULL and GSSAPI,
  which have no credentials to look up, let in whom the address does not keep out.
- An empty domain is that of "*".
- Passwords are compared in constant time, and never logged. What cannot be decoded is nobody's name or password.
- Addresses are compared as numbers: an IPv4 peer that came to a socket of IPv6 (::ffff:10.0.0.5) is 10.0.0.5.
"""

from __future__ import annotations

import contextlib
import hmac
import inspect
import ipaddress
import logging
import os
from collections.abc import Mapping
from typing import Any, ClassVar

from ..constants import SocketType
from ..context import Context
from ..error import ZMQError
from ..socket import Socket
from ..utils import z85
from .certs import load_certificates

__all__ = ["Authenticator", "CURVE_ALLOW_ANY"]

CURVE_ALLOW_ANY = "*"
VERSION = b"1.0"

HANDLER = "inproc://zeromq.zap.01"
ANY_DOMAIN = "*"
KEY_BYTES = 32


def _request_id(msg: list[bytes]) -> bytes:
    return msg[1] if len(msg) > 1 else b""


def _number_of(address: str) -> object:
    """What addresses are compared by. Those of ipc are texts."""
    try:
        number = ipaddress.ip_address(address)
    except ValueError:
        return address
    return getattr(number, "ipv4_mapped", None) or number


class _Refused(Exception):
    """Why a peer is not let in: the text of the reply."""


def _enter(answer: tuple[bool, bytes]) -> None:
    allowed, reason = answer
    if not allowed:
        raise _Refused(reason.decode("ascii", "replace"))


class Authenticator:
    """Decide which peers may connect to the sockets of a context, when their handshake asks.

    This class answers what `handle_zap_message()` is given. `ThreadAuthenticator` and `AsyncioAuthenticator` also receive the questions.
    Address lists apply to every mechanism; `configure_plain()`, `configure_curve()` and `configure_curve_callback()` say whom the
    others let in. Changes count for the next handshakes.

    Args:
        context (Context): whose sockets it is for. Default None: `Context.instance()`.
        encoding (str): of user names and passwords. Default "utf-8".
        log (Any): a logger. Default None: the one called "zmq.auth".

    Source: RFC 27 (ZAP).

    Example:
        >>> from zmqcore.auth.thread import ThreadAuthenticator
        >>> authenticator = ThreadAuthenticator(context)
        >>> authenticator.start()
        >>> authenticator.configure_plain(domain="*", passwords={"admin": "secret"})
        >>> authenticator.stop()
    """

    context: Context[Any]
    encoding: str
    allow_any: bool
    credentials_providers: dict[str, Any]
    zap_socket: Socket[bytes]
    passwords: dict[str, dict[str, str]]
    certs: dict[str, dict[bytes, Any]]
    log: Any

    # What each mechanism's credentials are checked by, and how many there are.
    _checks: ClassVar[dict[bytes, tuple[str, int | None]]] = {
        b"NULL": ("_check_null", None),
        b"PLAIN": ("_check_plain", 2),
        b"CURVE": ("_check_curve", 1),
        b"GSSAPI": ("_check_gssapi", 1),
    }

    def __init__(self, context: Context[Any] | None = None, encoding: str = "utf-8", log: Any = None) -> None:
        self.context = context or Context.instance()
        self.encoding = encoding
        self.allow_any = False
        self.credentials_providers = {}
        self.zap_socket = None  # type: ignore[assignment]  # until start()
        self.passwords = {}
        self.certs = {}
        self.log = log or logging.getLogger("zmq.auth")
        self._allowed: set[object] = set()
        self._denied: set[object] = set()

    def start(self) -> None:
        """Become the handler of the context: from now on handshakes wait for an answer.

        Raises:
            ZMQError (EADDRINUSE): the context has a handler.
        """
        handler = self.context.socket(SocketType.REP, socket_class=Socket)
        try:
            handler.linger = 1
            handler.bind(HANDLER)
        except BaseException:
            handler.close(0)
            raise
        self.zap_socket = handler
        self.log.debug("authentication starts")

    def stop(self) -> None:
        """Let go of the context. Handshakes that would ask wait for the next handler, until their time (HANDSHAKE_IVL) is over."""
        if self.zap_socket:
            self.zap_socket.close()
        self.zap_socket = None  # type: ignore[assignment]

    # ---- configuration

    def allow(self, *addresses: str) -> None:
        """Let in these addresses only (and only with what else their mechanism asks for).

        Args:
            *addresses (str): numeric addresses, as "127.0.0.1".

        Raises:
            ValueError: `deny()` has been used.
        """
        if self._denied:
            raise ValueError("allow() does not go together with deny(): use one of them")
        self.log.debug("allowed addresses: %s", ", ".join(addresses))  # a TypeError, if they are no texts
        self._allowed.update(map(_number_of, addresses))

    def deny(self, *addresses: str) -> None:
        """Keep these addresses out.

        Args:
            *addresses (str): numeric addresses, as "127.0.0.1".

        Raises:
            ValueError: `allow()` has been used.
        """
        if self._allowed:
            raise ValueError("deny() does not go together with allow(): use one of them")
        self.log.debug("denied addresses: %s", ", ".join(addresses))
        self._denied.update(map(_number_of, addresses))

    def configure_plain(self, domain: str = "*", passwords: Mapping[str, str] | None = None) -> None:
        """Say which users of PLAIN may come in, in place of those said before.

        Args:
            domain (str): the ZAP_DOMAIN of the sockets it is for. Default "*": those without one.
            passwords (Mapping): passwords by user name. Every handshake looks there, so what is changed later counts. Default None:
                nobody.

        Raises:
            ValueError: a name or password that `encoding` does not have. Those said before go on to count.
        """
        table: Any = {} if passwords is None else passwords
        for user, password in table.items():
            try:
                (user + password).encode(self.encoding)
            except UnicodeEncodeError:  # its text and object would show the password
                raise ValueError(f"the name or password of the user {user!r} cannot be encoded as {self.encoding}") from None
        self.passwords[domain] = table
        self.log.debug("PLAIN configured for domain %s", domain)

    def configure_curve(self, domain: str = "*", location: str | os.PathLike[str] = ".") -> None:
        """Say which clients of CURVE may come in: those whose certificates are in a directory. It is read now.

        Args:
            domain (str): the ZAP_DOMAIN of the sockets it is for. Default "*": those without one.
            location (str | PathLike): the directory. Default "."; CURVE_ALLOW_ANY: any client, whatever its key and the domain.
        """
        self.log.debug("CURVE configured for domain %s: %s", domain, location)
        self.allow_any = location == CURVE_ALLOW_ANY
        if self.allow_any:
            return
        try:
            self.certs[domain] = load_certificates(location)
        except Exception as error:
            self.log.error("cannot load the certificates in %s: %s", location, error)

    def configure_curve_callback(self, domain: str = "*", credentials_provider: Any = None) -> None:
        """Say which clients of CURVE may come in: those of whom an object says so.

        Args:
            domain (str): the ZAP_DOMAIN of the sockets it is for. Default "*": those without one.
            credentials_provider (Any): its method `callback(domain, key)` gets the domain (str) and the client's public key (bytes, Z85),
                and returns (or, a coroutine, resolves to) whether it may come in.
        """
        self.allow_any = False
        if credentials_provider is None:
            self.log.error("no credentials provider given for domain %s", domain)
        else:
            self.credentials_providers[domain] = credentials_provider

    def configure_gssapi(self, domain: str = "*", location: str | None = None) -> None:
        """Do nothing: GSSAPI has authenticated its peers already. To choose among them, overload `handle_zap_message()`.

        Args:
            domain (str): ignored. Default "*".
            location (str): ignored. Default None.
        """

    def curve_user_id(self, client_public_key: bytes) -> str:
        """Return the user id of a client of CURVE; to be overloaded. It is what `Frame.get("User-Id")` says.

        Args:
            client_public_key (bytes): 32 bytes.

        Returns:
            str: the user id; here the key as Z85.
        """
        return z85.encode(client_public_key).decode("ascii")

    # ---- answers

    async def handle_zap_message(self, msg: list[bytes]) -> None:
        """Answer one question.

        Args:
            msg (list[bytes]): its frames as a REP receives them: version, request id, domain, address, identity, mechanism, credentials.
        """
        if len(msg) < 6:
            self.log.error("a question of %d frames, which is too few", len(msg))
            self._send_zap_reply(_request_id(msg), b"400", b"Not enough frames")
            return
        version, request_id, domain, address, identity, mechanism, *credentials = msg
        if version != VERSION:
            self.log.error("a question of version %r, not %r", version, VERSION)
            self._send_zap_reply(request_id, b"400", b"Invalid version")
            return
        self.log.debug(
            "asked about a peer: request %r, domain %r, address %r, identity %r, mechanism %r",
            request_id, domain, address, identity, mechanism,
        )  # fmt: skip
        try:
            self._check_address(self._readable(address))
            user = await self._check(self._readable(domain), mechanism, credentials)
        except _Refused as reason:
            self.log.debug("refused: %s", reason)
            self._send_zap_reply(request_id, b"400", str(reason).encode("ascii", "replace"))
        except Exception:
            self.log.error("authentication failed", exc_info=True)
            self._send_zap_reply(request_id, b"500", b"Internal error")
        else:
            self.log.debug("accepted: %s", user)
            self._send_zap_reply(request_id, b"200", b"OK", user)

    async def _answer(self, msg: list[bytes]) -> None:
        """`handle_zap_message()`, which may be overloaded, and an answer in any case: without one the handler could not receive again."""
        import asyncio

        try:
            # In a task of its own: if what it awaits is cancelled, that is not the end of us.
            answering = asyncio.ensure_future(self.handle_zap_message(msg))
            try:
                await asyncio.wait([answering])
            finally:
                answering.cancel()
            if answering.cancelled():
                raise RuntimeError("what it waited for has been cancelled")
            answering.result()
        except Exception:
            self.log.error("a question could not be answered", exc_info=True)
            with contextlib.suppress(ZMQError):  # it was answered before that
                self._send_zap_reply(_request_id(msg), b"500", b"Internal error")

    def _readable(self, octets: bytes) -> str:
        return octets.decode(self.encoding, "replace")

    def _decoded(self, octets: bytes, what: str) -> str:
        """What has to be exactly what was configured."""
        try:
            return octets.decode(self.encoding)
        except UnicodeDecodeError:
            raise _Refused(f"Invalid {what}") from None

    def _check_address(self, address: str) -> None:
        number = _number_of(address)
        if self._allowed and number not in self._allowed:
            raise _Refused("Address not allowed")
        if number in self._denied or _number_of(address.partition("%")[0]) in self._denied:  # %: of one link, denied on all
            raise _Refused("Address denied")

    async def _check(self, domain: str, mechanism: bytes, credentials: list[bytes]) -> str:
        """The user id of a peer that may come in."""
        if mechanism not in self._checks:
            raise _Refused("NO ACCESS")
        name, count = self._checks[mechanism]
        if count is not None and len(credentials) != count:
            raise _Refused("Invalid credentials")
        user = getattr(self, name)(domain, *credentials)
        return await user if inspect.isawaitable(user) else user

    def _check_null(self, domain: str, *_: bytes) -> str:
        return "anonymous"

    def _check_plain(self, domain: str, username: bytes, password: bytes) -> str:
        user = self._decoded(username, "username")
        _enter(self._authenticate_plain(domain, user, self._decoded(password, "password")))
        return user

    async def _check_curve(self, domain: str, key: bytes) -> str:
        if len(key) != KEY_BYTES:
            raise _Refused("Invalid credentials")
        answer: Any = self._authenticate_curve(domain, key)
        _enter(await answer if inspect.isawaitable(answer) else answer)
        return self.curve_user_id(key)

    def _check_gssapi(self, domain: str, principal: bytes) -> str:
        user = self._decoded(principal, "principal")
        _enter(self._authenticate_gssapi(domain, principal))
        return user

    # ---- what programs written for pyzmq overload, to be stricter or to look elsewhere. The domain as the socket has it

    def _authenticate_plain(self, domain: str, username: str, password: str) -> tuple[bool, bytes]:
        if not self.passwords:
            return False, b"No passwords defined"
        users = self.passwords.get(domain or ANY_DOMAIN)
        if users is None:
            return False, b"Invalid domain"
        if username not in users:
            return False, b"Invalid username"
        # As octets, for text is compared in constant time only if it is ASCII; in an encoding that keeps different texts apart.
        given, expected = (text.encode("utf-8", "surrogatepass") for text in (password, users[username]))
        return (True, b"OK") if hmac.compare_digest(given, expected) else (False, b"Invalid password")

    async def _authenticate_curve(self, domain: str, client_key: bytes) -> tuple[bool, bytes]:
        domain = domain or ANY_DOMAIN
        if self.allow_any:
            return True, b"OK"
        text = z85.encode(client_key)
        if self.credentials_providers:
            if domain not in self.credentials_providers:
                return False, b"Unknown domain"
            answer = self.credentials_providers[domain].callback(domain, text)
            known = bool(await answer if inspect.isawaitable(answer) else answer)
        elif domain in self.certs:
            known = bool(self.certs[domain].get(text))
        else:
            return False, b"Unknown domain"
        return (True, b"OK") if known else (False, b"Unknown key")

    def _authenticate_gssapi(self, domain: str, principal: bytes) -> tuple[bool, bytes]:
        return True, b"OK"

    def _send_zap_reply(self, request_id: bytes, status_code: bytes, status_text: bytes, user_id: str = "anonymous") -> None:
        user: Any = user_id if status_code == b"200" else b""  # bytes, too: what an overloaded curve_user_id() returns
        if isinstance(user, str):
            user = user.encode(self.encoding, "replace")
        self.log.debug("answered %s (%s)", status_code.decode("ascii"), status_text.decode("ascii"))
        self.zap_socket.send_multipart([VERSION, request_id, status_code, status_text, user, b""])
