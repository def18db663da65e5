//! The small functions that mappings may apply to a value: `Image | file_name`.

use std::borrow::Cow;

/// One step of a mapping's expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    /// The part after the last `\` or `/`.
    FileName,
    /// `CONTOSO` of `CONTOSO\ana`.
    Domain,
    /// `ana` of `CONTOSO\ana`.
    Account,
    /// The digest of one algorithm in `SHA1=…,MD5=…`.
    Hash(String),
    Lower,
    /// A registry path without its value name, hive written out.
    RegistryKey,
    /// A registry path, hive written out.
    RegistryPath,
    /// The last part of a registry path.
    RegistryValue,
    /// Looked up in a map of the same file; absent when the map does not know it.
    Map(usize),
    /// Braces of a guid removed, lower case.
    Guid,
    /// `FourToSixMapping` and the like.
    IpType,
}

impl Step {
    /// `name(argument)`; `maps` names the maps of the file.
    pub(crate) fn parse(text: &str, maps: &[String]) -> Option<Step> {
        let (name, argument) = match text.split_once('(') {
            Some((name, rest)) => (name.trim(), rest.strip_suffix(')')?.trim()),
            None => (text.trim(), ""),
        };
        Some(match name {
            "file_name" => Step::FileName,
            "domain" => Step::Domain,
            "account" => Step::Account,
            "hash" => Step::Hash(format!("{argument}=")),
            "lower" => Step::Lower,
            "registry_key" => Step::RegistryKey,
            "registry_path" => Step::RegistryPath,
            "registry_value" => Step::RegistryValue,
            "guid" => Step::Guid,
            "ip_type" => Step::IpType,
            "map" => Step::Map(maps.iter().position(|map| map == argument)?),
            _ => return None,
        })
    }

    /// Applies the step; `None` when nothing is left.
    pub(crate) fn apply<'a>(&self, text: &'a str, maps: &'a [Vec<(String, String)>]) -> Option<Cow<'a, str>> {
        let found: Cow<'a, str> = match self {
            Step::FileName => text.rsplit(['\\', '/']).next()?.into(),
            Step::Domain => text.split_once('\\')?.0.into(),
            Step::Account => text.split_once('\\').map_or(text, |(_, account)| account).into(),
            Step::Hash(algorithm) => {
                let digest = text.split(',').find_map(|part| part.trim().strip_prefix(algorithm.as_str()))?;
                digest.to_ascii_lowercase().into()
            }
            Step::Lower => text.to_lowercase().into(),
            Step::RegistryKey => hive(text.rsplit_once('\\').map_or(text, |(key, _)| key)),
            Step::RegistryPath => hive(text),
            Step::RegistryValue => text.rsplit_once('\\')?.1.into(),
            Step::Guid => text.trim_matches(['{', '}']).to_ascii_lowercase().into(),
            Step::Map(map) => maps[*map].iter().find(|(from, _)| from == text)?.1.as_str().into(),
            Step::IpType => ip_type(text)?.into(),
        };
        (!found.is_empty()).then_some(found)
    }
}

/// Writes the hive out, as Defender does.
fn hive(path: &str) -> Cow<'_, str> {
    const HIVES: [(&str, &str); 8] = [
        ("HKLM\\", "HKEY_LOCAL_MACHINE\\"),
        ("HKU\\", "HKEY_USERS\\"),
        ("HKCR\\", "HKEY_CLASSES_ROOT\\"),
        ("HKCU\\", "HKEY_CURRENT_USER\\"),
        ("\\REGISTRY\\MACHINE\\", "HKEY_LOCAL_MACHINE\\"),
        ("\\REGISTRY\\USER\\", "HKEY_USERS\\"),
        ("\\Registry\\Machine\\", "HKEY_LOCAL_MACHINE\\"),
        ("\\Registry\\User\\", "HKEY_USERS\\"),
    ];
    for (short, long) in HIVES {
        if let Some(rest) = path.strip_prefix(short) {
            return format!("{long}{rest}").into();
        }
    }
    path.into()
}

fn ip_type(text: &str) -> Option<&'static str> {
    use std::net::IpAddr;
    Some(match text.parse().ok()? {
        IpAddr::V4(ip) if ip.is_loopback() => "Loopback",
        IpAddr::V4(ip) if ip.is_private() => "Private",
        IpAddr::V4(ip) if ip.is_link_local() => "LinkLocal",
        IpAddr::V4(ip) if ip.is_multicast() => "Multicast",
        IpAddr::V4(ip) if ip.is_broadcast() => "Broadcast",
        IpAddr::V4(_) => "Public",
        IpAddr::V6(ip) if ip.is_loopback() => "Loopback",
        IpAddr::V6(ip) if ip.to_ipv4_mapped().is_some() => "FourToSixMapping",
        IpAddr::V6(ip) if ip.is_multicast() => "Multicast",
        IpAddr::V6(ip) if ip.is_unicast_link_local() => "LinkLocal",
        IpAddr::V6(ip) if ip.is_unique_local() => "Private",
        IpAddr::V6(_) => "Public",
    })
}
