// The words of the contract under short names. Their shapes are generated: see `schema.d.ts`.
import type { components, operations } from "./schema";

type Schemas = components["schemas"];
type QueryOf<O extends keyof operations> = NonNullable<operations[O]["parameters"]["query"]>;

export type SessionState = Schemas["SessionState"];
export type SignedIn = Schemas["SignedIn"];
export type User = Schemas["User"];
export type UserRef = Schemas["UserRef"];
export type Role = Schemas["Role"];
export type Invitation = Schemas["Invitation"];
export type Token = Schemas["Token"];
export type NewToken = Schemas["NewToken"];
export type Scope = Schemas["Scope"];
export type Severity = Schemas["Severity"];
export type Entity = Schemas["Entity"];
export type Column = Schemas["Column"];
export type Table = Schemas["Table"];
export type Diagnostic = Schemas["Diagnostic"];
export type Analysis = Schemas["Analysis"];
export type Completion = Schemas["Completion"];
export type AnswerSummary = Schemas["AnswerSummary"];
export type ExportFormat = Schemas["ExportFormat"];
export type SavedQuery = Schemas["SavedQuery"];
export type Alert = Schemas["Alert"];
export type AlertDetail = Schemas["AlertDetail"];
export type AlertEvent = Schemas["AlertEvent"];
export type Incident = Schemas["Incident"];
export type IncidentDetail = Schemas["IncidentDetail"];
export type IncidentStatus = Schemas["IncidentStatus"];
export type IncidentAct = Schemas["IncidentAct"];
export type Classification = Schemas["Classification"];
export type Task = Schemas["Task"];
export type TimelineItem = Schemas["TimelineItem"];
export type Rule = Schemas["Rule"];
export type Rules = Schemas["Rules"];
export type RuleDetail = Schemas["RuleDetail"];
export type RuleGate = Schemas["RuleGate"];
export type Correlations = Schemas["Correlations"];
export type Exception = Schemas["Exception"];
export type Trial = Schemas["Trial"];
export type ScheduledRule = Schemas["ScheduledRule"];
export type Source = Schemas["Source"];
export type ConnectedSource = Schemas["ConnectedSource"];
export type LedgerEntry = Schemas["LedgerEntry"];
export type LedgerProof = Schemas["LedgerProof"];
export type Overview = Schemas["Overview"];
export type Series = Schemas["Series"];
export type Pulse = Schemas["Pulse"];
export type AlertFilter = QueryOf<"list_alerts">;
export type IncidentFilter = QueryOf<"list_incidents">;
export type RuleFilter = QueryOf<"list_rules">;
export type LedgerFilter = QueryOf<"list_ledger">;

/** Worst first, as queues are sorted. */
export const severities = ["critical", "high", "medium", "low", "informational"] as const satisfies Severity[];
