//! Every statement of the room, but those that the nouns of the register derive.

mod outside;

use store::Statement;

use crate::register::NOUNS;

pub use outside::{
    AFFILIATIONS, ALL_CROSSINGS, ANOMALIES, CANCEL_AFTER, CLOSE_ANOMALY, CLOSE_REPORT, COUNT_SITUATION, COUNT_VIEW,
    CROSSINGS, DRAFT, DRAFTS, ENTER_DRAFT, ERASE_ANOMALIES, ERASE_CALLED, ERASE_COUNTED, ERASE_DRAFTS, ERASE_HOLDER,
    ERASE_MESSAGES, ERASE_MISUSES, ERASE_POSITIONS, ERASE_READINGS, ERASE_REPORT_LINES, ERASE_REPORTS, ERASE_SENT,
    ERASE_SHEETS, ERASE_TITLES, ERASE_WORDS, FENCE_CROSSINGS, FORGET_CROSSINGS, FORGET_DRAFTS, FORGET_POSITIONS,
    GLASSES, GLASSES_OF, HEARD_TRACKER, INCOMING, INSERT_ANOMALY, INSERT_CROSSING, INSERT_ERASED, INSERT_GLASS,
    INSERT_INCOMING, INSERT_LINK, INSERT_MISUSE, INSERT_OUTGOING, INSERT_POSITION, INSERT_READING, INSERT_REPORT,
    INSERT_REPORT_LINE, INSERT_SIGNAL, INSERT_UNDER_DURESS, INSERT_WARDEN_LIST, JUDGE_POSITION, KEEP_DRAFT,
    KNOWN_MESSAGE, KNOWN_SIGNAL, LAST_ALARM_ABOUT, LAST_SIGNAL, LATEST_POSITIONS, LATEST_READINGS, LEDGER_ABOUT,
    LEDGER_NAMING, LINK, LINK_REPORT, MISUSES, NOTE_INCIDENT, NOTE_OUTGOING, OPEN_ANOMALY, OUTGOING, OUTGOING_ONE,
    POSITIONS, QUEUED_ABOUT, RADIO_TRENDS, REPORT, REPORT_LINES, REPORT_LINKS, REPORT_NUMBERED, REPORTS, ROADS_STAMP,
    SAVE_AFFILIATION, SAVE_SETTING, SAVE_STANDING, SEE_MESSAGE, SETTING, SILENCE_TRACKER, STANDING, TAKE_DRAFT, TRACK,
    TRACKER_OF, TRACKERS, TRUSTED_BEFORE, UNDER_DURESS, WARDEN_LISTS, WITHDRAW_CROSSING,
};

pub const NEXT_NUMBER: Statement =
    Statement::new("field.next_number", "UPDATE field_counter SET last = last + 1 WHERE name = $1 RETURNING last");
pub const TOUCH_REGISTER: Statement =
    Statement::new("field.touch_register", "UPDATE field_revision SET revision = revision + 1 WHERE id = 1");
pub const REGISTER_REVISION: Statement =
    Statement::new("field.register_revision", "SELECT revision FROM field_revision WHERE id = 1");

pub const SIGNS: Statement = Statement::new(
    "field.signs",
    "SELECT id, sign, holder_kind, holder, network, from_us, until_us FROM field_call_sign \
     ORDER BY sign, from_us, id LIMIT $1",
);
pub const CURRENT_SIGN: Statement = Statement::new(
    "field.current_sign",
    "SELECT id, sign, holder_kind, holder, network, from_us, until_us FROM field_call_sign \
     WHERE sign = $1 AND until_us IS NULL",
);
pub const INSERT_SIGN: Statement = Statement::new(
    "field.insert_sign",
    "INSERT INTO field_call_sign (id, sign, holder_kind, holder, network, from_us) VALUES ($1, $2, $3, $4, $5, $6)",
);
pub const END_SIGN: Statement =
    Statement::new("field.end_sign", "UPDATE field_call_sign SET until_us = $2 WHERE id = $1 AND until_us IS NULL");

