//! Conditional access from outside.
#![expect(clippy::unwrap_used, reason = "a check that cannot go on fails")]

mod entra;
mod judging;
mod recorded;

use std::collections::BTreeSet;

use conditional_access::{Application, Policies, PolicyState, PolicyText, Subject};

/// Policies as an office might have them: key and text.
pub const OFFICE: [(&str, &str); 8] = [
    (
        "second-factor",
        r#"forbid(principal, action == Action::"sign-in", resource)
           unless { context.authentication_strength >= 2 }
           unless { principal.break_glass };"#,
    ),
    (
        "no-old-protocols",
        r#"forbid(principal, action == Action::"sign-in", resource)
           when { ["exchangeActiveSync", "other"].contains(context.client) }
           unless { principal.break_glass };"#,
    ),
    (
        "admins-cannot-be-phished",
        r#"forbid(principal in Role::"role-admin", action == Action::"sign-in", resource)
           when { context.authentication_strength < 3 }
           unless { principal.break_glass };"#,
    ),
    (
        "risky",
        r#"forbid(principal, action == Action::"sign-in", resource)
           when { context has sign_in_risk && context.sign_in_risk >= 3 }
           unless { principal.break_glass };"#,
    ),
    (
        "finance-from-good-devices",
        r#"forbid(principal in Group::"group-finance", action == Action::"sign-in", resource == Application::"app-erp")
           unless { context.device.compliant || context.device.managed }
           unless { principal.break_glass };"#,
    ),
    (
        "phones-from-outside",
        r#"forbid(principal, action == Action::"sign-in", resource)
           when { context.device.platform == "iOS" || context.device.platform == "android" }
           when { !context.location.trusted }
           unless { context.authentication_strength >= 2 && context.device.compliant }
           unless { principal.break_glass };"#,
    ),
    (
        "guests",
        r#"forbid(principal, action == Action::"sign-in", resource)
           when { principal.guest && !(principal in Group::"group-partners") }
           unless { principal.break_glass };"#,
    ),
    (
        "device-code",
        r#"forbid(principal, action == Action::"sign-in", resource)
           when { context.protocol == "deviceCode" }
           unless { principal == User::"id-kiosk" || principal.break_glass };"#,
    ),
];

pub fn text(key: &str, cedar: &str) -> PolicyText {
    PolicyText { key: key.to_owned(), title: format!("Policy {key}"), state: PolicyState::On, cedar: cedar.to_owned() }
}

pub fn office() -> Vec<PolicyText> {
    OFFICE.iter().map(|(key, cedar)| text(key, cedar)).collect()
}

pub fn compiled(texts: &[PolicyText]) -> Policies {
    Policies::compile(texts).unwrap()
}

pub fn subject(name: &str) -> Subject {
    let set = |all: &[&str]| all.iter().map(|one| (*one).to_owned()).collect::<BTreeSet<_>>();
    let (groups, roles, sensitivity) = match name {
        "finance" => (set(&["group-finance", "entra/Finance"]), set(&[]), 1),
        "admin" => (set(&[]), set(&["role-admin"]), 2),
        "partner" => (set(&["group-partners"]), set(&[]), 0),
        "glass" => (set(&["group-finance"]), set(&["role-admin"]), 2),
        _ => (set(&[]), set(&[]), 0),
    };
    Subject {
        id: format!("id-{name}"),
        name: format!("{name}@relief.example"),
        groups,
        roles,
        sensitivity,
        guest: ["guest", "partner"].contains(&name),
        break_glass: name == "glass",
    }
}

pub fn application(name: &str) -> Application {
    Application { id: format!("app-{name}"), name: name.to_owned() }
}
