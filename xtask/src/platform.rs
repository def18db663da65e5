//! A running platform for demo, browser tests and benchmarks: the real binary on loopback, stopped by its process id.

use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::api::Api;
use crate::play::Doors;
use crate::shell;

/// Who the tasks sign in as.
pub const ADMINISTRATOR: &str = "duty.officer";
/// Fictional, for a server on loopback with fictional data.
pub const PASSWORD: &str = "watch over the harbour";

/// A started server.
pub struct Platform {
    child: Child,
    pub url: String,
    pub doors: Doors,
    pub data: PathBuf,
    /// Signed in as the administrator once [`Platform::setup`] ran.
    pub api: Api,
    setup_lines: Receiver<String>,
}

/// Which build of the binary to use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    Dev,
    Release,
}

impl Profile {
    const fn folder(self) -> &'static str {
        match self {
            Profile::Dev => "debug",
            Profile::Release => "release",
        }
    }
}

/// Builds the binary and returns its path.
pub fn build(profile: Profile) -> Result<PathBuf> {
    let root = shell::root();
    let mut arguments = vec!["build", "--locked", "--workspace", "--bins"];
    if profile == Profile::Release {
        arguments.push("--release");
    }
    shell::run(&root, &shell::cargo(), &arguments)?;
    Ok(target(&root).join(profile.folder()).join("vigie"))
}

/// Where cargo puts what it builds.
pub fn target(root: &Path) -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from)
}

impl Platform {
    /// Starts `binary` over `data` on `port` (0: a free one) and waits until it answers.
    pub fn start(binary: &Path, data: &Path, port: u16) -> Result<Platform> {
        std::fs::create_dir_all(data.join("drop")).with_context(|| format!("making {}", data.display()))?;
        let listen = SocketAddr::from(([127, 0, 0, 1], if port == 0 { free_tcp_port()? } else { port }));
        let doors = Doors {
            syslog_udp: SocketAddr::from(([127, 0, 0, 1], free_udp_port()?)),
            syslog_tcp: SocketAddr::from(([127, 0, 0, 1], free_tcp_port()?)),
            drop_folder: data.join("drop"),
        };
        let mut child = Command::new(binary)
            .arg("serve")
            .current_dir(data)
            .env("VIGIE_DATA_DIR", data)
            .env("VIGIE_SERVER_LISTEN", listen.to_string())
            .env("VIGIE_INTAKE_SYSLOG_UDP", doors.syslog_udp.to_string())
            .env("VIGIE_INTAKE_SYSLOG_TCP", doors.syslog_tcp.to_string())
            .env("VIGIE_INTAKE_DROP_FOLDER", &doors.drop_folder)
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("starting {}", binary.display()))?;
        let (sender, setup_lines) = channel();
        let output = child.stdout.take().context("the server's output")?;
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                println!("{line}");
                // Nobody may be listening any more; the lines still go to our own output.
                let _ = sender.send(line);
            }
        });
        let url = format!("http://{listen}");
        let api = Api::new(&url);
        let mut platform = Platform { child, url, doors, data: data.to_path_buf(), api, setup_lines };
        platform.wait_until_healthy()?;
        Ok(platform)
    }

    fn wait_until_healthy(&mut self) -> Result<()> {
        for _ in 0..600 {
            if self.api.is_healthy() {
                return Ok(());
            }
            if let Some(status) = self.child.try_wait()? {
                bail!("the server stopped before it answered ({status})");
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        bail!("the server did not answer at {} within a minute", self.url)
    }

    /// Redeems the one-time link that the server printed.
    pub fn setup(&mut self) -> Result<()> {
        let token = self.setup_token()?;
        self.api.setup(&token, ADMINISTRATOR, PASSWORD)
    }

    fn setup_token(&self) -> Result<String> {
        loop {
            let line = self
                .setup_lines
                .recv_timeout(Duration::from_secs(10))
                .context("the server printed no one-time link")?;
            if let Some(at) = line.find("vgs_") {
                let token = line[at..].split(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '-').next();
                return Ok(token.unwrap_or_default().to_owned());
            }
        }
    }

    /// The server's process id.
    pub fn process_id(&self) -> u32 {
        self.child.id()
    }

    /// Stops the server at once, as a power cut would.
    pub fn kill(&mut self) -> Result<()> {
        self.child.kill().context("killing the server")?;
        self.child.wait().context("waiting for the server")?;
        Ok(())
    }

    /// Asks the server to stop, and waits until it has written what it holds.
    pub fn terminate(&mut self) -> Result<()> {
        shell::run(&self.data, "kill", &["-TERM", &self.child.id().to_string()])?;
        self.wait()
    }

    /// Waits until the server stops by itself.
    pub fn wait(&mut self) -> Result<()> {
        let status = self.child.wait().context("waiting for the server")?;
        if status.success() { Ok(()) } else { bail!("the server stopped: {status}") }
    }
}

impl Drop for Platform {
    fn drop(&mut self) {
        // It may have stopped already; then there is nothing to do.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn free_tcp_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0").context("looking for a free port")?.local_addr()?.port())
}

fn free_udp_port() -> Result<u16> {
    Ok(UdpSocket::bind("127.0.0.1:0").context("looking for a free port")?.local_addr()?.port())
}
