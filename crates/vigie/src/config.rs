//! Configuration: one file, environment overrides, and for every value where it came from.
//!
//! The list of settings is data ([`settings::SETTINGS`]): the file's keys, the environment's names, the reference in
//! `docs/configuration.md` and the commented `vigie.toml` all derive from it.

mod read;
pub mod settings;

use std::net::SocketAddr;
use std::path::PathBuf;

pub use read::{ConfigError, Resolved};

/// Every setting, typed.
#[derive(Debug, Clone)]
pub struct Config {
    pub data_dir: PathBuf,
    pub database_url: String,
    pub listen: SocketAddr,
    pub tls_certificate: Option<PathBuf>,
    pub tls_key: Option<PathBuf>,
    pub tls_self_signed: bool,
    pub max_body_bytes: u64,
    pub lake_url: Option<String>,
    pub lake_segment_bytes: u64,
    pub lake_flush_interval_ms: u64,
    pub lake_retention_days: u32,
    pub lake_min_free_bytes: u64,
    pub syslog_udp: Option<SocketAddr>,
    pub syslog_tcp: Option<SocketAddr>,
    pub syslog_zone: String,
    pub drop_folder: Option<PathBuf>,
    pub max_line_bytes: u64,
    pub query_time_ms: u64,
    pub query_memory_bytes: u64,
    pub query_rows: u64,
    pub sigma_rules: Vec<PathBuf>,
    pub kql_rules: Vec<PathBuf>,
    pub placeholders: Option<PathBuf>,
    pub lateness_s: u64,
    pub correlation_hits: u64,
    pub courier: courier::Settings,
    pub replica: ReplicaSettings,
    /// The base map of the Field desk.
    pub map_file: Option<PathBuf>,
    /// Room on the disk for calls for help.
    pub reserve_bytes: u64,
    pub room: RoomSettings,
    pub log_filter: String,
}

impl Config {
    /// Types every value; the error names the key, where its value came from and what would be accepted.
    pub fn from_resolved(resolved: &Resolved) -> Result<Config, ConfigError> {
        let data_dir = PathBuf::from(resolved.text("data.dir")?);
        let database_url = match resolved.text("database.url")? {
            "" => format!("sqlite://{}", data_dir.join("state.db").display()),
            url => url.to_owned(),
        };
        Ok(Config {
            database_url,
            listen: resolved.parsed("server.listen", "an address such as 127.0.0.1:8420")?,
            tls_certificate: resolved.path("server.tls_certificate")?,
            tls_key: resolved.path("server.tls_key")?,
            tls_self_signed: resolved.boolean("server.tls_self_signed")?,
            max_body_bytes: resolved.integer("server.max_body_bytes")?,
            lake_url: Some(resolved.text("lake.url")?.to_owned()).filter(|url| !url.is_empty()),
            lake_segment_bytes: resolved.integer("lake.segment_bytes")?,
            lake_flush_interval_ms: resolved.integer("lake.flush_interval_ms")?,
            lake_retention_days: resolved.parsed("lake.retention_days", "a number of days")?,
            lake_min_free_bytes: resolved.integer("lake.min_free_bytes")?,
            syslog_udp: resolved.address("intake.syslog_udp")?,
            syslog_tcp: resolved.address("intake.syslog_tcp")?,
            syslog_zone: resolved.text("intake.syslog_zone")?.to_owned(),
            drop_folder: resolved.path("intake.drop_folder")?,
            max_line_bytes: resolved.integer("intake.max_line_bytes")?,
            query_time_ms: resolved.integer("query.time_ms")?,
            query_memory_bytes: resolved.integer("query.memory_bytes")?,
            query_rows: resolved.integer("query.rows")?,
            sigma_rules: resolved.paths("detect.sigma_rules")?,
            kql_rules: resolved.paths("detect.kql_rules")?,
            placeholders: resolved.path("detect.placeholders")?,
            lateness_s: resolved.integer("detect.lateness_s")?,
            correlation_hits: resolved.integer("detect.correlation_hits")?,
            courier: courier_settings(resolved)?,
            replica: replica_settings(resolved)?,
            map_file: resolved.path("field.map_file")?,
            reserve_bytes: resolved.integer("field.reserve_bytes")?,
            room: room_settings(resolved)?,
            log_filter: resolved.text("log.filter")?.to_owned(),
            data_dir,
        })
    }
}

