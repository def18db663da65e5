//! Simulating, looking at, comparing and carrying out plans.

use std::collections::BTreeMap;
use std::sync::Arc;

use kernel::Actor;
use kernel::id::{PersonId, PlanId};
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use store::params;

use super::propose::fingerprint;
use super::records::{self, NewPlan};
use super::{Counts, Plan, PlanItem, PlanState, Proposer};
use crate::compute::{self, Catalog};
use crate::document::{self, Document, DocumentKind, Draft};
use crate::error::{Error, Refusal, said};
use crate::feed::{self, Delivery, Manifest};
use crate::names::NameBook;
use crate::policy::Policy;
use crate::protect;
use crate::room::{Identity, Known, Turn};
use crate::sql;

/// What a plan is asked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Proposal {
    /// These documents in place of those that there are.
    Documents { drafts: Vec<Draft> },
    /// A delivery of a feed.
    Delivery { feed: String, body: String, manifest: Manifest },
    /// Nothing new: what policy gives against what accounts were told to be.
    Everybody,
}

/// A plan with everything in it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PlanDetail {
    pub plan: Plan,
    pub items: Vec<PlanItem>,
    /// How far each system is, when the plan was begun.
    pub progress: Vec<SystemProgress>,
}

/// How far a system is with a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SystemProgress {
    pub system: String,
    pub progress: String,
    pub accounts: i64,
}

/// What one plan does that another does not.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PlanDifference {
    pub only_first: Vec<PlanItem>,
    pub only_second: Vec<PlanItem>,
    /// Both change the account, and not alike.
    pub differ: Vec<(PlanItem, PlanItem)>,
    pub alike: u64,
}

impl Identity {
    /// Computes what a proposal would change and keeps it. Nothing else is written.
    ///
    /// # Errors
    /// [`Error::Refused`] with everything that is wrong with the proposal.
    pub async fn simulate(&self, title: &str, proposal: &Proposal, actor: &Actor) -> Result<PlanDetail, Error> {
        let title = said("title", title, 200)?;
        let items = match proposal {
            Proposal::Documents { drafts } => {
                let known = self.overlaid(drafts).await?;
                self.everybody(&known).await?
            }
            Proposal::Everybody => {
                let known = self.known().await?;
                self.everybody(&known).await?
            }
            Proposal::Delivery { feed, body, manifest } => self.rehearse(feed, body, manifest, actor).await?,
        };
        let mut turn = self.turn(actor, &title).await?;
        let body = json!({ "proposal": proposal, "fingerprint": fingerprint(&items) });
        let new = NewPlan {
            title: &title,
            cause: "simulation",
            cause_ref: None,
            state: PlanState::Simulated,
            proposal: Some(&body),
            revision: turn.known.policy.revision,
            created_by: actor.to_string(),
        };
        let id = records::insert(&mut turn.tx, &new, &items).await?;
        turn.record("plan.simulate", id, Json::Null, json!({ "title": title, "counts": Counts::of(&items) }));
        turn.finish().await?;
        self.plan(id).await
    }

    /// What a delivery would do to accounts: it is applied in a transaction that is then dropped.
    async fn rehearse(
        &self,
        feed: &str,
        body: &str,
        manifest: &Manifest,
        actor: &Actor,
    ) -> Result<Vec<PlanItem>, Error> {
        let delivery = Delivery { feed: feed.to_owned(), body: body.as_bytes().to_vec(), manifest: manifest.clone() };
        self.rehearse_delivery(&delivery, actor).await
    }

    /// Carries out a plan that was simulated. It is computed once more in the same transaction; when that gives another
    /// plan, nothing is done.
    ///
    /// # Errors
    /// [`Error::Refused`] when it was begun before, or when the world has moved on since it was computed.
    pub async fn execute(&self, id: PlanId, why: &str, actor: &Actor) -> Result<PlanDetail, Error> {
        let why = said("reason", why, 2_000)?;
        let mut turn = self.turn(actor, &why).await?;
        let found = records::find(&mut turn.tx, id).await?;
        let (plan, body) = found.ok_or_else(|| Error::missing("plan", id))?;
        // Of several at once one has it; when nothing is done, it is given back with the transaction.
        if turn.tx.execute(&sql::CLAIM_PLAN, params![id]).await? == 0 {
            let state = records::find(&mut turn.tx, id).await?.map_or(plan.state, |(plan, _)| plan.state).to_string();
            return Err(Refusal::NotNow { what: "plan", command: "execute", state, allowed: Vec::new() }.into());
        }
        let body = body.unwrap_or(Json::Null);
        let proposal: Proposal = serde_json::from_value(body["proposal"].clone())
            .map_err(|error| Refusal::rule(format!("the proposal cannot be read any more: {error}")))?;
        turn.expected = body["fingerprint"].as_str().map(str::to_owned);
        turn.cause = ("plan".to_owned(), Some(id.to_string()));
        match self.carry_out(turn, &proposal, &plan).await {
            Ok(run) => {
                let mut turn = self.turn(actor, &why).await?;
                turn.tx.execute(&sql::PLAN_EXECUTED, params![id, turn.now(), run.map(|run| run.to_string())]).await?;
                turn.record("plan.execute", id, Json::Null, json!({ "run": run }));
                turn.finish().await?;
                self.plan(run.unwrap_or(id)).await
            }
            Err(Error::Refused(refusal)) => {
                let mut turn = self.turn(actor, &why).await?;
                turn.tx.execute(&sql::PLAN_STATE, params![id, PlanState::Stale.as_str()]).await?;
                turn.record("plan.stale", id, Json::Null, json!({ "because": refusal.to_string() }));
                turn.finish().await?;
                Err(Error::Refused(refusal))
            }
            Err(other) => Err(other),
        }
    }

