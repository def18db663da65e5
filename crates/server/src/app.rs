//! What every handler can reach.

/// The state of the running server.
pub struct App;
