//! Consents to applications, and policies of a tenant.

use connector::memory::{Fault, Memory};
use connector::{
    Attributes, Capabilities, Capability, Change, Connector, ConnectorError, NewObject, ObjectClass, ObjectId,
    ObjectKey, Operation, ProtectionRules, Schema,
};
use identity::Error;
use identity::consent::{Consent, ConsentKind, ConsentState};
use identity::document::{DocumentKind, Draft};
use identity::finding::{Finding, FindingKind, FindingState};
use kernel::Timestamp;
use serde_json::json;

use crate::rig::{self, Rig, officer};

const TENANT: &str = r#"
[system.entra]
title = "Cloud directory"
owner = "P-1"
connector = { kind = "entra" }
anchor = "employeeId"
delta_minutes = 14400
reconcile_hours = 2400
[system.entra.login]
template = "{{ person.family_name | lower }}"
scope = "entra"
"#;

fn tenant() -> Memory {
    let classes = [
        ObjectClass::Account,
        ObjectClass::Group,
        ObjectClass::Application,
        ObjectClass::ConsentGrant,
        ObjectClass::ConditionalAccessPolicy,
    ];
    let can = [Capability::Create, Capability::Update, Capability::Delete, Capability::Groups, Capability::Delta];
    Memory::with("entra", Capabilities::of(&classes, &can), Schema::default(), ProtectionRules::default())
}

async fn put(rig: &Rig, class: ObjectClass, name: &str, attributes: Attributes) -> ObjectId {
    let key = ObjectKey::correlation(class, "mark", name);
    let attributes = attributes.with("mark", name);
    let new = NewObject { name: name.to_owned(), attributes, ..NewObject::default() };
    rig.targets.get("entra").write(&Operation::new("make", key, Change::Create(new))).await.unwrap().id
}

/// An application that nobody knows, with a consent of one person.
async fn helper(rig: &Rig, scope: &str) -> (ObjectId, ObjectId) {
    let attributes = Attributes::new()
        .with("appId", "app-9")
        .with("appOwnerOrganizationId", "somewhere-else")
        .with("replyUrls", "https://helper.example/return");
    let application = put(rig, ObjectClass::Application, "Mail Helper", attributes).await;
    let mut attributes = Attributes::new()
        .with("clientId", application.as_str())
        .with("resourceId", "graph")
        .with("consentType", "Principal")
        .with("principalId", "u-1");
    attributes.set("scope", scope.split(' ').map(Into::into).collect());
    let grant = put(rig, ObjectClass::ConsentGrant, "g-1", attributes).await;
    (application, grant)
}

async fn open(url: &str) -> Rig {
    let rig = rig::open(url).await;
    rig.targets.put("entra", tenant());
    rig.save(TENANT).await.unwrap();
    rig
}

async fn look(rig: &Rig) -> Vec<Consent> {
    rig.identity.look_at_tenant("entra", rig.targets.as_ref()).await.unwrap()
}

async fn risky(rig: &Rig) -> Vec<Finding> {
    rig.identity.findings(Some(FindingKind::RiskyConsent), Some(FindingState::Open)).await.unwrap()
}

pub async fn a_consent_is_scored_accepted_and_scored_anew_when_the_application_changes(url: String) {
    let mut rig = open(&url).await;
    let (application, grant) = helper(&rig, "Mail.ReadWrite offline_access").await;
    // The promise of the deadline engine comes due by itself.
    rig.pass_until(rig.identity.now().plus_micros(120_000_000)).await;
    let found = rig.identity.consents(None).await.unwrap();
    assert_eq!(found.len(), 1);
    let one = &found[0];
    assert_eq!((one.kind, one.people, one.state), (ConsentKind::People, 1, ConsentState::Active));
    assert!(one.score >= 60, "{one:?}");
    assert_eq!(risky(&rig).await.len(), 1);
    let accepted = rig.identity.accept_consent(&one.id, "the mail team runs it", &officer()).await.unwrap();
    assert_eq!((accepted.state, risky(&rig).await.len()), (ConsentState::Accepted, 0));

    look(&rig).await;
    assert_eq!(rig.identity.consents(None).await.unwrap()[0], accepted, "nothing changed: nothing is written");

    let target = rig.targets.get("entra");
    target.native_edit(&grant, "somebody", Timestamp(1), |object| {
        object.attributes.push("scope", "Files.ReadWrite.All".into());
    });
    target.native_edit(&application, "somebody", Timestamp(1), |object| {
        object.attributes.push("replyUrls", "https://elsewhere.example/".into());
    });
    let after = look(&rig).await.remove(0);
    assert_eq!(after.state, ConsentState::Active, "what was accepted was something else");
    assert!(after.score > accepted.score);
    let told = after.sheet.changes.join("; ");
    assert!(told.contains("Files.ReadWrite.All") && told.contains("elsewhere.example"), "{told}");
    assert_eq!(risky(&rig).await.len(), 1);

    target.native_delete(&grant);
    let gone = look(&rig).await.remove(0);
    assert_eq!((gone.state, risky(&rig).await.len()), (ConsentState::Gone, 0));
    let late = rig.identity.accept_consent(&gone.id, "too late", &officer()).await;
    assert!(matches!(late, Err(Error::Refused(_))));
}

