//! The room as KQL reads it. The text of what is secret is not there.

use kernel::ScalarType::{Bool, DateTime, Dynamic, Long, String};
use store::{FactColumn, FactTable};

/// The tables that this room registers.
pub const FACT_TABLES: &[FactTable] = &[MESSAGES, MESSAGE_DISPATCHES, MESSAGE_DELIVERIES, CHANNEL_DELIVERIES];

const MESSAGES: FactTable = FactTable {
    name: "Messages",
    columns: &[
        FactColumn::new("TimeGenerated", DateTime, "m.received_us"),
        FactColumn::new("MessageId", String, "m.id"),
        FactColumn::new("Means", String, "m.means"),
        FactColumn::new("Channel", String, "m.channel"),
        FactColumn::new("ProviderId", String, "m.provider_id"),
        FactColumn::new("Sender", String, "m.sender"),
        FactColumn::new("Recipient", String, "m.recipient"),
        FactColumn::new("Subject", String, "m.subject"),
        FactColumn::new("Text", String, "m.body"),
        FactColumn::new("Sent", DateTime, "m.sent_us"),
        FactColumn::new("Answers", String, "m.answers"),
        FactColumn::new("AnswersCertain", Bool, "m.answers_certain"),
        FactColumn::new("Automatic", Bool, "m.automatic"),
        FactColumn::new("Exercise", Bool, "m.exercise"),
        FactColumn::new("Receipts", Long, "s.receipts"),
        FactColumn::new("RawId", String, "m.raw_id"),
    ],
    from: "courier_message m JOIN courier_seen s ON s.id = m.id",
    time: "m.received_us",
};

const MESSAGE_DISPATCHES: FactTable = FactTable {
    name: "MessageDispatches",
    columns: &[
        FactColumn::new("TimeGenerated", DateTime, "requested_us"),
        FactColumn::new("MessageId", String, "id"),
        FactColumn::new("Key", String, "dispatch_key"),
        FactColumn::new("Desk", String, "desk"),
        FactColumn::new("About", String, "about"),
        FactColumn::new("Recipient", String, "recipient"),
        FactColumn::new("Means", String, "means"),
        FactColumn::new("Address", String, "address"),
        FactColumn::new("Addresses", Dynamic, "addresses"),
        FactColumn::new(
            "Precedence",
            String,
            "CASE lane WHEN 0 THEN 'distress' WHEN 1 THEN 'immediate' WHEN 2 THEN 'routine' ELSE 'bulk' END",
        ),
        FactColumn::new("Exercise", Bool, "exercise"),
        FactColumn::new("Subject", String, "CASE secret WHEN 1 THEN NULL ELSE subject END"),
        FactColumn::new("Text", String, "CASE secret WHEN 1 THEN NULL ELSE body END"),
        FactColumn::new("State", String, "state"),
        FactColumn::new("IsOpen", Bool, "is_open"),
        FactColumn::new("Tries", Long, "tries"),
        FactColumn::new("Due", DateTime, "due_us"),
        FactColumn::new("Expires", DateTime, "expires_us"),
        FactColumn::new("Problem", String, "problem"),
        FactColumn::new("Updated", DateTime, "updated_us"),
    ],
    from: "courier_dispatch",
    time: "requested_us",
};

const MESSAGE_DELIVERIES: FactTable = FactTable {
    name: "MessageDeliveries",
    columns: &[
        FactColumn::new("TimeGenerated", DateTime, "t.began_us"),
        FactColumn::new("MessageId", String, "t.dispatch_id"),
        FactColumn::new("Key", String, "d.dispatch_key"),
        FactColumn::new("Try", Long, "t.number"),
        FactColumn::new("Channel", String, "t.channel"),
        FactColumn::new("Means", String, "t.means"),
        FactColumn::new("Address", String, "t.address"),
        FactColumn::new("Ended", DateTime, "t.ended_us"),
        FactColumn::new("Outcome", String, "t.outcome"),
        FactColumn::new("Problem", String, "t.problem"),
        FactColumn::new("State", String, "d.state"),
    ],
    from: "courier_try t JOIN courier_dispatch d ON d.id = t.dispatch_id",
    time: "t.began_us",
};

const CHANNEL_DELIVERIES: FactTable = FactTable {
    name: "ChannelDeliveries",
    columns: &[
        FactColumn::new("TimeGenerated", DateTime, "received_us"),
        FactColumn::new("RawId", String, "id"),
        FactColumn::new("Channel", String, "channel"),
        FactColumn::new("Encoding", String, "encoding"),
        FactColumn::new("Body", String, "body"),
        FactColumn::new("Findings", Dynamic, "findings"),
    ],
    from: "courier_raw",
    time: "received_us",
};
