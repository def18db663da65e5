//! The Access desk's figures: `cargo run --release -p identity --example access_bench` prints them, one `name<TAB>value` a line.
//!
//! State and targets are SQLite files on disk with full durability; the targets are reached through the SQL table connector.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark that cannot go on stops; it speaks on its output"
)]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use connector::sql_table::{ColumnMapping, EnabledColumn, SqlTable, SqlTableConfig, TableMapping};
use connector::{Connector, ConnectorError, ProtectionRules, Secret};
use identity::Identity;
use identity::document::drafts_from_toml;
use identity::feed::{BatchState, Delivery, Manifest};
use identity::provision::Targets;
use identity::system::System;
use kernel::time::SystemClock;
use kernel::{Actor, Clock};
use sqlx::Connection as _;
use store::Store;
use testkit::CountingRandomness;

/// Targets in SQLite files.
struct Tables {
    made: BTreeMap<String, Arc<SqlTable>>,
}

#[async_trait]
impl Targets for Tables {
    async fn target(&self, key: &str, _: &System) -> Result<Arc<dyn Connector>, ConnectorError> {
        let found = self.made.get(key).cloned();
        Ok(found.ok_or_else(|| ConnectorError::invalid("no such table"))?)
    }
}

async fn table(folder: &Path, key: &str, columns: usize) -> Arc<SqlTable> {
    let url = format!("sqlite:{}?mode=rwc", folder.join(format!("{key}.db")).display());
    let mut ddl = "CREATE TABLE account (id INTEGER PRIMARY KEY, login TEXT NOT NULL UNIQUE, enabled INTEGER, anchor TEXT UNIQUE, roles TEXT".to_owned();
    for column in 0..columns {
        write!(ddl, ", c{column} TEXT").unwrap();
    }
    ddl.push(')');
    let mut connection = sqlx::SqliteConnection::connect(&url).await.unwrap();
    sqlx::raw_sql(sqlx::AssertSqlSafe(ddl)).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    let mut attributes = vec![ColumnMapping::text("anchor"), ColumnMapping::text("roles")];
    attributes.extend((0..columns).map(|column| ColumnMapping::text(&format!("c{column}"))));
    let accounts = TableMapping {
        table: "account".to_owned(),
        id: "id".to_owned(),
        name: "login".to_owned(),
        container: None,
        enabled: Some(EnabledColumn::boolean("enabled")),
        expires: None,
        version: None,
        changed_by: None,
        deleted: None,
        operation: None,
        attributes,
    };
    let config = SqlTableConfig { url: Secret::new(url), accounts, groups: None, members: None };
    Arc::new(SqlTable::connect(config, ProtectionRules::default()).await.unwrap())
}

/// Systems with so many mappings, roles with so many entitlements for everybody, a feed with so many columns.
fn policy(systems: usize, mappings: usize, assignments: usize, columns: usize) -> String {
    let mut text = String::from(
        "[settings.house]\nplan_disables_max = 1000000\n[station.nbo]\ntitle = \"Nairobi\"\ntime_zone = \"Africa/Nairobi\"\n",
    );
    for system in 0..systems {
        write!(
            text,
            "[system.s{system}]\ntitle = \"S{system}\"\nowner = \"P-1\"\nconnector = {{ kind = \"sql-table\" }}\nanchor = \"anchor\"\n\
             [system.s{system}.login]\ntemplate = \"{{{{ person.given_name | ascii | lower }}}}.{{{{ person.family_name | ascii | lower }}}}\"\nscope = \"s{system}\"\n\
             [system.s{system}.attributes]\n"
        )
        .unwrap();
        for mapping in 0..mappings {
            writeln!(text, "c{mapping} = \"{{{{ person.display_name }}}} {mapping} {{{{ engagement.org_unit | lower }}}} {{{{ person.extra.f{} }}}}\"", mapping % 40).unwrap();
        }
    }
    for role in 0..assignments {
        // Ten roles are a family: the last of it is included by the others.
        let last = (role / 10 * 10 + 9).min(assignments - 1);
        let included = if role == last { String::new() } else { format!("includes = [\"r{last}\"]\n") };
        write!(text, "[role.r{role}]\ntitle = \"Role {role}\"\nkind = \"business\"\nowner = \"P-1\"\n{included}grants = [\"s{}\"]\n", role % systems).unwrap();
        write!(text, "[rule.a{role}]\ntitle = \"Rule {role}\"\nowner = \"P-1\"\nwhen = \"engagement.station == 'nbo' and person.kind == 'staff'\"\nroles = [\"r{role}\"]\n").unwrap();
    }
    text.push_str("[feed.hr]\ntitle = \"HR\"\nowner = \"P-1\"\nformat = \"csv\"\ntrailer = \"END\"\nguards = { leavers_max = 100000, leavers_percent = 100.0, unit_leavers_percent = 100.0, window_leavers_max = 1000000 }\n[feed.hr.map]\nanchor = \"person\"\nnumber = \"person\"\nkey = \"contract\"\ngiven_name = \"given\"\nfamily_name = \"family\"\nbirth_date = \"born\"\nbegins = \"begins\"\nstation = \"station\"\norg_unit = \"unit\"\njob = \"job\"\n");
    for column in 0..columns {
        writeln!(text, "\"person.extra.f{column}\" = \"f{column}\"").unwrap();
    }
    text
}

