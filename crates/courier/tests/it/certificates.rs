//! Cursor-on-Target behind a door: who comes with a certificate of the authority speaks for whom it names, by another TLS than
//! ours (that of Python).

use std::path::Path;
use std::sync::Arc;

use courier::cot::{Cot, CotSettings, Door, DoorSettings};
use kernel::Fact;
use rcgen::{CertificateParams, CertificateRevocationListParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use tokio::net::TcpListener;
use tokio::process::Command;

use crate::peer;
use crate::rig::Rig;

/// Says one event after a TLS handshake and reads until the other side ends or a second has passed.
const CLIENT: &str = "import socket, ssl, sys
port, authority, certificate, key = int(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4]
context = ssl.create_default_context(cafile=authority)
if certificate != '-':
  context.load_cert_chain(certificate, key)
try:
  with context.wrap_socket(socket.create_connection(('127.0.0.1', port), 20), server_hostname='localhost') as link:
    link.sendall(sys.stdin.buffer.read())
    link.settimeout(1)
    try:
      ended = link.recv(1) == b''
    except TimeoutError:
      ended = False
  print('refused' if ended else 'taken')
except (ssl.SSLError, ConnectionError):
  print('refused')
";

/// An authority, with what it signs.
struct Authority {
    params: CertificateParams,
    key: KeyPair,
}

impl Authority {
    fn new(folder: &Path, name: &str) -> Authority {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().unwrap();
        let own = params.self_signed(&key).unwrap();
        std::fs::write(folder.join(format!("{name}.pem")), own.pem()).unwrap();
        Authority { params, key }
    }

    fn sign(&self, folder: &Path, name: &str, number: u64, hosts: &[&str]) {
        let hosts: Vec<String> = hosts.iter().map(|host| (*host).to_owned()).collect();
        let mut params = CertificateParams::new(hosts).unwrap();
        params.serial_number = Some(number.into());
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().unwrap();
        let signed = params.signed_by(&key, &Issuer::from_params(&self.params, &self.key)).unwrap();
        std::fs::write(folder.join(format!("{name}.pem")), signed.pem()).unwrap();
        std::fs::write(folder.join(format!("{name}.key")), key.serialize_pem()).unwrap();
    }

    fn revoke(&self, folder: &Path, number: u64) {
        let moment = |year| rcgen::date_time_ymd(year, 1, 1);
        let revoked = rcgen::RevokedCertParams {
            serial_number: number.into(),
            revocation_time: moment(2024),
            reason_code: Some(rcgen::RevocationReason::KeyCompromise),
            invalidity_date: None,
        };
        let list = CertificateRevocationListParams {
            this_update: moment(2024),
            next_update: moment(2100),
            crl_number: 1.into(),
            issuing_distribution_point: None,
            revoked_certs: vec![revoked],
            key_identifier_method: rcgen::KeyIdMethod::Sha256,
        };
        let list = list.signed_by(&Issuer::from_params(&self.params, &self.key)).unwrap();
        std::fs::write(folder.join("revoked.pem"), list.pem().unwrap()).unwrap();
    }
}

fn event(uid: &str) -> String {
    format!(
        "<event version=\"2.0\" uid=\"{uid}\" type=\"a-f-G-U-C\" how=\"m-g\" time=\"2026-11-21T12:00:00Z\" \
         start=\"2026-11-21T12:00:00Z\" stale=\"2026-11-21T12:05:00Z\"><point lat=\"-8.55\" lon=\"125.57\" hae=\"35\" \
         ce=\"12\" le=\"9999999\"/><detail/></event>"
    )
}

#[tokio::test]
async fn a_certificate_speaks_for_whom_it_names() {
    let Some(python) = peer::program("python3", "python3") else { return };
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let ours = Authority::new(folder.path(), "ours");
    ours.sign(folder.path(), "server", 1, &["localhost"]);
    for (number, name) in [(2, "olga"), (3, "lost")] {
        ours.sign(folder.path(), name, number, &[]);
    }
    ours.revoke(folder.path(), 3);
    Authority::new(folder.path(), "others").sign(folder.path(), "stranger", 4, &[]);
    let settings = DoorSettings {
        certificate: at("server.pem"),
        key: at("server.key"),
        client_ca: at("ours.pem"),
        revoked: Some(at("revoked.pem")),
        names: "olga=ANDROID-7".to_owned(),
    };
    let database = testkit::sqlite();
    let mut rig = Rig::open(&database.url).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let tls = courier::tls::client(None).unwrap();
    let (door, call_sign) = (Some(Door::open(&settings).unwrap()), "Radio room".to_owned());
    let cot = Arc::new(Cot::new(CotSettings { door, server: None, call_sign, tls }).unwrap());
    let running = tokio::spawn(cot.run(rig.courier.clone(), None, Some(listener)));
    let say = async |name: &str, uid: &str| {
        let (certificate, key) = match name {
            "-" => ("-".into(), "-".into()),
            name => (at(&format!("{name}.pem")), at(&format!("{name}.key"))),
        };
        let mut client = Command::new(&python);
        client.arg("-c").arg(CLIENT).arg(port.to_string()).arg(at("ours.pem")).arg(certificate).arg(key);
        peer::run(&mut client, &event(uid)).await.trim().to_owned()
    };
    for uid in ["olga", "ANDROID-7", "ANDROID-8"] {
        assert_eq!(say("olga", uid).await, "taken", "{uid}");
    }
    for name in ["-", "stranger", "lost"] {
        assert_eq!(say(name, name).await, "refused", "{name}");
    }
    let devices: Vec<String> = rig
        .hear()
        .await
        .into_iter()
        .filter_map(|fact| match fact {
            Fact::PositionsReported { positions } => Some(positions),
            _ => None,
        })
        .flatten()
        .map(|position| position.device)
        .collect();
    assert_eq!(devices, ["olga", "ANDROID-7"], "what they say of others does nothing");
    let faulty = rig.courier.faulty(10).await.unwrap();
    assert_eq!(faulty.len(), 1, "and is kept and shown");
    assert!(faulty[0].findings[0].contains("the certificate of olga does not speak for ANDROID-8"), "{faulty:?}");
    running.abort();
    let wrong = DoorSettings { client_ca: at("none.pem"), ..settings };
    assert!(Door::open(&wrong).err().unwrap().to_string().contains("none.pem"));
}
