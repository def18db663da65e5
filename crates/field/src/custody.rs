//! Custody between rooms that are nodes of each other: who offers, who has proved contact, who follows, and how old what is
//! known of the other room is. What news means is decided in `mission::custody`.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use kernel::{Actor, Fact, Timestamp};
use replica::{LinkState, PeerView, RecordFilter, RecordView, Replica};
use serde::Deserialize;
use store::{Delivery, HandlerError, Read, Subscriber};

use crate::error::{Error, Refusal};
use crate::line::{self, Statement};
use crate::log::{self, LogEntry, LogFilter, NewEntry};
use crate::mission::{self, Acted, Base, Mission, Moment, Moved, Origin, ToldSign};
use crate::register::Directory;
use crate::room::{Field, Turn, next_number};
use crate::speech::say;
use crate::told_alarm;
use crate::traffic::place_said;

/// Missions of other rooms that are looked at.
const MOST: u32 = 1_000;
/// Entries of one call sign that are looked at for a proof.
const PROOFS: u32 = 5;
/// Entries that say that somebody was heard.
const HEARD: [&str; 7] = ["contact", "arrival", "departure", "position", "halt", "resume", "sos"];

/// A mission that another room offers to this one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustodyOffer {
    pub node: String,
    /// The mission there, as that room knows it.
    pub mission: Mission,
    pub label: String,
    pub signs: Vec<ToldSign>,
    pub names: BTreeMap<String, String>,
    /// Entries of this room's log by which it could be taken over now, the latest first. None: call them.
    pub proofs: Vec<LogEntry>,
    pub link: Option<PeerView>,
}

/// Where the following of a mission between rooms stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CustodyState {
    /// Offered; this room follows until the other has proved contact.
    Offered,
    /// The other room follows.
    HandedOver,
    /// Taken over here; the other has not heard of it yet and follows, too.
    TakenOver,
    /// Taken over here; the other has given it up.
    Held,
    /// Both rooms follow, because an offer was taken back too late. People settle it.
    Disputed,
}

impl CustodyState {
    /// The word in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            CustodyState::Offered => "offered",
            CustodyState::HandedOver => "handed-over",
            CustodyState::TakenOver => "taken-over",
            CustodyState::Held => "held",
            CustodyState::Disputed => "disputed",
        }
    }
}

/// A mission of this room that another room follows, is to follow, or followed before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustodyLine {
    pub mission: Mission,
    pub state: CustodyState,
    /// The other room.
    pub room: String,
    /// What it calls the mission; `None`: it is not known here.
    pub label_there: Option<String>,
    /// The more worrying of the two contact states.
    pub worst: mission::ContactState,
    /// The link to it; `None`: it is no node, and people keep each other up to date.
    pub link: Option<PeerView>,
}

/// Who follows what, between rooms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Custody {
    /// The name of this node; `None`: it has none.
    pub node: Option<String>,
    pub offers: Vec<CustodyOffer>,
    pub missions: Vec<CustodyLine>,
}

/// Takes over what another room offers, with the contact that proves that it can be followed from here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AcceptCustody {
    pub node: String,
    /// The mission there.
    pub mission: String,
    /// The entry of this room's log in which somebody of it was heard.
    pub proof: i64,
    pub actor: Actor,
    pub reason: String,
}

/// A mission as another node tells it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct Told {
    label: String,
    #[serde(default)]
    interval_us: Option<i64>,
    #[serde(default)]
    signs: Vec<ToldSign>,
    #[serde(default)]
    names: BTreeMap<String, String>,
}

/// `None`: it is told in the words of another program, and shown as it is.
fn read(record: &RecordView) -> Option<(Mission, Told)> {
    let mission = serde_json::from_value(record.body.clone()).ok()?;
    Some((mission, serde_json::from_value(record.body.clone()).ok()?))
}

