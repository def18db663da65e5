//! What is looked at when a document is saved.

use std::sync::Arc;

use async_trait::async_trait;
use connector::{Change, Connector, ConnectorError, ErrorKind, NewObject, ObjectClass, ObjectKey, Operation};
use identity::document::{DocumentKind, Draft, drafts_from_toml};
use identity::finding::{FindingKind, FindingState};
use identity::provision::{Mode, Targets};
use identity::system::System;

use crate::rig::{self, officer, record};

/// Systems that do not work.
struct Broken(ErrorKind, &'static str);

#[async_trait]
impl Targets for Broken {
    async fn target(&self, _: &str, _: &System) -> Result<Arc<dyn Connector>, ConnectorError> {
        Err(ConnectorError::new(self.0, self.1))
    }
}

/// The directory of another system, with settings that can be spoken of.
const ARCHIVE: &str = r#"
[system.archive]
title = "Archive"
owner = "P-1"
anchor = "externalId"
connector = { kind = "memory", settings = { secret = "bind", server = { url = "ldaps://archive.office.example" } } }
login = { template = "{{ person.family_name | lower }}", scope = "archive" }
"#;

pub async fn a_connector_is_tried_before_its_document_is_in_force(url: String) {
    let rig = rig::open(&url).await;
    let drafts = drafts_from_toml(ARCHIVE).unwrap();
    let try_it = async |targets: &dyn Targets, anyway: bool| {
        let tried = rig.identity.try_connectors(&drafts, targets, anyway).await;
        tried.map_err(|error| error.to_string())
    };
    let away = Broken(ErrorKind::Transient, "connection refused");
    let refused = try_it(&away, false).await.unwrap_err();
    let place = "system archive, connector.settings.server.url: ";
    assert!(refused.starts_with(place) && refused.contains("connection refused"), "{refused}");
    assert!(refused.contains("anyway"), "and how it is saved all the same: {refused}");
    let wrong = Broken(ErrorKind::Auth, "signing in failed");
    let refused = try_it(&wrong, false).await.unwrap_err();
    assert!(refused.starts_with("system archive, connector.settings.secret: "), "{refused}");

    let told = try_it(&away, true).await.unwrap();
    assert!(told[0].problem.as_ref().is_some_and(|problem| problem.contains("connection refused")), "{told:?}");
    let found = try_it(rig.targets.as_ref(), false).await.unwrap();
    assert!(found[0].found.is_some() && found[0].problem.is_none(), "{found:?}");

    // Once it is in force, only other settings are tried again.
    rig.save(ARCHIVE).await.unwrap();
    assert_eq!(try_it(&away, false).await, Ok(Vec::new()));
    let other = drafts_from_toml(&ARCHIVE.replace("archive.office", "store.office")).unwrap();
    assert!(rig.identity.try_connectors(&other, &away, false).await.is_err());
    let title = drafts_from_toml(&ARCHIVE.replace("\"Archive\"", "\"Old papers\"")).unwrap();
    assert_eq!(rig.identity.try_connectors(&title, &away, false).await.unwrap(), Vec::new());
}

pub async fn an_owner_is_somebody(url: String) {
    let mut rig = rig::open(&url).await;
    let role = |key: &str, owner: &str| {
        format!("[role.{key}]\ntitle = \"{key}\"\nkind = \"business\"\nowner = \"{owner}\"\ngrants = []\n")
    };
    rig.save(&role("before", "P-77")).await.unwrap();
    rig.deliver(&[record(&[("person", "P-10"), ("contract", "C-10")])]).await;
    rig.work().await;
    let refused = rig.save(&role("typo", "P-999")).await.unwrap_err().to_string();
    assert!(refused.contains("role:typo") && refused.contains("`P-999` is nobody who is here"), "{refused}");
    rig.save(&role("hers", "P-10")).await.unwrap();
    // Documents came before people: whom they name already may own more.
    rig.save(&role("again", "P-77")).await.unwrap();
}

pub async fn a_system_out_of_use_wants_nobody(url: String) {
    let rig = rig::open(&url).await;
    rig.save(ARCHIVE).await.unwrap();
    let key = ObjectKey::correlation(ObjectClass::Account, "uid", "forgotten");
    let new = NewObject { name: "forgotten".to_owned(), ..NewObject::default() };
    rig.targets.get("archive").write(&Operation::new("native", key, Change::Create(new))).await.unwrap();
    rig.identity.reconcile("archive", Mode::Ordinary, rig.targets.as_ref()).await.unwrap();
    let open = async || rig.identity.findings(Some(FindingKind::Orphan), Some(FindingState::Open)).await.unwrap().len();
    assert_eq!(open().await, 1);
    // Every reader has its title in their own language; the detail is what was found.
    let found = rig.identity.findings(Some(FindingKind::Orphan), None).await.unwrap().remove(0);
    assert_eq!(found.title, "forgotten in archive belongs to nobody who is known");
    let french = found.saying.unwrap().in_language("fr");
    assert_eq!(french, "forgotten dans archive n’appartient à personne de connu");
    assert!(found.detail.get("said").is_none() && found.detail.get("name").is_some(), "{}", found.detail);
    let retire = Draft { kind: DocumentKind::System, key: "archive".to_owned(), body: None };
    rig.identity.save_documents(&[retire], "it is no more", None, &officer()).await.unwrap();
    assert_eq!(open().await, 0);
}
