//! How dangerous a consent is. Pure: what is known of application and grant goes in, a score with its reasons comes out.
//!
//! The classes of permissions are ours, drawn from the permissions reference of Microsoft Graph: what a permission lets an
//! application do on the worst day counts, not how often it is asked for.

use serde::{Deserialize, Serialize};

use super::record::{ConsentKind, ConsentSheet};
use crate::system::Risk;

/// Points for something that speaks for or against a consent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Feature {
    /// `permission`, `publisher`, `reach`, `offline`, `new-address`.
    pub feature: String,
    pub points: i64,
    pub words: String,
}

/// A score with its reasons.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Score {
    /// 0–100.
    pub points: i64,
    pub risk: Risk,
    pub features: Vec<Feature>,
}

/// What is known beside the grant.
#[derive(Debug, Clone, Default)]
pub struct Known<'a> {
    /// The id of the tenant: applications of the house itself have it as their home.
    pub tenant: Option<&'a str>,
    /// Names or ids of publishers that the house trusts.
    pub publishers: &'a [String],
    /// Ids of applications that the house trusts.
    pub applications: &'a [String],
}

/// Tenants of Microsoft, home of its own applications.
const MICROSOFT: [&str; 2] = ["f8cdef31-a31e-4b4a-93e4-5f571e91255a", "72f988bf-86f1-41af-91ab-2d7cd011db47"];

/// With these an application can give itself everything else.
const CRITICAL: [&str; 14] = [
    "rolemanagement.readwrite.",
    "approleassignment.readwrite.all",
    "application.readwrite.",
    "directory.readwrite.all",
    "directory.accessasuser.all",
    "privilegedaccess.readwrite.",
    "privilegedassignmentschedule.readwrite.",
    "privilegedeligibilityschedule.readwrite.",
    "policy.readwrite.",
    "userauthenticationmethod.readwrite.",
    "domain.readwrite.all",
    "full_access_as_app",
    "group.readwrite.all",
    "user.readwrite.all",
];

/// Signing in, and one's own name.
const LOW: [&str; 7] =
    ["openid", "profile", "email", "offline_access", "user.read", "user.readbasic.all", "people.read"];

/// What is sensitive by its subject, also when only read.
const HIGH: [&str; 15] = [
    "mail.",
    "mailboxsettings.readwrite",
    "files.",
    "sites.",
    "notes.",
    "chat.",
    "chatmessage.",
    "channelmessage.",
    "ews.accessasuser.all",
    "imap.accessasuser.all",
    "pop.accessasuser.all",
    "smtp.send",
    "auditlog.",
    "bitlockerkey.",
    "user_impersonation",
];

/// The class of one permission, and for all of a class as of one's own.
pub fn class_of(permission: &str, kind: ConsentKind) -> Risk {
    let name = permission.to_ascii_lowercase();
    if CRITICAL.iter().any(|start| name.starts_with(start)) {
        return Risk::Critical;
    }
    if LOW.contains(&name.as_str()) {
        return Risk::Low;
    }
    let is_everybodys = name.ends_with(".all") || kind == ConsentKind::Application;
    let writes =
        name.contains("write") || name.contains("send") || name.contains("manage") || name.contains("accessas");
    let is_sensitive = HIGH.iter().any(|start| name.starts_with(start));
    match (is_sensitive, is_everybodys, writes) {
        (true, true, true) => Risk::Critical,
        (true, ..) | (_, true, true) => Risk::High,
        _ => Risk::Medium,
    }
}

