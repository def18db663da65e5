//! The SCIM connector against services of other people: PyPI's `scim2-server` and npm's `scimmy`.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use connector::scim::{ScimClient, ScimConfig};
use connector::{
    Attributes, Change, Connector, Effect, ErrorKind, NewObject, ObjectClass, ObjectKey, Operation, ProtectionRules,
    Search, Secret, Trust,
};

use crate::servers::{free_port, stop, wait_for};

const TOKEN: &str = "a-token-of-the-test";

struct Service {
    url: String,
    server: Child,
}

impl Drop for Service {
    fn drop(&mut self) {
        stop(&mut self.server);
    }
}

fn scim2_server() -> Option<Service> {
    let own = std::env::var_os("VIGIE_PYTHON").map(|home| PathBuf::from(home).join("bin"));
    let path =
        std::env::var_os("PATH").map(|path| std::env::split_paths(&path).collect::<Vec<_>>()).unwrap_or_default();
    let program =
        own.into_iter().chain(path).map(|folder| folder.join("scim2-server")).find(|program| program.exists());
    let Some(program) = program else {
        println!("skipped: SCIM against scim2-server, because it is neither in VIGIE_PYTHON nor on PATH");
        return None;
    };
    let port = free_port();
    let server = Command::new(program)
        .args(["--hostname", "127.0.0.1", "--port", &port.to_string(), "--bearer-token", TOKEN])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut service = Service { url: format!("http://127.0.0.1:{port}/v2"), server };
    wait_for(port, &mut service.server, "scim2-server");
    Some(service)
}

