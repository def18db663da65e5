//! Cloud records as a connector posts them: one JSON object a row, columns as Microsoft documents the tables.

use kernel::Timestamp;
use serde_json::{Value, json};

use super::organisation::Person;
use super::{Channel, Dice, Record, Step};

/// From where somebody signs in.
pub(super) struct Place<'a> {
    pub(super) address: &'a str,
    pub(super) country: &'a str,
    pub(super) city: &'a str,
    pub(super) managed_device: bool,
    pub(super) user_agent: &'a str,
}

fn record(at: Timestamp, table: &'static str, step: Option<Step>, body: &Value) -> Record {
    Record { at, channel: Channel::Cloud(table), body: body.to_string(), step }
}

/// Entra sign-in log. `result` is Entra's code as text, `0` for success.
pub(super) fn sign_in(
    dice: &mut Dice,
    at: Timestamp,
    who: &Person,
    place: &Place<'_>,
    result: &str,
    step: Option<Step>,
) -> Record {
    let device = if place.managed_device {
        json!({"deviceId": dice.guid(), "displayName": who.workstation, "isManaged": true, "isCompliant": true,
               "operatingSystem": "Windows 11", "trustType": "Hybrid Azure AD joined"})
    } else {
        json!({"deviceId": "", "displayName": "", "isManaged": false, "isCompliant": false, "operatingSystem": "Linux"})
    };
    let body = json!({
        "TimeGenerated": at.to_string(), "CreatedDateTime": at.to_string(), "OperationName": "Sign-in activity",
        "Category": "SignInLogs", "ResultType": result, "Identity": format!("{} {}", who.given, who.family),
        "UserPrincipalName": who.upn(), "UserDisplayName": format!("{} {}", who.given, who.family),
        "AppDisplayName": "Office 365 Exchange Online", "ClientAppUsed": "Browser", "IPAddress": place.address,
        "UserAgent": place.user_agent, "Location": place.country,
        "LocationDetails": {"city": place.city, "countryOrRegion": place.country},
        "DeviceDetail": device, "ConditionalAccessStatus": "success", "IsInteractive": true,
        "AuthenticationRequirement": "multiFactorAuthentication",
        "AuthenticationDetails": [{"authenticationMethod": if place.managed_device { "Windows Hello for Business" } else { "Previously satisfied" },
                                   "succeeded": result == "0"}],
        "RiskLevelDuringSignIn": "none", "CorrelationId": dice.guid(), "UniqueTokenIdentifier": dice.hex(22),
    });
    record(at, "SigninLogs", step, &body)
}

/// A mail that was delivered.
pub(super) struct Mail<'a> {
    pub(super) from: &'a str,
    pub(super) from_domain: &'a str,
    pub(super) subject: &'a str,
    pub(super) url_count: u32,
}

/// Defender for Office: a mail event. Returns the message id with the record.
pub(super) fn mail(
    dice: &mut Dice,
    at: Timestamp,
    to: &Person,
    mail: &Mail<'_>,
    step: Option<Step>,
) -> (String, Record) {
    let message = dice.guid();
    let body = json!({
        "TimeGenerated": at.to_string(), "NetworkMessageId": message, "EmailDirection": "Inbound",
        "SenderFromAddress": format!("{}@{}", mail.from, mail.from_domain), "SenderFromDomain": mail.from_domain,
        "SenderMailFromAddress": format!("bounce@{}", mail.from_domain), "SenderIPv4": format!("203.0.113.{}", dice.between(2, 250)),
        "RecipientEmailAddress": to.upn(), "Subject": mail.subject, "DeliveryAction": "Delivered",
        "DeliveryLocation": "Inbox/folder", "UrlCount": mail.url_count, "AttachmentCount": 0,
        "AuthenticationDetails": "{\"SPF\":\"pass\",\"DKIM\":\"none\",\"DMARC\":\"none\"}",
    });
    (message, record(at, "EmailEvents", step, &body))
}

/// Defender for Office: a link in a mail was clicked.
pub(super) fn click(at: Timestamp, who: &Person, message: &str, url: &str, step: Option<Step>) -> Record {
    let body = json!({
        "TimeGenerated": at.to_string(), "Url": url, "ActionType": "ClickAllowed", "AccountUpn": who.upn(),
        "Workload": "Email", "NetworkMessageId": message, "IPAddress": who.address, "IsClickedThrough": true,
    });
    record(at, "UrlClickEvents", step, &body)
}

/// Exchange audit: something was done to a mailbox.
pub(super) fn mailbox(
    at: Timestamp,
    who: &Person,
    operation: &str,
    address: &str,
    parameters: &Value,
    step: Option<Step>,
) -> Record {
    let body = json!({
        "TimeGenerated": at.to_string(), "Operation": operation, "UserId": who.upn(), "OfficeWorkload": "Exchange",
        "RecordType": "ExchangeAdmin", "ClientIP": address, "ResultStatus": "True", "UserType": "Regular",
        "Parameters": parameters.to_string(), "OfficeObjectId": who.upn(),
    });
    record(at, "OfficeActivity", step, &body)
}
