"""Groups: a RADIO sends, and the DISHes that have joined the message's group receive: over udp multicast and tcp. A DGRAM answers plain programs."""

import socket as plain

import zmqcore as zmq

# interface;multicast address:port. Between hosts the interface would be a name like eth0, and the port one that all of them know.
MULTICAST = "udp://127.0.0.1;239.192.1.2:*"


def listen(context, endpoint, *groups):
    dish = context.socket(zmq.DISH)
    dish.rcvtimeo = 10_000
    for group in groups:
        dish.join(group)
    dish.bind(endpoint)
    return dish


def show(name, dish, count):
    for _ in range(count):
        frame = dish.recv(copy=False)
        print(f"{name} hears of {frame.group}: {frame.bytes.decode()}")


def radio_and_dishes(context):
    kitchen = listen(context, MULTICAST, "weather", "sport")
    multicast = kitchen.last_endpoint.decode()  # with the port that was chosen
    garden = listen(context, multicast, "weather")
    far_away = listen(context, "tcp://127.0.0.1:*", "weather")

    with context.socket(zmq.RADIO) as radio:
        radio.multicast_hops = 1  # not beyond the next router; before connect()
        radio.connect(multicast)
        radio.connect(far_away.last_endpoint)
        # Over tcp a RADIO is told of joins. Over udp it is told nothing: that endpoint counts as one, whether anybody listens or not.
        radio.wait_for_subscribers(2, "weather", timeout=10_000)
        radio.send(b"sunny", group="weather")
        radio.send(b"6:4", group="sport")

    show("the kitchen", kitchen, 2)
    show("the garden", garden, 1)
    show("far away", far_away, 1)
    for dish in (kitchen, garden, far_away):
        dish.close()


def datagrams(context):
    with context.socket(zmq.DGRAM) as server, plain.socket(plain.AF_INET, plain.SOCK_DGRAM) as client:
        server.rcvtimeo = 10_000
        server.bind("udp://127.0.0.1:*")
        port = int(server.last_endpoint.rpartition(b":")[2])
        client.settimeout(10)
        client.sendto(b"hello", ("127.0.0.1", port))
        address, body = server.recv_multipart()
        server.send_multipart([address, body.upper()])
        print("the server answers:", client.recv(100).decode())


def main():
    with zmq.Context() as context:
        radio_and_dishes(context)
        datagrams(context)


if __name__ == "__main__":
    main()
