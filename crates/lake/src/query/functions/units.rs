//! `convert_angle`, `convert_length` and their kin: units of measurement by name.

use kernel::Value;

use super::strings::text;
use super::{Entry, strict};
use crate::query::convert;

pub(super) const ENTRIES: &[Entry] = &[
    strict("convert_angle", angle),
    strict("convert_energy", |args| converted(args, ENERGY)),
    strict("convert_force", |args| converted(args, FORCE)),
    strict("convert_length", |args| converted(args, LENGTH)),
    strict("convert_mass", |args| converted(args, MASS)),
    strict("convert_speed", speed),
    strict("convert_temperature", temperature),
    strict("convert_volume", |args| converted(args, VOLUME)),
];

/// A unit and how many of the table's base unit it is.
type Unit = (&'static str, f64);

const PI: f64 = std::f64::consts::PI;
const FOOT: f64 = 0.3048;
const INCH: f64 = 0.0254;
const SURVEY_FOOT: f64 = 1_200.0 / 3_937.0;
const POUND: f64 = 0.453_592_37;
const POUND_FORCE: f64 = POUND * 9.806_65;
const KILOPOND: f64 = 9.806_65;
const CUBIC_FOOT: f64 = 0.028_316_846_592;
const US_GALLON: f64 = 0.003_785_411_784;
const IMPERIAL_GALLON: f64 = 0.004_546_09;
const ELECTRON_VOLT: f64 = 1.602_176_565e-19;
const BRITISH_THERMAL_UNIT: f64 = 1_055.055_852_62;
const PARSEC: f64 = 3.085_677_581_28e16;
const LIGHT_YEAR: f64 = 9.460_730_472_58e15;

/// In radians.
const ANGLE: &[Unit] = &[
    ("Arcminute", PI / 10_800.0),
    ("Arcsecond", PI / 648_000.0),
    ("Centiradian", 1e-2),
    ("Deciradian", 1e-1),
    ("Degree", PI / 180.0),
    ("Gradian", PI / 200.0),
    ("Microdegree", PI / 180e6),
    ("Microradian", 1e-6),
    ("Millidegree", PI / 180e3),
    ("Milliradian", 1e-3),
    ("Nanodegree", PI / 180e9),
    ("Nanoradian", 1e-9),
    ("NatoMil", PI / 3_200.0),
    ("Radian", 1.0),
    ("Revolution", 2.0 * PI),
];

/// In joules.
const ENERGY: &[Unit] = &[
    ("BritishThermalUnit", BRITISH_THERMAL_UNIT),
    ("Calorie", 4.184),
    ("DecathermEc", 1.055_055_852_62e9),
    ("DecathermImperial", 1.055_055_852_57e9),
    ("DecathermUs", 1.054_804e9),
    ("ElectronVolt", ELECTRON_VOLT),
    ("Erg", 1e-7),
    ("FootPound", FOOT * POUND_FORCE),
    ("GigabritishThermalUnit", 1e9 * BRITISH_THERMAL_UNIT),
    ("GigaelectronVolt", 1e9 * ELECTRON_VOLT),
    ("Gigajoule", 1e9),
    ("GigawattDay", 8.64e13),
    ("GigawattHour", 3.6e12),
    ("HorsepowerHour", 2_684_519.537_696_173),
    ("Joule", 1.0),
    ("KilobritishThermalUnit", 1e3 * BRITISH_THERMAL_UNIT),
    ("Kilocalorie", 4_184.0),
    ("KiloelectronVolt", 1e3 * ELECTRON_VOLT),
    ("Kilojoule", 1e3),
    ("KilowattDay", 8.64e7),
    ("KilowattHour", 3.6e6),
    ("MegabritishThermalUnit", 1e6 * BRITISH_THERMAL_UNIT),
    ("Megacalorie", 4.184e6),
    ("MegaelectronVolt", 1e6 * ELECTRON_VOLT),
    ("Megajoule", 1e6),
    ("MegawattDay", 8.64e10),
    ("MegawattHour", 3.6e9),
    ("Millijoule", 1e-3),
    ("TeraelectronVolt", 1e12 * ELECTRON_VOLT),
    ("TerawattDay", 8.64e16),
    ("TerawattHour", 3.6e15),
    ("ThermEc", 1.055_055_852_62e8),
    ("ThermImperial", 1.055_055_852_57e8),
    ("ThermUs", 1.054_804e8),
    ("WattDay", 86_400.0),
    ("WattHour", 3_600.0),
];

/// In newtons.
const FORCE: &[Unit] = &[
    ("Decanewton", 10.0),
    ("Dyn", 1e-5),
    ("KilogramForce", KILOPOND),
    ("Kilonewton", 1e3),
    ("KiloPond", KILOPOND),
    ("KilopoundForce", 1e3 * POUND_FORCE),
    ("Meganewton", 1e6),
    ("Micronewton", 1e-6),
    ("Millinewton", 1e-3),
    ("Newton", 1.0),
    ("OunceForce", POUND_FORCE / 16.0),
    ("Poundal", 0.138_254_954_376),
    ("PoundForce", POUND_FORCE),
    ("ShortTonForce", 2_000.0 * POUND_FORCE),
    ("TonneForce", 1e3 * KILOPOND),
];

/// In metres.
const LENGTH: &[Unit] = &[
    ("Angstrom", 1e-10),
    ("AstronomicalUnit", 1.495_978_707e11),
    ("Centimeter", 1e-2),
    ("Chain", 66.0 * FOOT),
    ("DataMile", 1_828.8),
    ("Decameter", 10.0),
    ("Decimeter", 0.1),
    ("DtpPica", INCH / 6.0),
    ("DtpPoint", INCH / 72.0),
    ("Fathom", 6.0 * FOOT),
    ("Foot", FOOT),
    ("Hand", 4.0 * INCH),
    ("Hectometer", 100.0),
    ("Inch", INCH),
    ("KilolightYear", 1e3 * LIGHT_YEAR),
    ("Kilometer", 1e3),
    ("Kiloparsec", 1e3 * PARSEC),
    ("LightYear", LIGHT_YEAR),
    ("MegalightYear", 1e6 * LIGHT_YEAR),
    ("Megaparsec", 1e6 * PARSEC),
    ("Meter", 1.0),
    ("Microinch", 1e-6 * INCH),
    ("Micrometer", 1e-6),
    ("Mil", 1e-3 * INCH),
    ("Mile", 5_280.0 * FOOT),
    ("Millimeter", 1e-3),
    ("Nanometer", 1e-9),
    ("NauticalMile", 1_852.0),
    ("Parsec", PARSEC),
    ("PrinterPica", 1.0 / 237.106_301_584),
    ("PrinterPoint", INCH / 72.27),
    ("Shackle", 27.432),
    ("SolarRadius", 6.955_1e8),
    ("Twip", INCH / 1_440.0),
    ("UsSurveyFoot", SURVEY_FOOT),
    ("Yard", 3.0 * FOOT),
];

/// In kilograms.
const MASS: &[Unit] = &[
    ("Centigram", 1e-5),
    ("Decagram", 1e-2),
    ("Decigram", 1e-4),
    ("EarthMass", 5.972_2e24),
    ("Grain", POUND / 7_000.0),
    ("Gram", 1e-3),
    ("Hectogram", 0.1),
    ("Kilogram", 1.0),
    ("Kilopound", 1e3 * POUND),
    ("Kilotonne", 1e6),
    ("LongHundredweight", 112.0 * POUND),
    ("LongTon", 2_240.0 * POUND),
    ("Megapound", 1e6 * POUND),
    ("Megatonne", 1e9),
    ("Microgram", 1e-9),
    ("Milligram", 1e-6),
    ("Nanogram", 1e-12),
    ("Ounce", POUND / 16.0),
    ("Pound", POUND),
    ("ShortHundredweight", 100.0 * POUND),
    ("ShortTon", 2_000.0 * POUND),
    ("Slug", POUND_FORCE / FOOT),
    ("SolarMass", 1.989_47e30),
    ("Stone", 14.0 * POUND),
    ("Tonne", 1e3),
];

/// In metres; a speed is one of these `PerHour`, `PerMinute` or `PerSecond`.
const SPEED_LENGTH: &[Unit] = &[
    ("Centimeter", 1e-2),
    ("Decimeter", 0.1),
    ("Foot", FOOT),
    ("Inch", INCH),
    ("Kilometer", 1e3),
    ("Meter", 1.0),
    ("Micrometer", 1e-6),
    ("Mile", 5_280.0 * FOOT),
    ("Millimeter", 1e-3),
    ("Nanometer", 1e-9),
    ("UsSurveyFoot", SURVEY_FOOT),
    ("Yard", 3.0 * FOOT),
];

/// In cubic metres.
const VOLUME: &[Unit] = &[
    ("AcreFoot", 1.0 / 0.000_810_714),
    ("AuTablespoon", 2e-5),
    ("BoardFoot", CUBIC_FOOT / 12.0),
    ("Centiliter", 1e-5),
    ("CubicCentimeter", 1e-6),
    ("CubicDecimeter", 1e-3),
    ("CubicFoot", CUBIC_FOOT),
    ("CubicHectometer", 1e6),
    ("CubicInch", CUBIC_FOOT / 1_728.0),
    ("CubicKilometer", 1e9),
    ("CubicMeter", 1.0),
    ("CubicMicrometer", 1e-18),
    ("CubicMile", 4.168_181_825_440_58e9),
    ("CubicMillimeter", 1e-9),
    ("CubicYard", 27.0 * CUBIC_FOOT),
    ("Decaliter", 1e-2),
    ("DecausGallon", 10.0 * US_GALLON),
    ("Deciliter", 1e-4),
    ("DeciusGallon", 0.1 * US_GALLON),
    ("HectocubicFoot", 100.0 * CUBIC_FOOT),
    ("HectocubicMeter", 100.0),
    ("Hectoliter", 0.1),
    ("HectousGallon", 100.0 * US_GALLON),
    ("ImperialBeerBarrel", 36.0 * IMPERIAL_GALLON),
    ("ImperialGallon", IMPERIAL_GALLON),
    ("ImperialOunce", IMPERIAL_GALLON / 160.0),
    ("ImperialPint", IMPERIAL_GALLON / 8.0),
    ("KilocubicFoot", 1e3 * CUBIC_FOOT),
    ("KilocubicMeter", 1e3),
    ("KiloimperialGallon", 1e3 * IMPERIAL_GALLON),
    ("Kiloliter", 1.0),
    ("KilousGallon", 1e3 * US_GALLON),
    ("Liter", 1e-3),
    ("MegacubicFoot", 1e6 * CUBIC_FOOT),
    ("MegaimperialGallon", 1e6 * IMPERIAL_GALLON),
    ("Megaliter", 1e3),
    ("MegausGallon", 1e6 * US_GALLON),
    ("MetricCup", 2.5e-4),
    ("MetricTeaspoon", 5e-6),
    ("Microliter", 1e-9),
    ("Milliliter", 1e-6),
    ("OilBarrel", 42.0 * US_GALLON),
    ("UkTablespoon", 1.5e-5),
    ("UsBeerBarrel", 31.0 * US_GALLON),
    ("UsCustomaryCup", US_GALLON / 16.0),
    ("UsGallon", US_GALLON),
    ("UsLegalCup", 2.4e-4),
    ("UsOunce", US_GALLON / 128.0),
    ("UsPint", US_GALLON / 8.0),
    ("UsQuart", US_GALLON / 4.0),
    ("UsTablespoon", US_GALLON / 256.0),
    ("UsTeaspoon", US_GALLON / 768.0),
];

fn factor(units: &[Unit], name: &str) -> Option<f64> {
    units.iter().find(|(known, _)| *known == name).map(|(_, factor)| *factor)
}

/// Null for a unit that is not in the table.
fn converted(args: &[Value], units: &[Unit]) -> Value {
    match (convert::to_real(&args[0]), factor(units, text(args, 1)), factor(units, text(args, 2))) {
        (Some(value), Some(from), Some(to)) => Value::Real(value * from / to),
        _ => Value::Null,
    }
}

/// A tilt is the sine of its angle; all other units are in proportion.
fn angle(args: &[Value]) -> Value {
    let Some(value) = convert::to_real(&args[0]) else { return Value::Null };
    let radians = match text(args, 1) {
        "Tilt" => Some(value.asin()),
        unit => factor(ANGLE, unit).map(|factor| value * factor),
    };
    let result = match (text(args, 2), radians) {
        (_, None) => None,
        ("Tilt", Some(radians)) => Some(radians.sin()),
        (unit, Some(radians)) => factor(ANGLE, unit).map(|factor| radians / factor),
    };
    result.map_or(Value::Null, Value::Real)
}

fn speed(args: &[Value]) -> Value {
    let metres_a_second = |name: &str| {
        if name == "Knot" {
            return Some(1_852.0 / 3_600.0);
        }
        let (length, seconds) = [("PerHour", 3_600.0), ("PerMinute", 60.0), ("PerSecond", 1.0)]
            .iter()
            .find_map(|(suffix, seconds)| Some((name.strip_suffix(suffix)?, *seconds)))?;
        Some(factor(SPEED_LENGTH, length)? / seconds)
    };
    match (convert::to_real(&args[0]), metres_a_second(text(args, 1)), metres_a_second(text(args, 2))) {
        (Some(value), Some(from), Some(to)) => Value::Real(value * from / to),
        _ => Value::Null,
    }
}

/// Scales that do not share a zero: kelvins are `value * slope + intercept`.
fn temperature(args: &[Value]) -> Value {
    let scale = |name: &str| {
        Some(match name {
            "DegreeCelsius" => (1.0, 273.15),
            "DegreeDelisle" => (-2.0 / 3.0, 373.15),
            "DegreeFahrenheit" => (5.0 / 9.0, 459.67 * 5.0 / 9.0),
            "DegreeNewton" => (100.0 / 33.0, 273.15),
            "DegreeRankine" => (5.0 / 9.0, 0.0),
            "DegreeReaumur" => (1.25, 273.15),
            "DegreeRoemer" => (40.0 / 21.0, 273.15 - 7.5 * 40.0 / 21.0),
            "Kelvin" => (1.0, 0.0),
            "MillidegreeCelsius" => (1e-3, 273.15),
            "SolarTemperature" => (5_778.0, 0.0),
            _ => return None,
        })
    };
    match (convert::to_real(&args[0]), scale(text(args, 1)), scale(text(args, 2))) {
        (Some(value), Some((slope, zero)), Some((other_slope, other_zero))) => {
            Value::Real((value * slope + zero - other_zero) / other_slope)
        }
        _ => Value::Null,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text_of(text: &str) -> Value {
        Value::String(text.to_owned())
    }

    #[test]
    fn no_unit_stands_twice_and_every_one_comes_back() {
        for units in [ANGLE, ENERGY, FORCE, LENGTH, MASS, SPEED_LENGTH, VOLUME] {
            for (at, (name, factor)) in units.iter().enumerate() {
                assert!(*factor > 0.0, "{name}");
                assert!(units[at + 1..].iter().all(|(other, _)| other != name), "{name}");
            }
        }
        let there = |unit: &str| temperature(&[Value::Real(300.0), text_of("Kelvin"), text_of(unit)]);
        for unit in ["DegreeCelsius", "DegreeDelisle", "DegreeFahrenheit", "DegreeNewton", "DegreeRoemer"] {
            let back = temperature(&[there(unit), text_of(unit), text_of("Kelvin")]);
            assert!(matches!(back, Value::Real(kelvins) if (kelvins - 300.0).abs() < 1e-9), "{unit}: {back:?}");
        }
    }
}
