//! Drop folders that cannot be looked into, and files that could not be taken in at all: not held, not rejected, but beyond
//! reading.

use std::collections::BTreeMap;

use kernel::Actor;
use kernel::id::FindingId;
use serde_json::json;

use crate::error::Error;
use crate::finding::{FindingKind, FindingState, NewFinding};
use crate::room::Identity;
use crate::saying::saying;

impl Identity {
    /// Says that a file of a feed was put aside, and why. It stays open until a person closes it.
    ///
    /// # Errors
    /// [`Error::Store`] when the database fails: then nothing is said.
    pub async fn file_failed(&self, feed: &str, file: &str, why: &str, actor: &Actor) -> Result<FindingId, Error> {
        let mut turn = self.turn(actor, &format!("feed {feed}")).await?;
        let clean: String =
            why.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).take(1_000).collect();
        let title = saying!(
            "the file {file} of the feed {feed} could not be taken and was put aside: {why}",
            file = file,
            feed = feed,
            why = clean
        );
        let detail = json!({ "feed": feed, "file": file });
        let new =
            NewFinding { detail, ..NewFinding::new(FindingKind::FeedFailed, format!("file:{feed}/{file}"), title) };
        let id = turn.find(new).await?;
        turn.finish().await?;
        Ok(id)
    }

    /// How the drop folder of a feed is: `None` when it can be looked into again.
    ///
    /// # Errors
    /// [`Error::Store`] when the database fails.
    pub async fn note_folder(&self, feed: &str, problem: Option<&str>, actor: &Actor) -> Result<(), Error> {
        let mut turn = self.turn(actor, &format!("feed {feed}")).await?;
        let subject = format!("folder:{feed}");
        match problem {
            None => {
                let why = "it can be looked into again";
                turn.settle_finding(FindingKind::FeedFailed, &subject, why).await?;
            }
            Some(problem) => {
                let title = saying!(
                    "the drop folder of the feed {feed} cannot be looked into: {why}",
                    feed = feed,
                    why = problem
                );
                let detail = json!({ "feed": feed });
                turn.find(NewFinding { detail, ..NewFinding::new(FindingKind::FeedFailed, subject, title) }).await?;
            }
        }
        turn.record("feed.folder", format!("feed:{feed}"), serde_json::Value::Null, json!({ "problem": problem }));
        turn.finish().await.map(drop)
    }

    /// What is wrong with drop folders now, by feed: folders that cannot be looked into, and files that were put aside.
    ///
    /// # Errors
    /// [`Error::Store`] when the database fails.
    pub async fn folder_problems(&self) -> Result<BTreeMap<String, Vec<String>>, Error> {
        let open = self.findings(Some(FindingKind::FeedFailed), Some(FindingState::Open)).await?;
        let mut problems: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for one in open {
            let of_folder = one.subject.starts_with("file:") || one.subject.starts_with("folder:");
            if let (true, Some(feed)) = (of_folder, one.detail["feed"].as_str()) {
                problems.entry(feed.to_owned()).or_default().push(one.title);
            }
        }
        Ok(problems)
    }
}
