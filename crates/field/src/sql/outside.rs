//! Statements of what came to the room later: messages, positions, reports, equipment, whose people somebody sees, and erasure.

use store::Statement;

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
pub const ALL_CROSSINGS: Statement = Statement::new(
    "field.all_crossings",
    "SELECT fence, at_us, side FROM field_crossing WHERE holder_kind = $1 AND holder = $2 AND withdrawn_us IS NULL \
     ORDER BY at_us, fence",
);
pub const FORGET_POSITIONS: Statement = Statement::new(
    "field.forget_positions",
    "DELETE FROM field_position WHERE id IN \
     (SELECT id FROM field_position WHERE received_us < $1 ORDER BY received_us LIMIT $2)",
);
pub const FORGET_CROSSINGS: Statement =
    Statement::new("field.forget_crossings", "DELETE FROM field_crossing WHERE at_us < $1");
pub const FENCE_CROSSINGS: Statement = Statement::new(
    "field.fence_crossings",
    "SELECT holder_kind, holder, fence, at_us, side, mission_id, withdrawn_us FROM field_crossing \
     WHERE (CAST($1 AS TEXT) IS NULL OR holder_kind = $1) AND (CAST($2 AS TEXT) IS NULL OR holder = $2) \
     AND (CAST($3 AS TEXT) IS NULL OR fence = $3) AND at_us >= $4 AND at_us < $5 \
     ORDER BY at_us DESC, holder, fence LIMIT $6",
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
pub const KNOWN_SIGNAL: Statement = Statement::new("field.known_signal", "SELECT id FROM field_signal WHERE id = $1");
/// What a device signalled last by then.
pub const LAST_SIGNAL: Statement = Statement::new(
    "field.last_signal",
    "SELECT kind, signalled_us FROM field_signal WHERE device = $1 AND signalled_us <= $2 ORDER BY signalled_us DESC LIMIT 1",
);
pub const CANCEL_AFTER: Statement = Statement::new(
    "field.cancel_after",
    "SELECT signalled_us FROM field_signal WHERE device = $1 AND kind = 'cancel' AND signalled_us >= $2 \
     ORDER BY signalled_us LIMIT 1",
);

pub const LEDGER_ABOUT: Statement =
    Statement::new("field.ledger_about", "SELECT seq FROM ledger WHERE entity = $1 ORDER BY seq");
/// What this room wrote into the ledger with these words in it.
pub const LEDGER_NAMING: Statement = Statement::new(
    "field.ledger_naming",
    "SELECT l.seq FROM ledger l JOIN ledger_payload p ON p.seq = l.seq WHERE p.payload LIKE '%' || $1 || '%' \
     AND (l.verb LIKE 'log.%' OR l.verb LIKE 'mission.%' OR l.verb LIKE 'alarm.%' OR l.verb LIKE 'report.%' \
     OR l.verb LIKE 'anomaly.%' OR l.verb LIKE 'headcount.%' OR l.verb LIKE 'round.%' OR l.verb LIKE 'shift.%' \
     OR l.verb LIKE 'tracker.%' OR l.verb LIKE 'glass.%' OR l.verb LIKE 'person.%' OR l.verb LIKE 'contact.%' \
     OR (l.verb = 'deadline.expire' AND p.payload LIKE '%\"kind\":\"field.%')) ORDER BY l.seq",
);
pub const ERASE_REPORTS: Statement = Statement::new(
    "field.erase_reports",
    "UPDATE field_report SET who = REPLACE(who, $1, $2), place = REPLACE(place, $1, $2), what = REPLACE(what, $1, $2), \
     outcome = REPLACE(outcome, $1, $2) WHERE who LIKE '%' || $1 || '%' OR place LIKE '%' || $1 || '%' \
     OR what LIKE '%' || $1 || '%' OR outcome LIKE '%' || $1 || '%'",
);
pub const ERASE_REPORT_LINES: Statement = Statement::new(
    "field.erase_report_lines",
    "UPDATE field_report_line SET body = REPLACE(body, $1, $2), said = REPLACE(said, $1, $2) \
     WHERE body LIKE '%' || $1 || '%' OR said LIKE '%' || $1 || '%'",
);
pub const ERASE_ANOMALIES: Statement = Statement::new(
    "field.erase_anomalies",
    "UPDATE field_anomaly SET title = REPLACE(title, $1, $2), told = REPLACE(told, $1, $2), \
     outcome = REPLACE(outcome, $1, $2), said = REPLACE(said, $1, $2) \
     WHERE title LIKE '%' || $1 || '%' OR told LIKE '%' || $1 || '%' OR outcome LIKE '%' || $1 || '%' \
     OR said LIKE '%' || $1 || '%'",
);
pub const ERASE_READINGS: Statement = Statement::new(
    "field.erase_readings",
    "UPDATE field_reading SET words = REPLACE(words, $1, $2) WHERE words LIKE '%' || $1 || '%'",
);
pub const ERASE_MISUSES: Statement = Statement::new(
    "field.erase_misuses",
    "UPDATE field_misuse SET what = REPLACE(what, $1, $2), holder_name = REPLACE(holder_name, $1, $2) \
     WHERE what LIKE '%' || $1 || '%' OR holder_name LIKE '%' || $1 || '%'",
);
pub const ERASE_POSITIONS: Statement =
    Statement::new("field.erase_positions", "DELETE FROM field_position WHERE holder_kind = 'person' AND holder = $1");
pub const ERASE_MESSAGES: Statement = Statement::new(
    "field.erase_messages",
    "UPDATE field_message_in SET name = $2, sender = $2, subject = NULL, body = $2 WHERE person = $1",
);
pub const ERASE_SENT: Statement = Statement::new(
    "field.erase_sent",
    "UPDATE field_message_out SET recipient = $2, addresses = '[]', body = $2 WHERE recipient = $1",
);
pub const ERASE_HOLDER: Statement = Statement::new(
    "field.erase_holder",
    "UPDATE field_log SET holder_name = $2 WHERE holder_kind = 'person' AND holder = $1",
);
pub const ERASE_COUNTED: Statement =
    Statement::new("field.erase_counted", "UPDATE field_headcount_person SET name = $2 WHERE person = $1");
pub const ERASE_CALLED: Statement = Statement::new(
    "field.erase_called",
    "UPDATE field_round_call SET holder_name = $2 WHERE holder_kind = 'person' AND holder = $1",
);
pub const ERASE_WORDS: Statement = Statement::new(
    "field.erase_words",
    "UPDATE field_log SET line = REPLACE(line, $1, $2), meaning = REPLACE(meaning, $1, $2), \
     outcome = REPLACE(outcome, $1, $2), said = REPLACE(said, $1, $2) \
     WHERE line LIKE '%' || $1 || '%' OR meaning LIKE '%' || $1 || '%' OR outcome LIKE '%' || $1 || '%' \
     OR said LIKE '%' || $1 || '%'",
);
pub const ERASE_TITLES: Statement = Statement::new(
    "field.erase_titles",
    "UPDATE field_alarm SET title = REPLACE(title, $1, $2), course = REPLACE(course, $1, $2), \
     said = REPLACE(said, $1, $2) \
     WHERE title LIKE '%' || $1 || '%' OR course LIKE '%' || $1 || '%' OR said LIKE '%' || $1 || '%'",
);
pub const ERASE_SHEETS: Statement = Statement::new(
    "field.erase_sheets",
    "UPDATE field_mission SET sheet = REPLACE(sheet, $1, $2), title = REPLACE(title, $1, $2) \
     WHERE sheet LIKE '%' || $1 || '%' OR title LIKE '%' || $1 || '%'",
);
pub const INSERT_ERASED: Statement = Statement::new(
    "field.insert_erased",
    "INSERT INTO field_erased (person, erased_us, reason) VALUES ($1, $2, $3) ON CONFLICT (person) DO NOTHING",
);
pub const KNOWN_MESSAGE: Statement =
    Statement::new("field.known_message", "SELECT entry_number FROM field_message_in WHERE id = $1");

pub const ROADS_STAMP: Statement = Statement::new(
    "field.roads_stamp",
    "SELECT COUNT(*) AS roads, CAST(SUM(version) AS BIGINT) AS latest FROM field_road",
);

macro_rules! report_columns {
    () => {
        "SELECT id, number, who, place, what, severity, happened_us, opened_us, exercise, people, vehicles, organisations, \
         mission_id, alarm_id, incident_id, incident_label, situations, closed_us, outcome FROM field_report"
    };
}
pub const REPORT: Statement = Statement::new("field.report", concat!(report_columns!(), " WHERE id = $1"));
pub const REPORT_NUMBERED: Statement =
    Statement::new("field.report_numbered", concat!(report_columns!(), " WHERE number = $1"));
pub const REPORTS: Statement = Statement::new(
    "field.reports",
    concat!(report_columns!(), " ORDER BY CASE WHEN closed_us IS NULL THEN 0 ELSE 1 END, number DESC LIMIT $1"),
);
pub const INSERT_REPORT: Statement = Statement::new(
    "field.insert_report",
    "INSERT INTO field_report (id, number, who, place, what, severity, happened_us, opened_us, exercise, people, vehicles, \
     organisations, mission_id, alarm_id, situations) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, 0)",
);
pub const INSERT_REPORT_LINE: Statement = Statement::new(
    "field.insert_report_line",
    "INSERT INTO field_report_line (report_id, line, kind, number, body, author, at_us, said) \
     SELECT $1, COALESCE(MAX(line), 0) + 1, $2, CAST($3 AS BIGINT), $4, $5, CAST($6 AS BIGINT), $7 \
     FROM field_report_line WHERE report_id = $1",
);
pub const REPORT_LINES: Statement = Statement::new(
    "field.report_lines",
    "SELECT line, kind, number, body, author, at_us, said FROM field_report_line WHERE report_id = $1 ORDER BY line",
);
pub const REPORT_LINKS: Statement = Statement::new(
    "field.report_links",
    "SELECT incident_id, label, linked_us FROM field_report_link WHERE report_id = $1 ORDER BY linked_us, incident_id",
);
pub const LINK_REPORT: Statement = Statement::new(
    "field.link_report",
    "INSERT INTO field_report_link (report_id, incident_id, label, linked_us) VALUES ($1, $2, $3, $4) \
     ON CONFLICT (report_id, incident_id) DO NOTHING",
);
pub const COUNT_SITUATION: Statement = Statement::new(
    "field.count_situation",
    "UPDATE field_report SET situations = $2 WHERE id = $1 AND situations = $2 - 1 AND closed_us IS NULL",
);
pub const NOTE_INCIDENT: Statement = Statement::new(
    "field.note_incident",
    "UPDATE field_report SET incident_id = $2, incident_label = $3 WHERE id = $1 AND incident_id IS NULL",
);
pub const CLOSE_REPORT: Statement = Statement::new(
    "field.close_report",
    "UPDATE field_report SET closed_us = $2, outcome = $3 WHERE id = $1 AND closed_us IS NULL",
);

pub const INSERT_READING: Statement = Statement::new(
    "field.insert_reading",
    "INSERT INTO field_reading (id, equipment, state, level_percent, words, author, at_us) \
     VALUES ($1, $2, $3, $4, $5, $6, $7)",
);
pub const LATEST_READINGS: Statement = Statement::new(
    "field.latest_readings",
    "SELECT r.equipment, r.state, r.level_percent, r.words, r.at_us FROM field_reading r JOIN (SELECT equipment, \
     MAX(at_us) AS latest FROM field_reading GROUP BY equipment) l ON l.equipment = r.equipment AND l.latest = r.at_us \
     ORDER BY r.equipment, r.id DESC",
);
pub const OPEN_ANOMALY: Statement = Statement::new(
    "field.open_anomaly",
    "SELECT id, number, equipment, title, told, opened_us, closed_us, outcome, said FROM field_anomaly \
     WHERE equipment = $1 AND closed_us IS NULL ORDER BY number LIMIT 1",
);
pub const ANOMALIES: Statement = Statement::new(
    "field.anomalies",
    "SELECT id, number, equipment, title, told, opened_us, closed_us, outcome, said FROM field_anomaly \
     ORDER BY CASE WHEN closed_us IS NULL THEN 0 ELSE 1 END, number DESC LIMIT $1",
);
pub const INSERT_ANOMALY: Statement = Statement::new(
    "field.insert_anomaly",
    "INSERT INTO field_anomaly (id, number, equipment, title, told, opened_us, said) \
     VALUES ($1, $2, $3, $4, $5, $6, $7)",
);
pub const CLOSE_ANOMALY: Statement = Statement::new(
    "field.close_anomaly",
    "UPDATE field_anomaly SET closed_us = $2, outcome = $3 WHERE id = $1 AND closed_us IS NULL",
);
pub const INSERT_MISUSE: Statement = Statement::new(
    "field.insert_misuse",
    "INSERT INTO field_misuse (entry_number, sign, holder_kind, holder, holder_name, organisation, network, what, at_us) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
);
pub const MISUSES: Statement = Statement::new(
    "field.misuses",
    "SELECT entry_number, sign, holder_name, organisation, network, what, at_us FROM field_misuse \
     ORDER BY entry_number DESC LIMIT $1",
);
pub const RADIO_TRENDS: Statement = Statement::new(
    "field.radio_trends",
    "SELECT c.sign, r.network, MAX(c.holder_name) AS holder_name, MAX(c.organisation) AS organisation, COUNT(*) AS called, \
     SUM(CASE WHEN c.hearing = 'not-heard' THEN 1 ELSE 0 END) AS not_heard, \
     SUM(CASE WHEN c.hearing = 'by-phone' THEN 1 ELSE 0 END) AS by_phone, \
     MAX(CASE WHEN c.hearing = 'heard' THEN c.at_us ELSE NULL END) AS last_heard_us \
     FROM field_round_call c JOIN field_round r ON r.id = c.round_id \
     WHERE r.state <> 'fault' AND r.started_us >= $1 AND c.hearing IS NOT NULL \
     GROUP BY c.sign, r.network ORDER BY c.sign, r.network LIMIT $2",
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
     WHERE (CAST($1 AS BIGINT) = 0 OR (taken_as = 'unread' AND seen_us IS NULL)) ORDER BY received_us DESC, id DESC LIMIT $2",
);
pub const SEE_MESSAGE: Statement = Statement::new(
    "field.see_message",
    "UPDATE field_message_in SET seen_us = $2 WHERE id = $1 AND taken_as = 'unread' AND seen_us IS NULL",
);

pub const DRAFT: Statement = Statement::new(
    "field.draft",
    "SELECT console, author, line, revision, kept_us, taken_to, taken_by, taken_us FROM field_draft WHERE console = $1",
);
pub const DRAFTS: Statement = Statement::new(
    "field.drafts",
    "SELECT console, author, line, revision, kept_us FROM field_draft WHERE line <> '' AND taken_us IS NULL \
     ORDER BY kept_us DESC, console LIMIT 100",
);
pub const KEEP_DRAFT: Statement = Statement::new(
    "field.keep_draft",
    "INSERT INTO field_draft (console, author, line, revision, kept_us) VALUES ($1, $2, $3, $4, $5) \
     ON CONFLICT (console) DO UPDATE SET author = excluded.author, line = excluded.line, revision = excluded.revision, \
     kept_us = excluded.kept_us WHERE field_draft.taken_us IS NULL AND field_draft.revision < excluded.revision",
);
pub const ENTER_DRAFT: Statement = Statement::new(
    "field.enter_draft",
    "INSERT INTO field_draft (console, author, line, revision, kept_us) VALUES ($1, $2, '', $3, $4) \
     ON CONFLICT (console) DO UPDATE SET line = '', revision = excluded.revision, kept_us = excluded.kept_us \
     WHERE field_draft.taken_us IS NULL AND field_draft.revision <= excluded.revision",
);
pub const TAKE_DRAFT: Statement = Statement::new(
    "field.take_draft",
    "UPDATE field_draft SET line = '', taken_to = $2, taken_by = $3, taken_us = $4 WHERE console = $1 AND taken_us IS NULL",
);
pub const FORGET_DRAFTS: Statement =
    Statement::new("field.forget_drafts", "DELETE FROM field_draft WHERE kept_us < $1");
pub const ERASE_DRAFTS: Statement = Statement::new(
    "field.erase_drafts",
    "UPDATE field_draft SET line = REPLACE(line, $1, $2) WHERE line LIKE '%' || $1 || '%'",
);

/// All of them.
pub(super) const STATEMENTS: &[Statement] = &[
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
    ALL_CROSSINGS,
    FENCE_CROSSINGS,
    FORGET_POSITIONS,
    FORGET_CROSSINGS,
    INSERT_CROSSING,
    WITHDRAW_CROSSING,
    LAST_ALARM_ABOUT,
    INSERT_SIGNAL,
    CANCEL_AFTER,
    LAST_SIGNAL,
    KNOWN_SIGNAL,
    LEDGER_ABOUT,
    LEDGER_NAMING,
    ERASE_REPORTS,
    ERASE_REPORT_LINES,
    ERASE_ANOMALIES,
    ERASE_READINGS,
    ERASE_MISUSES,
    ERASE_POSITIONS,
    ERASE_MESSAGES,
    ERASE_SENT,
    ERASE_HOLDER,
    ERASE_COUNTED,
    ERASE_CALLED,
    ERASE_WORDS,
    ERASE_TITLES,
    ERASE_SHEETS,
    INSERT_ERASED,
    KNOWN_MESSAGE,
    ROADS_STAMP,
    REPORT,
    REPORT_NUMBERED,
    REPORTS,
    INSERT_REPORT,
    INSERT_REPORT_LINE,
    REPORT_LINES,
    REPORT_LINKS,
    LINK_REPORT,
    COUNT_SITUATION,
    NOTE_INCIDENT,
    CLOSE_REPORT,
    INSERT_READING,
    LATEST_READINGS,
    OPEN_ANOMALY,
    ANOMALIES,
    INSERT_ANOMALY,
    CLOSE_ANOMALY,
    INSERT_MISUSE,
    MISUSES,
    RADIO_TRENDS,
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
    DRAFT,
    DRAFTS,
    KEEP_DRAFT,
    ENTER_DRAFT,
    TAKE_DRAFT,
    FORGET_DRAFTS,
    ERASE_DRAFTS,
];
