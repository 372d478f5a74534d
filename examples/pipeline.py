"""Pipeline: one ventilator shares tasks out among workers, one sink collects the results."""

import threading

import zmqcore as zmq

WORKERS = 3
TASKS = 30


def work(context, number):
    with context.socket(zmq.PULL) as pull, context.socket(zmq.PUSH) as push:
        pull.connect("inproc://tasks")
        push.connect("inproc://results")
        push.send(b"ready")
        done = 0
        while task := pull.recv():
            push.send(b"%d" % int(task) ** 2)
            done += 1
        print(f"worker {number} did {done} tasks")


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

        # PUSH deals in turn, so one empty message for each worker ends them all.
        for _ in workers:
            tasks.send(b"")
        for worker in workers:
            worker.join()


if __name__ == "__main__":
    main()
