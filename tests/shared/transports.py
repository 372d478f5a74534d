"""The transports that every conformance test runs over. A new transport is one entry here."""

# transport: (folder, number) -> an endpoint to bind to that is not in use. An ipc path is at most 107 bytes long, so folders are short.
TRANSPORTS = {
    "tcp": lambda folder, number: "tcp://127.0.0.1:*",
    "ipc": lambda folder, number: f"ipc://{folder}/{number}",
    "inproc": lambda folder, number: f"inproc://test-{number}",
}

# Those with connections that can break, queues of the kernel, and peers in other processes.
NETWORKS = [transport for transport in TRANSPORTS if transport != "inproc"]
