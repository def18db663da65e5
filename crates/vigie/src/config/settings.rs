//! The list of settings. Add one here and everything that derives from it follows.

use std::fmt::Write;

/// What a value may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Text,
    Integer,
    Boolean,
    /// A list of texts; in the environment separated by `:`.
    List,
    /// Never accepted from the file: only from the environment, or from a file named by `<NAME>_FILE`.
    Secret,
}

/// One setting.
#[derive(Debug)]
pub struct Setting {
    /// `section.key` in `vigie.toml`.
    pub key: &'static str,
    pub kind: Kind,
    /// The value when nobody says otherwise, as TOML.
    pub default: &'static str,
    /// What it does, with the unit.
    pub doc: &'static str,
}

impl Setting {
    /// The environment variable that overrides the file: `VIGIE_SERVER_LISTEN`.
    pub fn variable(&self) -> String {
        format!("VIGIE_{}", self.key.replace('.', "_").to_uppercase())
    }
}

const fn setting(key: &'static str, kind: Kind, default: &'static str, doc: &'static str) -> Setting {
    Setting { key, kind, default, doc }
}

/// All settings, by section.
pub const SETTINGS: [Setting; 73] = [
    setting(
        "data.dir",
        Kind::Text,
        "\"vigie-data\"",
        "Folder of the lake, the write-ahead log and the SQLite state database. One server at a time.",
    ),
    setting(
        "database.url",
        Kind::Text,
        "\"\"",
        "State database. Empty: SQLite in the data folder. `postgres://user@host/name` for PostgreSQL; its password comes from database.password.",
    ),
    setting("database.password", Kind::Secret, "\"\"", "Password of the PostgreSQL role."),
    setting(
        "server.listen",
        Kind::Text,
        "\"127.0.0.1:8420\"",
        "Address of console and API. Any address but loopback needs TLS.",
    ),
    setting("server.tls_certificate", Kind::Text, "\"\"", "PEM file with the certificate chain."),
    setting("server.tls_key", Kind::Text, "\"\"", "PEM file with the private key."),
    setting(
        "server.tls_self_signed",
        Kind::Boolean,
        "false",
        "Make and use a self-signed certificate in the data folder when no PEM files are given.",
    ),
    setting(
        "server.max_body_bytes",
        Kind::Integer,
        "67108864",
        "Largest request body accepted, after decompression, in bytes.",
    ),
    setting(
        "lake.url",
        Kind::Text,
        "\"\"",
        "Where Delta tables live. Empty: in the data folder. `s3://bucket/prefix` for an S3-compatible store; keys come from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, the endpoint from AWS_ENDPOINT_URL.",
    ),
    setting(
        "lake.segment_bytes",
        Kind::Integer,
        "67108864",
        "Size at which a segment of the write-ahead log is closed and flushed, in bytes.",
    ),
    setting(
        "lake.flush_interval_ms",
        Kind::Integer,
        "60000",
        "Age at which a segment is closed and flushed, in milliseconds.",
    ),
    setting(
        "lake.retention_days",
        Kind::Integer,
        "365",
        "Days after which events are deleted, by event time or arrival, whichever is later, unless a table says otherwise. 0: never.",
    ),
    setting(
        "lake.min_free_bytes",
        Kind::Integer,
        "268435456",
        "Free disk space below which intake stops with an error, in bytes.",
    ),
    setting("intake.syslog_udp", Kind::Text, "\"\"", "Address for syslog over UDP, such as `0.0.0.0:514`. Empty: off."),
    setting(
        "intake.syslog_tcp",
        Kind::Text,
        "\"\"",
        "Address for syslog over TCP (octet counting and newline framing). Empty: off.",
    ),
    setting(
        "intake.syslog_zone",
        Kind::Text,
        "\"UTC\"",
        "Time zone of RFC 3164 times, which carry none: an IANA name such as `Africa/Nairobi`.",
    ),
    setting(
        "intake.drop_folder",
        Kind::Text,
        "\"\"",
        "Folder whose files are read as they appear and grow; the first folder level names the source. Empty: off.",
    ),
    setting(
        "intake.max_line_bytes",
        Kind::Integer,
        "16777216",
        "Longest line accepted from any source, in bytes; the rest of a longer one is cut and counted.",
    ),
    setting("query.time_ms", Kind::Integer, "120000", "Time after which a query is stopped, in milliseconds."),
    setting(
        "query.memory_bytes",
        Kind::Integer,
        "536870912",
        "Memory that all queries share before they spill to disk, in bytes.",
    ),
    setting("query.rows", Kind::Integer, "100000", "Rows returned by a query unless it asks for fewer."),
    setting(
        "detect.sigma_rules",
        Kind::List,
        "[]",
        "Folders of Sigma rules, besides the rules that Vigie brings along.",
    ),
    setting(
        "detect.kql_rules",
        Kind::List,
        "[]",
        "Folders of scheduled KQL rules in Sentinel's YAML form, besides those that Vigie brings along.",
    ),
    setting(
        "detect.placeholders",
        Kind::Text,
        "\"\"",
        "YAML file with the values of the placeholders in Sigma rules (`Administrators: [amina.diallo]`). Empty: none.",
    ),
    setting(
        "detect.lateness_s",
        Kind::Integer,
        "86400",
        "How much later than the newest event an event may come and still be correlated, in seconds.",
    ),
    setting(
        "detect.correlation_hits",
        Kind::Integer,
        "200000",
        "Hits that correlations remember, about 400 bytes each; when there are more, the quietest groups go, counted.",
    ),
    setting(
        "courier.ca_file",
        Kind::Text,
        "\"\"",
        "PEM file of root certificates that are trusted besides those of the machine, for every connection to others.",
    ),
    setting(
        "courier.keep_raw_days",
        Kind::Integer,
        "90",
        "Days for which the bytes of every delivery are kept as they came.",
    ),
    setting(
        "courier.sms_url",
        Kind::Text,
        "\"\"",
        "SMSC by SMPP 3.4: `smpp://host:2775`, or `smpps://host:2776` with TLS. Empty: no short messages.",
    ),
    setting("courier.sms_system_id", Kind::Text, "\"\"", "The system_id of the bind."),
    setting("courier.sms_password", Kind::Secret, "\"\"", "The password of the bind, 8 characters at most."),
    setting("courier.sms_system_type", Kind::Text, "\"\"", "The system_type of the bind, where the network wants one."),
    setting(
        "courier.sms_source",
        Kind::Text,
        "\"\"",
        "What short messages come from: a number, a short code, or a name of up to 11 letters.",
    ),
    setting(
        "courier.sms_per_second",
        Kind::Integer,
        "10",
        "Short messages in a second at most. 0: as fast as the network takes them.",
    ),
    setting(
        "courier.sms_window",
        Kind::Integer,
        "10",
        "Short messages that wait for their answer at once; one place more is kept for distress.",
    ),
    setting(
        "courier.mail_smtp_url",
        Kind::Text,
        "\"\"",
        "Mail out: `smtps://host`, `smtp://host` with STARTTLS, or `smtp://host?tls=none` on this machine. Empty: none.",
    ),
    setting("courier.mail_smtp_user", Kind::Text, "\"\"", "User of the mail server. Empty: without login."),
    setting("courier.mail_smtp_password", Kind::Secret, "\"\"", "Password of the mail server."),
    setting("courier.mail_from", Kind::Text, "\"\"", "Whom mail is from: `Radio room <radio@una.example>`."),
    setting(
        "courier.mail_imap_url",
        Kind::Text,
        "\"\"",
        "The mailbox that is read: `imaps://host/INBOX`. Empty: none.",
    ),
    setting("courier.mail_imap_user", Kind::Text, "\"\"", "User of the mailbox."),
    setting("courier.mail_imap_password", Kind::Secret, "\"\"", "Password of the mailbox."),
    setting(
        "courier.webhooks",
        Kind::Text,
        "\"\"",
        "Webhooks by name, apart by blanks: `partner=https://host/path other=https://…`. Empty: none.",
    ),
    setting(
        "courier.webhook_secret",
        Kind::Secret,
        "\"\"",
        "Key with which webhooks are signed (HMAC-SHA256, Standard Webhooks).",
    ),
    setting(
        "courier.iridium_listen",
        Kind::Text,
        "\"\"",
        "Address for Iridium SBD DirectIP, such as `0.0.0.0:10800`. Let only the gateway reach it. Empty: off.",
    ),
    setting(
        "courier.iridium_confirm",
        Kind::Boolean,
        "false",
        "Answer each DirectIP message with a confirmation, for gateways that are set up so.",
    ),
    setting(
        "courier.iridium_imeis",
        Kind::Text,
        "\"\"",
        "IMEIs that are believed on DirectIP, which asks nobody for a login, apart by blanks. Empty: every one.",
    ),
    setting(
        "courier.cot_listen",
        Kind::Text,
        "\"\"",
        "Address for Cursor-on-Target clients, such as `10.0.0.1:8087`. It has no login: on a closed network alone. Empty: off.",
    ),
    setting(
        "courier.cot_tls_listen",
        Kind::Text,
        "\"\"",
        "Address for Cursor-on-Target clients that have a certificate, such as `0.0.0.0:8089`. Empty: off.",
    ),
    setting(
        "courier.cot_certificate",
        Kind::Text,
        "\"\"",
        "PEM file with the certificate that this address shows, and its chain.",
    ),
    setting("courier.cot_key", Kind::Text, "\"\"", "PEM file with the key of `courier.cot_certificate`."),
    setting(
        "courier.cot_client_ca",
        Kind::Text,
        "\"\"",
        "PEM file with the authority that signs the clients' certificates. Each client speaks for the uid that its common name is.",
    ),
    setting(
        "courier.cot_revoked",
        Kind::Text,
        "\"\"",
        "PEM file with the list of client certificates that were taken back (CRL). Empty: none.",
    ),
    setting(
        "courier.cot_names",
        Kind::Text,
        "\"\"",
        "Whom a client certificate speaks for besides its own name: `name=uid,uid`, apart by blanks, `+` for a blank in a name.",
    ),
    setting(
        "courier.cot_server",
        Kind::Text,
        "\"\"",
        "TAK server: `tcp://host:8087`, or `ssl://host:8089`. Empty: none.",
    ),
    setting(
        "courier.cot_call_sign",
        Kind::Text,
        "\"Radio room\"",
        "What the desk is called in chats of Cursor-on-Target.",
    ),
    setting(
        "courier.cot_uids",
        Kind::Text,
        "\"\"",
        "Uids that are believed in Cursor-on-Target, apart by blanks. Empty: every one.",
    ),
    setting("courier.mqtt_url", Kind::Text, "\"\"", "MQTT broker: `mqtt://host`, or `mqtts://host`. Empty: none."),
    setting("courier.mqtt_user", Kind::Text, "\"\"", "User of the broker. Empty: without login."),
    setting("courier.mqtt_password", Kind::Secret, "\"\"", "Password of the broker."),
    setting(
        "courier.mqtt_topics",
        Kind::Text,
        "\"owntracks/# msh/+/2/json/#\"",
        "Topics that are listened to, apart by blanks.",
    ),
    setting(
        "courier.mqtt_send_topic",
        Kind::Text,
        "\"\"",
        "Where a gateway of Meshtastic takes texts to send: `msh/EU_868/2/json/mqtt/`. Empty: none are sent.",
    ),
    setting(
        "courier.nmea",
        Kind::Text,
        "\"\"",
        "The own receiver: `tcp://host:10110`, or a serial line such as `/dev/ttyUSB0`, its speed set already. Empty: none.",
    ),
    setting("courier.nmea_device", Kind::Text, "\"base\"", "What the own receiver is called as a device."),
    setting(
        "field.map_file",
        Kind::Text,
        "\"\"",
        "The base map of the Field desk: a PMTiles file (version 3). Empty: the outlines that the console brings along.",
    ),
    setting(
        "field.reserve_bytes",
        Kind::Integer,
        "67108864",
        "Room that is kept in the data folder for calls for help and missed contacts when the disk is full, in bytes. 0: none. The database folds its log in every 4 MB, so a reserve is 8 MB or more.",
    ),
    setting(
        "field.sound_command",
        Kind::Text,
        "\"\"",
        "Plays the WAV that it reads from its input, while an alarm waits for somebody: `aplay -q -`. Empty: no sound here.",
    ),
    setting(
        "field.print_command",
        Kind::Text,
        "\"\"",
        "Prints the text that it reads from its input, when the power runs low: `lp -d radio`. Empty: nothing is printed here.",
    ),
    setting(
        "field.ups_command",
        Kind::Text,
        "\"\"",
        "Tells how the UPS fares, as Network UPS Tools do: `upsc ups@localhost`. Empty: the desk says it (`sys ups 8%`).",
    ),
    setting(
        "replica.node",
        Kind::Text,
        "\"\"",
        "The name of this node among those that keep each other up to date: `DILI`. Empty: it talks to no other.",
    ),
    setting(
        "replica.peer",
        Kind::Text,
        "\"\"",
        "The name of the node that this one dials: `HQ`. Empty: it waits to be dialled.",
    ),
    setting(
        "replica.url",
        Kind::Text,
        "\"\"",
        "Where the other node is: `https://hq.example.org`. Its CA: `courier.ca_file`.",
    ),
    setting(
        "replica.token",
        Kind::Secret,
        "\"\"",
        "A token of the other node with the scope `replicate`, whose name is that of this node.",
    ),
];

