//! A file of a drop folder that could not be taken in at all: not held, not rejected, but beyond reading.

use kernel::Actor;
use kernel::id::FindingId;
use serde_json::json;

use crate::error::Error;
use crate::finding::{FindingKind, NewFinding};
use crate::room::Identity;

impl Identity {
    /// Says that a file of a feed was put aside, and why. It stays open until a person closes it.
    ///
    /// # Errors
    /// [`Error::Store`] when the database fails: then nothing is said.
    pub async fn file_failed(&self, feed: &str, file: &str, why: &str, actor: &Actor) -> Result<FindingId, Error> {
        let mut turn = self.turn(actor, &format!("feed {feed}")).await?;
        let clean: String =
            why.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).take(1_000).collect();
        let title = format!("the file {file} of the feed {feed} could not be taken and was put aside: {clean}");
        let detail = json!({ "feed": feed, "file": file });
        let new =
            NewFinding { detail, ..NewFinding::new(FindingKind::FeedFailed, format!("file:{feed}/{file}"), title) };
        let id = turn.find(new).await?;
        turn.finish().await?;
        Ok(id)
    }
}
