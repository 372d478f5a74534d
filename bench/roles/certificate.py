"""A certificate for the cases over TLS: made by the end that binds, for 127.0.0.1, and trusted by the others as it is."""

import datetime
import ipaddress
from pathlib import Path

CERTIFICATE, KEY = "cert.pem", "key.pem"


def make(folder):
    """The options of a server; its certificate is in the folder from now on."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "bench")])
    now, day = datetime.datetime.now(datetime.timezone.utc), datetime.timedelta(days=1)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now - day, now + day)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
        .public_bytes(serialization.Encoding.PEM)
    )
    Path(folder, CERTIFICATE).write_bytes(certificate)
    pem = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return {"TLS_CERT_PEM": certificate, "TLS_KEY_PEM": key.private_bytes(*pem)}


def trust(folder):
    """The options of a client."""
    return {"TLS_TRUST_PEM": Path(folder, CERTIFICATE).read_bytes()}
