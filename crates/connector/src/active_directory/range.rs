//! Reading a group of any size through ranges of `member` ([MS-ADTS] 3.1.1.3.1.3.3), to be continued after a restart.
//!
//! A range counts places in a list that changes under us: when somebody leaves, everybody behind moves up, and the next range
//! would pass over one. So the place carries the group's `uSNChanged`, and a group that changed in between is read again
//! from the first place, at most [`MOST_RESTARTS`] times. Pure, but for the source.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::error::ConnectorError;
use crate::reading::{Member, MemberPage, PageToken};

/// How often a reading begins again before it gives up.
pub const MOST_RESTARTS: u32 = 5;

/// Some members as the server gave them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RangeAnswer {
    pub members: Vec<Member>,
    /// The last place; `None`: the list ends here.
    pub to: Option<u64>,
    /// The group's version.
    pub version: String,
}

/// Where ranges come from: a server, or a test.
#[async_trait]
pub trait RangeSource: Send + Sync {
    /// Members from place `from` to place `to`; the server may give fewer.
    async fn range(&self, from: u64, to: u64) -> Result<RangeAnswer, ConnectorError>;
}

/// Where a reading stands.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Place {
    from: u64,
    version: String,
    restarts: u32,
}

/// The page after `token`.
///
/// # Errors
/// Those of the source; [`Transient`](crate::ErrorKind::Transient) when the group never stands still.
pub async fn page(
    source: &dyn RangeSource,
    token: Option<&PageToken>,
    limit: usize,
) -> Result<MemberPage, ConnectorError> {
    let mut place = match token {
        None => Place::default(),
        Some(token) => serde_json::from_str(&token.0)
            .map_err(|_| ConnectorError::invalid("the token is not one of this connector"))?,
    };
    let limit = u64::try_from(limit.max(1)).unwrap_or(1);
    loop {
        let answer = source.range(place.from, place.from.saturating_add(limit - 1)).await?;
        if place.from > 0 && answer.version != place.version {
            if place.restarts == MOST_RESTARTS {
                return Err(ConnectorError::transient("the group changes faster than it can be read; try again later"));
            }
            place = Place { from: 0, version: answer.version, restarts: place.restarts + 1 };
            continue;
        }
        let next = match answer.to {
            Some(to) if to < place.from => {
                return Err(ConnectorError::garbled(format!(
                    "the server gave a range that ends at {to} before {}",
                    place.from
                )));
            }
            Some(to) => {
                let next = Place { from: to + 1, version: answer.version, restarts: place.restarts };
                let text = serde_json::to_string(&next).map_err(|error| ConnectorError::invalid(error.to_string()))?;
                Some(PageToken(text))
            }
            None => None,
        };
        return Ok(MemberPage { members: answer.members, next });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::ObjectId;
    use parking_lot::Mutex;
    use std::collections::BTreeSet;

    /// A server that gives at most 1,500 values at once, of a group that may change while it is read.
    struct Simulated {
        members: Mutex<Vec<u32>>,
        version: Mutex<u64>,
        asked: Mutex<u64>,
        /// Somebody leaves at these questions.
        leaves_at: Vec<u64>,
    }

    #[async_trait]
    impl RangeSource for Simulated {
        async fn range(&self, from: u64, to: u64) -> Result<RangeAnswer, ConnectorError> {
            let asked = {
                let mut asked = self.asked.lock();
                *asked += 1;
                *asked
            };
            if self.leaves_at.contains(&asked) {
                self.members.lock().remove(0);
                *self.version.lock() += 1;
            }
            let members = self.members.lock();
            let last = (to.min(from + 1_499) as usize).min(members.len().saturating_sub(1));
            let some = members.get(from as usize..=last).unwrap_or_default();
            let member = |id: &u32| Member { id: ObjectId::new(id.to_string()), name: String::new(), class: None };
            let to = (last + 1 < members.len()).then_some(last as u64);
            Ok(RangeAnswer { members: some.iter().map(member).collect(), to, version: self.version.lock().to_string() })
        }
    }

    fn simulated(count: u32, leaves_at: Vec<u64>) -> Simulated {
        Simulated { members: Mutex::new((0..count).collect()), version: Mutex::new(1), asked: Mutex::new(0), leaves_at }
    }

    /// The token goes through text every time, as over a restart.
    async fn everybody(source: &Simulated) -> Result<Vec<String>, ConnectorError> {
        let (mut seen, mut token) = (Vec::new(), None);
        loop {
            let page = page(source, token.as_ref(), 5_000).await?;
            seen.extend(page.members.into_iter().map(|member| member.id.0));
            match page.next {
                None => return Ok(seen),
                Some(next) => token = Some(PageToken(next.0.clone())),
            }
        }
    }

    #[tokio::test]
    async fn a_group_of_250_000_is_read_whole() {
        let source = simulated(250_000, vec![]);
        let seen = everybody(&source).await.unwrap();
        assert_eq!((seen.len(), *source.asked.lock()), (250_000, 167), "each once, 1,500 at a time");
        assert_eq!(everybody(&simulated(0, vec![])).await.unwrap(), Vec::<String>::new());
        assert_eq!(everybody(&simulated(1_500, vec![])).await.unwrap().len(), 1_500);
    }

    #[tokio::test]
    async fn who_stays_is_seen_though_others_leave() {
        let source = simulated(20_000, vec![3, 9]);
        let seen: BTreeSet<String> = everybody(&source).await.unwrap().into_iter().collect();
        assert!((2..20_000).all(|id| seen.contains(&id.to_string())), "whoever is there all the time");
        let restless = simulated(20_000, (2..500).collect());
        assert_eq!(everybody(&restless).await.unwrap_err().kind, crate::ErrorKind::Transient);
    }
}
