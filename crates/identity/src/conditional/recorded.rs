//! Sign-ins as the lake recorded them (`SigninLogs`, in the columns of Microsoft Sentinel), as policies see them.

use conditional_access::{Application, Client, Device, Place, Recorded, SignIn, Strength, Subject};
use kernel::{ColumnSchema, Timestamp, Value};
use serde_json::Value as Json;

use super::Directory;

/// The question for sign-ins that succeeded, those with the same circumstances together. The lake's own risk of a user is
/// known only where it was confirmed.
pub fn sign_ins(days: u32) -> String {
    format!(
        r#"// Sign-ins for policies of conditional access
SigninLogs
| where TimeGenerated > ago({days}d) and ResultType == "0"
| extend Methods = strcat(AuthenticationDetails, " ", AuthenticationMethodsUsed)
| summarize Count = count(), Last = max(TimeGenerated)
    by Name = tolower(UserPrincipalName), UserId, Guest = UserType =~ "guest", AppId, AppDisplayName, ClientAppUsed,
       Protocol = AuthenticationProtocol,
       Country = iff(isnotempty(Location), Location, tostring(LocationDetails.countryOrRegion)),
       SignInRisk = iff(RiskLevelDuringSignIn in ("", "hidden"), RiskLevelAggregated, RiskLevelDuringSignIn),
       Compromised = RiskState == "confirmedCompromised",
       SecondFactor = AuthenticationRequirement == "multiFactorAuthentication",
       Strong = Methods has_any ("FIDO2", "Passkey", "certificate") or Methods has "Windows Hello",
       Managed = tostring(DeviceDetail.isManaged), Compliant = tostring(DeviceDetail.isCompliant),
       Trust = tostring(DeviceDetail.trustType), System = tostring(DeviceDetail.operatingSystem),
       Networks = NetworkLocationDetails
"#
    )
}

/// The answer to [`sign_ins`], with what the desk knows of each user. Rows without a name are left out; how many is said.
pub fn recorded(columns: &[ColumnSchema], rows: &[Vec<Value>], directory: &Directory) -> (Vec<Recorded>, u64) {
    let reading = Reading { columns, directory };
    let mut nameless = 0;
    let mut found = Vec::with_capacity(rows.len());
    for row in rows {
        match reading.row(row) {
            Some(one) => found.push(one),
            None => nameless += 1,
        }
    }
    (found, nameless)
}

struct Reading<'a> {
    columns: &'a [ColumnSchema],
    directory: &'a Directory,
}

impl Reading<'_> {
    fn value<'a>(&self, row: &'a [Value], name: &str) -> Option<&'a Value> {
        self.columns.iter().position(|column| column.name == name).and_then(|at| row.get(at))
    }

    fn text<'a>(&self, row: &'a [Value], name: &str) -> &'a str {
        match self.value(row, name) {
            Some(Value::String(text)) => text,
            _ => "",
        }
    }

    fn flag(&self, row: &[Value], name: &str) -> bool {
        match self.value(row, name) {
            Some(Value::Bool(flag)) => *flag,
            Some(Value::String(text)) => text.eq_ignore_ascii_case("true"),
            _ => false,
        }
    }

    fn row(&self, row: &[Value]) -> Option<Recorded> {
        let name = self.text(row, "Name").to_lowercase();
        if name.is_empty() {
            return None;
        }
        let count = match self.value(row, "Count") {
            Some(Value::Long(count)) => u64::try_from(*count).unwrap_or(0),
            _ => 1,
        };
        let last = match self.value(row, "Last") {
            Some(Value::DateTime(ticks)) => Timestamp::from_ticks(*ticks),
            _ => Timestamp(0),
        };
        let subject = self.subject(row, name);
        let application = self.application(row);
        let second = if self.flag(row, "SecondFactor") { Strength::SecondFactor } else { Strength::Password };
        let strength = if self.flag(row, "Strong") { Strength::PhishingResistant } else { second };
        let protocol = match self.text(row, "Protocol") {
            "" => "none",
            said => said,
        };
        let joined = self.text(row, "Trust").to_ascii_lowercase();
        let sign_in = SignIn {
            subject,
            application,
            sign_in_risk: SignIn::risk_of_log(self.text(row, "SignInRisk")),
            user_risk: self.flag(row, "Compromised").then_some(3),
            strength,
            client: Client::of_log(self.text(row, "ClientAppUsed")),
            protocol: protocol.to_owned(),
            device: Device {
                managed: self.flag(row, "Managed") || joined.contains("hybrid"),
                compliant: self.flag(row, "Compliant"),
                platform: Device::platform_of(self.text(row, "System")).to_owned(),
            },
            place: self.place(row),
        };
        Some(Recorded { sign_in, count, last })
    }

    fn subject(&self, row: &[Value], name: String) -> Subject {
        let id = self.text(row, "UserId");
        let known = self.directory.find(&name);
        let own = if id.is_empty() { known.map_or(name.clone(), |known| known.id.clone()) } else { id.to_owned() };
        let mut subject = known.cloned().unwrap_or_else(|| Subject {
            id: String::new(),
            name: String::new(),
            groups: Default::default(),
            roles: Default::default(),
            sensitivity: 0,
            guest: false,
            break_glass: false,
        });
        subject.id = own;
        subject.guest |= self.flag(row, "Guest");
        subject.name = name;
        subject
    }

    fn application(&self, row: &[Value]) -> Application {
        let (id, name) = (self.text(row, "AppId"), self.text(row, "AppDisplayName"));
        let either = |one: &str, other: &str| if one.is_empty() { other.to_owned() } else { one.to_owned() };
        Application { id: either(id, name), name: either(name, id) }
    }

    /// `[{"networkType":"trustedNamedLocation","networkNames":["HQ"]}]`, as the log has it.
    fn place(&self, row: &[Value]) -> Place {
        let country = self.text(row, "Country").to_uppercase();
        let mut place = Place { country: (country.len() == 2).then_some(country), ..Place::default() };
        let networks = match self.value(row, "Networks") {
            Some(Value::String(text)) => serde_json::from_str(text).unwrap_or(Json::Null),
            _ => Json::Null,
        };
        for network in networks.as_array().into_iter().flatten() {
            place.trusted |=
                network["networkType"].as_str().is_some_and(|kind| kind.to_lowercase().contains("trusted"));
            let names = network["networkNames"].as_array().into_iter().flatten().filter_map(Json::as_str);
            place.networks.extend(names.map(str::to_owned));
        }
        place
    }
}