impl Field {
    /// Who follows what, between this room and others.
    ///
    /// # Errors
    /// [`Error::Store`] when the database fails.
    pub async fn custody(&self) -> Result<Custody, Error> {
        let peers = match &self.replica {
            Some(replica) => replica.peers().await?,
            None => Vec::new(),
        };
        let own = self.missions(false).await?;
        let told = self.told().await?;
        // A node that is not spoken to is heard by headquarters, the one that is.
        let through = peers.first().filter(|_| peers.len() == 1);
        let link = |node: &str| peers.iter().find(|peer| peer.node == node).or(through).cloned();
        let lines = own.iter().filter_map(|ours| line(ours, &told, &link)).collect();
        let mut offers = Vec::new();
        for (node, mission, said) in &told {
            let to_us = mission.custody_offered.as_deref().is_some_and(|room| Some(room) == self.node_name());
            let accepted = |ours: &Mission| {
                let same = ours.origin.as_ref().map(|origin| origin.offer) == mission.offer;
                ours.is_ours() && is_from(ours, node, mission) && same
            };
            if to_us && !own.iter().any(accepted) {
                let proofs = self.proofs(mission, said).await?;
                let (label, signs, names) = (said.label.clone(), said.signs.clone(), said.names.clone());
                let (node, mission, link) = (node.clone(), mission.clone(), link(node));
                offers.push(CustodyOffer { node, mission, label, signs, names, proofs, link });
            }
        }
        Ok(Custody { node: self.node_name().map(str::to_owned), offers, missions: lines })
    }

    /// Takes a mission over. The other room hears of it by itself, and gives it up then.
    ///
    /// # Errors
    /// [`Error::NotFound`], and [`Error::Refused`] when it is not offered to this room or the contact does not prove that
    /// it can be followed from here.
    pub async fn accept_custody(&self, order: &AcceptCustody) -> Result<Moved, Error> {
        let replica =
            self.replica.as_ref().ok_or_else(|| Refusal::rule(say!("this node has no name: replica.node")))?;
        let mut turn = self.turn(&order.actor, &order.reason).await?;
        let found = replica.record_in(&mut turn.tx, &order.node, "mission", &order.mission).await?;
        let record = found.ok_or_else(|| Error::missing("mission", format!("{} of {}", order.mission, order.node)))?;
        let unread =
            || Refusal::rule(say!("{node} tells of its missions in words of another program", node = order.node));
        let (mut told, said) = read(&record).ok_or_else(unread)?;
        let (Some(offer), true) = (told.offer, told.custody_offered.as_deref() == Some(replica.node())) else {
            return Err(Refusal::rule(say!(
                "{node} does not offer {label} to this room",
                node = order.node,
                label = said.label
            ))
            .into());
        };
        let base = base(&mut turn, replica.node(), &order.node, &told).await?;
        let proof = proof(&mut turn, &said, order.proof).await?;
        let keys = Keys { directory: &turn.directory, own: replica.node(), node: &order.node, names: &said.names };
        let (signs, names) = (keys.signs(&said.signs), keys.names(&told));
        keys.bring_home(&mut told);
        told.last_place = proof.place.or(told.last_place);
        let interval_us = said.interval_us.unwrap_or_else(|| turn.directory.area(&told.area).interval_us);
        let origin = Origin {
            node: order.node.clone(),
            mission: order.mission.parse().map_err(|_| unread())?,
            label: said.label.clone(),
            offer,
            taken: 0,
            interval_us,
            signs,
            names,
            sign: proof.sign,
            heard: proof.heard,
            entry: proof.entry,
            confirmed: None,
            disputed: false,
        };
        let before = base.is_known.then(|| base.mission.clone());
        let now = turn.now();
        let interval_us = mission::interval(&turn.directory, &told.area, Some(&origin));
        let taken = mission::take_over(base, &told, origin, Moment { at: now, now, interval_us })?;
        let notes = vec![say!(
            "taken over from {node} ({label}): this room follows it from now on; {node} follows it, too, until it hears of this",
            node = order.node,
            label = said.label
        )];
        let acted = Acted { mission: taken, notes, contact: true };
        mission::conclude(turn, before.as_ref(), acted, "accept-custody", None).await
    }