pub const DURESS: Statement = Statement::new(
    "field.duress",
    "SELECT id, salt, digest, words, shown_as, tell, set_us, lock_accounts, open_incident FROM field_duress ORDER BY set_us, id",
);
pub const INSERT_DURESS: Statement = Statement::new(
    "field.insert_duress",
    "INSERT INTO field_duress (id, salt, digest, words, shown_as, tell, set_us, lock_accounts, open_incident) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
);
pub const DELETE_DURESS: Statement = Statement::new("field.delete_duress", "DELETE FROM field_duress WHERE id = $1");

pub const INSERT_LOG: Statement = Statement::new(
    "field.insert_log",
    "INSERT INTO field_log (number, id, kind, happened_us, entered_us, wall_us, clock_suspect, author, sign, \
     holder_kind, holder, holder_name, mission_id, line, meaning, outcome, corrects, said) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)",
);
pub const LOG_PAGE: Statement = Statement::new(
    "field.log_page",
    "SELECT l.number, l.id, l.kind, l.happened_us, l.entered_us, l.wall_us, l.clock_suspect, l.author, l.sign, \
     l.holder_kind, l.holder, l.holder_name, l.mission_id, l.line, l.meaning, l.outcome, l.corrects, l.said, \
     (SELECT MAX(c.number) FROM field_log c WHERE c.corrects = l.number) AS corrected_by FROM field_log l \
     WHERE l.number < $1 AND (CAST($2 AS TEXT) IS NULL OR l.mission_id = $2) \
     AND (CAST($3 AS TEXT) IS NULL OR l.sign = $3) AND l.number > $4 ORDER BY l.number DESC LIMIT $5",
);
pub const LOG_ENTRY: Statement = Statement::new(
    "field.log_entry",
    "SELECT l.number, l.id, l.kind, l.happened_us, l.entered_us, l.wall_us, l.clock_suspect, l.author, l.sign, \
     l.holder_kind, l.holder, l.holder_name, l.mission_id, l.line, l.meaning, l.outcome, l.corrects, l.said, \
     (SELECT MAX(c.number) FROM field_log c WHERE c.corrects = l.number) AS corrected_by FROM field_log l \
     WHERE l.id = $1",
);
/// What the ledger says of the duty log, and what stands there.
pub const LOG_IN_LEDGER: Statement = Statement::new(
    "field.log_in_ledger",
    "SELECT g.seq, p.payload, l.number, l.kind, l.happened_us, l.line, l.meaning, l.corrects FROM ledger g \
     LEFT JOIN ledger_payload p ON p.seq = g.seq LEFT JOIN field_log l ON l.id = g.entity \
     WHERE g.verb = 'log.append' AND g.seq > $1 ORDER BY g.seq LIMIT $2",
);
pub const LOG_BESIDE_LEDGER: Statement = Statement::new(
    "field.log_beside_ledger",
    "SELECT l.number FROM field_log l WHERE NOT EXISTS \
     (SELECT 1 FROM ledger g WHERE g.entity = l.id AND g.verb = 'log.append') ORDER BY l.number LIMIT 1",
);

macro_rules! mission_columns {
    () => {
        "m.id, m.number, m.title, m.state, m.contact, m.area, m.custody, m.exercise, m.due_us, m.last_contact_us, \
         m.last_place, m.planned_departure_us, m.departed_us, m.ended_us, m.created_us, m.updated_us, m.sheet, m.version"
    };
}

pub const SAVE_MISSION: Statement = Statement::new(
    "field.save_mission",
    "INSERT INTO field_mission (id, number, title, state, contact, is_open, area, custody, exercise, due_us, \
     last_contact_us, last_place, planned_departure_us, departed_us, ended_us, created_us, updated_us, sheet, version) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19) \
     ON CONFLICT (id) DO UPDATE SET state = excluded.state, contact = excluded.contact, is_open = excluded.is_open, \
     area = excluded.area, custody = excluded.custody, due_us = excluded.due_us, \
     last_contact_us = excluded.last_contact_us, last_place = excluded.last_place, \
     planned_departure_us = excluded.planned_departure_us, departed_us = excluded.departed_us, \
     ended_us = excluded.ended_us, updated_us = excluded.updated_us, sheet = excluded.sheet, \
     version = excluded.version WHERE field_mission.version = excluded.version - 1",
);
pub const MISSION: Statement =
    Statement::new("field.mission", concat!("SELECT ", mission_columns!(), " FROM field_mission m WHERE m.id = $1"));
