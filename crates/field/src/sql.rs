//! Every statement of the room, but those that the nouns of the register derive.

use store::Statement;

use crate::register::NOUNS;

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
    "SELECT id, salt, digest, words, shown_as, tell, set_us FROM field_duress ORDER BY set_us, id",
);
pub const INSERT_DURESS: Statement = Statement::new(
    "field.insert_duress",
    "INSERT INTO field_duress (id, salt, digest, words, shown_as, tell, set_us) VALUES ($1, $2, $3, $4, $5, $6, $7)",
);
pub const DELETE_DURESS: Statement = Statement::new("field.delete_duress", "DELETE FROM field_duress WHERE id = $1");

pub const INSERT_LOG: Statement = Statement::new(
    "field.insert_log",
    "INSERT INTO field_log (number, id, kind, happened_us, entered_us, wall_us, clock_suspect, author, sign, \
     holder_kind, holder, holder_name, mission_id, line, meaning, outcome, corrects) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)",
);
pub const LOG_PAGE: Statement = Statement::new(
    "field.log_page",
    "SELECT l.number, l.id, l.kind, l.happened_us, l.entered_us, l.wall_us, l.clock_suspect, l.author, l.sign, \
     l.holder_kind, l.holder, l.holder_name, l.mission_id, l.line, l.meaning, l.outcome, l.corrects, \
     (SELECT MAX(c.number) FROM field_log c WHERE c.corrects = l.number) AS corrected_by FROM field_log l \
     WHERE l.number < $1 AND (CAST($2 AS TEXT) IS NULL OR l.mission_id = $2) \
     AND (CAST($3 AS TEXT) IS NULL OR l.sign = $3) ORDER BY l.number DESC LIMIT $4",
);
pub const LOG_MISSION: Statement =
    Statement::new("field.log_mission", "SELECT mission_id FROM field_log WHERE number = $1");

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
         all_failed, closed_us, outcome, course, version"
    };
}

