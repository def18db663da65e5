//! A round of reviews: what is looked at, by whom, until when, and what happens to what nobody looked at.

use std::collections::{BTreeMap, BTreeSet};

use kernel::Timestamp;
use kernel::id::{CampaignId, PersonId};
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::{Read, Row, params};

use crate::approver::Approver;
use crate::duty_sql as sql;
use crate::error::Error;
use crate::role::Grant;
use crate::room::Turn;
use crate::system::Risk;

kernel::words! {
    /// Where a campaign is in its life.
    CampaignState {
        Open = "open",
        Closed = "closed",
    }
}

kernel::words! {
    /// What happens to an access that nobody decided on by the end.
    OnSilence {
        Keep = "keep",
        Remove = "remove",
        /// Somebody else is asked, once; then it is removed.
        Escalate = "escalate",
    }
}

/// Which access of whom. What is left empty does not narrow.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CampaignScope {
    pub systems: Vec<String>,
    pub entitlements: Vec<Grant>,
    /// Everything that these roles give.
    pub roles: Vec<String>,
    /// Only what is privileged.
    pub privileged: bool,
    /// People of these duty stations.
    pub stations: Vec<String>,
    /// These people, as a query found them. `None`: everybody.
    pub people: Option<BTreeSet<PersonId>>,
    /// The query, for the record.
    pub kql: Option<String>,
}

/// A campaign to be begun.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewCampaign {
    pub title: String,
    #[serde(default)]
    pub scope: CampaignScope,
    /// Who reviews, the first who is here.
    pub reviewers: Vec<Approver>,
    pub due: Timestamp,
    /// By risk; what is not named: keep what is low or medium, remove the rest. What is privileged is never kept.
    #[serde(default)]
    pub on_silence: BTreeMap<Risk, OnSilence>,
    /// So many accesses that nobody has are put among the items, to see who looks.
    #[serde(default)]
    pub canaries: usize,
}

/// A round of reviews.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Campaign {
    pub id: CampaignId,
    #[serde(flatten)]
    pub plan: NewCampaign,
    pub state: CampaignState,
    pub items: usize,
    /// Items for which nobody can be asked.
    pub without_reviewer: usize,
    pub begun_by: String,
    pub created: Timestamp,
    pub closed: Option<Timestamp>,
    /// It was prolonged for what was escalated.
    #[serde(default)]
    pub prolonged: bool,
    #[serde(default)]
    pub version: i64,
}

impl Campaign {
    /// What happens to an item that nobody decides on.
    pub fn on_silence(&self, risk: Risk, privileged: bool) -> OnSilence {
        let usual = match risk {
            Risk::Low | Risk::Medium => OnSilence::Keep,
            Risk::High | Risk::Critical => OnSilence::Remove,
        };
        let chosen = self.plan.on_silence.get(&risk).copied().unwrap_or(usual);
        if privileged && chosen == OnSilence::Keep { OnSilence::Remove } else { chosen }
    }
}

fn campaign(row: &Row) -> Result<Campaign, Error> {
    let mut campaign: Campaign = row.json("sheet")?;
    campaign.version = row.int("version")?;
    Ok(campaign)
}

pub(crate) async fn find(read: &mut impl Read, id: CampaignId) -> Result<Campaign, Error> {
    let rows = read.rows(&sql::CAMPAIGN, params![id]).await?;
    rows.first().map(campaign).transpose()?.ok_or_else(|| Error::missing("campaign", id))
}

pub(super) async fn all(read: &mut impl Read) -> Result<Vec<Campaign>, Error> {
    read.rows(&sql::CAMPAIGNS, params![1_000]).await?.iter().map(campaign).collect()
}

pub(super) async fn save(turn: &mut Turn, campaign: &mut Campaign) -> Result<(), Error> {
    campaign.version += 1;
    let row = params![
        campaign.id,
        &campaign.plan.title,
        campaign.state.as_str(),
        campaign.plan.due,
        campaign.items,
        &json!(campaign),
        campaign.version,
        campaign.created,
        campaign.closed,
    ];
    Ok(turn.tx.execute_one(&sql::SAVE_CAMPAIGN, row).await?)
}