    /// What this room makes of the missions of others. To be given to `Store::run_outbox`.
    pub fn custody_subscriber(&self) -> Arc<dyn Subscriber> {
        Arc::new(News { field: self.clone() })
    }

    fn node_name(&self) -> Option<&str> {
        self.replica.as_ref().map(Replica::node)
    }

    async fn told(&self) -> Result<Vec<(String, Mission, Told)>, Error> {
        let Some(replica) = &self.replica else { return Ok(Vec::new()) };
        let filter = RecordFilter { kind: "mission".to_owned(), node: None, before: None };
        let records = replica.records(&filter, MOST).await?;
        Ok(records
            .iter()
            .filter_map(|record| read(record).map(|(one, said)| (record.node.clone(), one, said)))
            .collect())
    }

    /// Entries of this room's log in which somebody of a mission was heard lately enough.
    async fn proofs(&self, mission: &Mission, said: &Told) -> Result<Vec<LogEntry>, Error> {
        let directory = self.directory().await?;
        let interval_us = said.interval_us.unwrap_or_else(|| directory.area(&mission.area).interval_us);
        let since = self.now().plus_micros(-interval_us);
        let mut proofs = Vec::new();
        for told in &said.signs {
            let filter = LogFilter { sign: Some(told.sign.clone()), ..LogFilter::default() };
            let entries = self.duty_log(&filter, PROOFS).await?;
            proofs.extend(entries.into_iter().filter(|entry| is_proof(entry) && entry.happened > since));
        }
        proofs.sort_by_key(|entry| std::cmp::Reverse(entry.number));
        Ok(proofs)
    }

    /// What a command about custody comes to where the room is a node: the offer goes to it by its name, and it is the node
    /// that accepts; only when the link is down do people tell each other.
    pub(crate) async fn between_nodes(&self, before: &Mission, command: &mut mission::Command) -> Result<(), Error> {
        let Some(replica) = &self.replica else { return Ok(()) };
        let mut peers = replica.peers().await?;
        if let [headquarters] = peers.as_slice() {
            // Whoever headquarters tells of is as near as headquarters is.
            let others = replica.relayed_nodes().await?.into_iter();
            let others: Vec<PeerView> = others.map(|node| PeerView { node, ..headquarters.clone() }).collect();
            peers.extend(others);
        }
        let node = |room: &str| peers.iter().find(|peer| peer.node.eq_ignore_ascii_case(room.trim()));
        match command {
            mission::Command::OfferCustody { room } => {
                if room.trim().eq_ignore_ascii_case(replica.node()) {
                    return Err(Refusal::bad("room", say!("{node} is this room itself", node = replica.node())).into());
                }
                if let Some(peer) = node(room) {
                    room.clone_from(&peer.node);
                }
            }
            mission::Command::ConfirmCustody => {
                let offered = before.custody_offered.as_deref().and_then(node);
                if let Some(peer) = offered.filter(|peer| peer.state == LinkState::Up) {
                    return Err(Refusal::rule(say!(
                        "{node} accepts by itself once it has contact, and this room hears of it",
                        node = peer.node
                    ))
                    .into());
                }
            }
            mission::Command::TakeBack => {
                let holder = before.custody.as_deref().and_then(node);
                if let Some(peer) = holder.filter(|peer| peer.state == LinkState::Up) {
                    return Err(Refusal::rule(say!(
                        "{node} follows it: have it offer the mission, and take it over with a contact",
                        node = peer.node
                    ))
                    .into());
                }
            }
            _ => {}
        }
        Ok(())
    }
}

fn is_from(ours: &Mission, node: &str, theirs: &Mission) -> bool {
    ours.origin.as_ref().is_some_and(|origin| origin.node == node && origin.mission == theirs.id)
}

