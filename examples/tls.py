"""Mutual TLS: server and client show certificates of the same authority, and the server tells who has asked.

    pip install zmqcore[tls]
    python examples/tls.py

The certificates are made on the spot. Real ones come from your authority, as PEM files: Path("server.pem").read_bytes().
"""

import datetime
import threading

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

import zmqcore as zmq

DAY = datetime.timedelta(days=1)


def certify(name, issuer=None):
    """A certificate for `name` and its key, signed by `issuer`, or by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    owner = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.timezone.utc)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(owner)
        .issuer_name(issuer[0].subject if issuer else owner)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - DAY)
        .not_valid_after(now + DAY)
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(issuer[1] if issuer else key, hashes.SHA256())
    )
    return certificate, key


def use(socket, certified, authority):
    certificate, key = certified
    pem = serialization.Encoding.PEM
    socket.tls_cert_pem = certificate.public_bytes(pem)
    socket.tls_key_pem = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    socket.tls_trust_pem = authority[0].public_bytes(pem)


def serve(server):
    request = server.recv(copy=False)
    print(f"{request.get('Peer-Names')} asks: {request.bytes.decode()}")
    server.send(b"World")


authority = certify("our authority")
with zmq.Context() as context, context.socket(zmq.REP) as server, context.socket(zmq.REQ) as client:
    use(server, certify("localhost", authority), authority)
    server.tls_verify_client = 2
    server.bind("tls+tcp://127.0.0.1:*")
    port = server.last_endpoint.rpartition(b":")[2].decode()
    thread = threading.Thread(target=serve, args=(server,))
    thread.start()

    use(client, certify("client.example", authority), authority)
    client.connect(f"tls+tcp://localhost:{port}")
    client.send(b"Hello")
    print("the server answers:", client.recv().decode())
    thread.join()
