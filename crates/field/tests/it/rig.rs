//! What the checks share: the room on an opened store, with a small office in its register.

use std::collections::BTreeMap;
use std::sync::Arc;

use field::mission::{Command, Leg, Mission, MissionOrder, RequestMission};
use field::register::{AssignSign, Import, SaveRecord};
use field::{Error, Field, LogEntry};
use kernel::message::{
    DeliveryState, DistressCancelled, DistressSignalled, Means, MessageDelivery, MessageReceived, PositionReported,
};
use kernel::{Actor, Fact, Timestamp};
use replica::Replica;
use store::{DeadlineEngine, Entry, Store, Subscriber};
use testkit::{CountingRandomness, TestClock};

pub struct Rig {
    pub store: Store,
    pub field: Field,
    pub clock: Arc<TestClock>,
    /// The node that it is, where it is one of several.
    pub replica: Option<Replica>,
    engine: DeadlineEngine<Store>,
    url: String,
    starts: u64,
}

/// The office: what is in its register. Keys that are not there do not exist.
pub const OFFICE: &[(&str, &str)] = &[
    ("organisation", "key,name,kind\nUNA,Agency for Almanacs,un\nREL,Relief by Lamplight,ngo\n"),
    ("zone", "key,name\n4,Harbour\n5,Hill\n"),
    (
        "person",
        "key,name,category,organisation,zone,presence,relies_on\n\
         P-1,Ana Soares,staff,UNA,4,present,\nP-2,Beto Lima,staff,UNA,4,present,\nP-3,Carla Reis,ngo,REL,4,present,\n\
         P-4,Dino Costa,staff,UNA,5,leave,\nP-5,Eva Soares,dependant,UNA,4,present,P-1\nP-6,Fio Melo,visitor,REL,5,present,\n",
    ),
    (
        "vehicle",
        "key,name,organisation,seats,armoured\nUN-1,White pickup,UNA,5,no\nUN-2,White van,UNA,9,no\nRL-1,Blue truck,REL,3,no\n",
    ),
    (
        "premises",
        "key,name,kind,time_zone,latitude,longitude\nBASE,Radio room,duty-station,Asia/Dili,-8.55,125.57\nCOMORO,Comoro bridge,other,,,\n",
    ),
    ("area", "key,name,risk,ladder\nLOW,Lowlands,low,\nMED,Midlands,medium,\nHIGH,Highlands,high,\n"),
    (
        "contact",
        "key,role,name,organisation,means,address,priority\n1,duty-officer,Gil Duarte,,phone,555-0101,1\n\
         2,focal-point,Hana Brito,UNA,phone,555-0102,1\n3,focal-point,Hana Brito,UNA,satellite,8816-0102,2\n\
         4,focal-point,Ivo Dias,REL,phone,555-0104,1\n5,security-adviser,Jo Faria,,phone,555-0105,1\n\
         6,head-of-office,Kai Gomes,,phone,555-0106,1\n7,response-team,Team Lamp,,radio,VHF-9,1\n",
    ),
];

/// Who holds which sign on the first day.
const SIGNS: [(&str, &str, &str); 6] = [
    ("BF11", "vehicle", "UN-1"),
    ("BF12", "vehicle", "UN-2"),
    ("RL3", "vehicle", "RL-1"),
    ("3621", "person", "P-1"),
    ("3622", "person", "P-2"),
    ("3699", "person", "P-3"),
];

