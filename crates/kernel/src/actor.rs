//! Who did it.

use serde::{Deserialize, Serialize};

/// Whoever caused a change: a person, a program with a token, or a part of Vigie itself.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", content = "name", rename_all = "lowercase")]
pub enum Actor {
    /// A person, by the text of their user id.
    User(String),
    /// A program, by the text of its token id.
    Token(String),
    /// A room of Vigie, by its crate name.
    System(String),
}

impl Actor {
    /// The room `name` acting on its own.
    pub fn system(name: &str) -> Actor {
        Actor::System(name.to_owned())
    }
}

/// `user:…`, `token:…` or `system:…`: the form that the ledger stores.
impl std::fmt::Display for Actor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Actor::User(name) => write!(f, "user:{name}"),
            Actor::Token(name) => write!(f, "token:{name}"),
            Actor::System(name) => write!(f, "system:{name}"),
        }
    }
}
