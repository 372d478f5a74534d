"""HTTP by hand over a STREAM, against curl and a plain HTTP server."""

import importlib
import subprocess
import threading

import foreign
from platforms import errno
from raw_bytes import BIG, greeted, port_of


class Pages(threading.Thread):
    """An HTTP server over a STREAM, until it is asked for /stop."""

    def __init__(self, made):
        super().__init__()
        self.made = made

    def run(self):
        requests = {}
        while True:
            identity, data = self.made.recv_multipart()
            if not data:
                requests.pop(identity, None) if identity in requests else requests.setdefault(identity, b"")
                continue
            requests[identity] += data
            if b"\r\n\r\n" not in requests[identity]:
                continue
            path = requests.pop(identity).split(b" ")[1]
            body = BIG if path == b"/big" else b"<" + path + b">"
            head = b"HTTP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body)
            self.made.send_multipart([identity, head])
            self.made.send_multipart([identity, body])
            try:
                self.made.send_multipart([identity, b""])
            except Exception as error:
                assert getattr(error, "errno", None) == errno.EHOSTUNREACH  # it knew the length, and has gone
            if path == b"/stop":
                return


def test_an_http_server_and_curl(make):
    server = make("STREAM")
    server.bind("tcp://127.0.0.1:*")
    where = f"http://127.0.0.1:{port_of(server)}"
    pages = Pages(server)
    pages.start()
    for path, body in (("/", b"</>"), ("/big", BIG), ("/a/b", b"</a/b>"), ("/stop", b"</stop>")):
        command = ["curl", "-s", "--noproxy", "*", "--max-time", "20", where + path]
        run = subprocess.run(command, env=foreign.environment(), capture_output=True, check=False)
        assert run.returncode == 0, run.stderr
        assert run.stdout == body
    pages.join()


def test_an_http_client(make, tmp_path):
    http = importlib.import_module("http.server")

    class Handler(http.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Length", str(len(BIG)))
            self.end_headers()
            self.wfile.write(BIG)

        def log_message(self, *args):
            pass

    with http.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as web:
        serving = threading.Thread(target=web.serve_forever)
        serving.start()
        try:
            client = make("STREAM", RECONNECT_IVL=10_000)
            client.connect(f"tcp://127.0.0.1:{web.server_address[1]}")
            identity = greeted(client)
            client.send_multipart([identity, b"GET / HTTP/1.0\r\n\r\n"])
            data = b""
            while True:
                sender, part = client.recv_multipart()
                assert sender == identity
                if not part:
                    break
                data += part
            head, _, body = data.partition(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.0 200 OK") and body == BIG
        finally:
            web.shutdown()
            serving.join()
