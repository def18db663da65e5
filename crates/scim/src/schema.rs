//! The resource schemas (RFC 7643 §4, §7) as data: what attributes there are and what may be done with them.

use serde_json::{Value as Json, json};

use crate::bulk;

kernel::words! {
    /// The type of an attribute's values.
    Type {
        Text = "string",
        Boolean = "boolean",
        Integer = "integer",
        DateTime = "dateTime",
        Reference = "reference",
        Binary = "binary",
        Complex = "complex",
    }
}

/// An attribute.
#[derive(Debug, Clone, Copy)]
pub struct Attribute {
    pub name: &'static str,
    pub kind: Type,
    pub multi_valued: bool,
    pub required: bool,
    pub exact: bool,
    pub read_only: bool,
    /// Given once, with the value that it is a part of.
    pub immutable: bool,
    /// Shown only to who asks for it by name (RFC 7643 §7, `returned`: `request`).
    pub when_asked: bool,
    pub unique: bool,
    /// The values that it may have; empty: any.
    pub canonical: &'static [&'static str],
    pub about: &'static str,
    pub parts: &'static [Attribute],
    /// What a reference leads to.
    pub leads_to: &'static [&'static str],
}

/// A schema.
#[derive(Debug, Clone, Copy)]
pub struct Schema {
    pub id: &'static str,
    pub name: &'static str,
    pub about: &'static str,
    /// It adds to another schema, under its own id.
    pub extension: bool,
    pub attributes: &'static [Attribute],
}

const fn one(name: &'static str, kind: Type, about: &'static str) -> Attribute {
    Attribute {
        name,
        kind,
        multi_valued: false,
        required: false,
        exact: false,
        read_only: false,
        immutable: false,
        when_asked: false,
        unique: false,
        canonical: &[],
        about,
        parts: &[],
        leads_to: &["external"],
    }
}

const fn reference(name: &'static str, about: &'static str, leads_to: &'static [&'static str]) -> Attribute {
    Attribute { leads_to, ..one(name, Type::Reference, about) }
}

const fn text(name: &'static str, about: &'static str) -> Attribute {
    one(name, Type::Text, about)
}

const fn complex(name: &'static str, about: &'static str, parts: &'static [Attribute]) -> Attribute {
    Attribute { parts, ..one(name, Type::Complex, about) }
}

const fn many(name: &'static str, about: &'static str, parts: &'static [Attribute]) -> Attribute {
    Attribute { multi_valued: true, ..complex(name, about, parts) }
}

const PLURAL: &[Attribute] = &[
    text("value", "The value."),
    text("display", "How it is shown."),
    text("type", "What it is for."),
    one("primary", Type::Boolean, "The preferred one; at most one is."),
];

const ADDRESS: &[Attribute] = &[
    text("formatted", "The whole address, with line breaks."),
    text("streetAddress", "Street and number."),
    text("locality", "City or place."),
    text("region", "State or region."),
    text("postalCode", "Postal code."),
    text("country", "Country."),
    text("type", "What it is for."),
    one("primary", Type::Boolean, "The preferred one; at most one is."),
];

const NAME: &[Attribute] = &[
    text("formatted", "The whole name as it is shown."),
    text("familyName", "Family name."),
    text("givenName", "Given name."),
    text("middleName", "Middle names."),
    text("honorificPrefix", "What stands before the name."),
    text("honorificSuffix", "What stands after the name."),
];

const GROUPS_OF_USER: &[Attribute] = &[
    Attribute { read_only: true, exact: true, ..text("value", "The group's id.") },
    Attribute { read_only: true, ..reference("$ref", "The group's address.", &["Group"]) },
    Attribute { read_only: true, ..text("display", "The group's name.") },
    Attribute { read_only: true, ..text("type", "direct.") },
];

