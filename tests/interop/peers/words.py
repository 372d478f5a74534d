"""The language in which a test commands a peer process: one line of words in, one line out.

    open NAME TYPE bind|connect ENDPOINT [OPTION=VALUE ...]   ->  ok ENDPOINT
    send NAME FRAME ...                                       ->  ok            (one multipart message)
    recv NAME TIMEOUT_MS                                      ->  ok DIGEST ...
    close NAME                                                ->  ok
    quit                                                      ->  (the process ends)

Any failure answers `error TEXT`, where TEXT starts with the errno's name if there is one.
FRAME  is x<hex>, or p<seed>:<length> (a pattern, so that 10 MiB need not travel through the pipe), or
       r<index>: that frame of the message received last on the same socket (a routing id, say).
VALUE  is a decimal number or x<hex> for octets.
DIGEST is <length>:<crc32>:<hex of at most 16 leading octets>.

Words instead of JSON, because the Java peer must read them without a library.
"""
import errno
import sys
import zlib

_RAMP = bytes(range(256))


def pattern(seed, length):
    """`length` octets of which octet i is (seed + i) mod 256: cheap to make in every language."""
    block = _RAMP[seed % 256:] + _RAMP[:seed % 256]
    return (block * (length // 256 + 1))[:length]


def digest(frame):
    return f"{len(frame)}:{zlib.crc32(frame)}:{bytes(frame[:16]).hex()}"


def parse_frame(word, last):
    if word[0] == "x":
        return bytes.fromhex(word[1:])
    if word[0] == "p":
        seed, length = word[1:].split(":")
        return pattern(int(seed), int(length))
    if word[0] == "r":
        return last[int(word[1:])]
    raise ValueError(f"not a frame: {word}")


def parse_value(text):
    return bytes.fromhex(text[1:]) if text[:1] == "x" else int(text)


class Driver:
    """Reads commands and calls the four methods that a stack must offer: open, send, recv, close."""

    def __init__(self, stack):
        self.stack = stack
        self.last = {}

    def answer(self, line):
        verb, *words = line.split()
        if verb == "open":
            name, kind, how, endpoint, *options = words
            pairs = [option.split("=", 1) for option in options]
            return self.stack.open(name, kind, how, endpoint, {key: parse_value(value) for key, value in pairs})
        if verb == "send":
            name, *frames = words
            self.stack.send(name, [parse_frame(word, self.last.get(name, [])) for word in frames])
            return ""
        if verb == "recv":
            frames = self.stack.recv(words[0], int(words[1]))
            self.last[words[0]] = frames
            return " ".join(digest(frame) for frame in frames)
        if verb == "close":
            self.stack.close(words[0])
            self.last.pop(words[0], None)
            return ""
        raise ValueError(f"not a command: {verb}")

    def run(self):
        print("ready", self.stack.version, flush=True)
        for line in sys.stdin:
            if line.strip() == "quit":
                break
            try:
                reply = "ok " + self.answer(line)
            except Exception as error:  # every failure is an answer: the test decides what it means
                number = getattr(error, "errno", None)
                name = errno.errorcode.get(number, "") if isinstance(number, int) else ""
                reply = f"error {name} {type(error).__name__}: {error}".replace("\n", " ")
            print(reply, flush=True)