pub const SAVE_ALARM: Statement = Statement::new(
    "field.save_alarm",
    "INSERT INTO field_alarm (id, number, kind, is_silent, subject, mission_id, title, state, is_open, missed_us, \
     raised_us, while_down, owner, all_failed, closed_us, outcome, course, version) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18) \
     ON CONFLICT (id) DO UPDATE SET state = excluded.state, is_open = excluded.is_open, owner = excluded.owner, \
     all_failed = excluded.all_failed, closed_us = excluded.closed_us, outcome = excluded.outcome, \
     course = excluded.course, version = excluded.version WHERE field_alarm.version = excluded.version - 1",
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
    "INSERT INTO field_headcount (id, number, scope, scope_key, state, started_us) VALUES ($1, $2, $3, $4, $5, $6)",
);
pub const END_HEADCOUNT: Statement = Statement::new(
    "field.end_headcount",
    "UPDATE field_headcount SET state = 'ended', ended_us = $2 WHERE id = $1 AND state = 'open'",
);
pub const HEADCOUNT: Statement = Statement::new(
    "field.headcount",
    "SELECT id, number, scope, scope_key, state, started_us, ended_us FROM field_headcount WHERE id = $1",
);
pub const OPEN_HEADCOUNT: Statement = Statement::new(
    "field.open_headcount",
    "SELECT id, number, scope, scope_key, state, started_us, ended_us FROM field_headcount WHERE state = 'open' \
     ORDER BY number LIMIT 1",
);
pub const HEADCOUNTS: Statement = Statement::new(
    "field.headcounts",
    "SELECT id, number, scope, scope_key, state, started_us, ended_us FROM field_headcount \
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
pub const INSERT_LINK: Statement = Statement::new(
    "field.insert_link",
    "INSERT INTO field_headcount_link (digest, headcount_id, person, expires_us) VALUES ($1, $2, $3, $4)",
);
pub const LINK: Statement =
    Statement::new("field.link", "SELECT headcount_id, person, expires_us FROM field_headcount_link WHERE digest = $1");
pub const INSERT_WARDEN_LIST: Statement = Statement::new(
    "field.insert_warden_list",
    "INSERT INTO field_headcount_list (headcount_id, zone, warden, given_us, why) VALUES ($1, $2, $3, $4, $5) \
     ON CONFLICT (headcount_id, zone, warden) DO NOTHING",
);
pub const WARDEN_LISTS: Statement = Statement::new(
    "field.warden_lists",
    "SELECT zone, warden, given_us, why FROM field_headcount_list WHERE headcount_id = $1 ORDER BY zone, given_us",
);
pub const INSERT_UNDER_DURESS: Statement = Statement::new(
    "field.insert_under_duress",
    "INSERT INTO field_headcount_duress (headcount_id, person, alarm_id, at_us) VALUES ($1, $2, $3, $4) \
     ON CONFLICT (headcount_id, person) DO NOTHING",
);
pub const UNDER_DURESS: Statement = Statement::new(
    "field.under_duress",
    "SELECT d.person, a.course FROM field_headcount_duress d JOIN field_alarm a ON a.id = d.alarm_id \
     WHERE d.headcount_id = $1",
);

macro_rules! position_columns {
    () => {
        "p.id, p.device, p.holder_kind, p.holder, p.organisation, p.source, p.fix_us, p.received_us, p.latitude, \
         p.longitude, p.altitude_m, p.accuracy_m, p.speed_mps, p.course_deg, p.trust, p.doubts, p.quirks, p.mission_id"
    };
}
pub const INSERT_POSITION: Statement = Statement::new(
    "field.insert_position",
    "INSERT INTO field_position (id, device, holder_kind, holder, organisation, source, fix_us, received_us, latitude, \
     longitude, altitude_m, accuracy_m, speed_mps, course_deg, trust, doubts, quirks, mission_id) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18) \
     ON CONFLICT (id) DO NOTHING",
);
pub const JUDGE_POSITION: Statement =
    Statement::new("field.judge_position", "UPDATE field_position SET trust = $2, doubts = $3 WHERE id = $1");
pub const TRACK: Statement = Statement::new(
    "field.track",
    concat!(
        "SELECT ",
        position_columns!(),
        " FROM field_position p WHERE p.holder_kind = $1 AND p.holder = $2 AND p.fix_us >= $3 \
         AND p.trust <> 'quarantined' ORDER BY p.fix_us, p.id"
    ),
);
pub const TRUSTED_BEFORE: Statement = Statement::new(
    "field.trusted_before",
    concat!(
        "SELECT ",
        position_columns!(),
        " FROM field_position p WHERE p.holder_kind = $1 AND p.holder = $2 AND p.fix_us < $3 AND p.trust = 'good' \
         ORDER BY p.fix_us DESC, p.id DESC LIMIT 1"
    ),
);
pub const POSITIONS: Statement = Statement::new(
    "field.positions",
    concat!(
        "SELECT ",
        position_columns!(),
        " FROM field_position p WHERE (CAST($1 AS TEXT) IS NULL OR (p.holder_kind = $1 AND p.holder = $2)) \
         AND (CAST($3 AS TEXT) IS NULL OR p.mission_id = $3) AND p.fix_us >= $4 \
         ORDER BY p.fix_us DESC, p.id DESC LIMIT $5"
    ),
);
pub const LATEST_POSITIONS: Statement = Statement::new(
    "field.latest_positions",
    concat!(
        "SELECT ",
        position_columns!(),
        " FROM field_position p JOIN (SELECT holder_kind, holder, MAX(fix_us) AS latest FROM field_position \
         WHERE trust <> 'quarantined' AND fix_us >= $1 GROUP BY holder_kind, holder) l \
         ON l.holder_kind = p.holder_kind AND l.holder = p.holder AND l.latest = p.fix_us \
         WHERE p.trust <> 'quarantined' ORDER BY p.holder_kind, p.holder, p.id LIMIT $2"
    ),
);
pub const TRACKERS: Statement = Statement::new(
    "field.trackers",
    "SELECT device, state, last_fix_us, last_received_us, battery_percent, since_us FROM field_tracker \
     ORDER BY CASE state WHEN 'silent' THEN 0 ELSE 1 END, device LIMIT $1",
);
pub const TRACKER_OF: Statement =
    Statement::new("field.tracker_of", "SELECT state, last_received_us FROM field_tracker WHERE device = $1");
pub const HEARD_TRACKER: Statement = Statement::new(
    "field.heard_tracker",
    "INSERT INTO field_tracker (device, state, last_fix_us, last_received_us, battery_percent, since_us) \
     VALUES ($1, 'ok', $2, $3, $4, $5) ON CONFLICT (device) DO UPDATE SET \
     since_us = CASE WHEN field_tracker.state = 'ok' THEN field_tracker.since_us ELSE excluded.since_us END, \
     state = 'ok', \
     last_fix_us = CASE WHEN field_tracker.last_fix_us > excluded.last_fix_us THEN field_tracker.last_fix_us \
     ELSE excluded.last_fix_us END, \
     last_received_us = CASE WHEN field_tracker.last_received_us > excluded.last_received_us \
     THEN field_tracker.last_received_us ELSE excluded.last_received_us END, \
     battery_percent = COALESCE(excluded.battery_percent, field_tracker.battery_percent)",
);
pub const SILENCE_TRACKER: Statement = Statement::new(
    "field.silence_tracker",
    "UPDATE field_tracker SET state = 'silent', since_us = $2 WHERE device = $1 AND state = 'ok'",
);
pub const STANDING: Statement = Statement::new(
    "field.standing",
    "SELECT side, other_count, other_since_us, last_us FROM field_standing \
     WHERE holder_kind = $1 AND holder = $2 AND fence = $3",
);
pub const SAVE_STANDING: Statement = Statement::new(
    "field.save_standing",
    "INSERT INTO field_standing (holder_kind, holder, fence, side, other_count, other_since_us, last_us) \
     VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (holder_kind, holder, fence) DO UPDATE SET side = excluded.side, \
     other_count = excluded.other_count, other_since_us = excluded.other_since_us, last_us = excluded.last_us",
);
pub const CROSSINGS: Statement = Statement::new(
    "field.crossings",
    "SELECT at_us, side FROM field_crossing WHERE holder_kind = $1 AND holder = $2 AND fence = $3 \
     AND withdrawn_us IS NULL ORDER BY at_us",
);
pub const INSERT_CROSSING: Statement = Statement::new(
    "field.insert_crossing",
    "INSERT INTO field_crossing (holder_kind, holder, fence, at_us, side, mission_id) VALUES ($1, $2, $3, $4, $5, $6) \
     ON CONFLICT (holder_kind, holder, fence, at_us) DO UPDATE SET side = excluded.side, withdrawn_us = NULL",
);
pub const WITHDRAW_CROSSING: Statement = Statement::new(
    "field.withdraw_crossing",
    "UPDATE field_crossing SET withdrawn_us = $5 WHERE holder_kind = $1 AND holder = $2 AND fence = $3 AND at_us = $4",
);
pub const LAST_ALARM_ABOUT: Statement = Statement::new(
    "field.last_alarm_about",
    "SELECT missed_us FROM field_alarm WHERE subject = $1 ORDER BY number DESC LIMIT 1",
);
pub const INSERT_SIGNAL: Statement = Statement::new(
    "field.insert_signal",
    "INSERT INTO field_signal (id, device, holder_kind, holder, kind, code, source, signalled_us, received_us, latitude, \
     longitude, words, mission_id, alarm_id) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) \
     ON CONFLICT (id) DO NOTHING",
);
pub const CANCEL_AFTER: Statement = Statement::new(
    "field.cancel_after",
    "SELECT signalled_us FROM field_signal WHERE device = $1 AND kind = 'cancel' AND signalled_us >= $2 \
     ORDER BY signalled_us LIMIT 1",
);

pub const SETTING: Statement = Statement::new("field.setting", "SELECT value FROM field_setting WHERE name = $1");
pub const SAVE_SETTING: Statement = Statement::new(
    "field.save_setting",
    "INSERT INTO field_setting (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
);

pub const AFFILIATIONS: Statement = Statement::new(
    "field.affiliations",
    "SELECT user_id, organisation, person FROM field_affiliation ORDER BY user_id",
);
pub const SAVE_AFFILIATION: Statement = Statement::new(
    "field.save_affiliation",
    "INSERT INTO field_affiliation (user_id, organisation, person) VALUES ($1, $2, $3) \
     ON CONFLICT (user_id) DO UPDATE SET organisation = excluded.organisation, person = excluded.person",
);
pub const INSERT_GLASS: Statement = Statement::new(
    "field.insert_glass",
    "INSERT INTO field_break_glass (id, user_id, organisation, reason, begun_us, expires_us, views) \
     VALUES ($1, $2, $3, $4, $5, $6, 0)",
);
pub const COUNT_VIEW: Statement =
    Statement::new("field.count_view", "UPDATE field_break_glass SET views = views + 1 WHERE id = $1");
pub const GLASSES_OF: Statement = Statement::new(
    "field.glasses_of",
    "SELECT id, user_id, organisation, reason, begun_us, expires_us, views FROM field_break_glass \
     WHERE user_id = $1 AND expires_us > $2 ORDER BY begun_us, id",
);
pub const GLASSES: Statement = Statement::new(
    "field.glasses",
    "SELECT id, user_id, organisation, reason, begun_us, expires_us, views FROM field_break_glass \
     ORDER BY begun_us DESC, id DESC LIMIT $1",
);

pub const INSERT_OUTGOING: Statement = Statement::new(
    "field.insert_outgoing",
    "INSERT INTO field_message_out (dispatch, about, recipient, addresses, body, precedence, exercise, asked_us, state, \
     state_us) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'queued', $8) ON CONFLICT (dispatch) DO NOTHING",
);
pub const NOTE_OUTGOING: Statement = Statement::new(
    "field.note_outgoing",
    "UPDATE field_message_out SET state = $2, state_us = $3, means = COALESCE($4, means), problem = $5 \
     WHERE dispatch = $1",
);
pub const OUTGOING: Statement = Statement::new(
    "field.outgoing",
    "SELECT dispatch, about, recipient, body, asked_us, state, state_us, means, problem FROM field_message_out \
     WHERE (CAST($1 AS TEXT) IS NULL OR about = $1) ORDER BY asked_us DESC, dispatch LIMIT $2",
);
pub const OUTGOING_ONE: Statement = Statement::new(
    "field.outgoing_one",
    "SELECT dispatch, about, recipient, body, asked_us, state, state_us, means, problem FROM field_message_out \
     WHERE dispatch = $1",
);
pub const QUEUED_ABOUT: Statement = Statement::new(
    "field.queued_about",
    "SELECT dispatch FROM field_message_out WHERE about = $1 AND state IN ('queued', 'failed') ORDER BY dispatch",
);
pub const INSERT_INCOMING: Statement = Statement::new(
    "field.insert_incoming",
    "INSERT INTO field_message_in (id, means, sender, person, name, organisation, subject, body, precedence, relayed_by, \
     sent_us, received_us, answers, taken_as, entry_number) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) ON CONFLICT (id) DO NOTHING",
);
pub const INCOMING: Statement = Statement::new(
    "field.incoming",
    "SELECT id, means, sender, person, name, organisation, subject, body, precedence, relayed_by, sent_us, received_us, \
     taken_as, entry_number, seen_us FROM field_message_in \
     WHERE ($1 = 0 OR (taken_as = 'unread' AND seen_us IS NULL)) ORDER BY received_us DESC, id DESC LIMIT $2",
);
pub const SEE_MESSAGE: Statement = Statement::new(
    "field.see_message",
    "UPDATE field_message_in SET seen_us = $2 WHERE id = $1 AND taken_as = 'unread' AND seen_us IS NULL",
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
    LOG_MISSION,
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
    INSERT_LINK,
    LINK,
    INSERT_WARDEN_LIST,
    WARDEN_LISTS,
    INSERT_UNDER_DURESS,
    UNDER_DURESS,
    INSERT_POSITION,
    JUDGE_POSITION,
    TRACK,
    TRUSTED_BEFORE,
    POSITIONS,
    LATEST_POSITIONS,
    TRACKERS,
    TRACKER_OF,
    HEARD_TRACKER,
    SILENCE_TRACKER,
    STANDING,
    SAVE_STANDING,
    CROSSINGS,
    INSERT_CROSSING,
    WITHDRAW_CROSSING,
    LAST_ALARM_ABOUT,
    INSERT_SIGNAL,
    CANCEL_AFTER,
    SETTING,
    SAVE_SETTING,
    AFFILIATIONS,
    SAVE_AFFILIATION,
    INSERT_GLASS,
    COUNT_VIEW,
    GLASSES_OF,
    GLASSES,
    INSERT_OUTGOING,
    NOTE_OUTGOING,
    OUTGOING,
    OUTGOING_ONE,
    QUEUED_ABOUT,
    INSERT_INCOMING,
    INCOMING,
    SEE_MESSAGE,
    CURRENT_SHIFT,
    INSERT_SHIFT,
    SIGN_SHIFT,
    END_SHIFT,
];

/// Those and the statements of each noun.
pub fn all_statements() -> Vec<Statement> {
    let of_nouns = NOUNS.iter().flat_map(|noun| [noun.save, noun.one, noun.all]);
    STATEMENTS.iter().copied().chain(of_nouns).collect()
}