fn line(
    ours: &Mission,
    told: &[(String, Mission, Told)],
    link: &impl Fn(&str) -> Option<PeerView>,
) -> Option<CustodyLine> {
    let origin = ours.origin.as_ref();
    let disputed = origin.filter(|origin| origin.disputed).map(|origin| &origin.node);
    let (state, room) = if let Some(room) = &ours.custody {
        (CustodyState::HandedOver, room)
    } else if let Some(room) = ours.claimed.as_ref().or(disputed) {
        (CustodyState::Disputed, room)
    } else if let Some(room) = &ours.custody_offered {
        (CustodyState::Offered, room)
    } else {
        let origin = origin?;
        let confirmed = origin.confirmed.is_some();
        (if confirmed { CustodyState::Held } else { CustodyState::TakenOver }, &origin.node)
    };
    let there = told.iter().find(|(node, theirs, _)| {
        let theirs_is_ours = theirs.origin.as_ref().is_some_and(|origin| origin.mission == ours.id);
        node == room && (theirs_is_ours || is_from(ours, node, theirs))
    });
    let theirs = there.map_or(ours.contact, |(_, theirs, _)| theirs.contact);
    Some(CustodyLine {
        mission: ours.clone(),
        state,
        room: room.clone(),
        label_there: there.map(|(_, _, said)| said.label.clone()),
        worst: if theirs.weight() > ours.contact.weight() { theirs } else { ours.contact },
        link: link(room),
    })
}

fn is_proof(entry: &LogEntry) -> bool {
    entry.sign.is_some() && entry.corrected_by.is_none() && HEARD.contains(&entry.kind.as_str())
}

/// The entry by which a mission is taken over.
async fn proof(turn: &mut Turn, said: &Told, number: i64) -> Result<Heard, Error> {
    let entry = log::numbered(&mut turn.tx, number).await?.ok_or_else(|| Error::missing("entry", number))?;
    let sign = entry.sign.clone().unwrap_or_default();
    let signs: Vec<&str> = said.signs.iter().map(|told| told.sign.as_str()).collect();
    if !is_proof(&entry) || !signs.contains(&sign.as_str()) {
        let problem = say!("entry {number} does not say that one of {signs} was heard here", number, signs);
        return Err(Refusal::bad("proof", problem).into());
    }
    let directory = &turn.directory;
    let place = match line::parse(&entry.line, &|word| directory.knows_sign(word)).statement {
        Statement::Traffic { act, .. } => place_said(&act, directory),
        _ => None,
    };
    Ok(Heard { sign, heard: entry.happened, place, entry: number })
}

/// Who was heard, when, where by their own words, by which entry.
struct Heard {
    sign: String,
    heard: Timestamp,
    place: Option<String>,
    entry: i64,
}

/// The mission that it was here before, else a new one.
async fn base(turn: &mut Turn, own: &str, node: &str, told: &Mission) -> Result<Base, Error> {
    let open = mission::open_in(&mut turn.tx).await?.into_iter().find(|open| is_from(open, node, told));
    if let Some(mission) = open {
        if mission.is_ours() && mission.origin.as_ref().map(|origin| origin.offer) == told.offer {
            return Err(Refusal::rule(say!("it is {label} here already", label = mission.label())).into());
        }
        return Ok(Base { mission, is_known: true });
    }
    let home = told.origin.as_ref().filter(|origin| origin.node == own).map(|origin| origin.mission);
    if let Some(id) = home
        && let Some(mission) = mission::find(&mut turn.tx, id).await?
        && !mission.state.is_final()
    {
        return Ok(Base { mission, is_known: true });
    }
    let (id, now) = (turn.tx.id::<kernel::id::MissionKind>(), turn.now());
    let number = next_number(&mut turn.tx, "mission").await?;
    let mission = Mission { id, number, created: now, version: 0, ..told.clone() };
    Ok(Base { mission, is_known: false })
}