/// `cargo xtask peers` installs it.
fn scimmy() -> Option<Service> {
    let cache = || {
        let home = || PathBuf::from(std::env::var_os("HOME").unwrap_or_default()).join(".cache");
        std::env::var_os("XDG_CACHE_HOME").map_or_else(home, PathBuf::from).join("vigie/peers")
    };
    let modules = std::env::var_os("VIGIE_PEERS").map_or_else(cache, PathBuf::from).join("node/node_modules");
    if !modules.join("scimmy-routers").is_dir() {
        println!("skipped: SCIM against npm scimmy, because it is not installed; `cargo xtask peers` does it");
        return None;
    }
    let mut server = Command::new("node")
        .args(["-e", include_str!("servers/scimmy.cjs")])
        .env("NODE_PATH", modules)
        .env("TOKEN", TOKEN)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(server.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let port = line.trim().strip_prefix("port ").unwrap_or_else(|| panic!("scimmy did not start: {line}"));
    Some(Service { url: format!("http://127.0.0.1:{port}/scim/v2"), server })
}

fn connect(service: &Service, token: &str) -> ScimClient {
    let config = ScimConfig { url: service.url.clone(), token: Secret::new(token), trust: Trust::System };
    ScimClient::new(config, ProtectionRules::default()).unwrap()
}

fn person(number: &str) -> ObjectKey {
    ObjectKey::correlation(ObjectClass::Account, "externalId", number)
}

fn join(number: &str, login: &str) -> Operation {
    let attributes = Attributes::new()
        .with("name.givenName", "Amina")
        .with("emails[type eq \"work\"].value", format!("{login}@vigie.test"))
        .with("title", "Analyst");
    let new = NewObject { name: login.into(), attributes, enabled: Some(true), ..NewObject::default() };
    Operation::new(format!("join-{number}"), person(number), Change::Create(new))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_joiner_moves_and_leaves_at_scim2_server() {
    if let Some(service) = scim2_server() {
        a_joiner_moves_and_leaves(&service).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_joiner_moves_and_leaves_at_scimmy() {
    if let Some(service) = scimmy() {
        a_joiner_moves_and_leaves(&service).await;
    }
}

async fn a_joiner_moves_and_leaves(service: &Service) {
    let target = connect(service, TOKEN);
    target.identity().await.unwrap();
    assert_eq!(connect(service, "another").identity().await.unwrap_err().kind, ErrorKind::Auth);
    let id = target.write(&join("7", "amina")).await.unwrap().id;
    assert_eq!(target.write(&join("7", "amina")).await.unwrap().effect, Effect::AlreadyDone);
    assert_eq!(target.write(&join("8", "amina")).await.unwrap_err().kind, ErrorKind::Conflict, "the name is taken");
    let account = ObjectKey::id(ObjectClass::Account, id.0.clone());
    let write = async |object: &ObjectKey, change: Change| {
        target.write(&Operation::new("op", object.clone(), change)).await.map(|outcome| outcome.effect)
    };
    let wanted = Attributes::new()
        .with("title", "Chief")
        .with("emails[type eq \"work\"].value", "chief@vigie.test")
        .with("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department", "WASH");
    let assign = Change::Assign { attributes: wanted, if_version: None };
    assert_eq!(write(&account, assign.clone()).await.unwrap(), Effect::Applied);
    assert_eq!(write(&account, assign).await.unwrap(), Effect::AlreadyDone);
    assert_eq!(write(&account, Change::SetEnabled { enabled: false }).await.unwrap(), Effect::Applied);
    assert_eq!(write(&account, Change::SetEnabled { enabled: false }).await.unwrap(), Effect::AlreadyDone);
    assert_eq!(write(&account, Change::Rename { name: "amina.d".into() }).await.unwrap(), Effect::Applied);
    let read = target.read(&person("7")).await.unwrap().unwrap();
    assert_eq!(
        (read.name.as_str(), read.enabled, read.attributes.text("title")),
        ("amina.d", Some(false), Some("Chief"))
    );
    let group = ObjectKey::correlation(ObjectClass::Group, "displayName", "readers");
    let new = NewObject { name: "readers".into(), ..NewObject::default() };
    assert_eq!(write(&group, Change::Create(new)).await.unwrap(), Effect::Applied);
    for effect in [Effect::Applied, Effect::AlreadyDone] {
        assert_eq!(write(&group, Change::AddMember { member: id.clone(), until: None }).await.unwrap(), effect);
    }
    assert_eq!(target.members(&group, None, 10).await.unwrap().members.len(), 1);
    for effect in [Effect::Applied, Effect::AlreadyDone] {
        assert_eq!(write(&group, Change::RemoveMember { member: id.clone() }).await.unwrap(), effect);
    }
    for number in 20..32 {
        target.write(&join(&number.to_string(), &format!("p{number}"))).await.unwrap();
    }
    let (mut seen, mut next) = (std::collections::BTreeSet::new(), None);
    loop {
        let page =
            target.search(&Search { limit: 5, ..Search::all(ObjectClass::Account) }, next.as_ref()).await.unwrap();
        seen.extend(page.objects.into_iter().map(|object| object.id));
        next = page.next;
        if next.is_none() {
            break;
        }
    }
    assert_eq!(seen.len(), 13);
    for effect in [Effect::Applied, Effect::AlreadyDone] {
        assert_eq!(write(&account, Change::Delete).await.unwrap(), effect);
    }
}

/// All users, as a feed reads them: in pages smaller than the list, and with a filter.
async fn users_are_read_whole(service: &Service) {
    let client = connect(service, TOKEN);
    for number in 0..23 {
        client.write(&join(&format!("F-{number}"), &format!("feed{number:02}"))).await.unwrap();
    }
    let header = Secret::new(format!("Bearer {TOKEN}"));
    let read = async |page_users: usize, filter: Option<&str>, header: Option<&Secret>| {
        let (url, trust) = (&service.url, &Trust::System);
        let header = header.map(|header| ("Authorization", header));
        let list = connector::source::ScimList { url, trust, header, filter, page_users, largest_bytes: 1 << 20 };
        connector::source::scim_users(&list).await
    };
    let small = read(5, None, Some(&header)).await.unwrap();
    let large = read(1_000, None, Some(&header)).await.unwrap();
    assert_eq!((small.records, &small.body), (Some(23), &large.body), "the same whole, whatever the pages");
    let one = read(5, Some("userName eq \"feed07\""), Some(&header)).await.unwrap();
    assert_eq!(one.records, Some(1));
    let nobody = read(5, None, None).await.unwrap_err();
    assert_eq!(nobody.kind, ErrorKind::Auth, "{nobody}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_feed_reads_scim2_server() {
    if let Some(service) = scim2_server() {
        users_are_read_whole(&service).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_feed_reads_scimmy() {
    if let Some(service) = scimmy() {
        users_are_read_whole(&service).await;
    }
}
