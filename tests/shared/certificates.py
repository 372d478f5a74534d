"""Certificates for tests of TLS: an authority of their own, and what it signs. Made once in a process, in milliseconds (elliptic curves)."""

import datetime
import functools
import ipaddress
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

DAY = datetime.timedelta(days=1)
PEM = serialization.Encoding.PEM


class Certified(NamedTuple):
    """A certificate and its key, as objects and in PEM."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey
    cert_pem: bytes
    key_pem: bytes

    @property
    def fingerprint(self):
        return self.certificate.fingerprint(hashes.SHA256()).hex()


def subject(*parts):
    return x509.Name([x509.NameAttribute(oid, text) for oid, text in parts])


def sign(name, issuer=None, names=(), days=1, authority=False):
    """A certificate for `name` (a text, or an x509.Name), signed by `issuer`, or by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    owner = subject((NameOID.COMMON_NAME, name)) if isinstance(name, str) else name
    now = datetime.datetime.now(datetime.timezone.utc)
    builder = (
        x509.CertificateBuilder()
        .subject_name(owner)
        .issuer_name(issuer.certificate.subject if issuer else owner)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - 3 * DAY)
        .not_valid_after(now + days * DAY)
        .add_extension(x509.BasicConstraints(authority, None), critical=True)
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    certificate = builder.sign(issuer.key if issuer else key, hashes.SHA256())
    key_pem = key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return Certified(certificate, key, certificate.public_bytes(PEM), key_pem)


def host_names(*texts):
    names = []
    for text in texts:
        try:
            names.append(x509.IPAddress(ipaddress.ip_address(text)))
        except ValueError:
            names.append(x509.DNSName(text))
    return names


@functools.cache
def authority():
    return sign("the authority of the tests", authority=True)


@functools.cache
def server():
    return sign("server", authority(), host_names("localhost", "127.0.0.1", "::1"))


@functools.cache
def client():
    return sign("client", authority(), host_names("client.example"))


# What a socket needs to be both ends of a connection on this host.
def trusting():
    return {"TLS_CERT_PEM": server().cert_pem, "TLS_KEY_PEM": server().key_pem, "TLS_TRUST_PEM": authority().cert_pem}
