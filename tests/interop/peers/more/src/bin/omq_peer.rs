//! A peer process made of OMQ, by its crate omq-tokio.

use bytes::Bytes;
use omq_tokio::blocking::Socket;
use omq_tokio::{Context, Error, Message, Options, SocketType};
use std::collections::HashMap;
use std::time::Duration;

struct Omq {
    context: Context,
    sockets: HashMap<String, Socket>,
}

fn text(error: Error) -> String {
    match error {
        Error::Timeout => "EAGAIN".to_string(),
        Error::Unroutable => "EHOSTUNREACH".to_string(),
        other => other.to_string(),
    }
}

impl peers::Stack for Omq {
    fn open(&mut self, name: &str, kind: &str, how: &str, endpoint: &str, options: peers::Options) -> Result<String, String> {
        let kind = match kind {
            "REQ" => SocketType::Req,
            "REP" => SocketType::Rep,
            "DEALER" => SocketType::Dealer,
            "ROUTER" => SocketType::Router,
            "PUB" => SocketType::Pub,
            "SUB" => SocketType::Sub,
            "PUSH" => SocketType::Push,
            "PULL" => SocketType::Pull,
            other => return Err(format!("no such type: {other}")),
        };
        let mut wanted = Options::default().router_mandatory(options.contains_key("ROUTER_MANDATORY"));
        if let Some(id) = options.get("ROUTING_ID") {
            wanted = wanted.identity(id.clone());
        }
        let socket = self.context.blocking_socket(kind, wanted);
        if let Some(prefix) = options.get("SUBSCRIBE") {
            socket.subscribe(prefix.clone()).map_err(text)?;
        }
        let mut told = endpoint.to_string();
        if how == "bind" {
            told = socket.bind(endpoint.replace('*', "0").as_str()).map_err(text)?.to_string();
        } else {
            socket.connect(endpoint).map_err(text)?;
        }
        self.sockets.insert(name.to_string(), socket);
        Ok(told)
    }

    fn send(&mut self, name: &str, frames: peers::Frames) -> Result<(), String> {
        let message = Message::multipart(frames.into_iter().map(Bytes::from));
        self.sockets[name].send_timeout(message, Duration::from_secs(10)).map_err(text)
    }

    fn recv(&mut self, name: &str, milliseconds: u64) -> Result<peers::Frames, String> {
        let message = self.sockets[name].recv_timeout(Duration::from_millis(milliseconds)).map_err(text)?;
        Ok((0..message.len()).map(|i| message.part_bytes(i).unwrap().to_vec()).collect())
    }

    fn close(&mut self, name: &str) {
        if let Some(socket) = self.sockets.remove(name) {
            let _ = socket.close_with_linger(Some(Duration::ZERO));
        }
    }
}

fn main() {
    peers::run("omq-tokio 0.33.0", Omq { context: Context::new(), sockets: HashMap::new() });
}
