//! The nouns of the register.

use kernel::ScalarType;
use store::{FactColumn, FactTable, Statement};

use super::noun::{Column, Need, Noun, noun, scalar};
use super::value::Form;
use crate::speech::LANGUAGES;

/// Who somebody is to the organisation.
pub(crate) const CATEGORIES: &[&str] = &["staff", "dependant", "visitor", "contractor", "ngo"];
/// Who is told, by function.
pub(crate) const ROLES: &[&str] =
    &["desk", "duty-officer", "focal-point", "security-adviser", "head-of-office", "response-team"];
/// Ways to reach somebody.
pub(crate) const MEANS: &[&str] = &["radio", "phone", "satellite", "sms", "email", "visit"];
/// Who can help.
pub(crate) const FACILITY_KINDS: &[&str] =
    &["response-team", "hospital", "clinic", "police", "fire", "authority", "company"];
/// How dangerous an area is.
pub(crate) const RISKS: &[&str] = &["low", "medium", "high"];

const LATITUDE: Form = Form::Real { least: -90.0, most: 90.0 };
const LONGITUDE: Form = Form::Real { least: -180.0, most: 180.0 };

noun! {
    /// An organisation whose people the room looks after.
    ORGANISATION = "organisation" in "field_organisation" as "Organisations", key "Short name, as on the radio list" {
        "name" "Name" "$6" = Form::Text, Needed, "Full name";
        "kind" "Kind" "$7" = Form::Word(&["un", "ngo", "government", "private", "other"]), Needed, "What it is";
    }
}

noun! {
    /// A part of the town that a warden looks after.
    ZONE = "zone" in "field_zone" as "Zones", key "Short name or number" {
        "name" "Name" "$6" = Form::Text, Needed, "Name";
        "warden" "Warden" "$7" = Form::Key("person"), Optional, "Who looks after it";
        "alternate" "Alternate" "$8" = Form::Key("person"), Optional, "Who does when the warden is away";
    }
}

noun! {
    /// Somebody whom the room looks after.
    PERSON = "person" in "field_person" as "Persons", key "Badge or index number" {
        "name" "Name" "$6" = Form::Text, Needed, "Name, as it is said";
        "category" "Category" "$7" = Form::Word(CATEGORIES), Needed, "Who they are to the organisation";
        "organisation" "Organisation" "$8" = Form::Key("organisation"), Needed, "Whose they are";
        "zone" "Zone" "$9" = Form::Key("zone"), Optional, "Where they live";
        "presence" "Presence" "$10" = Form::Word(&["present", "leave", "away"]), Needed, "Whether they are here";
        "relies_on" "ReliesOn" "$11" = Form::Key("person"), Optional, "Of a dependant or visitor: whose they are";
        "phone" "Phone" "$12" = Form::Phone, Optional, "Number for calls and short messages, +670…";
        "email" "Email" "$13" = Form::Text, Optional, "Mail address";
        "language" "Language" "$14" = Form::Word(LANGUAGES), Optional, "In which they are written to; when empty the office's";
    }
}

noun! {
    /// A vehicle.
    VEHICLE = "vehicle" in "field_vehicle" as "Vehicles", key "Plate" {
        "name" "Name" "$6" = Form::Text, Needed, "Make and colour, as a witness would say it";
        "organisation" "Organisation" "$7" = Form::Key("organisation"), Needed, "Who owns it";
        "seats" "Seats" "$8" = Form::Whole { least: 1, most: 100 }, Optional, "Seats, the driver's included";
        "armoured" "Armoured" "$9" = Form::Flag, Needed, "Whether it is armoured";
    }
}

noun! {
    /// A place with an address. The one of kind `duty-station` gives the room its local time.
    PREMISES = "premises" in "field_premises" as "Premises", key "Code name" {
        "name" "Name" "$6" = Form::Text, Needed, "Name";
        "kind" "Kind" "$7" = Form::Word(&["duty-station", "office", "residence", "warehouse", "airport", "other"]),
            Needed, "What it is";
        "organisation" "Organisation" "$8" = Form::Key("organisation"), Optional, "Whose it is";
        "zone" "Zone" "$9" = Form::Key("zone"), Optional, "Where it lies";
        "time_zone" "TimeZone" "$10" = Form::Zone, Optional, "IANA time zone; a duty station needs one";
        "latitude" "Latitude" "$11" = LATITUDE, Optional, "Degrees, north is positive";
        "longitude" "Longitude" "$12" = LONGITUDE, Optional, "Degrees, east is positive";
    }
}

noun! {
    /// An area of one risk level: how often who is there reports, and what happens otherwise.
    AREA = "area" in "field_area" as "SrmAreas", key "Short name" {
        "name" "Name" "$6" = Form::Text, Needed, "Name";
        "risk" "Risk" "$7" = Form::Word(RISKS), Needed, "Risk level";
        "contact_interval_min" "ContactIntervalMin" "$8" = Form::Whole { least: 5, most: 1_440 }, Optional,
            "Minutes between contacts; when empty 60, 30 or 15 by risk";
        "ladder" "Ladder" "$9" = Form::Ladder, Optional,
            "Escalation from the missed time: `+5 desk phone; +15 focal-point; +60 response-team lost`";
    }
}

