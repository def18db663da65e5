//! The room as KQL reads it. Silent alarms and duress phrases are not there.

use kernel::ScalarType::{Bool, DateTime, Dynamic, Long, Real, String};
use store::{FactColumn, FactTable};

use crate::register::nouns::{
    AREA, CONTACT, DEVICE, EQUIPMENT, FACILITY, FENCE, ORGANISATION, PERSON, PREMISES, ROAD, VEHICLE, ZONE,
};

/// The tables that this room registers.
pub const FACT_TABLES: [FactTable; 33] = [
    ORGANISATION.table,
    ZONE.table,
    PERSON.table,
    VEHICLE.table,
    PREMISES.table,
    AREA.table,
    CONTACT.table,
    DEVICE.table,
    FENCE.table,
    FACILITY.table,
    ROAD.table,
    EQUIPMENT.table,
    CALL_SIGNS,
    DUTY_LOG,
    MISSIONS,
    MANIFEST,
    ALARMS,
    RADIO_CHECKS,
    RADIO_CHECK_CALLS,
    HEADCOUNTS,
    SHIFTS,
    POSITIONS,
    TRACKERS,
    CROSSINGS,
    SIGNALS,
    MESSAGES,
    MESSAGES_SENT,
    SIGHTS,
    REPORTS,
    REPORT_LINES,
    READINGS,
    ANOMALIES,
    MISUSE,
];

const CALL_SIGNS: FactTable = FactTable {
    name: "CallSigns",
    columns: &[
        FactColumn::new("TimeGenerated", DateTime, "from_us"),
        FactColumn::new("CallSign", String, "sign"),
        FactColumn::new("HolderKind", String, "holder_kind"),
        FactColumn::new("Holder", String, "holder"),
        FactColumn::new("Network", String, "network"),
        FactColumn::new("From", DateTime, "from_us"),
        FactColumn::new("Until", DateTime, "until_us"),
    ],
    from: "field_call_sign",
    time: "from_us",
};

const DUTY_LOG: FactTable = FactTable {
    name: "DutyLog",
    columns: &[
        FactColumn::new("TimeGenerated", DateTime, "l.entered_us"),
        FactColumn::new("Number", Long, "l.number"),
        FactColumn::new("EntryId", String, "l.id"),
        FactColumn::new("Kind", String, "l.kind"),
        FactColumn::new("Happened", DateTime, "l.happened_us"),
        FactColumn::new("WallClock", DateTime, "l.wall_us"),
        FactColumn::new("ClockSuspect", Bool, "l.clock_suspect"),
        FactColumn::new("Author", String, "l.author"),
        FactColumn::new("CallSign", String, "l.sign"),
        FactColumn::new("HolderKind", String, "l.holder_kind"),
        FactColumn::new("Holder", String, "l.holder"),
        FactColumn::new("HolderName", String, "l.holder_name"),
        FactColumn::new("MissionId", String, "l.mission_id"),
        FactColumn::new("Line", String, "l.line"),
        FactColumn::new("Meaning", String, "l.meaning"),
        FactColumn::new("Outcome", Dynamic, "l.outcome"),
        FactColumn::new("Corrects", Long, "l.corrects"),
    ],
    from: "field_log l",
    time: "l.entered_us",
};

const MISSIONS: FactTable = FactTable {
    name: "Missions",
    columns: &[
        FactColumn::new("TimeGenerated", DateTime, "created_us"),
        FactColumn::new("MissionId", String, "id"),
        FactColumn::new("Number", Long, "number"),
        FactColumn::new("Title", String, "title"),
        FactColumn::new("State", String, "state"),
        FactColumn::new("Contact", String, "contact"),
        FactColumn::new("Area", String, "area"),
        FactColumn::new("Custody", String, "custody"),
        FactColumn::new("Exercise", Bool, "exercise"),
        FactColumn::new("Due", DateTime, "due_us"),
        FactColumn::new("LastContact", DateTime, "last_contact_us"),
        FactColumn::new("LastPlace", String, "last_place"),
        FactColumn::new("PlannedDeparture", DateTime, "planned_departure_us"),
        FactColumn::new("Departed", DateTime, "departed_us"),
        FactColumn::new("Ended", DateTime, "ended_us"),
        FactColumn::new("Updated", DateTime, "updated_us"),
        FactColumn::new("Sheet", Dynamic, "sheet"),
    ],
    from: "field_mission",
    time: "created_us",
};

const MANIFEST: FactTable = FactTable {
    name: "MissionManifest",
    columns: &[
        FactColumn::new("TimeGenerated", DateTime, "from_us"),
        FactColumn::new("MissionId", String, "mission_id"),
        FactColumn::new("MemberKind", String, "kind"),
        FactColumn::new("Member", String, "member"),
        FactColumn::new("Vehicle", String, "vehicle"),
        FactColumn::new("From", DateTime, "from_us"),
        FactColumn::new("Until", DateTime, "until_us"),
    ],
    from: "field_manifest",
    time: "from_us",
};

