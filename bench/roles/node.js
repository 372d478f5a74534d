// PUSH and PULL of zeromq.js, for node.py: one order per line on standard input, one answer per line. Times are CLOCK_MONOTONIC, in ns.
"use strict";
const path = require("path");
const readline = require("readline");
const zmq = require(path.join(process.env.ZMQCORE_PEERS, "node_modules", "zeromq"));

const payload = (size) => Buffer.from(Array.from({ length: size }, (_, i) => (i < 4096 ? i % 251 : 0x5a)));
const mark = (n) => Buffer.from(`end of ${n}`);
const say = (what) => console.log(JSON.stringify(what));
const check = (right, what) => { if (!right) throw new Error(what); };

const ends = {
  async push(size, where) {
    const socket = new zmq.Push({ linger: 0 });
    socket.connect(where);
    say({ ready: true });
    return async (n) => {
      const message = payload(size);
      const start = process.hrtime.bigint();
      // A copy of each: over ws, libzmq masks the very memory that it was lent.
      for (let i = 0; i < n; i++) await socket.send(Buffer.from(message));
      await socket.send(mark(n));
      return { t0: start.toString() };
    };
  },
  async pull(size, where) {
    const socket = new zmq.Pull({ linger: 0 });
    await socket.bind(where);
    say({ ready: true, endpoint: socket.lastEndpoint });
    return async (n) => {
      const message = payload(size);
      let last = message;
      for (let i = 0; i < n; i++) [last] = await socket.receive();
      const end = process.hrtime.bigint();
      check(last.equals(message), "last message");
      const [rest] = await socket.receive();
      check(rest.equals(mark(n)), "end of burst");
      return { t1: end.toString() };
    };
  },
};

(async () => {
  const [kind, size, where] = process.argv.slice(2);
  const burst = await ends[kind](Number(size), where);
  for await (const line of readline.createInterface({ input: process.stdin })) say(await burst(Number(line)));
  process.exit(0);
})().catch((error) => { say({ error: String(error) }); process.exit(1); });
