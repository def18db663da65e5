//! NMEA 0183: where the own receiver is and what time it has, from sentences RMC, GGA and ZDA.
//!
//! Own reading of the three sentences: the crate `nmea` pins a version of another crate that the rest cannot use.

use kernel::Timestamp;

use super::course;
use crate::arrival::{Position, on_globe};

const SOURCE: &str = "nmea";
const KNOT_MPS: f64 = 1_852.0 / 3_600.0;
/// The error of one satellite, with which the dilution of precision is multiplied.
const RANGE_ERROR_M: f64 = 5.0;

/// What a receiver has said so far.
#[derive(Debug, Clone, Default)]
pub struct Receiver {
    /// The date of the last sentence that had one; GGA has none.
    date: Option<jiff::civil::Date>,
    altitude_m: Option<f64>,
    accuracy_m: Option<f64>,
}

/// What one sentence says.
#[derive(Debug, Clone, PartialEq)]
pub enum Sentence {
    /// A valid position with its time.
    Fix(Box<Position>),
    /// The time alone.
    Time(Timestamp),
    /// The receiver sees too little.
    NoFix,
    /// Another sentence, or one that only completes others.
    Other,
}

impl Receiver {
    /// Takes a line.
    ///
    /// # Errors
    /// What is wrong with it: no sentence, a wrong checksum, a field that is no number.
    pub fn line(&mut self, device: &str, line: &str) -> Result<Sentence, String> {
        let fields = fields(line)?;
        // Two letters for the talker, three for the sentence.
        match fields[0].get(2..) {
            Some("RMC") => self.rmc(device, &fields),
            Some("GGA") => self.gga(&fields),
            Some("ZDA") => self.zda(&fields),
            _ => Ok(Sentence::Other),
        }
    }

    fn rmc(&mut self, device: &str, fields: &[&str]) -> Result<Sentence, String> {
        let field = |at: usize| fields.get(at).copied().unwrap_or_default();
        let date = date(field(9), "");
        if date.is_some() {
            self.date = date;
        }
        let time = self.instant(field(1));
        if field(2) != "A" {
            return Ok(Sentence::NoFix);
        }
        let latitude = degrees(field(3), field(4), 2)?;
        let longitude = degrees(field(5), field(6), 3)?;
        on_globe(latitude, longitude)?;
        Ok(Sentence::Fix(Box::new(Position {
            fix_time: time,
            altitude_m: self.altitude_m,
            accuracy_m: self.accuracy_m,
            speed_mps: field(7).parse::<f64>().ok().map(|knots| knots * KNOT_MPS),
            course_deg: course(field(8).parse().ok()),
            ..Position::at(SOURCE, device, latitude, longitude)
        })))
    }

    fn gga(&mut self, fields: &[&str]) -> Result<Sentence, String> {
        let field = |at: usize| fields.get(at).copied().unwrap_or_default();
        if matches!(field(6), "" | "0") {
            (self.altitude_m, self.accuracy_m) = (None, None);
            return Ok(Sentence::NoFix);
        }
        self.accuracy_m = field(8).parse::<f64>().ok().map(|dilution| dilution * RANGE_ERROR_M);
        self.altitude_m = field(9).parse().ok();
        Ok(Sentence::Other)
    }

    fn zda(&mut self, fields: &[&str]) -> Result<Sentence, String> {
        let field = |at: usize| fields.get(at).copied().unwrap_or_default();
        let day = format!("{:0>2}{:0>2}", field(2), field(3));
        self.date = date(&day, field(4)).or(self.date);
        Ok(self.instant(field(1)).map_or(Sentence::NoFix, Sentence::Time))
    }

    fn instant(&self, time: &str) -> Option<Timestamp> {
        let whole = time.get(..6)?;
        let part = |at: usize| whole.get(at..at + 2)?.parse::<i8>().ok();
        let nanos = time.get(6..).and_then(|rest| rest.parse::<f64>().ok()).unwrap_or(0.0) * 1e9;
        #[expect(clippy::cast_possible_truncation, reason = "a fraction of a second")]
        let civil = self.date?.at(part(0)?, part(2)?, part(4)?.min(59), nanos as i32);
        let zoned = civil.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
        Some(Timestamp(zoned.timestamp().as_microsecond()))
    }
}

