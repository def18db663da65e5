//! Plans as rows.

use kernel::id::{PersonId, PlanId};
use serde_json::{Value as Json, json};
use store::{Read, Row, Tx, params};

use super::{Plan, PlanItem, PlanState};
use crate::error::Error;
use crate::sql;

const MOST: u32 = 1_000_000;

/// A plan to be kept.
pub(super) struct NewPlan<'a> {
    pub(super) title: &'a str,
    pub(super) cause: &'a str,
    pub(super) cause_ref: Option<&'a str>,
    pub(super) state: PlanState,
    pub(super) proposal: Option<&'a Json>,
    pub(super) revision: i64,
    pub(super) created_by: String,
}

/// Keeps a plan with its items.
pub(super) async fn insert(tx: &mut Tx, new: &NewPlan<'_>, items: &[PlanItem]) -> Result<PlanId, Error> {
    let id: PlanId = tx.id();
    let now = tx.now();
    let begun = (new.state == PlanState::Running).then_some(now);
    let row = params![
        id,
        new.title,
        new.cause,
        new.cause_ref,
        new.state.as_str(),
        &json!(super::Counts::of(items)),
        new.proposal.map(Json::to_string),
        new.revision,
        &new.created_by,
        now,
        begun,
    ];
    tx.execute_one(&sql::INSERT_PLAN, row).await?;
    for (position, item) in items.iter().enumerate() {
        let row = params![
            id,
            position,
            item.person,
            item.person_name.clone(),
            item.account,
            &item.system,
            item.change.as_str(),
            &item.summary,
            item.base_version,
            item.before.as_ref().map(|one| json!(one).to_string()),
            item.after.as_ref().map(|one| json!(one).to_string()),
            &item.why,
        ];
        tx.execute(&sql::INSERT_PLAN_ITEM, row).await?;
    }
    Ok(id)
}

fn plan(row: &Row) -> Result<Plan, Error> {
    Ok(Plan {
        id: row.id("id")?,
        title: row.text("title")?.to_owned(),
        cause: row.text("cause")?.to_owned(),
        cause_ref: row.text_opt("cause_ref")?.map(str::to_owned),
        state: row.parse("state")?,
        counts: row.json("counts")?,
        revision: row.int("revision")?,
        created_by: row.text("created_by")?.to_owned(),
        created: row.time("created_us")?,
        begun: row.time_opt("begun_us")?,
        ended: row.time_opt("ended_us")?,
    })
}

fn item(row: &Row) -> Result<PlanItem, Error> {
    Ok(PlanItem {
        position: row.int("position")?,
        person: row.id_opt("person_id")?,
        person_name: row.text_opt("person_name")?.map(str::to_owned),
        account: row.id_opt("account_id")?,
        system: row.text("system")?.to_owned(),
        change: row.parse("change")?,
        summary: row.text("summary")?.to_owned(),
        base_version: row.int("base_version")?,
        before: row.json_opt("before")?,
        after: row.json_opt("after")?,
        why: row.json("why")?,
    })
}

pub(crate) async fn find(read: &mut impl Read, id: PlanId) -> Result<Option<(Plan, Option<Json>)>, Error> {
    let rows = read.rows(&sql::PLAN, params![id]).await?;
    rows.first().map(|row| Ok((plan(row)?, row.json_opt("proposal")?))).transpose()
}

pub(crate) async fn items(read: &mut impl Read, id: PlanId) -> Result<Vec<PlanItem>, Error> {
    read.rows(&sql::PLAN_ITEMS, params![id, MOST]).await?.iter().map(item).collect()
}

pub(super) async fn items_of_person(read: &mut impl Read, person: PersonId) -> Result<Vec<PlanItem>, Error> {
    read.rows(&sql::PLAN_ITEMS_OF_PERSON, params![person]).await?.iter().map(item).collect()
}

pub(super) async fn latest(read: &mut impl Read, limit: u32) -> Result<Vec<Plan>, Error> {
    read.rows(&sql::PLANS, params![limit]).await?.iter().map(plan).collect()
}

/// Ends running plans of which every account is as wanted, and calls those partial in which one failed.
pub(crate) async fn finish_plans(tx: &mut Tx) -> Result<u64, Error> {
    let now = tx.now();
    let done = tx.execute(&sql::PLANS_DONE, params![now]).await?;
    let partial = tx.execute(&sql::PLANS_PARTIAL, params![]).await?;
    Ok(done + partial)
}
