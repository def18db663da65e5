//! What a person has to decide or to know: rows that fit nobody, accounts that cannot be joined, drift, exposure.

use kernel::Timestamp;
use kernel::id::{AccountId, FindingId, PersonId};
use serde::Serialize;
use serde_json::{Value as Json, json};
use store::{Read, Row, params};

use crate::error::{Error, Refusal};
use crate::room::{Identity, Turn};
use crate::saying::{Saying, Title};
use crate::sql;

const MOST: u32 = 10_000;

kernel::words! {
    /// What was found.
    FindingKind {
        /// A row of a feed may be somebody who is known: a person decides.
        Match = "match",
        /// A number that was another human being's.
        NumberReused = "number-reused",
        /// A row that cannot be used.
        BadRow = "bad-row",
        /// Somebody had access after their end.
        Exposure = "exposure",
        /// An account that belongs to nobody who is known.
        Orphan = "orphan",
        /// Two records that were put together brought two accounts in one system.
        SecondAccount = "second-account",
        /// An account at the system stands where ours should be.
        JoinRefused = "join-refused",
        /// A system refused for good.
        Refused = "refused",
        /// Somebody changed at the system itself what is computed here.
        Drift = "drift",
        /// A system shows fewer objects than can be believed, or forgot what was seen.
        ScopeLost = "scope-lost",
        /// Name or place does not follow the standard.
        OffStandard = "off-standard",
        /// A service account without owner, beyond its term, or with an old secret.
        ServiceAccount = "service-account",
        /// A sponsor left, or a term is over.
        Sponsorship = "sponsorship",
        /// Groups that lie in each other.
        NestingCycle = "nesting-cycle",
        /// A group that documents speak of is called otherwise at its system, or is gone.
        GroupChanged = "group-changed",
        /// Somebody of whom nothing is known here is in a privileged group.
        OutsideMember = "outside-member",
        /// An account that was deleted at its system was made anew: rights of the old one are gone.
        MadeAnew = "made-anew",
        /// A function that must stay apart from others names what is not there: the control is off.
        UnknownEntitlement = "unknown-entitlement",
        /// A licence on an account that is asleep.
        IdleLicence = "idle-licence",
        /// An account that no rule touches was used.
        BreakGlassUsed = "break-glass-used",
        /// Duties that must stay apart are held together.
        Sod = "sod",
        /// Accounts on the premises and in the cloud do not agree.
        Hybrid = "hybrid",
        /// An application was given more than is good.
        RiskyConsent = "risky-consent",
        /// A group that nobody needs any more.
        StaleGroup = "stale-group",
        /// Nobody else holds something privileged: it stays where it is.
        LastHolder = "last-holder",
        /// Who answered for a system, a role, a rule, a group or a package has left.
        OwnerLeft = "owner-left",
        /// Somebody could not be told what waits for them.
        NotReached = "not-reached",
        /// The source of a feed cannot be asked.
        FeedFailed = "feed-failed",
        /// A person signs in as another user than before, or said so themselves.
        LoginChanged = "login-changed",
        /// Anything else that a desk module reports.
        Other = "other",
    }
}

kernel::words! {
    /// Where a finding is in its life.
    FindingState {
        Open = "open",
        Decided = "decided",
        /// It went away by itself.
        Gone = "gone",
    }
}

/// Something that was found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Finding {
    pub id: FindingId,
    pub kind: FindingKind,
    /// One finding of a kind is open about a subject.
    pub subject: String,
    pub person: Option<PersonId>,
    pub account: Option<AccountId>,
    pub system: Option<String>,
    /// In English.
    pub title: String,
    /// The same for every reader, where it is not somebody's own words.
    #[serde(skip)]
    pub saying: Option<Saying>,
    pub detail: Json,
    pub state: FindingState,
    pub opened: Timestamp,
    pub closed: Option<Timestamp>,
    pub closed_by: Option<String>,
    pub decision: Option<String>,
}

/// Something to report.
#[derive(Debug, Clone, PartialEq)]
pub struct NewFinding {
    pub kind: FindingKind,
    pub subject: String,
    pub person: Option<PersonId>,
    pub account: Option<AccountId>,
    pub system: Option<String>,
    pub title: String,
    pub saying: Option<Saying>,
    pub detail: Json,
}

impl NewFinding {
    /// A finding about a subject.
    pub fn new(kind: FindingKind, subject: impl std::fmt::Display, title: impl Into<Title>) -> NewFinding {
        let Title { text, saying } = title.into();
        NewFinding {
            kind,
            subject: subject.to_string(),
            person: None,
            account: None,
            system: None,
            title: text,
            saying,
            detail: Json::Null,
        }
    }
}