/// What the radio room does without a browser: programs, each with its arguments; empty: none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RoomSettings {
    /// Plays a WAV file that it reads from its input: `aplay -q -`.
    pub sound_command: Vec<String>,
    /// Prints the text that it reads from its input: `lp -d radio`.
    pub print_command: Vec<String>,
    /// Tells how the UPS fares, as `upsc` does: `upsc ups@localhost`.
    pub ups_command: Vec<String>,
}

/// This node among others.
#[derive(Debug, Clone, Default)]
pub struct ReplicaSettings {
    /// Empty: it talks to no other.
    pub node: String,
    /// The node that it dials, where that is, and the token that lets it in; empty: it waits to be dialled.
    pub peer: String,
    pub url: String,
    pub token: String,
}

/// Programs are written as in a shell without quotes: words apart by blanks.
fn room_settings(resolved: &Resolved) -> Result<RoomSettings, ConfigError> {
    let command = |key| resolved.text(key).map(|text| text.split_whitespace().map(str::to_owned).collect());
    Ok(RoomSettings {
        sound_command: command("field.sound_command")?,
        print_command: command("field.print_command")?,
        ups_command: command("field.ups_command")?,
    })
}

fn replica_settings(resolved: &Resolved) -> Result<ReplicaSettings, ConfigError> {
    let text = |key| resolved.text(key).map(|text| text.trim().to_owned());
    Ok(ReplicaSettings {
        node: text("replica.node")?,
        peer: text("replica.peer")?,
        url: text("replica.url")?,
        token: text("replica.token")?,
    })
}

fn courier_settings(resolved: &Resolved) -> Result<courier::Settings, ConfigError> {
    let text = |key| resolved.text(key).map(str::to_owned);
    Ok(courier::Settings {
        ca_file: resolved.path("courier.ca_file")?,
        keep_raw_days: resolved.parsed("courier.keep_raw_days", "a number of days")?,
        sms_url: text("courier.sms_url")?,
        sms_system_id: text("courier.sms_system_id")?,
        sms_password: text("courier.sms_password")?,
        sms_system_type: text("courier.sms_system_type")?,
        sms_source: text("courier.sms_source")?,
        sms_per_second: resolved.parsed("courier.sms_per_second", "a number")?,
        sms_window: resolved.parsed("courier.sms_window", "a number")?,
        mail_smtp_url: text("courier.mail_smtp_url")?,
        mail_smtp_user: text("courier.mail_smtp_user")?,
        mail_smtp_password: text("courier.mail_smtp_password")?,
        mail_from: text("courier.mail_from")?,
        mail_imap_url: text("courier.mail_imap_url")?,
        mail_imap_user: text("courier.mail_imap_user")?,
        mail_imap_password: text("courier.mail_imap_password")?,
        webhooks: text("courier.webhooks")?,
        webhook_secret: text("courier.webhook_secret")?,
        iridium_listen: resolved.address("courier.iridium_listen")?,
        iridium_confirm: resolved.boolean("courier.iridium_confirm")?,
        iridium_imeis: text("courier.iridium_imeis")?,
        cot_listen: resolved.address("courier.cot_listen")?,
        cot_tls_listen: resolved.address("courier.cot_tls_listen")?,
        cot_door: courier::cot::DoorSettings {
            certificate: text("courier.cot_certificate")?.into(),
            key: text("courier.cot_key")?.into(),
            client_ca: text("courier.cot_client_ca")?.into(),
            revoked: Some(text("courier.cot_revoked")?).filter(|path| !path.is_empty()).map(Into::into),
            names: text("courier.cot_names")?,
        },
        cot_server: text("courier.cot_server")?,
        cot_call_sign: text("courier.cot_call_sign")?,
        cot_uids: text("courier.cot_uids")?,
        mqtt_url: text("courier.mqtt_url")?,
        mqtt_user: text("courier.mqtt_user")?,
        mqtt_password: text("courier.mqtt_password")?,
        mqtt_topics: text("courier.mqtt_topics")?,
        mqtt_send_topic: text("courier.mqtt_send_topic")?,
        nmea: text("courier.nmea")?,
        nmea_device: text("courier.nmea_device")?,
    })
}
