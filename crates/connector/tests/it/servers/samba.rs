//! A domain controller of Samba. Its ports are fixed, so each has a loopback address of its own.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use super::{program, stop};

pub const ADMIN: &str = "Administrator@VIGIE.TEST";
pub const PASSWORD: &str = "Passw0rd!23";
pub const BASE: &str = "DC=vigie,DC=test";

/// A running domain controller; stopped when dropped.
pub struct Samba {
    pub address: String,
    /// PEM of the authority of its certificate for `dc1.vigie.test`.
    pub authority: String,
    folder: TempDir,
    server: Child,
}

impl Samba {
    /// `None` after a `skipped:` line where Samba is not installed.
    pub fn start() -> Option<Samba> {
        let (Some(samba), Some(tool)) = (program("samba"), program("samba-tool")) else {
            println!("skipped: Active Directory, because samba is not installed");
            return None;
        };
        let folder = tempfile::Builder::new().prefix("vigie-ad-").tempdir().unwrap();
        let home = folder.path().join("ad");
        let process = std::process::id();
        let address = format!("127.{}.{}.1", 64 + process / 250 % 60, process % 250);
        let provisioned = Command::new(tool)
            .env("TDB_NO_FSYNC", "1")
            .args(["domain", "provision", "--realm=VIGIE.TEST", "--domain=VIGIE", "--server-role=dc"])
            .args(["--dns-backend=NONE", "--use-rfc2307", "--host-name=dc1"])
            .arg(format!("--targetdir={}", home.display()))
            .arg(format!("--adminpass={PASSWORD}"))
            .arg(format!("--host-ip={address}"))
            .output()
            .unwrap();
        if !provisioned.status.success() {
            let said = String::from_utf8_lossy(&provisioned.stderr);
            assert!(said.contains("samba-ad-provision") || said.contains("setup"), "provision: {said}");
            println!("skipped: Active Directory, because samba-ad-provision is not installed");
            return None;
        }
        let tls = folder.path().join("tls");
        std::fs::create_dir(&tls).unwrap();
        let authority = super::certificate(&tls, "dc1.vigie.test");
        let server = spawn(&samba, &home, &tls, &address);
        let mut samba = Samba { address, authority, folder, server };
        samba.wait();
        Some(samba)
    }

    fn wait(&mut self) {
        for _ in 0..1_200 {
            if std::net::TcpStream::connect((self.address.as_str(), 636)).is_ok() {
                return;
            }
            if let Ok(Some(status)) = self.server.try_wait() {
                panic!("samba ended: {status}");
            }
            // The server says nowhere else when it is ready to answer.
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        panic!("samba did not answer within a minute");
    }

    /// Somebody works beside us, with the tools of OpenLDAP.
    pub fn ldif(&self, tool: &str, ldif: &str) {
        let file = self.folder.path().join("work.ldif");
        std::fs::write(&file, ldif).unwrap();
        let done = Command::new(program(tool).expect("ldap-utils come with the test's packages"))
            .env("LDAPTLS_REQCERT", "never")
            .args(["-x", "-H", &format!("ldaps://{}:636", self.address), "-D", ADMIN, "-w", PASSWORD, "-f"])
            .arg(&file)
            .output()
            .unwrap();
        assert!(done.status.success(), "{tool}: {}", String::from_utf8_lossy(&done.stderr));
    }
}

impl Drop for Samba {
    fn drop(&mut self) {
        stop(&mut self.server);
    }
}

fn spawn(samba: &str, home: &Path, tls: &Path, address: &str) -> Child {
    let option = |name: &str, path: &Path| format!("--option={name}={}", path.display());
    for folder in ["run", "ntp", "ncalrpc"] {
        std::fs::create_dir_all(home.join(folder)).unwrap();
    }
    Command::new(samba)
        .env("TDB_NO_FSYNC", "1")
        .arg("-s")
        .arg(home.join("etc/smb.conf"))
        .args(["-F", "-d0", "--debug-stdout", "--no-process-group", "--model=single"])
        .arg(format!("--option=interfaces={address}/8"))
        .args(["--option=bind interfaces only=yes", "--option=server services=ldap, cldap, kdc"])
        .arg(option("log file", &home.join("log.samba")))
        .arg(option("pid directory", &home.join("run")))
        .arg(option("ncalrpc dir", &home.join("ncalrpc")))
        .arg(option("ntp signd socket directory", &home.join("ntp")))
        .arg(option("tls certfile", &tls.join("cert.pem")))
        .arg(option("tls keyfile", &tls.join("key.pem")))
        .arg("--option=tls cafile=")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}
