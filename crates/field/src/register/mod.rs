//! The register: who and what the radio room knows. Each noun is declared once; statements, validation, CSV and KQL
//! columns derive from the declaration.

pub(crate) mod affiliations;
mod call_signs;
mod commands;
pub(crate) mod directory;
mod doubts;
pub(crate) mod import;
pub(crate) mod in_use;
mod noun;
pub(crate) mod nouns;
pub(crate) mod records;
mod value;

pub use affiliations::Affiliation;
pub use call_signs::{AssignSign, Assignment};
pub use commands::SaveRecord;
pub(crate) use commands::not_in_register;
pub use directory::{AreaRules, Callee, Directory, Holder};
pub use doubts::Doubts;
pub use import::{Import, Imported};
pub use noun::{Column, Need, Noun};
pub use nouns::NOUNS;
pub use records::Record;
pub use value::{Form, Value};
