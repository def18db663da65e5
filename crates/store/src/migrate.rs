//! One migrations folder for both engines.

use sha2::{Digest, Sha256};

use crate::database::{Database, Engine, Transact};
use crate::error::Error;
use crate::params;
use kernel::Timestamp;

/// One step of the schema, applied once and never edited after.
struct Migration {
    number: i64,
    name: &'static str,
    sql: &'static str,
}

macro_rules! migrations {
    ($($number:literal $file:literal),* $(,)?) => {
        &[$(Migration { number: $number, name: $file, sql: include_str!(concat!("../migrations/", $file)) }),*]
    };
}

/// In order of number.
const MIGRATIONS: &[Migration] = migrations![
    1 "0001_store.sql",
    2 "0002_detect.sql",
    3 "0003_respond.sql",
    4 "0004_server.sql",
    5 "0005_rule_life.sql",
    6 "0006_source_log.sql",
    7 "0007_event_kinds.sql",
    8 "0008_library.sql",
    20 "0020_field.sql",
    21 "0021_courier.sql",
    25 "0025_field_reach.sql",
    26 "0026_field_incidents.sql",
    27 "0027_field_retention.sql",
    30 "0030_identity.sql",
    35 "0035_identity_duties.sql",
    36 "0036_identity_activation.sql",
    37 "0037_identity_review.sql",
    38 "0038_identity_second_factor.sql",
    39 "0039_identity_hybrid.sql",
    40 "0040_scim.sql",
    50 "0050_replica.sql",
    51 "0051_replica_nodes.sql",
    52 "0052_replica_erasure.sql",
    53 "0053_field_draft.sql",
    54 "0054_field_language.sql",
    58 "0058_field_duress_follows.sql",
    59 "0059_field_headcount_exercise.sql",
    60 "0060_identity_conditional_access.sql",
    61 "0061_identity_group.sql",
    62 "0062_identity_exclusion.sql",
    63 "0063_identity_feed_source.sql",
    64 "0064_identity_notice.sql",
    65 "0065_scim_client.sql",
    66 "0066_identity_feed_waiting.sql",
    67 "0067_identity_group_kept.sql",
    68 "0068_identity_record_decision.sql",
];

const CREATE: &str = "CREATE TABLE IF NOT EXISTS schema_migration \
    (number BIGINT PRIMARY KEY, name TEXT NOT NULL, digest TEXT NOT NULL, applied_us BIGINT NOT NULL)";
const APPLIED: &str = "SELECT number, name, digest FROM schema_migration ORDER BY number";
const RECORD: &str = "INSERT INTO schema_migration (number, name, digest, applied_us) VALUES ($1, $2, $3, $4)";
/// Two programs that start at once on one PostgreSQL database take turns.
const POSTGRES_LOCK: &str = "SELECT pg_advisory_xact_lock(8427369134)";

/// Brings the database to the schema of this program, all in one transaction.
///
/// # Errors
/// [`Error::Schema`] when the database was made by a newer program or by one with other migrations.
pub(crate) async fn migrate(database: &Database, now: Timestamp) -> Result<(), Error> {
    let mut tx = database.begin().await?;
    if database.engine() == Engine::Postgres {
        tx.script("store.migration_lock", POSTGRES_LOCK).await?;
    }
    tx.script("store.create_migrations", CREATE).await?;
    let applied = tx.fetch("store.applied_migrations", APPLIED, params![]).await?;
    let mut missing: Vec<&Migration> = MIGRATIONS.iter().collect();
    for row in &applied {
        let number = row.int("number")?;
        missing.retain(|migration| migration.number != number);
        let known = MIGRATIONS.iter().find(|migration| migration.number == number);
        let Some(known) = known else {
            return Err(Error::Schema(format!(
                "it has migration {number} ({}), which this program does not know; use the program that made it, or a newer one",
                row.text("name")?
            )));
        };
        if row.text("digest")? != digest(known.sql) {
            return Err(Error::Schema(format!(
                "its migration {number} ({}) differs from that of this program; use the program that made it",
                known.name
            )));
        }
    }
    // Rooms number theirs apart, so an earlier number may come later.
    for migration in missing {
        apply(&mut tx, migration, now).await?;
    }
    tx.commit().await
}

async fn apply(tx: &mut Transact, migration: &'static Migration, now: Timestamp) -> Result<(), Error> {
    tx.script(migration.name, migration.sql).await?;
    let record = params![migration.number, migration.name, digest(migration.sql), now];
    tx.execute("store.record_migration", RECORD, record).await.map(drop)
}

fn digest(sql: &str) -> String {
    hex::encode(Sha256::digest(sql))
}