/// Log filter has its own entry outside the sections' count because it is read before the file is.
pub const LOG_FILTER: Setting = setting(
    "log.filter",
    Kind::Text,
    "\"warn,vigie=info,server=info,store=info,lake=info,intake=info,detect=info,respond=info,courier=info,buoyant_kernel=off\"",
    "What is logged, as `level` or `crate=level,…`: error, warn, info, debug, trace.",
);

/// Every setting, the log filter included.
pub fn all() -> impl Iterator<Item = &'static Setting> {
    SETTINGS.iter().chain(std::iter::once(&LOG_FILTER))
}

/// The commented `vigie.toml` with every default.
pub fn example_file() -> String {
    let mut text = String::from(
        "# Vigie configuration. Every setting with its default; `vigie config show` says where each value came from.\n\
         # An environment variable overrides the file: server.listen is VIGIE_SERVER_LISTEN. Secrets are never read from here.\n",
    );
    let mut section = "";
    for setting in all().filter(|setting| setting.kind != Kind::Secret) {
        let (name, key) = setting.key.split_once('.').unwrap_or(("", setting.key));
        if name != section {
            let _ = write!(text, "\n[{name}]\n");
            section = name;
        }
        let _ = write!(text, "# {}\n# {key} = {}\n", setting.doc, setting.default);
    }
    text
}

/// The reference page `docs/configuration.md`.
pub fn reference() -> String {
    let mut text = String::from(
        "# Configuration\n\nOne file, `vigie.toml`, in the working folder or named by `--config`. An environment variable overrides it. \
         Secrets come only from the environment, or from a file named by `<VARIABLE>_FILE`. `vigie config show` prints every value and where it came from; \
         `vigie config example` prints a commented file.\n\n| setting | variable | default | what it does |\n|---|---|---|---|\n",
    );
    for setting in all() {
        let default = if setting.kind == Kind::Secret {
            "never in the file".to_owned()
        } else {
            format!("`{}`", setting.default)
        };
        let _ = writeln!(text, "| `{}` | `{}` | {default} | {} |", setting.key, setting.variable(), setting.doc);
    }
    text
}
