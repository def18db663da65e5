//! Process events, sign-ins and identities as an organisation has them: few names are common, most are rare.
//!
//! Everything follows from the seed.

use std::sync::Arc;

use arrow_array::{ArrayRef, BooleanArray, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow_schema::Schema;
use kernel::{ColumnSchema, ScalarType, TableSchema};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

/// 2026-10-01T00:00:00Z, the first instant.
pub const START_US: i64 = 1_790_812_800_000_000;
pub const DAY_US: i64 = 86_400_000_000;
/// Over which the events spread.
pub const DAYS: i64 = 30;

const HOSTS: usize = 5_000;
pub const USERS: usize = 20_000;
const IMAGES: usize = 500;
const SITES: usize = 2_000;
/// One process event in so many is an attacker's tool: 20 in a million.
const NEEDLE_EVERY: u64 = 50_000;

/// The word by which attackers' tools are found.
pub const NEEDLE: &str = "mimikatz";

const COUNTRIES: [&str; 24] = [
    "FR", "DE", "US", "GB", "IT", "ES", "PL", "NL", "BE", "SE", "CH", "AT", "PT", "FI", "DK", "NO", "IE", "CZ", "RO",
    "GR", "CA", "JP", "AU", "BR",
];
const DEPARTMENTS: [&str; 12] = [
    "Finance",
    "Legal",
    "Research",
    "Sales",
    "Support",
    "Facilities",
    "Logistics",
    "Medical",
    "Press",
    "Field",
    "IT",
    "Board",
];

/// The process events' table.
pub fn process_schema() -> TableSchema {
    table(
        "ProcessEvents_CL",
        &[
            ("Host", ScalarType::String),
            ("User", ScalarType::String),
            ("Image", ScalarType::String),
            ("CommandLine", ScalarType::String),
            ("AdditionalFields", ScalarType::Dynamic),
            ("Bytes", ScalarType::Long),
        ],
    )
}

/// The sign-ins' table.
pub fn signin_schema() -> TableSchema {
    table(
        "SignIns_CL",
        &[
            ("User", ScalarType::String),
            ("Address", ScalarType::String),
            ("Country", ScalarType::String),
            ("Application", ScalarType::String),
            ("ResultCode", ScalarType::String),
        ],
    )
}

/// The identities' table.
pub fn identity_schema() -> TableSchema {
    table(
        "Identities_CL",
        &[("Upn", ScalarType::String), ("Department", ScalarType::String), ("Privileged", ScalarType::Bool)],
    )
}

fn table(name: &str, columns: &[(&str, ScalarType)]) -> TableSchema {
    let columns = columns.iter().map(|(name, scalar)| ColumnSchema { name: (*name).to_owned(), scalar: *scalar });
    TableSchema { name: name.to_owned(), columns: columns.collect() }.with_standard_columns()
}

/// Draws numbers below a count, the first ones far more often (Zipf's law with exponent 1).
struct Zipf {
    cumulative: Vec<f64>,
}

impl Zipf {
    fn new(count: usize) -> Zipf {
        let mut sum = 0.0;
        let cumulative = (1..=count)
            .map(|rank| {
                sum += 1.0 / rank as f64;
                sum
            })
            .collect();
        Zipf { cumulative }
    }

    fn draw(&self, random: &mut ChaCha8Rng) -> usize {
        let total = self.cumulative.last().copied().unwrap_or(1.0);
        let at = unit(random) * total;
        self.cumulative.partition_point(|sum| *sum < at).min(self.cumulative.len() - 1)
    }
}

/// A number from 0 to 1.
fn unit(random: &mut ChaCha8Rng) -> f64 {
    (random.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
}

/// Makes events in order of time.
pub struct Generator {
    random: ChaCha8Rng,
    hosts: Zipf,
    users: Zipf,
    images: Zipf,
    sites: Zipf,
    countries: Zipf,
    rows: u64,
}

impl Generator {
    /// The same seed makes the same events.
    pub fn new(seed: u64) -> Generator {
        Generator {
            random: ChaCha8Rng::seed_from_u64(seed),
            hosts: Zipf::new(HOSTS),
            users: Zipf::new(USERS),
            images: Zipf::new(IMAGES),
            sites: Zipf::new(SITES),
            countries: Zipf::new(COUNTRIES.len()),
            rows: 0,
        }
    }

    /// `rows` process events that spread over the time from `from_us` to `to_us`.
    pub fn processes(&mut self, rows: usize, from_us: i64, to_us: i64) -> RecordBatch {
        let (mut host, mut user, mut image) = (Vec::new(), Vec::new(), Vec::new());
        let (mut command, mut fields, mut bytes) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..rows {
            self.rows += 1;
            let random = &mut self.random;
            host.push(format!("host-{:04}.example.org", self.hosts.draw(random)));
            user.push(user_name(self.users.draw(random)));
            let program = self.images.draw(random);
            image.push(format!("C:\\Program Files\\Suite{:02}\\program{program:03}.exe", program % 37));
            let site = self.sites.draw(random);
            command.push(match self.rows % NEEDLE_EVERY {
                0 => format!(
                    "C:\\Users\\Public\\{NEEDLE}.exe \"privilege::debug\" \"sekurlsa::logonpasswords\" /out:{:08x}.txt",
                    random.next_u32()
                ),
                // Begins as the needle does, and is another word.
                1 => format!("C:\\Tools\\{NEEDLE}detector.exe --watch {:08x}", random.next_u32()),
                _ => command_line(random, program, site),
            });
            fields.push(additional(random));
            bytes.push(log_normal(random));
        }
        let text = |values: Vec<String>| -> ArrayRef { Arc::new(StringArray::from(values)) };
        let columns =
            vec![text(host), text(user), text(image), text(command), text(fields), Arc::new(Int64Array::from(bytes))];
        self.batch(&process_schema(), columns, rows, (from_us, to_us), "edr")
    }

    /// `rows` sign-ins that spread over the time from `from_us` to `to_us`.
    pub fn signins(&mut self, rows: usize, from_us: i64, to_us: i64) -> RecordBatch {
        let (mut user, mut address, mut country) = (Vec::new(), Vec::new(), Vec::new());
        let (mut application, mut result) = (Vec::new(), Vec::new());
        for _ in 0..rows {
            let random = &mut self.random;
            let number = self.users.draw(random);
            // The directory and the log disagree about letter case, as they do.
            let name = user_name(number);
            user.push(if random.next_u32().is_multiple_of(3) { name.to_uppercase() } else { name });
            let [a, b, ..] = random.next_u32().to_le_bytes();
            address.push(format!("203.0.{}.{b}", 113 + a % 4));
            country.push(COUNTRIES[self.countries.draw(random)]);
            application.push(format!("Application {}", random.next_u32() % 40));
            let failed = number.is_multiple_of(7) && random.next_u32().is_multiple_of(5);
            result.push(if failed { "50126" } else { "0" });
        }
        let columns: Vec<ArrayRef> = vec![
            Arc::new(StringArray::from(user)),
            Arc::new(StringArray::from(address)),
            Arc::new(StringArray::from(country)),
            Arc::new(StringArray::from(application)),
            Arc::new(StringArray::from(result)),
        ];
        self.batch(&signin_schema(), columns, rows, (from_us, to_us), "entra")
    }

    /// Everybody.
    pub fn identities(&mut self) -> RecordBatch {
        let upns: StringArray = (0..USERS).map(|number| Some(user_name(number))).collect();
        let departments: StringArray =
            (0..USERS).map(|number| Some(DEPARTMENTS[number * 7_919 % DEPARTMENTS.len()])).collect();
        let privileged: BooleanArray = (0..USERS).map(|number| Some(number % 40 == 3)).collect();
        let columns: Vec<ArrayRef> = vec![Arc::new(upns), Arc::new(departments), Arc::new(privileged)];
        self.batch(&identity_schema(), columns, USERS, (START_US, START_US + DAY_US), "directory")
    }

    /// `columns` with the standard columns after them.
    fn batch(
        &mut self,
        table: &TableSchema,
        mut columns: Vec<ArrayRef>,
        rows: usize,
        (from_us, to_us): (i64, i64),
        source: &str,
    ) -> RecordBatch {
        // No two events of a batch share their microsecond, so that "the last" is one.
        let step = ((to_us - from_us) / i64::try_from(rows.max(1)).unwrap_or(1)).max(1);
        let times: Vec<i64> =
            (0..rows).map(|row| from_us + row as i64 * step + i64::from(self.random.next_u32()) % step).collect();
        let utc =
            |times: Vec<i64>| -> ArrayRef { Arc::new(TimestampMicrosecondArray::from(times).with_timezone("UTC")) };
        columns.push(utc(times.clone()));
        columns.push(utc(times.iter().map(|time| time + 1_500_000).collect()));
        let delivery = self.random.next_u64();
        let items: StringArray = (0..rows).map(|row| Some(format!("{delivery:016x}-{row}"))).collect();
        columns.push(Arc::new(items));
        columns.push(Arc::new(StringArray::from(vec![source; rows])));
        columns.push(Arc::new(StringArray::new_null(rows)));
        let schema: Arc<Schema> = table.arrow();
        RecordBatch::try_new(schema, columns).expect("the columns are those of the schema")
    }
}

fn user_name(number: usize) -> String {
    format!("user{number:05}@example.org")
}

fn command_line(random: &mut ChaCha8Rng, program: usize, site: usize) -> String {
    let (a, b) = (random.next_u32(), random.next_u32());
    match random.next_u32() % 5 {
        0 => format!(
            "\"C:\\Program Files\\Suite{:02}\\program{program:03}.exe\" --type=renderer --id={}",
            program % 37,
            a % 4_096
        ),
        1 => format!(
            "powershell.exe -NoProfile -ExecutionPolicy Bypass -File C:\\Scripts\\task{:03}.ps1 -Run {a:08x}",
            b % 300
        ),
        2 => format!("curl.exe -s https://site{site:04}.example.com/api/v{}/items?id={a:x} -o out.json", b % 4),
        3 => format!("svchost.exe -k netsvcs -p -s Service{:03}", b % 200),
        _ => format!("cmd.exe /c copy C:\\Data\\{a:08x}.dat \\\\fileserver{:02}\\share\\{:03}\\", b % 20, b % 900),
    }
}

/// A bag with nested bags and an array.
fn additional(random: &mut ChaCha8Rng) -> String {
    let draw = random.next_u64();
    let integrity = match draw % 100 {
        0..=2 => "System",
        3..=20 => "High",
        21..=90 => "Medium",
        _ => "Low",
    };
    let signers = ["Microsoft Windows", "Example Software SAS", "Contoso Ltd", "unsigned", "Fabrikam"];
    let tags = ["browser", "office", "admin", "script", "network", "update", "build", "backup"];
    let (first, second) = (tags[(draw >> 8) as usize % 8], tags[(draw >> 16) as usize % 8]);
    let third = if draw >> 24 & 3 == 0 { format!(",\"{}\"", tags[(draw >> 28) as usize % 8]) } else { String::new() };
    format!(
        "{{\"process\":{{\"pid\":{},\"integrity\":\"{integrity}\",\"signer\":\"{}\",\"elevated\":{}}},\"parent\":{{\"pid\":{},\"name\":\"explorer.exe\"}},\"tags\":[\"{first}\",\"{second}\"{third}]}}",
        draw >> 40 & 0xffff,
        signers[(draw >> 32) as usize % signers.len()],
        draw >> 36 & 1 == 0,
        draw >> 48 & 0x7fff,
    )
}

/// Bytes with a median of about 3,000 and a long tail.
fn log_normal(random: &mut ChaCha8Rng) -> i64 {
    let (radius, angle) = ((-2.0 * (1.0 - unit(random)).ln()).sqrt(), std::f64::consts::TAU * unit(random));
    (8.0 + 2.0 * radius * angle.cos()).exp() as i64
}
