//! A server as a process of its own.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Stdio};

use crate::rig::Rig;

/// A server over the data folder of a rig.
pub struct Running {
    pub child: Child,
    pub address: SocketAddr,
    pub syslog: SocketAddr,
    /// Secrets of the one-time links that it prints.
    links: std::sync::mpsc::Receiver<String>,
}

/// What a server said.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub head: String,
    pub body: String,
}

/// An administrator who is signed in.
pub struct Session {
    cookie: String,
    csrf: String,
}

impl Running {
    /// Starts and waits for the line that says that it listens.
    pub fn start(rig: &Rig) -> Running {
        Running::start_with(rig, &[])
    }

    /// As [`start`](Self::start), with settings.
    pub fn start_with(rig: &Rig, settings: &[(&str, String)]) -> Running {
        let (address, syslog) = (free_port(), free_port());
        let mut command = rig.command(&["serve"]);
        command.env("VIGIE_SERVER_LISTEN", address.to_string()).env("VIGIE_INTAKE_SYSLOG_TCP", syslog.to_string());
        command.envs(settings.iter().map(|(name, value)| (name, value)));
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let first = lines.next().expect("it says that it listens").unwrap();
        assert!(first.contains("listens on"), "{first}");
        // The one-time link follows, unless somebody has used it. Keep reading, so that it never blocks on a full pipe.
        let (sender, links) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let links = lines.map_while(Result::ok).filter_map(|line| Some(line.rsplit_once('#')?.1.to_owned()));
            links.for_each(|link| drop(sender.send(link)));
        });
        Running { child, address, syslog, links }
    }

    pub fn health(&self) -> Reply {
        self.send("GET", "health", &[], b"")
    }

    /// One request under `/api/v1`, on a connection of its own.
    pub fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
        let mut stream = TcpStream::connect(self.address).unwrap();
        let mut head = format!(
            "{method} /api/v1/{path} HTTP/1.1\r\nhost: vigie\r\nconnection: close\r\ncontent-length: {}\r\n",
            body.len()
        );
        headers.iter().for_each(|(name, value)| head.push_str(&format!("{name}: {value}\r\n")));
        stream.write_all(format!("{head}\r\n").as_bytes()).unwrap();
        // A server that refuses a body early may close before it has all of it.
        let _ = stream.write_all(body);
        Reply::read(stream)
    }

    /// Redeems the one-time link.
    pub fn administrator(&self) -> Session {
        let token = self.links.recv().expect("it prints the one-time link");
        let body = format!(
            r#"{{"token": "{token}", "name": "duty.officer", "display_name": "Duty officer", "password": "watch over the harbour"}}"#
        );
        self.enter("setup", &body)
    }

    /// Signs that administrator in again.
    pub fn sign_in(&self) -> Session {
        self.enter("login", r#"{"name": "duty.officer", "password": "watch over the harbour"}"#)
    }

    fn enter(&self, door: &str, body: &str) -> Session {
        let reply = self.send("POST", door, &[("content-type", "application/json")], body.as_bytes());
        assert_eq!(reply.status, 200, "{reply:?}");
        let cookie = reply.head.lines().find_map(|line| line.strip_prefix("set-cookie: ")).unwrap();
        let cookie = cookie.split(';').next().unwrap().to_owned();
        let state: serde_json::Value = serde_json::from_str(&reply.body).unwrap();
        Session { cookie, csrf: state["signed_in"]["csrf"].as_str().unwrap().to_owned() }
    }

    /// What somebody who is signed in is answered; null where there is no body.
    pub fn ask(&self, session: &Session, method: &str, path: &str, body: &str) -> (u16, serde_json::Value) {
        let headers =
            [("content-type", "application/json"), ("cookie", &session.cookie), ("x-vigie-csrf", &session.csrf)];
        let reply = self.send(method, path, &headers, body.as_bytes());
        (reply.status, serde_json::from_str(&reply.body).unwrap_or_default())
    }

    /// As [`ask`](Self::ask), for answers of many lines.
    pub fn ask_text(&self, session: &Session, method: &str, path: &str, body: &str) -> Reply {
        let headers =
            [("content-type", "application/json"), ("cookie", &session.cookie), ("x-vigie-csrf", &session.csrf)];
        self.send(method, path, &headers, body.as_bytes())
    }

    /// Asks and waits for the head of the answer alone; who drops the connection has gone.
    pub fn ask_and_leave(&self, session: &Session, method: &str, path: &str, body: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).unwrap();
        let head = format!(
            "{method} /api/v1/{path} HTTP/1.1\r\nhost: vigie\r\ncontent-length: {}\r\ncontent-type: application/json\r\n\
             cookie: {}\r\nx-vigie-csrf: {}\r\n\r\n{body}",
            body.len(),
            session.cookie,
            session.csrf
        );
        stream.write_all(head.as_bytes()).unwrap();
        let mut first = [0_u8; 12];
        stream.read_exact(&mut first).unwrap();
        assert_eq!(&first, b"HTTP/1.1 200");
        stream
    }

    /// Connects a source and gives its token.
    pub fn connect_source(&self, session: &Session, name: &str, format: &str) -> String {
        let body = format!(r#"{{"name": "{name}", "format": "{format}", "reason": "test"}}"#);
        let (status, made) = self.ask(session, "POST", "sources", &body);
        made["token"]["secret"].as_str().unwrap_or_else(|| panic!("{status}: {made}")).to_owned()
    }

    /// As a power cut would.
    pub fn kill(self) {
        drop(self);
    }
}

impl Drop for Running {
    /// Also when a check fails: a server that outlives its test would hold its output open.
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Reply {
    fn read(mut stream: TcpStream) -> Reply {
        let mut bytes = Vec::new();
        // A connection that breaks off after the answer still gave the answer.
        let _ = stream.read_to_end(&mut bytes);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
        Reply { status, head: head.to_owned(), body: body.to_owned() }
    }
}

fn free_port() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}
