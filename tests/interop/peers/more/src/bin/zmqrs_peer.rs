#![allow(unreachable_patterns)]
//! A peer process made of zmq.rs, the crate zeromq.

use bytes::Bytes;
use std::collections::HashMap;
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;
use tokio::time::timeout;
use zeromq::util::PeerIdentity;
use zeromq::{
    DealerSocket, PubSocket, PullSocket, PushSocket, RepSocket, ReqSocket, RouterSocket, Socket, SocketOptions, SocketRecv, SocketSend, SubSocket,
    ZmqError, ZmqMessage,
};

enum Any {
    Req(ReqSocket),
    Rep(RepSocket),
    Dealer(DealerSocket),
    Router(RouterSocket),
    Pub(PubSocket),
    Sub(SubSocket),
    Push(PushSocket),
    Pull(PullSocket),
}

struct Zmqrs {
    runtime: Runtime,
    sockets: HashMap<String, Any>,
}

const LONG: Duration = Duration::from_secs(10);

async fn attach(socket: &mut impl Socket, how: &str, endpoint: &str) -> Result<String, String> {
    if how == "bind" {
        return socket.bind(&endpoint.replace('*', "0")).await.map(|e| e.to_string()).map_err(|e| e.to_string());
    }
    timeout(LONG, socket.connect(endpoint)).await.map_err(|_| "ETIMEDOUT".to_string())?.map_err(|e| e.to_string())?;
    Ok(endpoint.to_string())
}


macro_rules! each {
    ($any:expr, $socket:ident => $what:expr, $($kind:ident)*) => { match $any { $(Any::$kind($socket) => $what,)* _ => return Err("not of this type".into()) } };
}

impl peers::Stack for Zmqrs {
    fn open(&mut self, name: &str, kind: &str, how: &str, endpoint: &str, options: peers::Options) -> Result<String, String> {
        let mut wanted = SocketOptions::default();
        if let Some(id) = options.get("ROUTING_ID") {
            wanted.peer_identity(PeerIdentity::try_from(Bytes::from(id.clone())).map_err(|e| e.to_string())?);
        }
        let (mut any, told) = self.runtime.block_on(async {
            let mut any = match kind {
                "REQ" => Any::Req(ReqSocket::with_options(wanted)),
                "REP" => Any::Rep(RepSocket::with_options(wanted)),
                "DEALER" => Any::Dealer(DealerSocket::with_options(wanted)),
                "ROUTER" => Any::Router(RouterSocket::with_options(wanted)),
                "PUB" => Any::Pub(PubSocket::with_options(wanted)),
                "SUB" => Any::Sub(SubSocket::with_options(wanted)),
                "PUSH" => Any::Push(PushSocket::with_options(wanted)),
                "PULL" => Any::Pull(PullSocket::with_options(wanted)),
                other => return Err(format!("no such type: {other}")),
            };
            let told = each!(&mut any, s => attach(s, how, endpoint).await?, Req Rep Dealer Router Pub Sub Push Pull);
            Ok((any, told))
        })?;
        if let (Any::Sub(socket), Some(prefix)) = (&mut any, options.get("SUBSCRIBE")) {
            let prefix = String::from_utf8(prefix.clone()).unwrap();
            self.runtime.block_on(socket.subscribe(&prefix)).map_err(|e| e.to_string())?;
        }
        self.sockets.insert(name.to_string(), any);
        Ok(told)
    }

    fn send(&mut self, name: &str, frames: peers::Frames) -> Result<(), String> {
        let frames: Vec<Bytes> = frames.into_iter().map(Bytes::from).collect();
        let message = ZmqMessage::try_from(frames).map_err(|_| "empty".to_string())?;
        let any = self.sockets.get_mut(name).ok_or("no such socket")?;
        let deadline = Instant::now() + LONG;
        self.runtime.block_on(async {
            loop {
                let sent = each!(any, s => timeout(LONG, s.send(message.clone())).await, Req Rep Dealer Router Pub Push);
                match sent.map_err(|_| "EAGAIN".to_string())? {
                    // It fails where others wait, as long as there is no peer yet.
                    Err(ZmqError::ReturnToSender { .. }) if Instant::now() < deadline => tokio::time::sleep(Duration::from_millis(2)).await,
                    Err(error) => return Err(error.to_string()),
                    Ok(()) => return Ok(()),
                }
            }
        })
    }

    fn recv(&mut self, name: &str, milliseconds: u64) -> Result<peers::Frames, String> {
        let any = self.sockets.get_mut(name).ok_or("no such socket")?;
        let wait = Duration::from_millis(milliseconds);
        self.runtime.block_on(async {
            let message = each!(any, s => timeout(wait, s.recv()).await, Req Rep Dealer Router Sub Pull)
                .map_err(|_| "EAGAIN".to_string())?
                .map_err(|e| e.to_string())?;
            Ok(message.into_vec().into_iter().map(|frame| frame.to_vec()).collect())
        })
    }

    fn close(&mut self, name: &str) {
        let _guard = self.runtime.enter();
        self.sockets.remove(name);
    }
}

fn main() {
    peers::run("zmq.rs 0.4.1", Zmqrs { runtime: Runtime::new().unwrap(), sockets: HashMap::new() });
}