#[cfg(test)]
mod tests {
    use conditional_access::entra::Names;
    use kernel::ScalarType;

    use super::*;

    /// A row by column; what is not named is empty.
    fn read(cells: &[(&str, Value)], directory: &Directory) -> (Vec<Recorded>, u64) {
        let columns: Vec<ColumnSchema> = cells
            .iter()
            .map(|(name, _)| ColumnSchema { name: (*name).to_owned(), scalar: ScalarType::String })
            .collect();
        recorded(&columns, &[cells.iter().map(|(_, value)| value.clone()).collect()], directory)
    }

    fn text(text: &str) -> Value {
        Value::String(text.to_owned())
    }

    #[test]
    fn a_row_of_the_log_is_a_sign_in_with_what_the_desk_knows() {
        let amina = Subject {
            id: "id-7".to_owned(),
            name: "amina.d".to_owned(),
            groups: ["ad/Finance".to_owned()].into(),
            roles: Default::default(),
            sensitivity: 1,
            guest: false,
            break_glass: false,
        };
        let directory = Directory::of([amina], Names::default());
        let (rows, nameless) = read(
            &[
                ("Name", text("Amina.D@relief.example")),
                ("AppDisplayName", text("Mail")),
                ("ClientAppUsed", text("IMAP4")),
                ("Country", text("ml")),
                ("SignInRisk", text("high")),
                ("SecondFactor", Value::Bool(true)),
                ("Strong", Value::Bool(false)),
                ("Compliant", text("true")),
                ("Managed", text("")),
                ("Trust", text("Hybrid Azure AD joined")),
                ("System", text("Windows 11")),
                ("Networks", text(r#"[{"networkType":"trustedNamedLocation","networkNames":["HQ"]}]"#)),
                ("Count", Value::Long(12)),
            ],
            &directory,
        );
        assert_eq!((rows.len(), nameless), (1, 0));
        let one = &rows[0];
        assert_eq!((one.count, one.sign_in.subject.id.as_str()), (12, "id-7"));
        assert_eq!(one.sign_in.subject.name, "amina.d@relief.example");
        assert!(one.sign_in.subject.groups.contains("ad/Finance"));
        assert_eq!((one.sign_in.client, one.sign_in.strength), (Client::Other, Strength::SecondFactor));
        assert_eq!((one.sign_in.sign_in_risk, one.sign_in.user_risk), (Some(3), None));
        assert!(one.sign_in.device.managed && one.sign_in.device.compliant);
        assert_eq!(one.sign_in.device.platform, "windows");
        assert!(one.sign_in.place.trusted && one.sign_in.place.networks.contains("HQ"));
        assert_eq!(one.sign_in.place.country.as_deref(), Some("ML"));
        assert_eq!(one.sign_in.application.id, "Mail", "an application without an id is known by its name");
        assert_eq!(read(&[("Count", Value::Long(3))], &directory), (vec![], 1), "a row without a name is counted");
    }
}
