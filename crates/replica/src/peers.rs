//! The other nodes: when they were last heard, and how old the picture of them is.

use kernel::{Timestamp, words};
use store::{Housekeeping, Row, Tx, params};

use crate::error::Error;
use crate::exchange::as_of;
use crate::frame::Head;
use crate::lane::{Lane, Lanes};
use crate::replica::{self, Replica};
use crate::sql;

/// A link that was not heard for longer is down.
const DOWN_US: i64 = 60_000_000;
/// Refusals that are kept of a node.
const KEPT_REFUSALS: u32 = 20;

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

/// One lane between this node and another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LaneView {
    pub lane: Lane,
    /// How far its log goes by its own word, and how far it is here.
    pub told: i64,
    pub held: i64,
    /// How far the log of this node goes, and how far the other has it.
    pub own: i64,
    pub taken: i64,
    /// Of a batch that is not whole: bytes that are here, of how many.
    pub waiting: Option<(i64, i64)>,
}

/// What a node sent and this one could not take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    pub time: Timestamp,
    pub problem: String,
}

/// A node with everything that is known of the link to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeView {
    pub peer: PeerView,
    pub lanes: Vec<LaneView>,
    /// The latest first.
    pub refusals: Vec<Refusal>,
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
    let lanes = |lanes: &Lanes| serde_json::json!(lanes).to_string();
    let row = params![peer, heard.at, picture, behind, owed, lanes(&head.own), lanes(&head.have)];
    tx.execute(&sql::HEARD, row).await?;
    Ok(tx.commit().await?)
}

/// Notes among what was refused lately that a part of a batch was not believed; the rest of it was taken.
pub(crate) async fn refuse(tx: &mut Tx, peer: &str, problem: &str) -> Result<(), Error> {
    let now = tx.now();
    tx.execute(&sql::INSERT_REFUSAL, params![peer, now, problem]).await?;
    tx.execute(&sql::FORGET_REFUSALS, params![peer, KEPT_REFUSALS]).await?;
    Ok(())
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

    /// A node sent what cannot be taken: it is shown until something goes right, and among the latest refusals after.
    ///
    /// # Errors
    /// [`Error::Store`] when the database fails.
    pub async fn note_refusal(&self, peer: &str, problem: &str) -> Result<(), Error> {
        let mut tx = self.store.housekeeping(Housekeeping::Replica).await?;
        let now = self.store.now();
        tx.execute(&sql::FAILED, params![peer, problem, now]).await?;
        tx.execute(&sql::INSERT_REFUSAL, params![peer, now, problem]).await?;
        tx.execute(&sql::FORGET_REFUSALS, params![peer, KEPT_REFUSALS]).await?;
        Ok(tx.commit().await?)
    }

    /// Every other node, lane by lane, with what was refused lately.
    ///
    /// # Errors
    /// [`Error::Store`] when the database fails.
    pub async fn nodes(&self) -> Result<Vec<NodeView>, Error> {
        let own = self.lanes(self.node()).await?;
        let said: Vec<Row> = self.store.fetch_all(&sql::PEERS, params![]).await?;
        let mut nodes = Vec::new();
        for (peer, row) in self.peers().await?.into_iter().zip(&said) {
            let lanes = |column| -> Result<Lanes, Error> {
                let text = row.text_opt(column)?;
                Ok(text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default())
            };
            let (told, taken, held) = (lanes("own_lanes")?, lanes("have_lanes")?, self.lanes(&peer.node).await?);
            let parts = self.waiting(&peer.node).await?;
            let lane = |lane: &Lane| LaneView {
                lane: *lane,
                told: told.of(*lane).max(held.of(*lane)),
                held: held.of(*lane),
                own: own.of(*lane),
                taken: taken.of(*lane),
                waiting: parts.iter().find(|part| part.lane == *lane).map(|part| (part.offset, part.total)),
            };
            let refused = self.store.fetch_all(&sql::REFUSALS, params![&peer.node, KEPT_REFUSALS]).await?;
            let refusal =
                |row: &Row| Ok(Refusal { time: row.time("time_us")?, problem: row.text("problem")?.to_owned() });
            let refusals = refused.iter().map(refusal).collect::<Result<_, Error>>()?;
            nodes.push(NodeView { lanes: Lane::ALL.iter().map(lane).collect(), peer, refusals });
        }
        Ok(nodes)
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
