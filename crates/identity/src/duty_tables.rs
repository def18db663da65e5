//! Duties as KQL reads them.

use kernel::ScalarType::{Bool, DateTime, Dynamic, Long, Real, String};
use store::{FactColumn, FactTable};

use crate::fact_tables::shown;

/// The tables of duties, requests, activations and reviews.
pub const DUTY_TABLES: [FactTable; 10] = [
    SOD_VIOLATIONS,
    SOD_EXCEPTIONS,
    ACCESS_REQUESTS,
    ACTIVATIONS,
    REVIEW_CAMPAIGNS,
    REVIEW_ITEMS,
    CONDITIONAL_ACCESS_POLICIES,
    CONSENT_GRANTS,
    STALE_GROUPS,
    ACCESS_EXCLUSIONS,
];

const STALE_GROUPS: FactTable = FactTable {
    name: "StaleGroups",
    columns: &[
        FactColumn::new("TimeGenerated", DateTime, "changed_us"),
        FactColumn::new("EntitlementId", String, "entitlement_id"),
        FactColumn::new("System", String, "system"),
        FactColumn::new("Name", String, "name"),
        FactColumn::new("State", String, "state"),
        FactColumn::new("Reason", String, "reason"),
        FactColumn::new("Members", Long, "member_count"),
        FactColumn::new("ChangedBy", String, "changed_by"),
        FactColumn::new("RestoreUntil", DateTime, "restore_until_us"),
    ],
    from: "(SELECT l.*, e.system, e.name FROM identity_group_life l JOIN identity_entitlement e ON e.id = l.entitlement_id) g",
    time: "changed_us",
};

const ACCESS_EXCLUSIONS: FactTable = FactTable {
    name: "AccessExclusions",
    columns: &[
        FactColumn::new("TimeGenerated", DateTime, "made_us"),
        FactColumn::new("PersonId", String, "person_id"),
        FactColumn::new("EntitlementId", String, "entitlement_id"),
        FactColumn::new("Reason", String, "reason"),
        FactColumn::new("MadeBy", String, "made_by"),
        FactColumn::new("Source", String, "source_ref"),
        FactColumn::new("Lifted", DateTime, "lifted_us"),
        FactColumn::new("LiftedBy", String, "lifted_by"),
        FactColumn::new("LiftReason", String, "lift_reason"),
    ],
    from: concat!(shown!("identity_exclusion", "q.id = t.person_id"), " r"),
    time: "made_us",
};

/// Policies of the house (`Source` is `vigie`) and of tenants.
const CONDITIONAL_ACCESS_POLICIES: FactTable = FactTable {
    name: "ConditionalAccessPolicies",
    columns: &[
        FactColumn::new("TimeGenerated", DateTime, "changed_us"),
        FactColumn::new("Source", String, "source"),
        FactColumn::new("PolicyId", String, "policy"),
        FactColumn::new("Title", String, "title"),
        FactColumn::new("State", String, "state"),
        FactColumn::new("Version", Long, "version"),
        FactColumn::new("Policy", Dynamic, "body"),
        FactColumn::new("ChangedBy", String, "changed_by"),
        FactColumn::new("Gone", DateTime, "gone_us"),
    ],
    from: "(SELECT updated_us AS changed_us, 'vigie' AS source, doc_key AS policy, title, CASE WHEN body LIKE            '%\"state\":\"on\"%' THEN 'on' WHEN body LIKE '%\"state\":\"report-only\"%' THEN 'report-only' ELSE 'off' END            AS state, version, body, updated_by AS changed_by, retired_us AS gone_us FROM identity_document WHERE kind =            'conditional-access' UNION ALL SELECT changed_us, system AS source, policy, title, state, CAST(NULL AS BIGINT) AS            version, body, CAST(NULL AS TEXT) AS changed_by, gone_us FROM identity_tenant_policy) p",
    time: "changed_us",
};

const CONSENT_GRANTS: FactTable = FactTable {
    name: "ConsentGrants",
    columns: &[
        FactColumn::new("TimeGenerated", DateTime, "scored_us"),
        FactColumn::new("ConsentId", String, "id"),
        FactColumn::new("System", String, "system"),
        FactColumn::new("ApplicationId", String, "application"),
        FactColumn::new("Application", String, "application_name"),
        FactColumn::new("Publisher", String, "publisher"),
        FactColumn::new("Kind", String, "kind"),
        FactColumn::new("Risk", String, "risk"),
        FactColumn::new("Score", Long, "score"),
        FactColumn::new("State", String, "state"),
        FactColumn::new("People", Long, "people"),
        FactColumn::new("Details", Dynamic, "sheet"),
        FactColumn::new("FirstSeen", DateTime, "first_us"),
        FactColumn::new("Gone", DateTime, "gone_us"),
    ],
    from: "identity_consent",
    time: "scored_us",
};

