//! Real servers, started on loopback and stopped by process id.

pub mod graph;
pub mod openldap;
pub mod samba;

use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command};
use std::time::Duration;

/// A port that is free now.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// The program's path, where it is installed.
pub fn program(name: &str) -> Option<String> {
    let folders = ["/usr/sbin", "/usr/bin", "/usr/local/bin", "/usr/local/sbin", "/sbin", "/bin"];
    let known = folders.iter().map(|folder| Path::new(folder).join(name));
    known.into_iter().find(|path| path.exists()).map(|path| path.display().to_string())
}

/// Waits until a port answers.
pub fn wait_for(port: u16, child: &mut Child, what: &str) {
    for _ in 0..1_200 {
        if std::net::TcpStream::connect(("127.0.0.1", port)).is_ok() {
            return;
        }
        if let Ok(Some(status)) = child.try_wait() {
            panic!("{what} ended: {status}");
        }
        // The server says nowhere else when it is ready to answer.
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("{what} did not answer within a minute");
}

/// Asks a process to end, and waits for it.
pub fn stop(child: &mut Child) {
    let asked = Command::new("kill").arg(child.id().to_string()).status();
    if !asked.is_ok_and(|status| status.success()) {
        let _ = child.kill();
    }
    let _ = child.wait();
}

/// Writes a certificate for `name` and its key as `cert.pem` and `key.pem`; the authority that signed it as PEM.
pub fn certificate(folder: &Path, name: &str) -> String {
    let authority_key = rcgen::KeyPair::generate().unwrap();
    let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let authority = params.self_signed(&authority_key).unwrap();
    let issuer = rcgen::Issuer::from_params(&params, &authority_key);
    let key = rcgen::KeyPair::generate().unwrap();
    let leaf = rcgen::CertificateParams::new(vec![name.to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();
    std::fs::write(folder.join("cert.pem"), leaf.pem()).unwrap();
    let place = folder.join("key.pem");
    std::fs::write(&place, key.serialize_pem()).unwrap();
    std::fs::set_permissions(&place, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    authority.pem()
}
