//! Who is at the door: people with passwords and sessions, programs with tokens.

pub mod attempts;
pub mod caller;
pub mod password;
pub mod secret;
pub mod sessions;
pub mod tokens;
pub mod users;
