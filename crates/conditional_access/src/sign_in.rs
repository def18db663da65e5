//! A sign-in as policies see it.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// Who signs in.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Subject {
    /// The id of the account at the directory; its name where there is none.
    pub id: String,
    /// The name with which they sign in, in lower case.
    pub name: String,
    /// Groups by their id at the directory and as `system/name`.
    #[serde(default)]
    pub groups: BTreeSet<String>,
    /// Roles of the directory by the id of their definition.
    #[serde(default)]
    pub roles: BTreeSet<String>,
    /// 0: ordinary, 1: holds what is of high risk, 2: holds what is privileged.
    #[serde(default)]
    pub sensitivity: u8,
    #[serde(default)]
    pub guest: bool,
    /// An account of the last resort.
    #[serde(default)]
    pub break_glass: bool,
}

/// What they sign in to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Application {
    /// The application id, which is the same in every tenant; its name where there is none.
    pub id: String,
    pub name: String,
}

kernel::words! {
    /// How well somebody proved who they are.
    Strength {
        Nothing = "nothing",
        Password = "password",
        SecondFactor = "second-factor",
        /// A factor that cannot be phished: FIDO2, Windows Hello, a certificate.
        PhishingResistant = "phishing-resistant",
    }
}

impl Strength {
    /// As policies count it.
    pub const fn level(self) -> i64 {
        match self {
            Strength::Nothing => 0,
            Strength::Password => 1,
            Strength::SecondFactor => 2,
            Strength::PhishingResistant => 3,
        }
    }
}

kernel::words! {
    /// What speaks for the user, in the words of Entra's `clientAppTypes`.
    Client {
        Browser = "browser",
        Modern = "mobileAppsAndDesktopClients",
        ActiveSync = "exchangeActiveSync",
        /// Protocols that know no second factor: IMAP, POP, SMTP, RPC over HTTP, …
        Other = "other",
    }
}

impl Client {
    /// Of what sign-in logs call the client (`ClientAppUsed`). What is not known is old.
    pub fn of_log(text: &str) -> Client {
        let text = text.trim();
        if text.eq_ignore_ascii_case("browser") {
            return Client::Browser;
        }
        if text.is_empty() || text.eq_ignore_ascii_case("mobile apps and desktop clients") {
            return Client::Modern;
        }
        if text.to_ascii_lowercase().contains("activesync") {
            return Client::ActiveSync;
        }
        Client::Other
    }

    /// Whether it can be asked for a second factor.
    pub const fn is_legacy(self) -> bool {
        matches!(self, Client::ActiveSync | Client::Other)
    }
}

/// The device, as the directory knows it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub struct Device {
    pub managed: bool,
    pub compliant: bool,
    /// In the words of Entra's `platforms`: `windows`, `macOS`, `iOS`, `android`, `linux`; empty: not known.
    pub platform: String,
}

impl Device {
    /// The platform of an operating system as sign-in logs call it (`Windows 11`, `MacOs`, `Ios 17.1`).
    pub fn platform_of(system: &str) -> &'static str {
        const KNOWN: [(&str, &str); 7] = [
            ("windows phone", "windowsPhone"),
            ("windows", "windows"),
            ("mac", "macOS"),
            ("ios", "iOS"),
            ("ipad", "iOS"),
            ("android", "android"),
            ("linux", "linux"),
        ];
        let system = system.trim().to_ascii_lowercase();
        KNOWN.iter().find(|(start, _)| system.starts_with(start)).map_or("", |(_, word)| word)
    }
}

/// From where.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub struct Place {
    pub trusted: bool,
    /// Named networks that the address lies in.
    #[serde(default)]
    pub networks: BTreeSet<String>,
    /// Two letters; `None`: not known.
    pub country: Option<String>,
    pub address: Option<String>,
}

/// One sign-in with its circumstances.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SignIn {
    pub subject: Subject,
    pub application: Application,
    /// 0–3; `None`: the directory does not tell.
    pub sign_in_risk: Option<u8>,
    pub user_risk: Option<u8>,
    pub strength: Strength,
    pub client: Client,
    /// As the directory says it: `none`, `deviceCode`, `ropc`.
    pub protocol: String,
    pub device: Device,
    pub place: Place,
}

impl SignIn {
    /// Somebody at an application with a password, in a browser on a device that nobody knows, from nowhere in particular.
    pub fn plain(subject: Subject, application: Application) -> SignIn {
        SignIn {
            subject,
            application,
            sign_in_risk: Some(0),
            user_risk: Some(0),
            strength: Strength::Password,
            client: Client::Browser,
            protocol: "none".to_owned(),
            device: Device::default(),
            place: Place::default(),
        }
    }

    /// The level of a risk as sign-in logs write it; `hidden` and nothing are not known.
    pub fn risk_of_log(text: &str) -> Option<u8> {
        match text.trim().to_ascii_lowercase().as_str() {
            "none" => Some(0),
            "low" => Some(1),
            "medium" => Some(2),
            "high" => Some(3),
            _ => None,
        }
    }
}
