"""Pipeline: one ventilator shares tasks out among workers, one sink collects the results."""

import threading

import zmqcore as zmq

WORKERS = 3
TASKS = 30


def work(context, number):
    with context.socket(zmq.PUSH) as push:
        push.connect("inproc://results")
        with context.socket(zmq.PULL) as pull:
            pull.connect("inproc://tasks")
            push.send(b"ready")
            done = 0
            while task := pull.recv():
                push.send(b"%d" % int(task) ** 2)
                done += 1
        push.send(b"worker %d did %d tasks" % (number, done))


def main():
    with zmq.Context() as context, context.socket(zmq.PUSH) as tasks, context.socket(zmq.PULL) as results:
        tasks.bind("inproc://tasks")
        results.bind("inproc://results")
        workers = [threading.Thread(target=work, args=(context, n)) for n in range(WORKERS)]
        for worker in workers:
            worker.start()
        print("workers:", [results.recv() for _ in workers])

        for task in range(1, TASKS + 1):
            tasks.send(b"%d" % task)
        print("sum of squares:", sum(int(results.recv()) for _ in range(TASKS)))

        # An empty message ends a worker. The next is sent when that one has left: PUSH deals in turn, and who leaves changes the turn.
        for _ in workers:
            tasks.send(b"")
            print(results.recv().decode())
        for worker in workers:
            worker.join()


if __name__ == "__main__":
    main()