/// What the office gets when it can be reached: telephones, devices, fences, wardens.
const REACH: &[(&str, &str)] = &[
    (
        "person",
        "key,name,category,organisation,zone,presence,relies_on,phone,email\n\
         P-1,Ana Soares,staff,UNA,4,present,,+67077000001,ana@una.example\n\
         P-2,Beto Lima,staff,UNA,4,present,,+67077000002,\nP-3,Carla Reis,ngo,REL,4,present,,+67077000003,\n\
         P-4,Dino Costa,staff,UNA,5,leave,,+67077000004,\nP-5,Eva Soares,dependant,UNA,4,present,P-1,,\n\
         P-6,Fio Melo,visitor,REL,5,present,,,\n",
    ),
    ("zone", "key,name,warden,alternate\n4,Harbour,P-2,P-3\n5,Hill,P-4,P-6\n"),
    (
        "contact",
        "key,role,name,organisation,means,address,priority\n20,duty-officer,Gil Duarte,,sms,+67077000020,2\n\
         21,security-adviser,Jo Faria,,sms,+67077000021,1\n",
    ),
    (
        "equipment",
        "key,name,kind,network,repairer,test_days\nVHF-1,Town repeater,repeater,VHF-1,20,7\nUPS,UPS of the room,ups,,,\n",
    ),
    (
        "device",
        "key,name,kind,vehicle,person,interval_min\nT-1,Tracker of the pickup,tracker,UN-1,,10\n\
         T-2,Tracker of the van,tracker,UN-2,,\n300434030000001,Messenger of Ana,satellite,,P-1,\n",
    ),
    (
        "fence",
        "key,name,kind,shape,width_m\n\
         RIVER,River bed,no-go,\"POLYGON ((125.60 -8.60, 125.70 -8.60, 125.70 -8.50, 125.60 -8.50, 125.60 -8.60))\",\n\
         COAST,Coast road,corridor,\"LINESTRING (125.40 -8.55, 125.80 -8.55)\",2000\n",
    ),
];

/// What a device may signal.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    Call,
    Drill,
    Cancel,
}

pub fn operator() -> Actor {
    Actor::User("user-operator".to_owned())
}

/// An empty room.
pub async fn empty(url: &str) -> Rig {
    start(url, 0).await
}

async fn start(url: &str, starts: u64) -> Rig {
    let clock = TestClock::noon();
    let store = Store::open(url, clock.clone(), CountingRandomness::seeded(7 + starts)).await.unwrap();
    let engine = store.deadline_engine();
    Rig { field: Field::new(store.clone()), store, clock, replica: None, engine, url: url.to_owned(), starts }
}

/// A room as it was left at noon: somebody closed it, and nothing has happened since.
pub async fn again(url: &str) -> Rig {
    start(url, 1).await
}

/// A room with the office in its register.
pub async fn open(url: &str) -> Rig {
    let rig = empty(url).await;
    for (noun, csv) in OFFICE {
        let done = rig.import(noun, csv, false).await;
        assert!(done.written, "{noun}: {:?}", done.findings);
    }
    for (sign, kind, holder) in SIGNS {
        rig.assign(sign, None, Some((kind, holder))).await.unwrap();
    }
    rig
}

impl Rig {
    pub async fn import(&self, noun: &str, csv: &str, trial: bool) -> field::register::Imported {
        let import = Import {
            noun: noun.to_owned(),
            csv: csv.to_owned(),
            trial,
            actor: operator(),
            reason: "first list".to_owned(),
        };
        self.field.import(&import).await.unwrap()
    }

    pub async fn save(
        &self,
        noun: &str,
        key: &str,
        version: i64,
        fields: &[(&str, &str)],
    ) -> Result<field::register::Record, Error> {
        let fields: BTreeMap<String, String> =
            fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let (noun, key, reason) = (noun.to_owned(), key.to_owned(), "because".to_owned());
        self.field.save_record(&SaveRecord { noun, key, version, fields, actor: operator(), reason }).await
    }

    pub async fn assign(
        &self,
        sign: &str,
        seen: Option<&str>,
        holder: Option<(&str, &str)>,
    ) -> Result<Option<field::register::Assignment>, Error> {
        self.assign_since(sign, seen, holder, None).await
    }

