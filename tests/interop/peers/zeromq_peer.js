// A peer process made of zeromq.js, whose libzmq has the draft types: `node zeromq_peer.js` (words.py has the language).
"use strict";
const path = require("path");
const readline = require("readline");
const zmq = require(path.join(process.env.ZMQCORE_PEERS, "node_modules", "zeromq"));
const draft = require(path.join(process.env.ZMQCORE_PEERS, "node_modules", "zeromq", "draft"));

const KINDS = {
  REQ: zmq.Request, REP: zmq.Reply, DEALER: zmq.Dealer, ROUTER: zmq.Router, PUB: zmq.Publisher, SUB: zmq.Subscriber, XPUB: zmq.XPublisher,
  XSUB: zmq.XSubscriber, PUSH: zmq.Push, PULL: zmq.Pull, PAIR: zmq.Pair, RADIO: draft.Radio, DISH: draft.Dish,
};
const OPTIONS = {
  ROUTER_MANDATORY: ["mandatory", Boolean], ROUTING_ID: ["routingId", String], CURVE_SERVER: ["curveServer", Boolean],
  CURVE_PUBLICKEY: ["curvePublicKey", String], CURVE_SECRETKEY: ["curveSecretKey", String], CURVE_SERVERKEY: ["curveServerKey", String],
  PLAIN_SERVER: ["plainServer", Boolean], PLAIN_USERNAME: ["plainUsername", String], PLAIN_PASSWORD: ["plainPassword", String],
};
const sockets = new Map();
const last = new Map();

const TABLE = Array.from({ length: 256 }, (_, n) => {
  for (let k = 0; k < 8; k++) n = n & 1 ? 0xedb88320 ^ (n >>> 1) : n >>> 1;
  return n >>> 0;
});
function crc32(octets) {
  let crc = ~0;
  for (const octet of octets) crc = TABLE[(crc ^ octet) & 255] ^ (crc >>> 8);
  return ~crc >>> 0;
}
const digest = (frame) => `${frame.length}:${crc32(frame)}:${frame.subarray(0, 16).toString("hex")}`;

function frameOf(word, name) {
  if (word[0] === "x") return Buffer.from(word.slice(1), "hex");
  if (word[0] === "r") return last.get(name)[Number(word.slice(1))];
  const [seed, length] = word.slice(1).split(":").map(Number);
  const octets = Buffer.alloc(length);
  for (let i = 0; i < length; i++) octets[i] = seed + i;
  return octets;
}

const verbs = {
  async open(name, kind, how, endpoint, ...options) {
    const socket = new KINDS[kind]({ linger: 0 });
    if ("sendTimeout" in socket) socket.sendTimeout = 10000;
    sockets.set(name, socket);
    for (const option of options) {
      const [key, text] = option.split(/=(.*)/);
      const value = text[0] === "x" ? Buffer.from(text.slice(1), "hex") : Number(text);
      if (key === "SUBSCRIBE") socket.subscribe(value);
      else if (key === "JOIN") socket.join(value);
      else socket[OPTIONS[key][0]] = OPTIONS[key][1](value);
    }
    if (how === "bind") {
      await socket.bind(endpoint);
      return socket.lastEndpoint;
    }
    socket.connect(endpoint);
    return endpoint;
  },
  async send(name, ...words) {
    const frames = words.map((word) => frameOf(word, name));
    // Of a RADIO the first one is the group.
    if (sockets.get(name) instanceof draft.Radio) await sockets.get(name).send(frames[1], { group: frames[0] });
    else await sockets.get(name).send(frames);
    return "";
  },
  async recv(name, timeout) {
    const socket = sockets.get(name);
    socket.receiveTimeout = Number(timeout);
    let frames = await socket.receive();
    if (socket instanceof draft.Dish) frames = [frames[1].group, frames[0]];
    last.set(name, frames);
    return frames.map(digest).join(" ");
  },
  async close(name) {
    sockets.get(name).close();
    sockets.delete(name);
    last.delete(name);
    return "";
  },
};

(async () => {
  console.log(`ready zeromq.js, libzmq ${zmq.version}`);
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const [verb, ...words] = line.trim().split(/\s+/);
    if (verb === "quit") break;
    try {
      console.log(`ok ${await verbs[verb](...words)}`);
    } catch (error) {
      console.log(`error ${error.code || ""} ${error}`.replace(/\n/g, " "));
    }
  }
  process.exit(0);
})();
