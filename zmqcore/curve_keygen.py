"""`python -m zmqcore.curve_keygen`: prints a new pair of keys for CURVE, in Z85."""

from __future__ import annotations

import argparse
import json
import sys

import zmqcore as zmq


def parse(given: list[str]) -> argparse.Namespace:
    # The name by which it was called: that of zmqcore or, in its place, pyzmq's.
    name = "zmq.curve_keygen" if "zmq.curve_keygen" in sys.orig_argv else "zmqcore.curve_keygen"
    parser = argparse.ArgumentParser(
        prog=f"python3 -m {name}",
        description="Print a new pair of keys for CURVE, public and secret, as text (Z85). The secret key is for its owner alone: redirect it to a file "
        "that nobody else can read.",
    )
    parser.add_argument("--json", action="store_true", help='print {"public": ..., "secret": ...}')
    parser.add_argument(
        "--secret", help="the public key of this secret key, instead of a new pair; - reads it from standard input, where other users do not see it"
    )
    return parser.parse_args(given)


def main(given: list[str]) -> int:
    arguments = parse(given)
    try:
        if arguments.secret is None:
            public, secret = zmq.curve_keypair()
        else:
            secret = (sys.stdin.readline().strip() if arguments.secret == "-" else arguments.secret).encode()
            public = zmq.curve_public(secret)
    except (ValueError, zmq.ZMQError) as error:  # no key, or no library for CURVE
        print(f"zmqcore.curve_keygen: {error}", file=sys.stderr)
        return 1
    if arguments.json:
        print(json.dumps({"public": public.decode(), "secret": secret.decode()}, indent=1))
    else:
        print(f"== CURVE PUBLIC KEY ==\n{public.decode()}\n\n== CURVE SECRET KEY ==\n{secret.decode()}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