    pub async fn assign_since(
        &self,
        sign: &str,
        seen: Option<&str>,
        holder: Option<(&str, &str)>,
        since: Option<Timestamp>,
    ) -> Result<Option<field::register::Assignment>, Error> {
        let order = AssignSign {
            sign: sign.to_owned(),
            seen: seen.map(str::to_owned),
            holder: holder.map(|(kind, key)| (kind.to_owned(), key.to_owned())),
            network: Some("VHF-1".to_owned()),
            since,
            actor: operator(),
            reason: "list of the month".to_owned(),
        };
        self.field.assign_sign(&order).await
    }

    pub async fn enter(&self, line: &str) -> Result<LogEntry, Error> {
        self.field.enter(line, &operator()).await
    }

    /// Gives the office everything by which it is reached.
    pub async fn reach(&self) {
        for (noun, csv) in REACH {
            let done = self.import(noun, csv, false).await;
            assert!(done.written, "{noun}: {:?}", done.findings);
        }
        self.field.set_public_url("https://vigie.example.org/", &operator(), "as in the DNS").await.unwrap();
    }

    /// A fact of the courier.
    pub async fn tell(&self, fact: Fact) {
        let mut tx = self.store.begin().await.unwrap();
        tx.emit(fact);
        tx.commit(Entry::new(&Actor::system("courier"), "courier.take", "test")).await.unwrap();
        self.deliver().await;
    }

    pub async fn sms(&self, sender: &str, text: &str, ago_us: i64, answers: Option<String>) {
        let message = self.text(sender, text, ago_us, answers);
        self.tell(Fact::MessageReceived(Box::new(message))).await;
    }

    /// A short message that arrives now.
    pub fn text(&self, sender: &str, text: &str, ago_us: i64, answers: Option<String>) -> MessageReceived {
        MessageReceived {
            message: self.store.id(),
            means: Means::Sms,
            channel: "gateway".to_owned(),
            provider_id: None,
            sender: sender.to_owned(),
            recipient: "+67077999999".to_owned(),
            subject: None,
            text: text.to_owned(),
            sent: Some(self.now().plus_micros(-ago_us)),
            received: self.now(),
            answers_certain: answers.is_some(),
            answers,
            precedence: None,
            relayed_by: Vec::new(),
            automatic: false,
            exercise: false,
            raw: self.store.id(),
        }
    }

    pub async fn fix(&self, device: &str, place: (f64, f64), ago_us: i64, accuracy_m: Option<f64>) {
        let position = self.report(device, place, ago_us, accuracy_m);
        self.tell(Fact::PositionsReported { positions: vec![position] }).await;
    }

    pub fn report(&self, device: &str, place: (f64, f64), ago_us: i64, accuracy_m: Option<f64>) -> PositionReported {
        PositionReported {
            position: self.store.id(),
            device: device.to_owned(),
            label: None,
            source: "osmand".to_owned(),
            fix_time: self.now().plus_micros(-ago_us),
            received: self.now(),
            latitude: place.0,
            longitude: place.1,
            altitude_m: None,
            accuracy_m,
            speed_mps: None,
            course_deg: None,
            battery_percent: None,
            quirks: Vec::new(),
            raw: self.store.id(),
        }
    }

    pub async fn signal(&self, device: &str, signal: Signal, ago_us: i64) {
        let (signalled, received) = (self.now().plus_micros(-ago_us), self.now());
        let (device, source) = (device.to_owned(), "inreach".to_owned());
        let fact = if signal == Signal::Cancel {
            let (signal, raw, code) = (self.store.id(), self.store.id(), "7 cancel SOS".to_owned());
            let cancel = DistressCancelled { signal, device, label: None, source, code, signalled, received, raw };
            Fact::DistressCancelled(Box::new(cancel))
        } else {
            Fact::DistressSignalled(Box::new(DistressSignalled {
                signal: self.store.id(),
                device,
                label: None,
                source,
                code: "4 declare SOS".to_owned(),
                confirms: false,
                signalled,
                received,
                position: None,
                latitude: None,
                longitude: None,
                text: None,
                exercise: signal == Signal::Drill,
                raw: self.store.id(),
            }))
        };
        self.tell(fact).await;
    }