/// Keys of another room's register, as this room writes them: `P-1` there is `DILI/P-1` here, unless it is the same here.
struct Keys<'a> {
    directory: &'a Directory,
    own: &'a str,
    node: &'a str,
    names: &'a BTreeMap<String, String>,
}

impl Keys<'_> {
    fn here(&self, noun: &str, key: &str) -> String {
        if let Some((node, plain)) = key.split_once('/') {
            return if node == self.own { plain.to_owned() } else { key.to_owned() };
        }
        match self.directory.record(noun, key) {
            Some(record) if self.names.get(key).is_some_and(|name| name == record.text("name")) => key.to_owned(),
            // A plate is nobody else's.
            None if noun == "vehicle" => key.to_owned(),
            _ => format!("{}/{key}", self.node),
        }
    }

    fn bring_home(&self, mission: &mut Mission) {
        for one in &mut mission.convoy {
            one.vehicle = self.here("vehicle", &one.vehicle);
        }
        for seat in &mut mission.manifest {
            seat.person = self.here("person", &seat.person);
            seat.vehicle = seat.vehicle.as_ref().map(|vehicle| self.here("vehicle", vehicle));
        }
    }

    fn signs(&self, told: &[ToldSign]) -> Vec<ToldSign> {
        let here = |one: &ToldSign| ToldSign { key: self.here(&one.kind, &one.key), ..one.clone() };
        told.iter().map(here).collect()
    }

    fn names(&self, told: &Mission) -> BTreeMap<String, String> {
        let vehicles = told.convoy.iter().map(|one| ("vehicle", &one.vehicle));
        let people = told.manifest.iter().map(|seat| ("person", &seat.person));
        let named = |(noun, key): (&str, &String)| Some((self.here(noun, key), self.names.get(key)?.clone()));
        vehicles.chain(people).filter_map(named).collect()
    }
}

struct News {
    field: Field,
}

#[async_trait]
impl Subscriber for News {
    fn name(&self) -> &'static str {
        "field.custody"
    }

    fn topics(&self) -> &'static [&'static str] {
        &["node-record-changed"]
    }

    async fn handle(&self, delivery: &Delivery) -> Result<(), HandlerError> {
        let Fact::NodeRecordChanged { node, kind, subject, .. } = &delivery.fact else { return Ok(()) };
        let ours = matches!(kind.as_str(), "mission" | "alarm");
        let Some(replica) = self.field.replica.as_ref().filter(|_| ours) else { return Ok(()) };
        let mut turn = self.field.turn(&Actor::system("field"), "another room said so").await?;
        if !turn.tx.acknowledge(delivery).await? {
            return Ok(());
        }
        let record = replica.record_in(&mut turn.tx, node, kind, subject).await.map_err(Error::from)?;
        if let Some(record) = record.as_ref().filter(|_| kind == "alarm") {
            told_alarm::hear(&mut turn, record).await?;
            turn.finish().await?;
            return Ok(());
        }
        if let Some((record, (theirs, said))) = record.as_ref().and_then(|record| Some((record, read(record)?))) {
            hear(&mut turn, replica.node(), node, &theirs, &said).await?;
            if relay(&mut turn, replica, record, &theirs).await? {
                turn.finish().await?;
                replica.ring();
                return Ok(());
            }
        }
        turn.finish().await?;
        Ok(())
    }
}

