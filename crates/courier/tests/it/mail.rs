//! Mail with other people's servers: `aiosmtpd` takes what we send, Dovecot keeps what we read.

use std::path::Path;
use std::sync::Arc;

use courier::mail::{Imap, ImapSettings, OwnAddress, Smtp, SmtpSettings};
use kernel::Timestamp;
use kernel::message::{DeliveryState, Dispatch, Means, Precedence};
use serde_json::Value as Json;
use tokio::process::Command;

use crate::peer::{self, Peer};
use crate::rig::{Rig, dispatch};

fn smtp(port: u16) -> Smtp {
    let settings = SmtpSettings {
        url: format!("smtp://127.0.0.1:{port}?tls=none"),
        user: "desk".to_owned(),
        password: "secret".to_owned(),
        from: "Radio room <radio@una.example>".to_owned(),
        per_second: 0.0,
        ca_file: None,
    };
    Smtp::new(&settings).unwrap()
}

#[tokio::test]
async fn a_mail_server_of_somebody_else_takes_what_we_send() {
    let Some(python) = peer::python("aiosmtpd") else { return };
    let mut server = Peer::python(&python, include_str!("peers/smtpd.py"));
    let port = server.port().await;
    let database = testkit::sqlite();
    let mut rig = Rig::open(&database.url).await;
    let channel = Arc::new(smtp(port));
    rig.courier.connect(channel.clone());
    let mut sender = courier::Sender::new(rig.courier.clone(), channel);
    let mail = |key: &str, to: &str| dispatch(key, &[(Means::Email, to)]);
    rig.ask(vec![
        Dispatch {
            text: "الوضع هادئ. BF12 وصل 14:25\n.\nline".to_owned(),
            subject: Some("Situação em Díli".to_owned()),
            precedence: Precedence::Distress,
            ..mail("a", "ana@una.example")
        },
        Dispatch { exercise: true, ..mail("b", "beto@una.example") },
        mail("c", "busy@una.example"),
        mail("d", "nobody@una.example"),
        mail("e", "not an address"),
    ])
    .await;
    sender.drain().await.unwrap();
    let mut seen: Vec<Json> = Vec::new();
    for _ in 0..2 {
        seen.push(serde_json::from_str(&server.line_of("mail").await).unwrap());
    }
    seen.sort_by_key(|mail| mail["to"].to_string());
    assert_eq!(seen[0]["text"].as_str().map(str::trim), Some("الوضع هادئ. BF12 وصل 14:25\n.\nline"));
    assert_eq!((seen[0]["subject"].as_str(), seen[0]["priority"].as_str()), (Some("Situação em Díli"), Some("1")));
    assert_eq!(seen[0]["auto"].as_str(), Some("auto-generated"));
    let (record, _) = rig.courier.dispatch("a").await.unwrap();
    assert_eq!(seen[0]["id"].as_str(), Some(format!("<{}@una.example>", record.id).as_str()));
    assert!(seen[1]["subject"].as_str().unwrap().starts_with("EXERCISE: "));
    assert_eq!(seen[1]["text"].as_str().unwrap().matches("EXERCISE EXERCISE EXERCISE").count(), 2);
    let state = async |key: &str| rig.courier.dispatch(key).await.unwrap().0;
    assert_eq!(state("a").await.state, DeliveryState::Sent);
    let busy = state("c").await;
    assert!(busy.state == DeliveryState::Queued && busy.problem.unwrap().contains("try later"));
    let nobody = state("d").await;
    assert!(nobody.state == DeliveryState::Undeliverable && nobody.problem.unwrap().contains("no such user"));
    assert!(state("e").await.problem.unwrap().contains("not a mail address"));
    // What was busy goes out later, under the same id.
    rig.clock.advance_s(10);
    sender.drain().await.unwrap();
    let later: Json = serde_json::from_str(&server.line_of("mail").await).unwrap();
    assert_eq!(later["to"][0], "busy@una.example");
}

