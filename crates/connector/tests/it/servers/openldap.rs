//! OpenLDAP's slapd with content synchronisation and member-of.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use super::{free_port, program, stop, wait_for};

pub const SUFFIX: &str = "dc=vigie,dc=test";
pub const PASSWORD: &str = "s3cret-of-the-root";

/// A running slapd; stopped when dropped.
pub struct OpenLdap {
    pub port: u16,
    pub tls_port: u16,
    /// PEM of the authority of its certificate for `ldap.vigie.test`.
    pub authority: String,
    folder: TempDir,
    server: Child,
}

impl OpenLdap {
    /// `None` after a `skipped:` line where slapd is not installed. `session_log`: it can name what was deleted.
    pub fn start(session_log: bool) -> Option<OpenLdap> {
        let Some(slapd) = program("slapd") else {
            println!("skipped: LDAP, because slapd is not installed");
            return None;
        };
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        std::fs::create_dir(&data).unwrap();
        let authority = super::certificate(folder.path(), "ldap.vigie.test");
        let log = if session_log { "syncprov-sessionlog 1000\nsyncprov-reloadhint TRUE" } else { "" };
        let path = |name: &str| folder.path().join(name).display().to_string();
        let config = format!(
            "include /etc/ldap/schema/core.schema\ninclude /etc/ldap/schema/cosine.schema\n\
             include /etc/ldap/schema/inetorgperson.schema\ninclude /etc/ldap/schema/nis.schema\n\
             modulepath /usr/lib/ldap\nmoduleload back_mdb\nmoduleload syncprov\nmoduleload memberof\n\
             pidfile {pid}\nTLSCertificateFile {cert}\nTLSCertificateKeyFile {key}\nsizelimit unlimited\n\
             database mdb\nsuffix \"{SUFFIX}\"\nrootdn \"cn=root,{SUFFIX}\"\nrootpw {PASSWORD}\n\
             directory {data}\nmaxsize 1073741824\ndbnosync\nindex objectClass,entryUUID,entryCSN,employeeNumber,uid eq\n\
             overlay memberof\noverlay syncprov\n{log}\n",
            pid = path("pid"),
            cert = path("cert.pem"),
            key = path("key.pem"),
            data = data.display()
        );
        std::fs::write(folder.path().join("slapd.conf"), config).unwrap();
        let (port, tls_port) = (free_port(), free_port());
        let server = spawn(&slapd, folder.path().join("slapd.conf"), port, tls_port);
        let mut server = OpenLdap { port, tls_port, authority, folder, server };
        wait_for(port, &mut server.server, "slapd");
        server.load();
        Some(server)
    }

    fn load(&self) {
        let tree = format!(
            "dn: {SUFFIX}\nobjectClass: dcObject\nobjectClass: organization\no: Vigie\ndc: vigie\n\n\
             dn: ou=people,{SUFFIX}\nobjectClass: organizationalUnit\nou: people\n\n\
             dn: ou=left,ou=people,{SUFFIX}\nobjectClass: organizationalUnit\nou: left\n\n\
             dn: ou=groups,{SUFFIX}\nobjectClass: organizationalUnit\nou: groups\n\n"
        );
        self.ldif("ldapadd", &tree);
    }

    /// Somebody works beside us, with the tools of the server.
    pub fn ldif(&self, tool: &str, ldif: &str) {
        let file = self.folder.path().join("work.ldif");
        std::fs::write(&file, ldif).unwrap();
        let status = Command::new(program(tool).expect("ldap-utils come with slapd"))
            .args(["-x", "-H", &format!("ldap://127.0.0.1:{}", self.port), "-D", &format!("cn=root,{SUFFIX}")])
            .args(["-w", PASSWORD, "-f"])
            .arg(&file)
            .stdout(Stdio::null())
            .status()
            .unwrap();
        assert!(status.success(), "{tool}: {ldif}");
    }

    /// The server stops and starts again on the same data.
    pub fn restart(&mut self) {
        stop(&mut self.server);
        let config = self.folder.path().join("slapd.conf");
        self.server = spawn(&program("slapd").unwrap(), config, self.port, self.tls_port);
        wait_for(self.port, &mut self.server, "slapd");
    }
}

impl Drop for OpenLdap {
    fn drop(&mut self) {
        stop(&mut self.server);
    }
}

fn spawn(slapd: &str, config: PathBuf, port: u16, tls_port: u16) -> Child {
    Command::new(slapd)
        .arg("-f")
        .arg(config)
        .args(["-h", &format!("ldap://127.0.0.1:{port} ldaps://127.0.0.1:{tls_port}"), "-d", "0"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}