    pub async fn undeliverable(&self, key: &str) {
        let news = MessageDelivery {
            key: key.to_owned(),
            about: String::new(),
            state: DeliveryState::Undeliverable,
            address: None,
            problem: Some("no route".to_owned()),
            at: self.now(),
        };
        self.tell(Fact::MessageDelivery(news)).await;
    }

    /// A mission of one vehicle, with somebody aboard or not, that has departed.
    pub async fn depart(&self, vehicle: &str, aboard: Option<&str>, area: &str) -> Mission {
        let order = RequestMission {
            title: "Round".to_owned(),
            legs: vec![Leg {
                from: "BASE".to_owned(),
                to: "COMORO".to_owned(),
                area: area.to_owned(),
                corridor: None,
                began: None,
                planned: None,
            }],
            vehicles: vec![vehicle.to_owned()],
            people: aboard.iter().map(|person| ((*person).to_owned(), Some(vehicle.to_owned()))).collect(),
            leader: None,
            deputy: None,
            planned_departure: None,
            exercise: false,
            actor: operator(),
            reason: "asked for".to_owned(),
        };
        let mut mission = self.field.request_mission(&order).await.unwrap().mission;
        for command in [Command::Clear, Command::Brief, Command::Depart] {
            let (actor, reason) = (operator(), "as asked".to_owned());
            let (id, version) = (mission.id, mission.version);
            let order = MissionOrder { mission: id, version, at: None, actor, reason, command };
            mission = self.field.command_mission(&order).await.unwrap().mission;
        }
        mission
    }

    /// House time.
    pub fn now(&self) -> Timestamp {
        self.store.now()
    }

    /// Lets time pass until `target`, with every deadline at its time.
    pub async fn pass_until(&mut self, target: Timestamp) {
        loop {
            let next = self.work().await;
            let until = next.filter(|due| *due < target).unwrap_or(target);
            let micros = u64::try_from(until.micros() - self.now().micros()).unwrap_or(0);
            if micros == 0 {
                break;
            }
            self.clock.advance_us(micros);
        }
        self.work().await;
    }

    /// One turn of the engine and of the outbox.
    pub async fn work(&mut self) -> Option<Timestamp> {
        loop {
            let tick = self.engine.tick().await.unwrap();
            // What was delivered may have set deadlines that are due already.
            if self.deliver().await == 0 {
                return tick.next_due;
            }
        }
    }

    /// Who hears of a topic.
    pub fn who_hears(&self, topic: &str) -> Arc<dyn Subscriber> {
        self.field.subscribers().into_iter().find(|one| one.topics().contains(&topic)).unwrap()
    }

    /// How many facts were delivered.
    pub async fn deliver(&self) -> u32 {
        let mut subscribers = self.field.subscribers();
        if let Some(replica) = &self.replica {
            subscribers.extend([self.field.teller(replica.clone()), self.field.custody_subscriber()]);
        }
        let mut delivered = 0;
        for subscriber in subscribers {
            let progress = self.store.postman(subscriber).round().await.unwrap();
            assert_eq!((progress.parked, progress.waiting_until), (0, None), "the subscriber failed");
            delivered += progress.delivered;
        }
        delivered
    }

    /// The program ends; nobody watches the clock until it starts again.
    pub async fn restart(&mut self, down_us: u64) {
        self.store.clone().close().await;
        self.clock.advance_us(down_us);
        self.starts += 1;
        let random = CountingRandomness::seeded(7 + self.starts);
        self.store = Store::open(&self.url, self.clock.clone(), random).await.unwrap();
        self.field = Field::new(self.store.clone());
        self.engine = self.store.deadline_engine();
    }
}