fn feed(people: usize, columns: usize, moved: usize, gone: usize, snapshot: &str) -> Vec<u8> {
    let mut text = "person,contract,given,family,born,begins,station,unit,job".to_owned();
    for column in 0..columns {
        write!(text, ",f{column}").unwrap();
    }
    text.push('\n');
    for n in gone..people {
        let unit = if n < gone + moved { "NEW".to_owned() } else { format!("U{}", n % 200) };
        write!(
            text,
            "P-{n},C-{n},Given{n},Family{n},19{:02}-0{}-11,2020-01-01,nbo,{unit},Officer",
            40 + n % 60,
            1 + n % 9
        )
        .unwrap();
        for column in 0..columns {
            write!(text, ",value {column} of {}", n % 97).unwrap();
        }
        text.push('\n');
    }
    let records = people - gone;
    writeln!(text, "END,{records},{snapshot}").unwrap();
    text.into_bytes()
}

struct Bench {
    identity: Identity,
    targets: Tables,
    clock: Arc<SystemClock>,
    _folder: tempfile::TempDir,
}

impl Bench {
    async fn new(systems: usize, mappings: usize, assignments: usize, columns: usize) -> Bench {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(SystemClock::new());
        let url = format!("sqlite:{}", folder.path().join("state.db").display());
        let store = Store::open(&url, clock.clone(), CountingRandomness::seeded(1)).await.unwrap();
        let identity = Identity::new(store);
        let mut made = BTreeMap::new();
        for system in 0..systems {
            let key = format!("s{system}");
            made.insert(key.clone(), table(folder.path(), &key, mappings).await);
        }
        let drafts = drafts_from_toml(&policy(systems, mappings, assignments, columns)).unwrap();
        identity.save_documents(&drafts, "bench", None, &Actor::system("bench")).await.unwrap();
        Bench { identity, targets: Tables { made }, clock, _folder: folder }
    }

    async fn deliver(&self, body: Vec<u8>) -> f64 {
        let delivery = Delivery { feed: "hr".to_owned(), body, manifest: Manifest::default() };
        let begun = self.clock.monotonic_us();
        let batch = self.identity.receive(&delivery, &Actor::system("bench")).await.unwrap();
        assert_eq!(batch.state, BatchState::Applied, "{:?}", batch.findings);
        self.seconds(begun)
    }

    #[expect(clippy::cast_precision_loss, reason = "a duration for people to read")]
    fn seconds(&self, begun_us: u64) -> f64 {
        (self.clock.monotonic_us() - begun_us) as f64 / 1e6
    }
}

#[expect(clippy::cast_precision_loss, reason = "a rate for people to read")]
async fn provision(name: &str, people: usize, systems: usize, mappings: usize, assignments: usize, columns: usize) {
    let bench = Bench::new(systems, mappings, assignments, columns).await;
    let import = bench.deliver(feed(people, columns, 0, 0, "2026-11-01")).await;
    let begun = bench.clock.monotonic_us();
    let done = bench.identity.provision(&bench.targets).await.unwrap();
    let seconds = bench.seconds(begun);
    assert_eq!(done.settled, (people * systems) as u64, "{done:?}");
    let accounts = (people * systems) as f64;
    println!("{name}: import and plan\t{import:.2} s");
    println!("{name}: written at the targets\t{seconds:.2} s");
    println!("{name}: accounts per second, import included\t{:.0}", accounts / (import + seconds));
}

async fn delta(people: usize) {
    let bench = Bench::new(1, 4, 3, 8).await;
    let first = bench.deliver(feed(people, 8, 0, 0, "2026-11-01")).await;
    println!("first feed of {people} people, planned and written\t{first:.2} s");
    let body = feed(people, 8, 600, 100, "2026-11-02");
    let delivery = Delivery { feed: "hr".to_owned(), body, manifest: Manifest::default() };
    let begun = bench.clock.monotonic_us();
    let (batch, _) = bench.identity.try_delivery(&delivery, &Actor::system("bench")).await.unwrap();
    println!(
        "delta of {people} people computed ({} moved, {} left)\t{:.2} s",
        batch.movers,
        batch.leavers,
        bench.seconds(begun)
    );
    let applied = bench.deliver(delivery.body).await;
    println!("the same delta applied and planned\t{applied:.2} s");
}

#[tokio::main]
async fn main() {
    let people: usize = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(60_000);
    provision("scenario 1 (1,000 people, 5 targets × 50 mappings, 100 assignments)", 1_000, 5, 50, 100, 40).await;
    provision("HR and 8 SQL tables (1,000 people)", 1_000, 8, 10, 8, 10).await;
    delta(people).await;
}