pub const MISSION_BY_NUMBER: Statement = Statement::new(
    "field.mission_by_number",
    concat!("SELECT ", mission_columns!(), " FROM field_mission m WHERE m.number = $1"),
);
pub const OPEN_MISSIONS: Statement = Statement::new(
    "field.open_missions",
    concat!(
        "SELECT ",
        mission_columns!(),
        " FROM field_mission m WHERE m.is_open = 1 \
         ORDER BY COALESCE(m.due_us, m.planned_departure_us, 9223372036854775807), m.number LIMIT $1"
    ),
);
pub const MISSIONS: Statement = Statement::new(
    "field.missions",
    concat!("SELECT ", mission_columns!(), " FROM field_mission m ORDER BY m.is_open DESC, m.number DESC LIMIT $1"),
);
pub const MISSIONS_OF: Statement = Statement::new(
    "field.missions_of",
    concat!(
        "SELECT ",
        mission_columns!(),
        " FROM field_mission m WHERE EXISTS (SELECT 1 FROM field_manifest f WHERE f.mission_id = m.id \
         AND f.kind = $1 AND f.member = $2) ORDER BY m.is_open DESC, \
         CASE WHEN m.departed_us IS NULL THEN 1 ELSE 0 END, m.number DESC LIMIT 10"
    ),
);
pub const CLEAR_MANIFEST: Statement =
    Statement::new("field.clear_manifest", "DELETE FROM field_manifest WHERE mission_id = $1");
pub const INSERT_MANIFEST: Statement = Statement::new(
    "field.insert_manifest",
    "INSERT INTO field_manifest (mission_id, position, kind, member, vehicle, from_us, until_us) \
     VALUES ($1, $2, $3, $4, $5, $6, $7)",
);

macro_rules! alarm_columns {
    () => {
        "id, number, kind, is_silent, subject, mission_id, title, state, missed_us, raised_us, while_down, owner, \
         all_failed, closed_us, outcome, course, version, said"
    };
}

pub const SAVE_ALARM: Statement = Statement::new(
    "field.save_alarm",
    "INSERT INTO field_alarm (id, number, kind, is_silent, subject, mission_id, title, state, is_open, missed_us, \
     raised_us, while_down, owner, all_failed, closed_us, outcome, course, version, said) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19) \
     ON CONFLICT (id) DO UPDATE SET kind = excluded.kind, mission_id = excluded.mission_id, title = excluded.title, \
     state = excluded.state, is_open = excluded.is_open, missed_us = excluded.missed_us, owner = excluded.owner, \
     all_failed = excluded.all_failed, closed_us = excluded.closed_us, outcome = excluded.outcome, \
     course = excluded.course, version = excluded.version, said = excluded.said WHERE field_alarm.version = excluded.version - 1",
);
pub const ALARM: Statement =
    Statement::new("field.alarm", concat!("SELECT ", alarm_columns!(), " FROM field_alarm WHERE id = $1"));
pub const OPEN_ALARMS: Statement = Statement::new(
    "field.open_alarms",
    concat!("SELECT ", alarm_columns!(), " FROM field_alarm WHERE is_open = 1 ORDER BY missed_us, number LIMIT $1"),
);
pub const ALARMS: Statement = Statement::new(
    "field.alarms",
    concat!("SELECT ", alarm_columns!(), " FROM field_alarm ORDER BY is_open DESC, number DESC LIMIT $1"),
);
pub const OPEN_ALARM_ABOUT: Statement = Statement::new(
    "field.open_alarm_about",
    concat!(
        "SELECT ",
        alarm_columns!(),
        " FROM field_alarm WHERE subject = $1 AND is_open = 1 ORDER BY number LIMIT 1"
    ),
);
pub const OPEN_ALARMS_OF_MISSION: Statement = Statement::new(
    "field.open_alarms_of_mission",
    concat!("SELECT ", alarm_columns!(), " FROM field_alarm WHERE mission_id = $1 AND is_open = 1 ORDER BY number"),
);