const SOD_VIOLATIONS: FactTable = FactTable {
    name: "SodViolations",
    columns: &[
        FactColumn::new("TimeGenerated", DateTime, "found_us"),
        FactColumn::new("ViolationId", String, "id"),
        FactColumn::new("Rule", String, "rule"),
        FactColumn::new("Scope", String, "scope"),
        FactColumn::new("PersonId", String, "person_id"),
        FactColumn::new("Risk", String, "risk"),
        FactColumn::new("State", String, "state"),
        FactColumn::new("Sides", Dynamic, "sides"),
        FactColumn::new("ExceptionId", String, "exception_id"),
        FactColumn::new("Gone", DateTime, "gone_us"),
    ],
    from: concat!(shown!("identity_violation", "q.id = t.person_id"), " r"),
    time: "found_us",
};

const SOD_EXCEPTIONS: FactTable = FactTable {
    name: "SodExceptions",
    columns: &[
        FactColumn::new("TimeGenerated", DateTime, "given_us"),
        FactColumn::new("ExceptionId", String, "id"),
        FactColumn::new("Rule", String, "rule"),
        FactColumn::new("PersonId", String, "person_id"),
        FactColumn::new("RiskOwner", String, "risk_owner"),
        FactColumn::new("Mitigation", String, "mitigation"),
        FactColumn::new("Reason", String, "reason"),
        FactColumn::new("State", String, "state"),
        FactColumn::new("Until", DateTime, "until_us"),
        FactColumn::new("GivenBy", String, "given_by"),
        FactColumn::new("Ended", DateTime, "ended_us"),
        FactColumn::new("EndedBy", String, "ended_by"),
    ],
    from: concat!(shown!("identity_sod_exception", "q.id = t.person_id"), " r"),
    time: "given_us",
};

const ACCESS_REQUESTS: FactTable = FactTable {
    name: "AccessRequests",
    columns: &[
        FactColumn::new("TimeGenerated", DateTime, "created_us"),
        FactColumn::new("RequestId", String, "id"),
        FactColumn::new("RequesterId", String, "requester_id"),
        FactColumn::new("PersonId", String, "person_id"),
        FactColumn::new("State", String, "state"),
        FactColumn::new("Risk", String, "risk"),
        FactColumn::new("Request", Dynamic, "sheet"),
        FactColumn::new("LastModifiedTime", DateTime, "updated_us"),
    ],
    from: concat!(shown!("identity_request", "q.id = t.person_id OR q.id = t.requester_id"), " r"),
    time: "created_us",
};

const ACTIVATIONS: FactTable = FactTable {
    name: "Activations",
    columns: &[
        FactColumn::new("TimeGenerated", DateTime, "asked_us"),
        FactColumn::new("ActivationId", String, "id"),
        FactColumn::new("PersonId", String, "person_id"),
        FactColumn::new("TargetKind", String, "target_kind"),
        FactColumn::new("Target", String, "target"),
        FactColumn::new("Ticket", String, "ticket"),
        FactColumn::new("Reason", String, "reason"),
        FactColumn::new("State", String, "state"),
        FactColumn::new("Began", DateTime, "began_us"),
        FactColumn::new("Until", DateTime, "until_us"),
        FactColumn::new("Ended", DateTime, "ended_us"),
        FactColumn::new("EndCause", String, "end_cause"),
        FactColumn::new("ExposureSeconds", Real, "exposure_us / 1000000.0"),
        FactColumn::new("Verified", DateTime, "verified_us"),
    ],
    from: concat!(shown!("identity_activation", "q.id = t.person_id"), " r"),
    time: "asked_us",
};

const REVIEW_CAMPAIGNS: FactTable = FactTable {
    name: "ReviewCampaigns",
    columns: &[
        FactColumn::new("TimeGenerated", DateTime, "created_us"),
        FactColumn::new("CampaignId", String, "id"),
        FactColumn::new("Title", String, "title"),
        FactColumn::new("State", String, "state"),
        FactColumn::new("Due", DateTime, "due_us"),
        FactColumn::new("Items", Long, "items"),
        FactColumn::new("Closed", DateTime, "closed_us"),
    ],
    from: "identity_campaign",
    time: "created_us",
};

/// Canaries are told only when the campaign is closed, because reviewers may read this table.
const REVIEW_ITEMS: FactTable = FactTable {
    name: "ReviewItems",
    columns: &[
        FactColumn::new("TimeGenerated", DateTime, "c.created_us"),
        FactColumn::new("ItemId", String, "i.id"),
        FactColumn::new("CampaignId", String, "i.campaign_id"),
        FactColumn::new("PersonId", String, "i.person_id"),
        FactColumn::new("EntitlementId", String, "i.entitlement_id"),
        FactColumn::new("ReviewerId", String, "i.reviewer_id"),
        FactColumn::new("Risk", String, "i.risk"),
        FactColumn::new("Score", Real, "i.score"),
        FactColumn::new("State", String, "i.state"),
        FactColumn::new("Decision", String, "i.decision"),
        FactColumn::new("DecidedBy", String, "i.decided_by"),
        FactColumn::new("Decided", DateTime, "i.decided_us"),
        FactColumn::new("IsCanary", Bool, "CASE WHEN c.state = 'closed' THEN i.is_canary ELSE NULL END"),
    ],
    from: concat!(
        shown!("identity_review_item", "q.id = t.person_id"),
        " i JOIN identity_campaign c ON c.id = i.campaign_id"
    ),
    time: "c.created_us",
};