const MEMBERS: &[Attribute] = &[
    Attribute { immutable: true, exact: true, ..text("value", "The member's id.") },
    Attribute { immutable: true, ..reference("$ref", "The member's address.", &["User", "Group"]) },
    Attribute { read_only: true, when_asked: true, ..text("display", "The member's name, as it is now.") },
    Attribute { immutable: true, canonical: &["User", "Group"], ..text("type", "What the member is.") },
];

const MANAGER: &[Attribute] = &[
    text("value", "The manager's id."),
    reference("$ref", "The manager's address.", &["User"]),
    Attribute { read_only: true, ..text("displayName", "The manager's name.") },
];

/// `urn:ietf:params:scim:schemas:core:2.0:User`
pub const USER: Schema = Schema {
    id: "urn:ietf:params:scim:schemas:core:2.0:User",
    name: "User",
    about: "An account of a person.",
    extension: false,
    attributes: &[
        Attribute { required: true, unique: true, ..text("userName", "What the person signs in with; unique.") },
        complex("name", "The parts of the person's name.", NAME),
        text("displayName", "The name as it is shown."),
        text("nickName", "What friends say."),
        one("profileUrl", Type::Reference, "A page about the person."),
        text("title", "What the person is."),
        text("userType", "How the person is tied to the organisation."),
        text("preferredLanguage", "Languages, as in Accept-Language."),
        text("locale", "Language and region: fr-FR."),
        text("timezone", "IANA time zone."),
        one("active", Type::Boolean, "The account can be used."),
        many("emails", "E-mail addresses.", PLURAL),
        many("phoneNumbers", "Telephone numbers.", PLURAL),
        many("ims", "Instant messaging addresses.", PLURAL),
        many("photos", "Addresses of photographs.", PLURAL),
        many("addresses", "Postal addresses.", ADDRESS),
        Attribute {
            read_only: true,
            ..many("groups", "Groups that the person is a direct member of.", GROUPS_OF_USER)
        },
        many("entitlements", "Entitlements.", PLURAL),
        many("roles", "Roles.", PLURAL),
        many("x509Certificates", "Certificates (DER, base64).", PLURAL),
    ],
};

/// `urn:ietf:params:scim:schemas:extension:enterprise:2.0:User`
pub const ENTERPRISE: Schema = Schema {
    id: "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User",
    name: "EnterpriseUser",
    about: "What an organisation knows of a person.",
    extension: true,
    attributes: &[
        text("employeeNumber", "The person's number."),
        text("costCenter", "Cost centre."),
        text("organization", "Organisation."),
        text("division", "Division."),
        text("department", "Department."),
        complex("manager", "Whom the person reports to.", MANAGER),
    ],
};

/// `urn:ietf:params:scim:schemas:extension:vigie:2.0:User`: what a personnel system knows of a contract and the standard has
/// no attribute for. Days are written as `2026-11-30`.
pub const ENGAGEMENT: Schema = Schema {
    id: "urn:ietf:params:scim:schemas:extension:vigie:2.0:User",
    name: "EngagementUser",
    about: "What a personnel system knows of a person's contract.",
    extension: true,
    attributes: &[
        text("contract", "The contract's number."),
        text("startDate", "First day of the contract."),
        text("endDate", "Last day of the contract."),
        text("standing", "active, suspended, leave, secondment or cancelled."),
        text("dutyStation", "Where the person works."),
        text("grade", "Grade."),
        text("birthDate", "Day of birth."),
        text("personKind", "staff, consultant, or whatever the mapping says."),
        text("sponsor", "The number of who answers for somebody who is not staff."),
        text("effectiveDate", "From which day on the change holds."),
    ],
};

/// `urn:ietf:params:scim:schemas:core:2.0:Group`
pub const GROUP: Schema = Schema {
    id: "urn:ietf:params:scim:schemas:core:2.0:Group",
    name: "Group",
    about: "Users and groups under one name.",
    extension: false,
    attributes: &[
        Attribute { required: true, ..text("displayName", "The group's name.") },
        many("members", "Who is in the group.", MEMBERS),
    ],
};

/// All of them.
pub const ALL: [&Schema; 4] = [&USER, &ENTERPRISE, &ENGAGEMENT, &GROUP];

