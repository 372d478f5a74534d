"""A Kerberos realm of its own: a key distribution centre (Debian: krb5-kdc, krb5-admin-server) with two principals, for the time of a test.

Everything is in one folder, and the variables in `environment` point the libraries of a process there.
"""
import contextlib
import os
import socket
import subprocess
from pathlib import Path

import foreign
from awaiting import until

PATH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])
REALM = "ZMQ.TEST"
SERVER, CLIENT = b"zmqserver", b"zmqclient"
KERBEROS_NAME = 2  # GSSAPI_PRINCIPAL_NAMETYPE

# Credentials are kept in a folder of caches: in one cache there is room for one principal only.
CLIENT_CONF = """
[libdefaults]
 default_realm = {realm}
 dns_lookup_realm = false
 dns_lookup_kdc = false
 dns_canonicalize_hostname = false
 rdns = false
 default_ccache_name = DIR:{folder}/caches
[realms]
 {realm} = {{
  kdc = 127.0.0.1:{port}
 }}
"""
SERVER_CONF = """
[kdcdefaults]
 kdc_listen = 127.0.0.1:{port}
 kdc_tcp_listen = 127.0.0.1:{port}
[realms]
 {realm} = {{
  database_name = {folder}/principal
  key_stash_file = {folder}/stash
  acl_file = {folder}/acl
 }}
[logging]
 kdc = FILE:{folder}/kdc.log
"""


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def answers(port):
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def run(environment, *command):

    done = subprocess.run(command, env=foreign.environment(PATH=PATH, **environment), capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stdout}{done.stderr}"


def add(environment, name):
    """A principal, with its key in the file that both sides read."""
    run(environment, "kadmin.local", "-q", f"addprinc -randkey {name.decode()}@{REALM}")
    run(environment, "kadmin.local", "-q", f"ktadd -k {environment['KRB5_KTNAME']} {name.decode()}@{REALM}")


@contextlib.contextmanager
def realm(folder):
    """The environment variables that a process of this realm needs, while the key distribution centre runs."""
    folder = Path(folder)
    port = free_port()
    (folder / "caches").mkdir()
    for name, text in (("krb5.conf", CLIENT_CONF), ("kdc.conf", SERVER_CONF)):
        (folder / name).write_text(text.format(realm=REALM, folder=folder, port=port))
    keys = str(folder / "keytab")
    environment = {
        "KRB5_CONFIG": str(folder / "krb5.conf"),
        "KRB5_KDC_PROFILE": str(folder / "kdc.conf"),
        "KRB5_KTNAME": keys,
        "KRB5_CLIENT_KTNAME": keys,
        "KRB5RCACHEDIR": str(folder),
    }
    run(environment, "kdb5_util", "create", "-s", "-P", "password of a test", "-r", REALM)
    for name in (SERVER, CLIENT):
        add(environment, name)

    with subprocess.Popen(["krb5kdc", "-n"], env=foreign.environment(PATH=PATH, **environment)) as process:
        try:
            until(lambda: answers(port))
            yield environment
        finally:
            process.terminate()