pub async fn what_is_taken_away_is_gone_at_the_tenant_or_stays_active(url: String) {
    let rig = open(&url).await;
    let (_, grant) = helper(&rig, "Mail.Read").await;
    let one = look(&rig).await.remove(0);
    let restrict =
        async || rig.identity.restrict_consent(&one.id, "nobody knows it", rig.targets.as_ref(), &officer()).await;
    let target = rig.targets.get("entra");
    target.next(Fault::Fail(ConnectorError::transient("the tenant is away")));
    let refused = restrict().await.unwrap_err().to_string();
    assert!(refused.contains("the tenant is away"), "{refused}");
    assert_eq!(rig.identity.consents(None).await.unwrap()[0].state, ConsentState::Active);
    target.mend();
    assert_eq!(restrict().await.unwrap().state, ConsentState::Restricted);
    let key = ObjectKey::id(ObjectClass::ConsentGrant, grant.as_str());
    assert!(target.read(&key).await.unwrap().is_none(), "it was really taken away");
    assert!(risky(&rig).await.is_empty());

    // Somebody consents again.
    put(
        &rig,
        ObjectClass::ConsentGrant,
        "g-2",
        Attributes::new()
            .with("clientId", one.application.as_str())
            .with("resourceId", "graph")
            .with("scope", "Mail.Read"),
    )
    .await;
    let back = look(&rig).await.remove(0);
    assert_eq!(back.state, ConsentState::Active);
    assert!(back.sheet.changes.iter().any(|line| line.contains("back after it was restricted")), "{back:?}");

    target.next(Fault::Fail(ConnectorError::transient("away")));
    let unread = rig.identity.look_at_tenant("entra", rig.targets.as_ref()).await;
    assert!(matches!(unread, Err(Error::Refused(_))));
    let tenant = rig.identity.tenants().await.unwrap().remove(0);
    assert!(tenant.problem.unwrap().contains("away") && tenant.at.is_some(), "what was known stays");
}

pub async fn the_house_takes_away_what_people_gave_too_freely(url: String) {
    let rig = open(&url).await;
    let body = json!({ "finding_at": 50, "restrict_at": 60, "trusted_publishers": ["Good Works"] });
    let draft = Draft { kind: DocumentKind::ConsentPolicy, key: "house".to_owned(), body: Some(body) };
    rig.identity.save_duty(&draft, None, "the rule", &officer()).await.unwrap();
    helper(&rig, "Mail.ReadWrite").await;
    let one = look(&rig).await.remove(0);
    assert_eq!((one.state, one.sheet.decided_by.as_deref()), (ConsentState::Restricted, Some("system:identity")));
    for (key, body) in [("other", json!({})), ("house", json!({ "restrict_at": 0 }))] {
        let draft = Draft { kind: DocumentKind::ConsentPolicy, key: key.to_owned(), body: Some(body) };
        assert!(rig.identity.save_duty(&draft, None, "wrong", &officer()).await.is_err());
    }
}

pub async fn policies_of_the_tenant_are_kept_with_their_changes(url: String) {
    let rig = open(&url).await;
    let policy = |state: &str| json!({ "id": "p", "displayName": "MFA", "state": state }).to_string();
    let attributes = Attributes::new().with("policy", policy("enabled").as_str());
    let id = put(&rig, ObjectClass::ConditionalAccessPolicy, "MFA", attributes).await;
    look(&rig).await;
    let first = rig.identity.tenant_policies(Some("entra")).await.unwrap().remove(0);
    assert_eq!((first.title.as_str(), first.state.as_str()), ("MFA", "enabled"));
    rig.clock.advance_s(60);
    rig.targets.get("entra").native_edit(&id, "somebody", Timestamp(1), |object| {
        object.attributes.set("policy", vec![policy("disabled").as_str().into()]);
    });
    look(&rig).await;
    let second = rig.identity.tenant_policies(None).await.unwrap().remove(0);
    assert_eq!(second.state, "disabled");
    assert!(second.changed > first.changed);
    look(&rig).await;
    assert_eq!(rig.identity.tenant_policies(None).await.unwrap()[0], second, "nothing changed: nothing is written");
    rig.targets.get("entra").native_delete(&id);
    look(&rig).await;
    assert!(rig.identity.tenant_policies(None).await.unwrap()[0].gone.is_some());
}
