//! What can be asked for: the vocabulary of the policies. Each operation of the API names exactly one.

/// Declares the actions with their names in the policies.
macro_rules! actions {
    ($($(#[$doc:meta])* $action:ident = $name:literal;)*) => {
        /// A permission that the policies grant or withhold.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Action {$(
            $(#[$doc])*
            $action,
        )*}

        impl Action {
            /// All of them.
            pub const ALL: &[Action] = &[$(Action::$action),*];

            /// The name in the policies and in the API.
            pub const fn as_str(self) -> &'static str {
                match self {$(Action::$action => $name,)*}
            }
        }
    };
}

actions! {
    /// Sign in, see whether one is signed in, health, the contract itself. Open to everybody.
    Enter = "enter";
    /// One's own session and password.
    OwnSession = "own-session";
    /// Ask for access, decide where one is asked, borrow it, review; who is asked, the room knows.
    OwnAccess = "own-access";
    /// One's own tokens.
    OwnTokens = "own-tokens";
    /// See everybody's tokens and revoke them.
    ManageTokens = "manage-tokens";
    /// See who there is, to assign work.
    ReadUsers = "read-users";
    /// Invite people, change their roles, lock them out.
    ManageUsers = "manage-users";
    /// Ask in KQL, with completion and export.
    Query = "query";
    /// Keep queries and share them.
    SaveQueries = "save-queries";
    /// See alerts with their events and reasons.
    ReadAlerts = "read-alerts";
    /// See incidents.
    ReadIncidents = "read-incidents";
    /// Open incidents and move them on.
    RespondIncidents = "respond-incidents";
    /// See rules.
    ReadRules = "read-rules";
    /// Write rules, switch them on and off.
    ManageRules = "manage-rules";
    /// Keep functions, watchlists and reference tables for queries.
    ManageLibrary = "manage-library";
    /// See sources and their health.
    ReadSources = "read-sources";
    /// Connect sources.
    ManageSources = "manage-sources";
    /// Say which clock is right, have facts told again that were put aside.
    KeepHouse = "keep-house";
    /// Read and verify the ledger.
    ReadLedger = "read-ledger";
    /// The overview and the live stream.
    ReadOverview = "read-overview";
    /// See one's own organisation's people in the radio room.
    ReadOwnField = "read-own-field";
    /// Open the sight of another organisation's people, for a reason and a time.
    BreakGlass = "break-glass";
    /// See the radio room: register, log, missions, alarms.
    ReadField = "read-field";
    /// Keep the duty log, move missions on, answer alarms, have the desk.
    OperateField = "operate-field";
    /// Keep the radio room's register, its areas and its duress words.
    ManageField = "manage-field";
    /// See people, their access and its reasons, accounts, plans and findings.
    ReadIdentity = "read-identity";
    /// Take in feeds, simulate, give and end access, decide about accounts and records that wait.
    OperateIdentity = "operate-identity";
    /// Put policy in force, carry out plans, release batches that are held; see restricted people.
    ManageIdentity = "manage-identity";
    /// Lock somebody out of every system at once.
    LockOut = "lock-out";
    /// Deliver records.
    Ingest = "ingest";
    /// Deliver a feed of people.
    DeliverFeed = "deliver-feed";
    /// Provision users and groups by SCIM.
    Provision = "provision";
    /// Exchange what nodes tell each other.
    Replicate = "replicate";
}

impl std::fmt::Display for Action {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}