const ALARMS: FactTable = FactTable {
    name: "FieldAlarms",
    columns: &[
        FactColumn::new("TimeGenerated", DateTime, "raised_us"),
        FactColumn::new("AlarmId", String, "id"),
        FactColumn::new("Number", Long, "number"),
        FactColumn::new("Kind", String, "kind"),
        FactColumn::new("Title", String, "title"),
        FactColumn::new("MissionId", String, "mission_id"),
        FactColumn::new("State", String, "state"),
        FactColumn::new("Missed", DateTime, "missed_us"),
        FactColumn::new("ExpiredWhileDown", Bool, "while_down"),
        FactColumn::new("Owner", String, "owner"),
        FactColumn::new("AllMeansFailed", Bool, "all_failed"),
        FactColumn::new("Closed", DateTime, "closed_us"),
        FactColumn::new("Outcome", String, "outcome"),
        FactColumn::new("Course", Dynamic, "course"),
    ],
    from: "(SELECT * FROM field_alarm WHERE is_silent = 0) a",
    time: "raised_us",
};

const RADIO_CHECKS: FactTable = FactTable {
    name: "RadioChecks",
    columns: &[
        FactColumn::new("TimeGenerated", DateTime, "started_us"),
        FactColumn::new("RoundId", String, "id"),
        FactColumn::new("Number", Long, "number"),
        FactColumn::new("Kind", String, "kind"),
        FactColumn::new("Network", String, "network"),
        FactColumn::new("State", String, "state"),
        FactColumn::new("Fault", String, "fault"),
        FactColumn::new("Ended", DateTime, "ended_us"),
    ],
    from: "field_round",
    time: "started_us",
};

const RADIO_CHECK_CALLS: FactTable = FactTable {
    name: "RadioCheckCalls",
    columns: &[
        FactColumn::new("TimeGenerated", DateTime, "r.started_us"),
        FactColumn::new("RoundId", String, "c.round_id"),
        FactColumn::new("Round", Long, "r.number"),
        FactColumn::new("RoundState", String, "r.state"),
        FactColumn::new("CallSign", String, "c.sign"),
        FactColumn::new("HolderName", String, "c.holder_name"),
        FactColumn::new("Organisation", String, "c.organisation"),
        FactColumn::new("Hearing", String, "c.hearing"),
        FactColumn::new("Attempts", Long, "c.attempts"),
        FactColumn::new("At", DateTime, "c.at_us"),
    ],
    from: "field_round_call c JOIN field_round r ON r.id = c.round_id",
    time: "r.started_us",
};

const HEADCOUNTS: FactTable = FactTable {
    name: "Headcounts",
    columns: &[
        FactColumn::new("TimeGenerated", DateTime, "h.started_us"),
        FactColumn::new("HeadcountId", String, "h.id"),
        FactColumn::new("Headcount", Long, "h.number"),
        FactColumn::new("Scope", String, "h.scope"),
        FactColumn::new("ScopeKey", String, "h.scope_key"),
        FactColumn::new("State", String, "h.state"),
        FactColumn::new("Person", String, "p.person"),
        FactColumn::new("Name", String, "p.name"),
        FactColumn::new("Organisation", String, "p.organisation"),
        FactColumn::new("Joined", Bool, "p.joined"),
        FactColumn::new("Safety", String, "p.safety"),
        FactColumn::new("Answered", DateTime, "p.answered_us"),
        FactColumn::new("AnsweredBy", String, "p.answered_by"),
        FactColumn::new("Means", String, "p.means"),
        FactColumn::new("Zone", String, "p.zone"),
    ],
    from: "field_headcount_person p JOIN field_headcount h ON h.id = p.headcount_id",
    time: "h.started_us",
};

const SHIFTS: FactTable = FactTable {
    name: "Shifts",
    columns: &[
        FactColumn::new("TimeGenerated", DateTime, "began_us"),
        FactColumn::new("ShiftId", String, "id"),
        FactColumn::new("Number", Long, "number"),
        FactColumn::new("Officer", String, "officer"),
        FactColumn::new("Signed", DateTime, "signed_us"),
        FactColumn::new("Sheet", Dynamic, "sheet"),
        FactColumn::new("Ended", DateTime, "ended_us"),
        FactColumn::new("Relief", String, "relief"),
    ],
    from: "field_shift",
    time: "began_us",
};