/// The fields between `$` and the checksum, which must be right.
fn fields(line: &str) -> Result<Vec<&str>, String> {
    let line = line.trim();
    let sentence = line
        .strip_prefix(['$', '!'])
        .ok_or_else(|| format!("`{}` is no sentence", line.chars().take(20).collect::<String>()))?;
    let (body, checksum) = sentence.rsplit_once('*').ok_or("the sentence has no checksum")?;
    let stated = u8::from_str_radix(checksum.trim(), 16).map_err(|_| "the checksum is not two hexadecimal digits")?;
    let real = body.bytes().fold(0, |sum, byte| sum ^ byte);
    if stated != real {
        return Err(format!("the checksum is {stated:02X}, the sentence has {real:02X}"));
    }
    Ok(body.split(',').collect())
}

/// `ddmm.mmmm` with its hemisphere.
fn degrees(text: &str, hemisphere: &str, digits: usize) -> Result<f64, String> {
    let refuse = || format!("`{text}` `{hemisphere}` is no coordinate");
    let whole: f64 = text.get(..digits).and_then(|part| part.parse().ok()).ok_or_else(refuse)?;
    let minutes: f64 = text.get(digits..).and_then(|part| part.parse().ok()).ok_or_else(refuse)?;
    let value = whole + minutes / 60.0;
    match hemisphere {
        "N" | "E" => Ok(value),
        "S" | "W" => Ok(-value),
        _ => Err(refuse()),
    }
}

/// `ddmmyy`, or `ddmm` and a year of four digits.
fn date(text: &str, year: &str) -> Option<jiff::civil::Date> {
    let part = |at: usize| text.get(at..at + 2)?.parse::<i8>().ok();
    // Receivers of this century; some count weeks over and are wrong by 1,024, which the comparison with other clocks shows.
    let year = if year.is_empty() { 2_000 + i16::from(part(4)?) } else { year.parse().ok()? };
    jiff::civil::Date::new(year, part(2)?, part(0)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sentence(body: &str) -> String {
        format!("${body}*{:02X}\r\n", body.bytes().fold(0, |sum, byte| sum ^ byte))
    }

    #[test]
    fn a_receiver_gives_place_and_time() {
        let mut receiver = Receiver::default();
        let gga = sentence("GPGGA,120000.00,0833.0000,S,12534.2000,E,1,08,1.2,35.0,M,0,M,,");
        assert_eq!(receiver.line("base", &gga), Ok(Sentence::Other));
        let rmc = sentence("GNRMC,120000.50,A,0833.0000,S,12534.2000,E,10.0,90.0,211126,,,A");
        let Ok(Sentence::Fix(at)) = receiver.line("base", &rmc) else { panic!() };
        assert_eq!(at.fix_time.map(|time| time.to_string()).as_deref(), Some("2026-11-21T12:00:00.500000Z"));
        assert_eq!((at.latitude, at.longitude, at.altitude_m, at.accuracy_m), (-8.55, 125.57, Some(35.0), Some(6.0)));
        let zda = sentence("GPZDA,120001.00,21,11,2026,00,00");
        assert!(
            matches!(receiver.line("base", &zda), Ok(Sentence::Time(time)) if time.to_string().contains("12:00:01"))
        );
        assert_eq!(receiver.line("base", &sentence("GPRMC,120002,V,,,,,,,211126,,,N")), Ok(Sentence::NoFix));
    }

    #[test]
    fn damaged_sentences_are_refused_by_name() {
        let mut receiver = Receiver::default();
        assert!(receiver.line("base", "$GPRMC,1*00").unwrap_err().contains("checksum is 00"));
        assert!(receiver.line("base", "hello").unwrap_err().contains("no sentence"));
        assert!(
            receiver.line("base", &sentence("GPRMC,120000,A,xx,S,1,E,,,211126")).unwrap_err().contains("no coordinate")
        );
        assert_eq!(receiver.line("base", &sentence("GPGSV,1,1,00")), Ok(Sentence::Other));
    }

    proptest! {
        #[test]
        fn any_line_is_read_or_refused(body in "(GP(RMC|GGA|ZDA),)?[0-9A-Z.,é]{0,60}") {
            let _ = Receiver::default().line("base", &sentence(&body));
        }
    }
}
