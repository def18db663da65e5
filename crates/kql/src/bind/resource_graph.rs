//! `arg("").Resources`: the inventory of Microsoft's cloud, which workbooks and hunting queries read across services.
//!
//! Here it is a table of the lake with the same name, whatever the case of its letters. Where nobody keeps one, its
//! columns are there and empty, so that a published query runs, and the answer says so.

use kernel::diagnostic::Span;
use kernel::schema::ColumnSchema;
use kernel::value::ScalarType;

use super::Binder;
use super::source::empty;
use crate::algebra::{Node, Plan};
use crate::{codes, syntax};

/// The columns that the tables of the inventory share, as their schema reference has them.
const COLUMNS: [(&str, ScalarType); 16] = [
    ("id", ScalarType::String),
    ("name", ScalarType::String),
    ("type", ScalarType::String),
    ("tenantId", ScalarType::String),
    ("kind", ScalarType::String),
    ("location", ScalarType::String),
    ("resourceGroup", ScalarType::String),
    ("subscriptionId", ScalarType::String),
    ("managedBy", ScalarType::String),
    ("sku", ScalarType::Dynamic),
    ("plan", ScalarType::Dynamic),
    ("properties", ScalarType::Dynamic),
    ("tags", ScalarType::Dynamic),
    ("identity", ScalarType::Dynamic),
    ("zones", ScalarType::Dynamic),
    ("extendedLocation", ScalarType::Dynamic),
];

/// The tables of the inventory, in lower case: their names are read so.
const TABLES: [&str; 24] = [
    "advisorresources",
    "alertsmanagementresources",
    "appserviceresources",
    "authorizationresources",
    "chaosresources",
    "computeresources",
    "desktopvirtualizationresources",
    "extendedlocationresources",
    "guestconfigurationresources",
    "healthresources",
    "insightsresources",
    "iotsecurityresources",
    "kubernetesconfigurationresources",
    "maintenanceresources",
    "networkresources",
    "patchassessmentresources",
    "patchinstallationresources",
    "policyresources",
    "recoveryservicesresources",
    "resourcechanges",
    "resourcecontainers",
    "resources",
    "securityresources",
    "servicehealthresources",
];

impl Binder<'_> {
    /// Whether this call opens the inventory: nothing of the asker's own has its name.
    pub(super) fn is_resource_graph(&self, function: &syntax::Name) -> bool {
        function.text == "arg" && self.catalog.enriches() && self.lookup("arg").is_none()
    }

    /// A table of the inventory.
    pub(super) fn resource_graph(&mut self, name: &syntax::Name, span: Span) -> Plan {
        let own = self.catalog.tables().find(|table| table.name.eq_ignore_ascii_case(&name.text));
        if let Some(table) = own {
            return Plan { node: Node::Table { name: table.name.clone() }, schema: table.columns.clone(), span };
        }
        if !TABLES.contains(&name.text.to_lowercase().as_str()) {
            let near = super::name::nearest(&name.text, TABLES).map(str::to_owned);
            let message = format!("the inventory of resources has no table called `{}`", name.text);
            let reported = self.error(codes::UNKNOWN_TABLE, name.span, message);
            if let Some(near) = near {
                reported.help(format!("did you mean `{near}`?"));
            }
            return empty(Vec::new(), span);
        }
        let message = format!(
            "nobody keeps the inventory of resources here, so `{0}` is empty; ingest it into a table called `{0}`",
            name.text
        );
        self.ignored(span, &message);
        let column = |(name, scalar): (&str, ScalarType)| ColumnSchema { name: name.to_owned(), scalar };
        empty(COLUMNS.map(column).to_vec(), span)
    }
}
