"""Multicast: one publisher, any number of subscribers, each message sent once. Loss is repaired, or told."""

import zmqcore as zmq
from zmqcore.utils.monitor import recv_monitor_message

# interface;group:port. Between hosts the interface would be a name like eth0, or an address or network of it.
ENDPOINT = "epgm://127.0.0.1;239.192.1.1:5556"
KBIT_PER_SECOND = 10_000


def main():
    with zmq.Context() as context:
        readers = [context.socket(zmq.SUB) for _ in range(3)]
        for reader, topic in zip(readers, (b"", b"sport", b"weather")):
            reader.rate = KBIT_PER_SECOND
            reader.rcvtimeo = 10_000
            reader.subscribe(topic)
        losses = readers[0].get_monitor_socket(zmq.EVENT_PACKETS_LOST, version=2)
        for reader in readers:
            reader.connect(ENDPOINT)

        with context.socket(zmq.PUB) as sender:
            sender.rate = KBIT_PER_SECOND
            sender.bind(ENDPOINT)
            for message in (b"sport", b"6:4"), (b"weather", b"sunny"), (b"sport", b"1-0"):
                sender.send_multipart(message)

        print("everything:", [readers[0].recv_multipart() for _ in range(3)])
        print("sport:", [readers[1].recv_multipart() for _ in range(2)])
        print("weather:", readers[2].recv_multipart())
        while losses.poll(0):
            print("packets lost:", int(recv_monitor_message(losses)["value"]))
        losses.close()
        for reader in readers:
            reader.close()


if __name__ == "__main__":
    main()