impl Turn {
    /// Opens a finding, or renews what an open one of the same kind and subject says.
    pub(crate) async fn find(&mut self, new: NewFinding) -> Result<FindingId, Error> {
        let found = self.tx.fetch_optional(&sql::OPEN_FINDING, params![new.kind.as_str(), &new.subject]).await?;
        if let Some(row) = found {
            let before = finding(&row)?;
            if before.detail != new.detail || before.title != new.title {
                let row = params![before.id, &new.title, &kept(&new.detail, new.saying.as_ref())];
                self.tx.execute(&sql::RENEW_FINDING, row).await?;
                let (was, is) = (json!({ "detail": before.detail }), json!({ "detail": new.detail }));
                self.record("finding.renew", before.id, was, is);
            }
            return Ok(before.id);
        }
        let id: FindingId = self.tx.id();
        let now = self.now();
        let row = params![
            id,
            new.kind.as_str(),
            &new.subject,
            new.person,
            new.account,
            new.system,
            &new.title,
            &kept(&new.detail, new.saying.as_ref()),
            FindingState::Open.as_str(),
            now,
        ];
        self.tx.execute_one(&sql::INSERT_FINDING, row).await?;
        let after = json!({ "kind": new.kind, "subject": new.subject, "detail": new.detail });
        self.record("finding.open", id, Json::Null, after);
        Ok(id)
    }

    /// Whether a finding of a kind about a subject is open.
    pub(crate) async fn open_finding(&mut self, kind: FindingKind, subject: &str) -> Result<bool, Error> {
        Ok(self.tx.fetch_optional(&sql::OPEN_FINDING, params![kind.as_str(), subject]).await?.is_some())
    }

    /// Closes the open finding of a kind about a subject, because it is so no longer.
    pub(crate) async fn settle_finding(&mut self, kind: FindingKind, subject: &str, why: &str) -> Result<bool, Error> {
        let Some(row) = self.tx.fetch_optional(&sql::OPEN_FINDING, params![kind.as_str(), subject]).await? else {
            return Ok(false);
        };
        let (open, now) = (finding(&row)?, self.now());
        self.tx.execute(&sql::SETTLE_FINDING, params![kind.as_str(), subject, now, why]).await?;
        self.record("finding.gone", open.id, Json::Null, json!({ "kind": kind, "subject": subject, "because": why }));
        Ok(true)
    }

    /// Closes a finding by a person's decision.
    pub(crate) async fn decide_finding(&mut self, id: FindingId, decision: &str) -> Result<Finding, Error> {
        let found = self.tx.fetch_optional(&sql::FINDING, params![id]).await?;
        let before = finding(&found.ok_or_else(|| Error::missing("finding", id))?)?;
        let (now, actor) = (self.now(), self.actor.to_string());
        if self.tx.execute(&sql::DECIDE_FINDING, params![id, now, &actor, decision]).await? == 0 {
            return Err(Refusal::rule(format!("it was {} already", before.state)).into());
        }
        self.record("finding.decide", id, Json::Null, json!({ "decision": decision }));
        Ok(before)
    }
}

/// Under which name the detail keeps what the title says.
const SAID: &str = "said";

/// The detail with what the title says, for readers of other languages.
fn kept(detail: &Json, saying: Option<&Saying>) -> Json {
    match (detail, saying) {
        (Json::Object(fields), Some(saying)) => {
            let mut fields = fields.clone();
            fields.insert(SAID.to_owned(), json!(saying));
            Json::Object(fields)
        }
        (Json::Null, Some(saying)) => json!({ SAID: saying }),
        (other, _) => other.clone(),
    }
}

/// The detail as it was given, and what the title says.
fn apart(mut detail: Json) -> (Json, Option<Saying>) {
    let said = detail.as_object_mut().and_then(|fields| fields.remove(SAID));
    let is_empty = detail.as_object().is_some_and(serde_json::Map::is_empty);
    let saying = said.and_then(|said| serde_json::from_value(said).ok());
    (if saying.is_some() && is_empty { Json::Null } else { detail }, saying)
}

pub(crate) fn finding(row: &Row) -> Result<Finding, Error> {
    let (detail, saying) = apart(row.json("detail")?);
    let text = |column: &str| Ok::<_, Error>(row.text_opt(column)?.map(str::to_owned));
    Ok(Finding {
        id: row.id("id")?,
        kind: row.parse("kind")?,
        subject: row.text("subject")?.to_owned(),
        person: row.id_opt("person_id")?,
        account: row.id_opt("account_id")?,
        system: text("system")?,
        title: row.text("title")?.to_owned(),
        saying,
        detail,
        state: row.parse("state")?,
        opened: row.time("opened_us")?,
        closed: row.time_opt("closed_us")?,
        closed_by: text("closed_by")?,
        decision: text("decision")?,
    })
}

/// Findings, open ones only or all, the latest first.
pub(crate) async fn list(
    read: &mut impl Read,
    kind: Option<FindingKind>,
    state: Option<FindingState>,
) -> Result<Vec<Finding>, Error> {
    let row = params![kind.map(FindingKind::as_str), state.map(FindingState::as_str), MOST];
    read.rows(&sql::FINDINGS, row).await?.iter().map(finding).collect()
}

impl Identity {
    /// Findings of a kind and a state; at most 10,000, the latest first.
    ///
    /// # Errors
    /// [`Error::Store`] when the database fails.
    pub async fn findings(
        &self,
        kind: Option<FindingKind>,
        state: Option<FindingState>,
    ) -> Result<Vec<Finding>, Error> {
        list(&mut self.store.clone(), kind, state).await
    }
}