noun! {
    /// How somebody is reached in a function.
    CONTACT = "contact" in "field_contact" as "Contacts", key "Number" {
        "role" "Role" "$6" = Form::Word(ROLES), Needed, "In which function";
        "person" "Person" "$7" = Form::Key("person"), Optional, "Who";
        "name" "Name" "$8" = Form::Text, Optional, "Who, when they are not in the register";
        "organisation" "Organisation" "$9" = Form::Key("organisation"), Optional, "For whose people";
        "means" "Means" "$10" = Form::Word(MEANS), Needed, "By what";
        "address" "Address" "$11" = Form::Text, Needed, "Number, channel or address";
        "priority" "Priority" "$12" = Form::Whole { least: 1, most: 99 }, Needed, "1 is tried first";
        "verified" "Verified" "$13" = Form::Day, Optional, "When somebody last tried it";
        "language" "Language" "$14" = Form::Word(LANGUAGES), Optional, "In which they are written to; when empty the office's";
    }
}

noun! {
    /// Something that tells where it is: a tracker in a vehicle, a telephone or satellite messenger of a person.
    DEVICE = "device" in "field_device" as "Devices", key "The id that it gives: an IMEI, a tracker id, a CoT uid" {
        "name" "Name" "$6" = Form::Text, Needed, "What it is, for people";
        "kind" "Kind" "$7" = Form::Word(&["tracker", "phone", "satellite", "radio", "aircraft"]), Needed, "What it is";
        "vehicle" "Vehicle" "$8" = Form::Key("vehicle"), Optional, "In which vehicle it is";
        "person" "Person" "$9" = Form::Key("person"), Optional, "Who carries it, when it is in no vehicle";
        "interval_min" "IntervalMin" "$10" = Form::Whole { least: 1, most: 1_440 }, Optional,
            "Minutes between its reports; when empty its silence is not watched";
    }
}

noun! {
    /// A line on the ground: an area where nobody is to be, the corridor of a route, a site.
    FENCE = "fence" in "field_fence" as "Fences", key "Short name" {
        "name" "Name" "$6" = Form::Text, Needed, "Name";
        "kind" "Kind" "$7" = Form::Word(&["no-go", "corridor", "site"]), Needed, "What it is for";
        "shape" "Shape" "$8" = Form::Shape, Needed, "GeoJSON or WKT: polygons of areas, lines of corridors";
        "width_m" "WidthM" "$9" = Form::Whole { least: 50, most: 50_000 }, Optional,
            "Of a corridor: metres to either side of its line";
    }
}

noun! {
    /// Who can help: a hospital, the police, a response team.
    FACILITY = "facility" in "field_facility" as "Facilities", key "Short name" {
        "name" "Name" "$6" = Form::Text, Needed, "Name";
        "kind" "Kind" "$7" =
            Form::Word(FACILITY_KINDS), Needed,
            "What it is";
        "capability" "Capability" "$8" = Form::Text, Optional, "What it can do, word by word: `surgery trauma blood`";
        "hours" "Hours" "$9" = Form::Hours, Optional, "`24/7` or `Mo-Fr 08:00-17:00; Sa 09:00-12:00`; empty: always";
        "phone" "Phone" "$10" = Form::Phone, Needed, "Number to call";
        "latitude" "Latitude" "$11" = LATITUDE, Needed, "Degrees, north is positive";
        "longitude" "Longitude" "$12" = LONGITUDE, Needed, "Degrees, east is positive";
        "verified" "Verified" "$13" = Form::Day, Optional, "When somebody last tried it";
        "excluded" "Excluded" "$14" = Form::Text, Optional, "Why it is of no use now: across the front line";
    }
}

noun! {
    /// A road between two junctions. Roads meet where their ends do.
    ROAD = "road" in "field_road" as "Roads", key "Number" {
        "name" "Name" "$6" = Form::Text, Optional, "Name, as people say it";
        "shape" "Shape" "$7" = Form::Shape, Needed, "GeoJSON or WKT: a line from junction to junction";
        "surface" "Surface" "$8" = Form::Word(&["paved", "gravel", "track"]), Needed, "What it is made of";
        "speed_kmh" "SpeedKmh" "$9" = Form::Whole { least: 1, most: 150 }, Optional, "When dry; empty: by surface";
        "wet_speed_kmh" "WetSpeedKmh" "$10" = Form::Whole { least: 1, most: 150 }, Optional, "In the rains";
        "one_way" "OneWay" "$11" = Form::Flag, Needed, "Driven from the first place of its line to the last only";
        "closed" "Closed" "$12" = Form::Text, Optional, "Why nobody can drive it: bridge down";
    }
}

noun! {
    /// Something that the room works with.
    EQUIPMENT = "equipment" in "field_equipment" as "Equipment", key "Short name" {
        "name" "Name" "$6" = Form::Text, Needed, "Name";
        "kind" "Kind" "$7" =
            Form::Word(&["channel", "repeater", "base", "satellite-terminal", "link", "power", "battery", "ups"]), Needed,
            "What it is";
        "network" "Network" "$8" = Form::Text, Optional, "Of a channel or repeater: its net";
        "premises" "Premises" "$9" = Form::Key("premises"), Optional, "Where it is";
        "repairer" "Repairer" "$10" = Form::Key("contact"), Optional, "Who repairs it";
        "test_days" "TestDays" "$11" = Form::Whole { least: 1, most: 366 }, Optional, "It is tested so often, in days";
    }
}

/// All of them, in an order in which they can be imported.
pub const NOUNS: &[Noun] =
    &[ORGANISATION, ZONE, PERSON, VEHICLE, PREMISES, AREA, CONTACT, DEVICE, FENCE, FACILITY, ROAD, EQUIPMENT];

/// The noun of that name.
pub(crate) fn noun_named(name: &str) -> Option<&'static Noun> {
    NOUNS.iter().find(|noun| noun.name == name)
}