    async fn carry_out(&self, mut turn: Turn, proposal: &Proposal, plan: &Plan) -> Result<Option<PlanId>, Error> {
        match proposal {
            Proposal::Documents { drafts } => {
                write_drafts(&mut turn, drafts).await?;
                touch_everybody(&mut turn).await?;
            }
            Proposal::Everybody => touch_everybody(&mut turn).await?,
            Proposal::Delivery { feed, body, manifest } => {
                let delivery =
                    Delivery { feed: feed.clone(), body: body.as_bytes().to_vec(), manifest: manifest.clone() };
                // What it changes of people and contracts need not change any account: the items do not tell.
                feed::must_be_latest(&mut turn, &delivery.feed, plan.created).await?;
                self.apply_rehearsed(&mut turn, &delivery, true).await?;
            }
        }
        let run = super::settle(&mut turn).await?;
        turn.record("plan.carry-out", &plan.title, Json::Null, json!({ "run": run }));
        turn.finish().await?;
        Ok(run)
    }

    /// Puts documents in force at once. What that does to accounts is carried out too, unless it closes more of them than
    /// the house allows without a look.
    ///
    /// # Errors
    /// [`Error::Refused`] with everything that is wrong, or with how many accounts would be closed.
    pub async fn save_documents(
        &self,
        drafts: &[Draft],
        why: &str,
        seen: Option<i64>,
        actor: &Actor,
    ) -> Result<Vec<Document>, Error> {
        let why = said("reason", why, 2_000)?;
        let mut turn = self.turn(actor, &why).await?;
        let written = self.write_documents(&mut turn, drafts, seen).await?;
        turn.finish().await?;
        Ok(written)
    }

    /// Writes documents and prepares what follows from them; the caller finishes the turn.
    pub(crate) async fn write_documents(
        &self,
        turn: &mut Turn,
        drafts: &[Draft],
        seen: Option<i64>,
    ) -> Result<Vec<Document>, Error> {
        let mut written = Vec::with_capacity(drafts.len());
        let known = overlay(turn, drafts).await?;
        for draft in drafts {
            written.push(document::write(turn, draft, seen).await?);
        }
        turn.limit = Some(known.policy.settings.plan_disables_max);
        turn.cause = ("documents".to_owned(), None);
        put_in_force(turn, &known, drafts).await?;
        touch_everybody(turn).await?;
        Ok(written)
    }

    async fn overlaid(&self, drafts: &[Draft]) -> Result<Known, Error> {
        let known = self.known().await?;
        let documents = document::all(&mut self.store.clone()).await?;
        let policy = compiled(known.policy.revision, documents, drafts)?;
        let catalog = Catalog::load(&mut self.store.clone(), &policy).await?;
        Ok(Known { policy: policy.into(), catalog: catalog.into() })
    }

    async fn everybody(&self, known: &Known) -> Result<Vec<PlanItem>, Error> {
        let mut read = self.store.clone();
        let now = self.now();
        let book = NameBook::load(&mut read).await?;
        let mut proposer = Proposer::new(&known.policy, &known.catalog, now, book);
        let mut items = Vec::new();
        for subject in compute::load_all(&mut read, now).await?.values() {
            items.extend(proposer.person(&mut read, subject).await?.items);
        }
        Ok(items)
    }

    /// Plans, the latest first.
    ///
    /// # Errors
    /// [`Error::Store`] when the database fails.
    pub async fn plans(&self, limit: u32) -> Result<Vec<Plan>, Error> {
        records::latest(&mut self.store.clone(), limit).await
    }

    /// A plan with its items.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is none of that id.
    pub async fn plan(&self, id: PlanId) -> Result<PlanDetail, Error> {
        let mut read = self.store.clone();
        let found = records::find(&mut read, id).await?;
        let (plan, _) = found.ok_or_else(|| Error::missing("plan", id))?;
        let rows = self.store.fetch_all(&sql::PLAN_PROGRESS, params![id]).await?;
        let progress = rows
            .iter()
            .map(|row| {
                Ok::<_, Error>(SystemProgress {
                    system: row.text("system")?.to_owned(),
                    progress: row.text("progress")?.to_owned(),
                    accounts: row.int("accounts")?,
                })
            })
            .collect::<Result<_, _>>()?;
        Ok(PlanDetail { plan, items: records::items(&mut read, id).await?, progress })
    }

