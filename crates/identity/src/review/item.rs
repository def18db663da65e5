//! One access of one person under review.

use entitlements::outliers::Features;
use kernel::Timestamp;
use kernel::id::{CampaignId, EntitlementId, PersonId, ReviewItemId};
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::{Read, Row, params};

use super::decide::Verdict;
use crate::duty_sql as sql;
use crate::error::Error;
use crate::inventory::Origin;
use crate::room::Turn;
use crate::system::Risk;

kernel::words! {
    /// Where an item is in its life.
    ItemState {
        Open = "open",
        /// Somebody decided that it stays.
        Kept = "kept",
        /// It is being removed; the target has not shown so yet.
        Removing = "removing",
        /// The target shows that it is gone.
        Removed = "removed",
        /// It was to be removed and is still there; see its sources.
        Remains = "remains",
        /// It went away by itself before anybody decided.
        Gone = "gone",
    }
}

/// One access of one person.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReviewItem {
    pub id: ReviewItemId,
    pub campaign: CampaignId,
    pub person: PersonId,
    pub person_name: String,
    pub entitlement: EntitlementId,
    /// `ad/GRP-Finance`.
    pub name: String,
    pub risk: Risk,
    pub privileged: bool,
    /// `None`: nobody can be asked.
    pub reviewer: Option<PersonId>,
    /// Where it comes from.
    pub sources: Vec<SourceShown>,
    /// How unlike the person's peers it is, from 0 to 1, and why.
    pub score: f64,
    pub features: Option<FeaturesShown>,
    pub last_use: Option<Timestamp>,
    /// Rules that it takes part in violating.
    pub violates: Vec<String>,
    /// Digest of the sources that a decision is based on.
    pub base: String,
    pub state: ItemState,
    pub decision: Option<Verdict>,
    pub comment: Option<String>,
    pub decided_by: Option<String>,
    pub decided: Option<Timestamp>,
    /// When the reviewer first saw it.
    pub shown: Option<Timestamp>,
    /// It changed during the campaign and was put up again.
    pub changed: Option<Timestamp>,
    pub escalated: bool,
    /// How often the target was looked at.
    pub looked: i64,
    /// Nobody has this access. Not told to reviewers.
    #[serde(default)]
    pub is_canary: bool,
    #[serde(default)]
    pub version: i64,
}

/// Where an access comes from, and what taking it away there would do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SourceShown {
    /// From what the person is in to the entitlement.
    pub way: Vec<String>,
    /// Why the person is in the first of it.
    pub origins: Vec<OriginShown>,
    /// What else the person loses with it.
    pub also_loses: Vec<String>,
    /// How many people would lose anything if the nesting were cut instead; `None`: nothing is nested.
    pub nesting_reaches: Option<u64>,
}

/// An origin, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OriginShown {
    /// `assignment`, `policy`, `native`.
    pub kind: String,
    /// The id of the assignment or of the account.
    pub reference: String,
}

impl From<&Origin> for OriginShown {
    fn from(origin: &Origin) -> OriginShown {
        let (kind, reference) = match origin {
            Origin::Assignment { assignment } => ("assignment", assignment.to_string()),
            Origin::Policy { account } => ("policy", account.to_string()),
            Origin::Native { account, .. } => ("native", account.to_string()),
        };
        OriginShown { kind: kind.to_owned(), reference }
    }
}

/// What went into a score.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FeaturesShown {
    pub peers: usize,
    pub peer_share: Option<f64>,
    pub companion_share: Option<f64>,
    pub rarity: f64,
    pub idle_days: Option<u32>,
    /// Name of a feature, and by how much it moves the score.
    pub contributions: Vec<(String, f64)>,
}

impl From<&Features> for FeaturesShown {
    fn from(features: &Features) -> FeaturesShown {
        let contributions = features.contributions().into_iter().map(|(name, by)| (name.to_owned(), by)).collect();
        FeaturesShown {
            peers: features.peers,
            peer_share: features.peer_share,
            companion_share: features.companion_share,
            rarity: features.rarity,
            idle_days: features.idle_days,
            contributions,
        }
    }
}

fn item(row: &Row) -> Result<ReviewItem, Error> {
    let mut item: ReviewItem = row.json("sheet")?;
    item.version = row.int("version")?;
    Ok(item)
}

pub(super) async fn find(read: &mut impl Read, id: ReviewItemId) -> Result<ReviewItem, Error> {
    let rows = read.rows(&sql::REVIEW_ITEM, params![id]).await?;
    rows.first().map(item).transpose()?.ok_or_else(|| Error::missing("review item", id))
}

/// Every item of a campaign.
pub(crate) async fn all_of(read: &mut impl Read, campaign: CampaignId) -> Result<Vec<ReviewItem>, Error> {
    of_campaign(read, campaign, None).await
}

pub(super) async fn of_campaign(
    read: &mut impl Read,
    campaign: CampaignId,
    reviewer: Option<PersonId>,
) -> Result<Vec<ReviewItem>, Error> {
    read.rows(&sql::REVIEW_ITEMS, params![campaign, reviewer, 1_000_000]).await?.iter().map(item).collect()
}

pub(super) async fn save(turn: &mut Turn, item: &mut ReviewItem) -> Result<(), Error> {
    item.version += 1;
    let row = params![
        item.id,
        item.campaign,
        item.person,
        item.entitlement,
        item.reviewer,
        item.risk.as_str(),
        item.score,
        item.state.as_str(),
        item.decision.map(Verdict::as_str),
        item.decided_by.clone(),
        item.decided,
        item.shown,
        item.is_canary,
        &json!(item),
        item.version,
    ];
    Ok(turn.tx.execute_one(&sql::SAVE_REVIEW_ITEM, row).await?)
}