pub const INSERT_ROUND: Statement = Statement::new(
    "field.insert_round",
    "INSERT INTO field_round (id, number, kind, network, state, started_us) VALUES ($1, $2, $3, $4, $5, $6)",
);
pub const END_ROUND: Statement = Statement::new(
    "field.end_round",
    "UPDATE field_round SET state = $2, fault = $3, ended_us = $4 WHERE id = $1 AND state = 'open'",
);
pub const ROUND: Statement = Statement::new(
    "field.round",
    "SELECT id, number, kind, network, state, fault, started_us, ended_us FROM field_round WHERE id = $1",
);
pub const OPEN_ROUND: Statement = Statement::new(
    "field.open_round",
    "SELECT id, number, kind, network, state, fault, started_us, ended_us FROM field_round WHERE state = 'open' \
     ORDER BY number LIMIT 1",
);
pub const ROUNDS: Statement = Statement::new(
    "field.rounds",
    "SELECT id, number, kind, network, state, fault, started_us, ended_us FROM field_round \
     ORDER BY number DESC LIMIT $1",
);
pub const INSERT_CALL: Statement = Statement::new(
    "field.insert_call",
    "INSERT INTO field_round_call (round_id, sign, holder_kind, holder, holder_name, organisation, attempts) \
     VALUES ($1, $2, $3, $4, $5, $6, 0)",
);
pub const NOTE_CALL: Statement = Statement::new(
    "field.note_call",
    "UPDATE field_round_call SET hearing = $3, at_us = $4, attempts = attempts + 1 WHERE round_id = $1 AND sign = $2",
);
pub const ROSTER: Statement = Statement::new(
    "field.roster",
    "SELECT sign, holder_name, organisation, hearing, attempts, at_us FROM field_round_call \
     WHERE round_id = $1 ORDER BY sign",
);

pub const INSERT_HEADCOUNT: Statement = Statement::new(
    "field.insert_headcount",
    "INSERT INTO field_headcount (id, number, scope, scope_key, state, started_us, exercise) \
     VALUES ($1, $2, $3, $4, $5, $6, $7)",
);
pub const END_HEADCOUNT: Statement = Statement::new(
    "field.end_headcount",
    "UPDATE field_headcount SET state = 'ended', ended_us = $2 WHERE id = $1 AND state = 'open'",
);
pub const HEADCOUNT: Statement = Statement::new(
    "field.headcount",
    "SELECT id, number, scope, scope_key, exercise, state, started_us, ended_us FROM field_headcount WHERE id = $1",
);
pub const OPEN_HEADCOUNT: Statement = Statement::new(
    "field.open_headcount",
    "SELECT id, number, scope, scope_key, exercise, state, started_us, ended_us FROM field_headcount WHERE state = 'open' \
     ORDER BY number LIMIT 1",
);
pub const HEADCOUNTS: Statement = Statement::new(
    "field.headcounts",
    "SELECT id, number, scope, scope_key, exercise, state, started_us, ended_us FROM field_headcount \
     ORDER BY number DESC LIMIT $1",
);
pub const INSERT_COUNTED: Statement = Statement::new(
    "field.insert_counted",
    "INSERT INTO field_headcount_person (headcount_id, person, name, organisation, joined, safety, zone) \
     VALUES ($1, $2, $3, $4, $5, $6, $7)",
);
pub const ANSWER: Statement = Statement::new(
    "field.answer",
    "UPDATE field_headcount_person SET safety = $3, answered_us = $4, answered_by = $5, means = $6 \
     WHERE headcount_id = $1 AND person = $2",
);
macro_rules! counted_columns {
    () => {
        "SELECT person, name, organisation, zone, joined, safety, answered_us, answered_by, means \
         FROM field_headcount_person WHERE headcount_id = $1"
    };
}
pub const COUNTED: Statement = Statement::new(
    "field.counted",
    concat!(
        counted_columns!(),
        " ORDER BY CASE safety WHEN 'needs-help' THEN 0 WHEN 'unreachable' THEN 1 WHEN 'unknown' THEN 2 ELSE 3 END, person"
    ),
);
pub const COUNTED_ONE: Statement = Statement::new("field.counted_one", concat!(counted_columns!(), " AND person = $2"));
pub const COUNTED_IN_ZONE: Statement =
    Statement::new("field.counted_in_zone", concat!(counted_columns!(), " AND zone = $2 ORDER BY person"));
