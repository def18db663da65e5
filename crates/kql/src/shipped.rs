//! Functions that come with Vigie: parsers that give the events of every source in the columns of the Advanced Security
//! Information Model, by the names that published queries call them by.
//!
//! They are data (`content/parsers/*.kql`), called like stored functions; a stored function of the same name takes the
//! place of one.

use std::sync::LazyLock;

use kernel::library::StoredFunction;

use crate::definition::parse_definitions;

const SOURCES: [&str; 11] = [
    include_str!("../../../content/parsers/alert.kql"),
    include_str!("../../../content/parsers/audit.kql"),
    include_str!("../../../content/parsers/authentication.kql"),
    include_str!("../../../content/parsers/dhcp.kql"),
    include_str!("../../../content/parsers/dns.kql"),
    include_str!("../../../content/parsers/file.kql"),
    include_str!("../../../content/parsers/network.kql"),
    include_str!("../../../content/parsers/process.kql"),
    include_str!("../../../content/parsers/registry.kql"),
    include_str!("../../../content/parsers/user_management.kql"),
    include_str!("../../../content/parsers/web.kql"),
];

/// Other names of a parser. The parsers without parameters that some queries name are the same with none given.
const SPELLINGS: &[(&str, &[&str])] = &[
    ("_Im_AlertEvent", &["imAlertEvent", "_ASim_AlertEvent", "ASimAlertEvent"]),
    ("_Im_AuditEvent", &["imAuditEvent", "_ASim_AuditEvent", "ASimAuditEvent"]),
    ("_Im_Authentication", &["imAuthentication", "_ASim_Authentication", "ASimAuthentication"]),
    ("_Im_Dhcp", &["imDhcp", "imDhcpEvent", "_Im_DhcpEvent", "_ASim_DhcpEvent", "ASimDhcpEvent"]),
    ("_Im_Dns", &["imDns", "_ASim_Dns", "ASimDns"]),
    ("_Im_FileEvent", &["imFileEvent", "imFile", "_ASim_FileEvent", "ASimFileEvent"]),
    ("_Im_NetworkSession", &["imNetworkSession", "_ASim_NetworkSession", "ASimNetworkSession"]),
    (
        "_Im_ProcessEvent",
        &["imProcessEvent", "imProcess", "_ASim_ProcessEvent", "ASimProcessEvent", "_ASim_Process", "ASimProcess"],
    ),
    ("_Im_ProcessCreate", &["imProcessCreate", "_ASim_ProcessEvent_Create", "ASimProcessEventCreate"]),
    ("_Im_ProcessTerminate", &["imProcessTerminate", "_ASim_ProcessEvent_Terminate", "ASimProcessEventTerminate"]),
    (
        "_Im_RegistryEvent",
        &["imRegistryEvent", "imRegistry", "_Im_Registry", "_ASim_RegistryEvent", "ASimRegistryEvent", "ASimRegistry"],
    ),
    ("_Im_UserManagement", &["imUserManagement", "_ASim_UserManagement", "ASimUserManagement"]),
    ("_Im_WebSession", &["imWebSession", "_ASim_WebSession", "ASimWebSession"]),
];

/// All of them, other spellings included.
pub fn functions() -> &'static [StoredFunction] {
    &FUNCTIONS
}

static FUNCTIONS: LazyLock<Vec<StoredFunction>> = LazyLock::new(|| {
    // The texts are ours; a test reads every one.
    let written = SOURCES.iter().flat_map(|source| parse_definitions(source).unwrap_or_default());
    let mut all = Vec::new();
    for definition in written {
        let function = definition.function;
        let spellings = SPELLINGS.iter().filter(|(name, _)| *name == function.name).flat_map(|(_, others)| *others);
        for spelling in spellings {
            let description = format!("{} The same as `{}`.", function.description, function.name);
            all.push(StoredFunction { name: (*spelling).to_owned(), description, ..function.clone() });
        }
        all.push(function);
    }
    all
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_reads_and_every_name_is_there_once() {
        let written: usize = SOURCES.iter().map(|source| parse_definitions(source).expect("it reads").len()).sum();
        let spelt: usize = SPELLINGS.iter().map(|(_, others)| others.len()).sum();
        let mut names: Vec<&str> = functions().iter().map(|function| function.name.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), written + spelt);
        assert_eq!(written, SPELLINGS.len());
    }
}