/// What one office says of a mission that is between it and another is told to the other by the node in the middle: this one.
/// Whether it was told.
async fn relay(turn: &mut Turn, replica: &Replica, record: &RecordView, theirs: &Mission) -> Result<bool, Error> {
    let peers = replica.peers().await?;
    let third = |room: &Option<String>| {
        let peer = peers.iter().find(|peer| room.as_ref().is_some_and(|room| peer.node.eq_ignore_ascii_case(room)));
        peer.map(|peer| peer.node.clone()).filter(|node| *node != record.node)
    };
    let (offered, origin) = (third(&theirs.custody_offered), theirs.origin.as_ref().map(|origin| origin.node.clone()));
    let between = [&theirs.custody_offered, &theirs.custody, &theirs.claimed, &origin]
        .into_iter()
        .any(|room| third(room).is_some());
    if !between && !replica.is_relayed(&mut turn.tx, record).await? {
        return Ok(false);
    }
    let mut body = record.body.clone();
    if let Some(offered) = offered {
        // By the name that the other goes by, however it was typed.
        body["custody_offered"] = offered.into();
    }
    let told = replica.relay(&mut turn.tx, record, body).await? > 0;
    if told {
        let what = serde_json::json!({ "of": record.node, "mission": record.subject });
        turn.record("custody.relay", replica.node(), serde_json::Value::Null, what);
    }
    Ok(told)
}

/// What the news of another room's mission makes of ours.
async fn hear(turn: &mut Turn, own: &str, node: &str, theirs: &Mission, said: &Told) -> Result<(), Error> {
    let given = theirs.origin.as_ref().filter(|origin| origin.node == own).map(|origin| origin.mission);
    if let Some(id) = given
        && let Some(ours) = mission::find(&mut turn.tx, id).await?
        && let Some(acted) = mission::hear_of_holder(&ours, node, theirs, turn.now())
    {
        conclude(turn, node, &ours, acted, said).await?;
    }
    for ours in mission::open_in(&mut turn.tx).await? {
        if is_from(&ours, node, theirs)
            && let Some(acted) = mission::hear_of_giver(&ours, own, node, theirs, turn.now())
        {
            conclude(turn, node, &ours, acted, said).await?;
        }
    }
    Ok(())
}

async fn conclude(turn: &mut Turn, node: &str, before: &Mission, acted: Acted, said: &Told) -> Result<(), Error> {
    let settled = mission::write(turn, Some(before), &acted, "custody").await?;
    let mut outcome = acted.notes;
    outcome.extend(settled);
    // What only mirrors the other room's sheet is in that room's log.
    if outcome.is_empty() {
        return Ok(());
    }
    let meaning =
        say!("{label} custody: news of {node} ({theirs})", label = acted.mission.label(), node, theirs = said.label);
    let mission = Some(acted.mission.id);
    turn.log(NewEntry { mission, outcome, ..NewEntry::words("mission", meaning) }).await.map(drop)
}

/// What another room needs to follow a mission: who it hears under which sign, names, and the interval.
pub(crate) fn sheet_to_tell(mission: &Mission, directory: &Directory, now: Timestamp) -> serde_json::Value {
    let vehicles = mission.convoy.iter().map(|one| ("vehicle", one.vehicle.clone()));
    let people = mission.aboard().into_iter().map(|person| ("person", person.to_owned()));
    let (mut signs, mut names) = (Vec::new(), BTreeMap::new());
    for (kind, key) in vehicles.chain(people) {
        let told = mission.origin.as_ref();
        let known = directory.record(kind, &key).map(|record| record.text("name").to_owned());
        let name = known.or_else(|| told.and_then(|origin| origin.names.get(&key).cloned()));
        names.extend(name.map(|name| (key.clone(), name)));
        let from_told =
            || told?.signs.iter().find(|one| one.kind == kind && one.key == key).map(|one| one.sign.clone());
        let sign = directory.sign_of(kind, &key, now).or_else(from_told);
        signs.extend(sign.map(|sign| ToldSign { sign, kind: kind.to_owned(), key }));
    }
    let interval_us = mission::interval(directory, &mission.area, mission.origin.as_ref());
    serde_json::json!({ "interval_us": interval_us, "signs": signs, "names": names })
}

/// The open mission in which somebody of another room's register is heard under a sign.
pub(crate) async fn by_told_sign(read: &mut impl Read, sign: &str) -> Result<Option<Mission>, Error> {
    let open = mission::open_in(read).await?;
    Ok(open.into_iter().find(|one| one.is_ours() && one.told_sign(sign).is_some()))
}
