"""A reader that is too slow, in every way there is to bound what waits for it: by peer, by context, and what happens at the bound."""

import zmqcore as zmq

MESSAGES = 1000
BODY = bytes(1000)


def run(context: zmq.Context, name: str, **options: int) -> None:
    with context.socket(zmq.PUSH) as fast, context.socket(zmq.PULL) as slow:
        fast.hwm = slow.hwm = 0
        for option, value in options.items():
            setattr(fast, option, value)
            if option.endswith("hwm_bytes"):
                slow.rcvhwm_bytes = value
        fast.connect(slow.bind(f"inproc://{name}").addr)
        told: list[str] = []
        thread = fast.watch(zmq.EVENT_QUEUE_FULL).call(lambda event: told.append(event.name))
        refused = 0
        for _ in range(MESSAGES):
            try:
                fast.send(BODY, zmq.DONTWAIT)
            except zmq.ZMQError:  # Again, or ENOBUFS
                refused += 1
        sent = fast.statistics()
        queued = context.statistics().queued_bytes
        read = 0
        while slow.poll(0):
            slow.recv()
            read += 1
    thread.join()
    assert read + sent.dropped.full + sent.dropped.outdated + refused == MESSAGES
    print(f"{name}: {read} read, {sent.dropped.full} newest and {sent.dropped.outdated} oldest dropped, {refused} refused; told {len(told)} times")
    if queued is not None:
        print(f"  {queued} bytes were queued in the context")


with zmq.Context() as context:
    run(context, "waits", sndhwm_bytes=50_000)
    run(context, "newest", sndhwm_bytes=50_000, overflow=2)
    run(context, "oldest", sndhwm_bytes=50_000, overflow=3)
    run(context, "refuses", sndhwm_bytes=50_000, overflow=4)

with zmq.Context() as context:
    context.max_queued_bytes = 100_000  # all queues together
    run(context, "limited", overflow=2)
