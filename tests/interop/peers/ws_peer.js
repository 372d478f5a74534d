// Sockets of jszmq and of zeromq.js (libzmq with ws) for test_websocket.py.
//
//   node ws_peer.js LIBRARY TYPE bind|connect ENDPOINT [MECHANISM]
//
// What it sends comes by standard input, one message a line; what it receives goes out, one message a line, frames parted by tabs.
// A REP answers what it gets with "re:" in front. PLAIN is user "admin", password "secret", as client.
"use strict";
const path = require("path");
const readline = require("readline");
const [library, type, how, endpoint, mechanism] = process.argv.slice(2);
const lib = require(path.join(process.env.ZMQCORE_PEERS, "node_modules", library));

const say = (frames) => console.log(frames.map((frame) => frame.toString()).join("\t"));
const lines = (onLine) => readline.createInterface({ input: process.stdin }).on("line", onLine).on("close", () => process.exit(0));

function jszmq() {
  const socket = lib.socket(type);
  socket.on("message", (...frames) => {
    if (["router", "rep"].includes(type) && !Buffer.isBuffer(frames[0])) frames.shift();
    say(frames);
    if (type === "rep") socket.send("re:" + frames[frames.length - 1].toString());
  });
  if (type === "sub") socket.subscribe("");
  socket[how](endpoint);
  console.log("ready");
  lines((line) => socket.send(line));
}

async function zeromq() {
  const kinds = { req: "Request", rep: "Reply", pub: "Publisher", sub: "Subscriber", push: "Push", pull: "Pull" };
  const socket = new lib[kinds[type]]({ linger: 5000 });
  if (mechanism === "PLAIN") Object.assign(socket, { plainUsername: "admin", plainPassword: "secret" });
  if (type === "sub") socket.subscribe("");
  if (how === "bind") await socket.bind(endpoint);
  else socket.connect(endpoint);
  console.log("ready");
  const waiting = [];
  let busy = false;
  const exchange = async () => {
    if (busy) return;
    busy = true;
    while (waiting.length) {
      await socket.send(waiting.shift());
      if (type === "req") say(await socket.receive());
    }
    busy = false;
  };
  lines((line) => { waiting.push(line); exchange(); });
  if (["rep", "sub", "pull"].includes(type)) {
    for await (const frames of socket) {
      say(frames);
      if (type === "rep") await socket.send("re:" + frames[0].toString());
    }
  }
}

if (library === "jszmq") jszmq();
else zeromq().catch((error) => { console.error(error); process.exit(1); });