pub const TALLY: Statement = Statement::new(
    "field.tally",
    "SELECT safety, joined, COUNT(*) AS people FROM field_headcount_person WHERE headcount_id = $1 \
     GROUP BY safety, joined",
);
pub const TO_CALL: Statement = Statement::new(
    "field.to_call",
    "SELECT person FROM field_headcount_person WHERE headcount_id = $1 \
     AND safety IN ('needs-help', 'unreachable', 'unknown') \
     ORDER BY CASE safety WHEN 'needs-help' THEN 0 WHEN 'unreachable' THEN 1 ELSE 2 END, person LIMIT $2",
);
pub const CURRENT_SHIFT: Statement = Statement::new(
    "field.current_shift",
    "SELECT id, number, officer, began_us, signed_us, sheet, ended_us, relief FROM field_shift \
     WHERE ended_us IS NULL ORDER BY number LIMIT 1",
);
pub const INSERT_SHIFT: Statement = Statement::new(
    "field.insert_shift",
    "INSERT INTO field_shift (id, number, officer, began_us) VALUES ($1, $2, $3, $4)",
);
pub const SIGN_SHIFT: Statement = Statement::new(
    "field.sign_shift",
    "UPDATE field_shift SET signed_us = $2, sheet = $3 WHERE id = $1 AND ended_us IS NULL",
);
pub const END_SHIFT: Statement = Statement::new(
    "field.end_shift",
    "UPDATE field_shift SET ended_us = $2, relief = $3 WHERE id = $1 AND ended_us IS NULL",
);

/// All of them, for the test that prepares each on both engines.
pub const STATEMENTS: &[Statement] = &[
    NEXT_NUMBER,
    TOUCH_REGISTER,
    REGISTER_REVISION,
    SIGNS,
    CURRENT_SIGN,
    INSERT_SIGN,
    END_SIGN,
    DURESS,
    INSERT_DURESS,
    DELETE_DURESS,
    INSERT_LOG,
    LOG_PAGE,
    LOG_ENTRY,
    LOG_IN_LEDGER,
    LOG_BESIDE_LEDGER,
    SAVE_MISSION,
    MISSION,
    MISSION_BY_NUMBER,
    OPEN_MISSIONS,
    MISSIONS,
    MISSIONS_OF,
    CLEAR_MANIFEST,
    INSERT_MANIFEST,
    SAVE_ALARM,
    ALARM,
    OPEN_ALARMS,
    ALARMS,
    OPEN_ALARM_ABOUT,
    OPEN_ALARMS_OF_MISSION,
    INSERT_ROUND,
    END_ROUND,
    ROUND,
    OPEN_ROUND,
    ROUNDS,
    INSERT_CALL,
    NOTE_CALL,
    ROSTER,
    INSERT_HEADCOUNT,
    END_HEADCOUNT,
    HEADCOUNT,
    OPEN_HEADCOUNT,
    HEADCOUNTS,
    INSERT_COUNTED,
    ANSWER,
    COUNTED,
    COUNTED_ONE,
    COUNTED_IN_ZONE,
    TALLY,
    TO_CALL,
    CURRENT_SHIFT,
    INSERT_SHIFT,
    SIGN_SHIFT,
    END_SHIFT,
];

/// Those, those of what comes from outside, and the statements of each noun.
pub fn all_statements() -> Vec<Statement> {
    let of_nouns = NOUNS.iter().flat_map(|noun| [noun.save, noun.one, noun.all]);
    STATEMENTS.iter().chain(outside::STATEMENTS).copied().chain(of_nouns).collect()
}