const POSITIONS: FactTable = FactTable {
    name: "FieldPositions",
    columns: &[
        FactColumn::new("TimeGenerated", DateTime, "fix_us"),
        FactColumn::new("PositionId", String, "id"),
        FactColumn::new("Device", String, "device"),
        FactColumn::new("HolderKind", String, "holder_kind"),
        FactColumn::new("Holder", String, "holder"),
        FactColumn::new("Organisation", String, "organisation"),
        FactColumn::new("Source", String, "source"),
        FactColumn::new("Received", DateTime, "received_us"),
        FactColumn::new("Latitude", Real, "latitude"),
        FactColumn::new("Longitude", Real, "longitude"),
        FactColumn::new("AltitudeM", Real, "altitude_m"),
        FactColumn::new("AccuracyM", Real, "accuracy_m"),
        FactColumn::new("SpeedMps", Real, "speed_mps"),
        FactColumn::new("CourseDeg", Real, "course_deg"),
        FactColumn::new("Trust", String, "trust"),
        FactColumn::new("Doubts", Dynamic, "doubts"),
        FactColumn::new("MissionId", String, "mission_id"),
    ],
    from: "field_position",
    time: "fix_us",
};

const TRACKERS: FactTable = FactTable {
    name: "FieldTrackers",
    columns: &[
        FactColumn::new("TimeGenerated", DateTime, "last_received_us"),
        FactColumn::new("Device", String, "device"),
        FactColumn::new("State", String, "state"),
        FactColumn::new("Since", DateTime, "since_us"),
        FactColumn::new("LastFix", DateTime, "last_fix_us"),
        FactColumn::new("BatteryPercent", Real, "battery_percent"),
    ],
    from: "field_tracker",
    time: "last_received_us",
};

const CROSSINGS: FactTable = FactTable {
    name: "FenceCrossings",
    columns: &[
        FactColumn::new("TimeGenerated", DateTime, "at_us"),
        FactColumn::new("HolderKind", String, "holder_kind"),
        FactColumn::new("Holder", String, "holder"),
        FactColumn::new("Fence", String, "fence"),
        FactColumn::new("Side", String, "side"),
        FactColumn::new("MissionId", String, "mission_id"),
        FactColumn::new("Withdrawn", DateTime, "withdrawn_us"),
    ],
    from: "field_crossing",
    time: "at_us",
};

const SIGNALS: FactTable = FactTable {
    name: "DistressSignals",
    columns: &[
        FactColumn::new("TimeGenerated", DateTime, "received_us"),
        FactColumn::new("SignalId", String, "id"),
        FactColumn::new("Kind", String, "kind"),
        FactColumn::new("Device", String, "device"),
        FactColumn::new("HolderKind", String, "holder_kind"),
        FactColumn::new("Holder", String, "holder"),
        FactColumn::new("Code", String, "code"),
        FactColumn::new("Source", String, "source"),
        FactColumn::new("Signalled", DateTime, "signalled_us"),
        FactColumn::new("Latitude", Real, "latitude"),
        FactColumn::new("Longitude", Real, "longitude"),
        FactColumn::new("Words", String, "words"),
        FactColumn::new("MissionId", String, "mission_id"),
        FactColumn::new("AlarmId", String, "alarm_id"),
    ],
    from: "field_signal",
    time: "received_us",
};

const MESSAGES: FactTable = FactTable {
    name: "FieldMessages",
    columns: &[
        FactColumn::new("TimeGenerated", DateTime, "received_us"),
        FactColumn::new("MessageId", String, "id"),
        FactColumn::new("Means", String, "means"),
        FactColumn::new("Sender", String, "sender"),
        FactColumn::new("Person", String, "person"),
        FactColumn::new("Name", String, "name"),
        FactColumn::new("Organisation", String, "organisation"),
        FactColumn::new("Subject", String, "subject"),
        FactColumn::new("Text", String, "body"),
        FactColumn::new("Precedence", String, "precedence"),
        FactColumn::new("RelayedBy", Dynamic, "relayed_by"),
        FactColumn::new("Sent", DateTime, "sent_us"),
        FactColumn::new("TakenAs", String, "taken_as"),
        FactColumn::new("Entry", Long, "entry_number"),
        FactColumn::new("Seen", DateTime, "seen_us"),
    ],
    from: "field_message_in",
    time: "received_us",
};

