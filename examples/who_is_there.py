"""Peers come and go: waiting for them, typed events, and showing one the door."""

import zmqcore as zmq

with zmq.Context() as context, context.socket(zmq.ROUTER) as router:
    events = router.watch()
    address = router.bind("tcp://127.0.0.1:*").addr
    clients = []
    for name in ("ann", "bob"):
        clients.append(context.socket(zmq.DEALER))
        clients[-1].routing_id = name.encode()
        clients[-1].connect(address)
    print("there:", router.wait_for_peers(2, timeout=10000))

    for peer in router.statistics().peers:
        print(f"  {peer.routing_id.decode()}: {peer.type}, has room: {peer.has_room}")
        if peer.routing_id == b"bob":
            router.let_go(peer)
    router.send_multipart([b"ann", b"bob has left"])
    print(clients[0].recv_string())

    for client in clients:
        client.close(linger=0)
    seen = set()
    while {"HANDSHAKE_SUCCEEDED", "DISCONNECTED"} - seen:
        event = events.recv()
        seen.add(event.name)
        print(event.name, event.remote, event.peer.routing_id.decode() if event.peer else "")
    events.close()