    /// Everything that plans did about a person, the latest first.
    ///
    /// # Errors
    /// [`Error::Store`] when the database fails.
    pub async fn plan_items_of(&self, person: PersonId) -> Result<Vec<PlanItem>, Error> {
        records::items_of_person(&mut self.store.clone(), person).await
    }

    /// Drops a simulation.
    ///
    /// # Errors
    /// [`Error::Refused`] when it was begun.
    pub async fn drop_plan(&self, id: PlanId, actor: &Actor) -> Result<(), Error> {
        let mut turn = self.turn(actor, "not wanted").await?;
        if turn.tx.execute(&sql::DROP_PLAN, params![id]).await? == 0 {
            return Err(Refusal::rule("only a simulation that was not carried out can be dropped").into());
        }
        turn.record("plan.drop", id, Json::Null, Json::Null);
        turn.finish().await?;
        Ok(())
    }

    /// What one plan does that another does not.
    ///
    /// # Errors
    /// [`Error::NotFound`] when one of them is not there.
    pub async fn compare_plans(&self, first: PlanId, second: PlanId) -> Result<PlanDifference, Error> {
        let (first, second) = (self.plan(first).await?, self.plan(second).await?);
        let key = |item: &PlanItem| (item.person, item.system.clone());
        let mut others: BTreeMap<_, PlanItem> = second.items.into_iter().map(|item| (key(&item), item)).collect();
        let mut difference =
            PlanDifference { only_first: Vec::new(), only_second: Vec::new(), differ: Vec::new(), alike: 0 };
        for item in first.items {
            match others.remove(&key(&item)) {
                None => difference.only_first.push(item),
                Some(other) if other.after == item.after && other.change == item.change => difference.alike += 1,
                Some(other) => difference.differ.push((item, other)),
            }
        }
        difference.only_second = others.into_values().collect();
        Ok(difference)
    }
}

fn compiled(revision: i64, documents: Vec<Document>, drafts: &[Draft]) -> Result<Policy, Error> {
    let now = documents.iter().map(|document| document.updated).max().unwrap_or_default();
    let mut by_key: BTreeMap<_, Document> =
        documents.into_iter().map(|document| ((document.kind, document.key.clone()), document)).collect();
    for draft in drafts {
        let key = (draft.kind, document::key(&draft.key)?);
        match &draft.body {
            None => drop(by_key.remove(&key)),
            Some(body) => {
                let document = Document {
                    kind: draft.kind,
                    key: draft.key.clone(),
                    body: body.clone(),
                    version: 0,
                    retired: None,
                    updated: now,
                    updated_by: String::new(),
                };
                by_key.insert(key, document);
            }
        }
    }
    let documents: Vec<Document> = by_key.into_values().collect();
    Policy::compile(revision, &documents).map_err(all_of)
}

/// Everything that is wrong, in one refusal.
fn all_of(faults: Vec<Refusal>) -> Error {
    let texts: Vec<String> = faults.iter().map(Refusal::to_string).collect();
    Refusal::rule(texts.join("\n")).into()
}

async fn overlay(turn: &mut Turn, drafts: &[Draft]) -> Result<Arc<Known>, Error> {
    let documents = document::all(&mut turn.tx).await?;
    let policy = compiled(turn.known.policy.revision, documents, drafts)?;
    Ok(Arc::new(Known { policy: policy.into(), catalog: turn.known.catalog.clone() }))
}

async fn write_drafts(turn: &mut Turn, drafts: &[Draft]) -> Result<(), Error> {
    let known = overlay(turn, drafts).await?;
    for draft in drafts {
        document::write(turn, draft, None).await?;
    }
    put_in_force(turn, &known, drafts).await
}

/// What the rest of the turn goes by, and what follows at once from documents of systems.
async fn put_in_force(turn: &mut Turn, known: &Known, drafts: &[Draft]) -> Result<(), Error> {
    let before = turn.known.policy.clone();
    let catalog = Catalog::load(&mut turn.tx, &known.policy).await?;
    turn.known = Arc::new(Known { policy: known.policy.clone(), catalog: catalog.into() });
    let systems = drafts.iter().filter(|draft| draft.kind == DocumentKind::System).map(|draft| draft.key.clone());
    protect::anew(turn, &before, &systems.collect()).await
}

async fn touch_everybody(turn: &mut Turn) -> Result<(), Error> {
    for row in turn.tx.fetch_all(&sql::PEOPLE_IDS, params![]).await? {
        let id: PersonId = row.id("id")?;
        turn.touch(id);
    }
    Ok(())
}