/// A server of our own for one mailbox, in a folder.
fn dovecot(program: &Path, folder: &Path, port: u16) -> tokio::process::Child {
    let folder_text = folder.display();
    let user = if rustix::process::geteuid().is_root() { "nobody" } else { &std::env::var("USER").unwrap_or_default() };
    let (uid, gid) = if user == "nobody" {
        (65_534, 65_534)
    } else {
        (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw())
    };
    let config = format!(
        "base_dir = {folder_text}/run\nstate_dir = {folder_text}/state\nlog_path = {folder_text}/log\nprotocols = imap\nssl = no\n\
         disable_plaintext_auth = no\nmail_location = maildir:{folder_text}/mail\ndefault_internal_user = {user}\n\
         default_login_user = {user}\ndefault_internal_group = nogroup\nfirst_valid_uid = 1\n\
         passdb {{\n driver = static\n args = password=secret\n}}\nuserdb {{\n driver = static\n args = uid={uid} gid={gid} home={folder_text}\n}}\n\
         service imap-login {{\n chroot =\n inet_listener imap {{\n address = 127.0.0.1\n port = {port}\n }}\n inet_listener imaps {{\n port = 0\n }}\n}}\n\
         service anvil {{\n chroot =\n}}\n"
    );
    std::fs::write(folder.join("dovecot.conf"), config).unwrap();
    for name in ["run", "state", "mail", "mail/new", "mail/cur", "mail/tmp"] {
        std::fs::create_dir_all(folder.join(name)).unwrap();
        if user == "nobody" {
            let (uid, gid) = (Some(uid), Some(gid));
            std::os::unix::fs::chown(folder.join(name), uid, gid).unwrap();
        }
    }
    let mut command = Command::new(program);
    command.arg("-F").arg("-c").arg(folder.join("dovecot.conf")).kill_on_drop(true);
    command.spawn().unwrap()
}

fn deliver(folder: &Path, name: &str, text: &str) {
    let path = folder.join("mail/tmp").join(name);
    std::fs::write(&path, text.replace('\n', "\r\n")).unwrap();
    if rustix::process::geteuid().is_root() {
        std::os::unix::fs::chown(&path, Some(65_534), Some(65_534)).unwrap();
    }
    std::fs::rename(&path, folder.join("mail/new").join(name)).unwrap();
}

#[tokio::test]
async fn a_mailbox_of_somebody_else_is_read_as_mail_arrives() {
    let Some(program) = peer::program("dovecot", "dovecot-imapd") else { return };
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut server = dovecot(&program, folder.path(), port);
    peer::until("Dovecot listens", async || {
        let log = folder.path().join("log");
        assert!(server.try_wait().unwrap().is_none(), "{}", std::fs::read_to_string(log).unwrap_or_default());
        std::net::TcpStream::connect(("127.0.0.1", port)).ok()
    })
    .await;
    deliver(
        folder.path(),
        "1",
        "From: ana@una.example\nMessage-ID: <1@una.example>\nSubject: hello\n\nbefore the start\n",
    );
    let database = testkit::sqlite();
    let mut rig = Rig::open(&database.url).await;
    let settings = ImapSettings {
        url: format!("imap://127.0.0.1:{port}/INBOX?tls=none"),
        user: "desk".to_owned(),
        password: "secret".to_owned(),
        own: OwnAddress("radio@una.example".to_owned()),
        poll_s: 1,
        tls: courier::tls::client(None).unwrap(),
    };
    let watching = tokio::spawn(Imap::new(settings.clone()).unwrap().run(rig.courier.clone()));
    let count = async |courier: &courier::Courier, wanted: usize| {
        peer::until(&format!("{wanted} mails"), async || {
            let kept = courier.messages(Timestamp::MAX, 10).await.unwrap();
            (kept.len() == wanted).then_some(kept)
        })
        .await
    };
    count(&rig.courier, 1).await;
    deliver(folder.path(), "2", "From: beto@una.example\nMessage-ID: <2@una.example>\n\nSAFE\n");
    let kept = count(&rig.courier, 2).await;
    assert!(kept.iter().any(|mail| mail.text == "SAFE" && mail.sender == "beto@una.example"));
    // After a restart only what is new is taken.
    watching.abort();
    rig.restart().await;
    deliver(folder.path(), "3", "From: carla@rel.example\nMessage-ID: <3@rel.example>\n\nHELP\n");
    let watching = tokio::spawn(Imap::new(settings).unwrap().run(rig.courier.clone()));
    let kept = count(&rig.courier, 3).await;
    // The one before the last may come again, when the end came between its taking and the note of its place.
    let first = kept.iter().find(|mail| mail.text == "before the start").map(|mail| mail.receipts);
    assert_eq!(first, Some(1), "{kept:?}");
    watching.abort();
    server.start_kill().unwrap();
    server.wait().await.unwrap();
}