/// Attributes that every resource has beside its schema's.
pub const COMMON: [&str; 4] = ["schemas", "id", "externalId", "meta"];

impl Schema {
    /// An attribute, without case.
    pub fn attribute(&self, name: &str) -> Option<&'static Attribute> {
        self.attributes.iter().find(|attribute| attribute.name.eq_ignore_ascii_case(name))
    }

    /// As `/Schemas` shows it.
    pub fn to_json(&self, base: &str) -> Json {
        json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Schema"],
            "id": self.id,
            "name": self.name,
            "description": self.about,
            "attributes": self.attributes.iter().map(Attribute::json).collect::<Vec<_>>(),
            "meta": { "resourceType": "Schema", "location": format!("{base}/Schemas/{}", self.id) },
        })
    }
}

impl Attribute {
    /// A part of a complex attribute, without case.
    pub fn part(&self, name: &str) -> Option<&'static Attribute> {
        self.parts.iter().find(|part| part.name.eq_ignore_ascii_case(name))
    }

    fn json(&self) -> Json {
        let mut json = json!({
            "name": self.name,
            "type": self.kind.as_str(),
            "multiValued": self.multi_valued,
            "description": self.about,
            "required": self.required,
            "caseExact": self.exact,
            "mutability": match self {
                Attribute { read_only: true, .. } => "readOnly",
                Attribute { immutable: true, .. } => "immutable",
                _ => "readWrite",
            },
            "returned": if self.when_asked { "request" } else { "default" },
            "uniqueness": if self.unique { "server" } else { "none" },
        });
        if self.kind == Type::Reference {
            json["referenceTypes"] = json!(self.leads_to);
        }
        if !self.canonical.is_empty() {
            json["canonicalValues"] = json!(self.canonical);
        }
        if !self.parts.is_empty() {
            json["subAttributes"] = self.parts.iter().map(Attribute::json).collect();
        }
        json
    }
}

/// What `/ResourceTypes` shows.
pub fn resource_types(base: &str) -> Vec<Json> {
    let kind = |name: &str, endpoint: &str, schema: &Schema, extensions: Json| {
        json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ResourceType"],
            "id": name,
            "name": name,
            "endpoint": endpoint,
            "description": schema.about,
            "schema": schema.id,
            "schemaExtensions": extensions,
            "meta": { "resourceType": "ResourceType", "location": format!("{base}/ResourceTypes/{name}") },
        })
    };
    vec![
        kind(
            "User",
            "/Users",
            &USER,
            json!([
                { "schema": ENTERPRISE.id, "required": false }, { "schema": ENGAGEMENT.id, "required": false },
            ]),
        ),
        kind("Group", "/Groups", &GROUP, json!([])),
    ]
}

/// What `/ServiceProviderConfig` shows.
pub fn service_provider_config(base: &str, most_results: usize) -> Json {
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"],
        "documentationUri": "https://www.rfc-editor.org/rfc/rfc7644",
        "patch": { "supported": true },
        "bulk": {
            "supported": true, "maxOperations": bulk::MOST_OPERATIONS, "maxPayloadSize": bulk::LARGEST_BYTES,
        },
        "filter": { "supported": true, "maxResults": most_results },
        "changePassword": { "supported": false },
        "sort": { "supported": true },
        "etag": { "supported": true },
        "pagination": {
            "cursor": true, "index": true, "defaultPaginationMethod": "index",
            "defaultPageSize": 100, "maxPageSize": most_results, "cursorTimeout": 3600,
        },
        "authenticationSchemes": [{
            "type": "oauthbearertoken", "name": "Token", "primary": true,
            "description": "A token of Vigie with the scope `provision`, as Authorization: Bearer.",
            "specUri": "https://www.rfc-editor.org/rfc/rfc6750",
        }],
        "meta": { "resourceType": "ServiceProviderConfig", "location": format!("{base}/ServiceProviderConfig") },
    })
}