const MESSAGES_SENT: FactTable = FactTable {
    name: "FieldMessagesSent",
    columns: &[
        FactColumn::new("TimeGenerated", DateTime, "asked_us"),
        FactColumn::new("Key", String, "dispatch"),
        FactColumn::new("About", String, "about"),
        FactColumn::new("Recipient", String, "recipient"),
        FactColumn::new("Addresses", Dynamic, "addresses"),
        FactColumn::new("Text", String, "body"),
        FactColumn::new("Precedence", String, "precedence"),
        FactColumn::new("Exercise", Bool, "exercise"),
        FactColumn::new("State", String, "state"),
        FactColumn::new("StateAt", DateTime, "state_us"),
        FactColumn::new("Means", String, "means"),
        FactColumn::new("Problem", String, "problem"),
    ],
    // What is written about a silent alarm is nobody's to count.
    from: "(SELECT * FROM field_message_out WHERE about <> '') m",
    time: "asked_us",
};

const SIGHTS: FactTable = FactTable {
    name: "SightsOpened",
    columns: &[
        FactColumn::new("TimeGenerated", DateTime, "begun_us"),
        FactColumn::new("SightId", String, "id"),
        FactColumn::new("User", String, "user_id"),
        FactColumn::new("Organisation", String, "organisation"),
        FactColumn::new("Reason", String, "reason"),
        FactColumn::new("Expires", DateTime, "expires_us"),
        FactColumn::new("Views", Long, "views"),
    ],
    from: "field_break_glass",
    time: "begun_us",
};

const REPORTS: FactTable = FactTable {
    name: "FieldReports",
    columns: &[
        FactColumn::new("TimeGenerated", DateTime, "opened_us"),
        FactColumn::new("ReportId", String, "id"),
        FactColumn::new("Number", Long, "number"),
        FactColumn::new("Who", String, "who"),
        FactColumn::new("Place", String, "place"),
        FactColumn::new("What", String, "what"),
        FactColumn::new("Severity", String, "severity"),
        FactColumn::new("Happened", DateTime, "happened_us"),
        FactColumn::new("Exercise", Bool, "exercise"),
        FactColumn::new("People", Dynamic, "people"),
        FactColumn::new("Vehicles", Dynamic, "vehicles"),
        FactColumn::new("Organisations", Dynamic, "organisations"),
        FactColumn::new("MissionId", String, "mission_id"),
        FactColumn::new("AlarmId", String, "alarm_id"),
        FactColumn::new("IncidentId", String, "incident_id"),
        FactColumn::new("SituationReports", Long, "situations"),
        FactColumn::new("Closed", DateTime, "closed_us"),
        FactColumn::new("Outcome", String, "outcome"),
    ],
    from: "field_report",
    time: "opened_us",
};

const REPORT_LINES: FactTable = FactTable {
    name: "FieldReportLines",
    columns: &[
        FactColumn::new("TimeGenerated", DateTime, "l.at_us"),
        FactColumn::new("ReportId", String, "l.report_id"),
        FactColumn::new("Report", Long, "r.number"),
        FactColumn::new("Line", Long, "l.line"),
        FactColumn::new("Kind", String, "l.kind"),
        FactColumn::new("SituationReport", Long, "l.number"),
        FactColumn::new("Text", String, "l.body"),
        FactColumn::new("Author", String, "l.author"),
    ],
    from: "field_report_line l JOIN field_report r ON r.id = l.report_id",
    time: "l.at_us",
};

const READINGS: FactTable = FactTable {
    name: "EquipmentReadings",
    columns: &[
        FactColumn::new("TimeGenerated", DateTime, "at_us"),
        FactColumn::new("Equipment", String, "equipment"),
        FactColumn::new("State", String, "state"),
        FactColumn::new("LevelPercent", Long, "level_percent"),
        FactColumn::new("Words", String, "words"),
        FactColumn::new("Author", String, "author"),
    ],
    from: "field_reading",
    time: "at_us",
};

const ANOMALIES: FactTable = FactTable {
    name: "FieldAnomalies",
    columns: &[
        FactColumn::new("TimeGenerated", DateTime, "opened_us"),
        FactColumn::new("AnomalyId", String, "id"),
        FactColumn::new("Number", Long, "number"),
        FactColumn::new("Equipment", String, "equipment"),
        FactColumn::new("Title", String, "title"),
        FactColumn::new("Told", String, "told"),
        FactColumn::new("Closed", DateTime, "closed_us"),
        FactColumn::new("Outcome", String, "outcome"),
    ],
    from: "field_anomaly",
    time: "opened_us",
};

const MISUSE: FactTable = FactTable {
    name: "RadioMisuse",
    columns: &[
        FactColumn::new("TimeGenerated", DateTime, "at_us"),
        FactColumn::new("Entry", Long, "entry_number"),
        FactColumn::new("CallSign", String, "sign"),
        FactColumn::new("Holder", String, "holder"),
        FactColumn::new("HolderName", String, "holder_name"),
        FactColumn::new("Organisation", String, "organisation"),
        FactColumn::new("Network", String, "network"),
        FactColumn::new("What", String, "what"),
    ],
    from: "field_misuse",
    time: "at_us",
};
