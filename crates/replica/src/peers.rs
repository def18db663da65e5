//! The other nodes: when they were last heard, and how old the picture of them is.

use kernel::{Timestamp, words};
use store::{Housekeeping, Row, params};

use crate::error::Error;
use crate::exchange::as_of;
use crate::frame::Head;
use crate::lane::Lanes;
use crate::replica::{self, Replica};
use crate::sql;

/// A link that was not heard for longer is down.
const DOWN_US: i64 = 60_000_000;

words! {
    /// How a link fares.
    LinkState {
        Up = "up",
        /// Not heard for a minute.
        Down = "down",
        /// Never heard.
        Unheard = "unheard",
    }
}

/// A node as it is known here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerView {
    pub node: String,
    pub state: LinkState,
    /// When it last spoke; `None`: never.
    pub heard: Option<Timestamp>,
    /// The picture of it is that of then.
    pub as_of: Option<Timestamp>,
    /// Whole minutes since it was heard.
    pub silent_min: i64,
    /// Entries that it has and we have not, as far as it said.
    pub behind: i64,
    /// Entries that we have and it has not.
    pub owed: i64,
    /// What went wrong last, while nothing went right since.
    pub problem: Option<String>,
}

/// What a frame says of a node.
pub(crate) struct Heard<'a> {
    pub(crate) head: &'a Head,
    pub(crate) own: &'a Lanes,
    pub(crate) have: &'a Lanes,
    pub(crate) heads: &'a [replica::Head; 4],
    pub(crate) at: Timestamp,
}

pub(crate) async fn heard(replica: &Replica, peer: &str, heard: &Heard<'_>) -> Result<(), Error> {
    let head = heard.head;
    let picture = as_of(&head.own, heard.have, heard.heads.map(|head| head.time), head.now);
    let (behind, owed) = (head.own.beyond(heard.have), heard.own.beyond(&head.have));
    let mut tx = replica.store.housekeeping(Housekeeping::Replica).await?;
    tx.execute(&sql::HEARD, params![peer, heard.at, picture, behind, owed]).await?;
    Ok(tx.commit().await?)
}

impl Replica {
    /// The link failed.
    ///
    /// # Errors
    /// [`Error::Store`] when the database fails.
    pub async fn note_failure(&self, peer: &str, problem: &str) -> Result<(), Error> {
        let mut tx = self.store.housekeeping(Housekeeping::Replica).await?;
        tx.execute(&sql::FAILED, params![peer, problem, self.store.now()]).await?;
        Ok(tx.commit().await?)
    }

    /// Every other node, as it is known here.
    ///
    /// # Errors
    /// [`Error::Store`] when the database fails.
    pub async fn peers(&self) -> Result<Vec<PeerView>, Error> {
        let now = self.store.now();
        let own = self.lanes(self.node()).await?;
        let mut peers = Vec::new();
        for row in self.store.fetch_all(&sql::PEERS, params![]).await? {
            peers.push(view(&row, now)?);
        }
        // Of a node that was never heard everything is owed.
        for peer in peers.iter_mut().filter(|peer: &&mut PeerView| peer.state == LinkState::Unheard) {
            peer.owed = own.beyond(&Lanes::default());
        }
        Ok(peers)
    }
}

fn view(row: &Row, now: Timestamp) -> Result<PeerView, Error> {
    let seen = |time: Timestamp| Some(time).filter(|time| time.micros() > 0);
    let heard = seen(row.time("heard_us")?);
    let silent_us = heard.map_or(0, |heard| now.micros() - heard.micros());
    let state = match heard {
        None => LinkState::Unheard,
        Some(_) if silent_us > DOWN_US => LinkState::Down,
        Some(_) => LinkState::Up,
    };
    Ok(PeerView {
        node: row.text("node")?.to_owned(),
        state,
        heard,
        as_of: seen(row.time("as_of_us")?),
        silent_min: silent_us / 60_000_000,
        behind: row.int("behind")?,
        owed: row.int("owed")?,
        problem: row.text_opt("problem")?.map(str::to_owned),
    })
}
