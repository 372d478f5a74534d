"""Publish/subscribe: a message reaches exactly the subscribers whose prefix it starts with."""

import zmqcore as zmq


def main():
    # XPUB is PUB that also shows the subscriptions: it can wait for its audience instead of sleeping.
    with zmq.Context() as context, context.socket(zmq.XPUB) as pub:
        pub.bind("tcp://127.0.0.1:*")
        endpoint = pub.get_string(zmq.LAST_ENDPOINT)
        with context.socket(zmq.SUB) as sport, context.socket(zmq.SUB) as everything:
            for sub, prefix in ((sport, "sport."), (everything, "")):
                sub.subscribe(prefix)
                sub.connect(endpoint)
                print("subscribed:", pub.recv()[1:])

            for topic, text in (("sport.tennis", "6:4"), ("weather", "sunny"), ("sport.chess", "1-0")):
                pub.send_multipart([topic.encode(), text.encode()])

            print("everything:", [everything.recv_multipart() for _ in range(3)])
            print("sport only:", [sport.recv_multipart() for _ in range(2)])


if __name__ == "__main__":
    main()