/// Scores a consent.
pub fn score(sheet: &ConsentSheet, kind: ConsentKind, people: i64, known: &Known<'_>) -> Score {
    let mut features = Vec::new();
    let mut add = |feature: &str, points: i64, words: String| {
        features.push(Feature { feature: feature.to_owned(), points, words });
    };
    let classed = sheet.permissions.iter().map(|name| (class_of(name, kind), name));
    if let Some((class, _)) = classed.clone().max_by_key(|(class, _)| *class) {
        let worst: Vec<&str> = classed.filter(|(of, _)| *of == class).map(|(_, name)| name.as_str()).take(5).collect();
        let points = match class {
            Risk::Low => 5,
            Risk::Medium => 25,
            Risk::High => 45,
            Risk::Critical => 65,
        };
        add("permission", points, format!("{class}: {}", worst.join(", ")));
    }
    let (points, words) = publisher(sheet, known);
    add("publisher", points, words);
    match (kind, people) {
        (ConsentKind::Application, _) => add("reach", 15, "for itself, without anybody signed in".to_owned()),
        (ConsentKind::Everybody, _) => add("reach", 10, "on behalf of everybody, by an administrator".to_owned()),
        (ConsentKind::People, 10..) => add("reach", 5, format!("{people} people consented")),
        (ConsentKind::People, _) => add("reach", 0, format!("people who consented: {people}")),
    }
    let keeps = sheet.permissions.iter().any(|name| name.eq_ignore_ascii_case("offline_access"));
    if keeps && sheet.permissions.iter().any(|name| class_of(name, kind) >= Risk::High) {
        add("offline", 5, "works on when nobody is signed in (offline_access)".to_owned());
    }
    if sheet.enabled == Some(false) {
        add("disabled", -20, "the application is disabled at the tenant".to_owned());
    }
    if known.applications.contains(&sheet.application_id) {
        add("trusted", -60, "the house trusts this application (consent-policy)".to_owned());
    }
    let points = features.iter().map(|one| one.points).sum::<i64>().clamp(0, 100);
    let risk = match points {
        80.. => Risk::Critical,
        60.. => Risk::High,
        35.. => Risk::Medium,
        _ => Risk::Low,
    };
    Score { points, risk, features }
}

fn publisher(sheet: &ConsentSheet, known: &Known<'_>) -> (i64, String) {
    let home = sheet.home_tenant.as_deref();
    if home.is_some() && home == known.tenant {
        return (0, "an application of the house".to_owned());
    }
    if home.is_some_and(|home| MICROSOFT.contains(&home)) {
        return (-20, "an application of Microsoft".to_owned());
    }
    let name = sheet.publisher.as_deref().unwrap_or("nobody who is named");
    let is_trusted = |one: &String| {
        sheet.publisher.as_ref().is_some_and(|name| name.eq_ignore_ascii_case(one)) || home == Some(one.as_str())
    };
    if known.publishers.iter().any(is_trusted) {
        return (-10, format!("{name} is trusted by the house (consent-policy)"));
    }
    if sheet.verified {
        return (0, format!("{name}, verified"));
    }
    (20, format!("{name}, not verified"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Kind, permissions, publisher verified, people; what class it is in.
    #[test]
    fn what_is_asked_for_by_whom_and_for_how_many() {
        use ConsentKind::{Application, Everybody, People};
        let cases: [(ConsentKind, &[&str], bool, i64, Risk); 9] = [
            (People, &["User.Read", "openid"], true, 1, Risk::Low),
            (People, &["User.Read", "openid"], false, 1, Risk::Low),
            (People, &["Calendars.Read"], false, 1, Risk::Medium),
            (People, &["Mail.Read"], true, 1, Risk::Medium),
            (People, &["Mail.Read"], false, 1, Risk::High),
            (People, &["Mail.ReadWrite", "offline_access"], false, 40, Risk::High),
            (Everybody, &["Files.ReadWrite.All"], false, 0, Risk::Critical),
            (Application, &["Mail.ReadWrite"], true, 0, Risk::Critical),
            (Application, &["RoleManagement.ReadWrite.Directory"], true, 0, Risk::Critical),
        ];
        for (kind, permissions, verified, people, wanted) in cases {
            let sheet = ConsentSheet {
                permissions: permissions.iter().map(|one| (*one).to_owned()).collect(),
                publisher: Some("Acme".to_owned()),
                verified,
                ..ConsentSheet::default()
            };
            let found = score(&sheet, kind, people, &Known::default());
            assert_eq!(found.risk, wanted, "{kind} {permissions:?}: {found:?}");
            assert_eq!(found.points, found.features.iter().map(|one| one.points).sum::<i64>().clamp(0, 100));
        }
    }

    #[test]
    fn who_is_trusted_weighs_less() {
        let sheet = ConsentSheet {
            permissions: ["Mail.Read".to_owned()].into(),
            publisher: Some("Acme".to_owned()),
            application_id: "app-1".to_owned(),
            home_tenant: Some("t-9".to_owned()),
            ..ConsentSheet::default()
        };
        let points = |known: &Known<'_>| score(&sheet, ConsentKind::People, 1, known).points;
        let stranger = points(&Known::default());
        let publishers = ["acme".to_owned()];
        let applications = ["app-1".to_owned()];
        assert!(points(&Known { publishers: &publishers, ..Known::default() }) < stranger);
        assert!(points(&Known { applications: &applications, ..Known::default() }) < stranger);
        assert!(points(&Known { tenant: Some("t-9"), ..Known::default() }) < stranger);
    }
}
