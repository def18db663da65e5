//! Sounds of the alarm, made here: WAV, 16 bits, one channel. Pure.

use std::f64::consts::TAU;

const RATE: u32 = 16_000;
/// A beat fades in and out within so many samples, or it clicks.
const FADE: u32 = RATE / 100;
const LOUDNESS: f64 = 0.7 * 32_767.0;

/// Something waits for somebody: two notes down.
pub fn chime() -> Vec<u8> {
    wav(&[(880.0, 300), (0.0, 60), (660.0, 500)])
}

/// Lives may depend on it: up and down, four times.
pub fn siren() -> Vec<u8> {
    wav(&[(740.0, 250), (1_110.0, 250)].repeat(4))
}

/// Notes as hertz and milliseconds; 0 Hz is a rest.
fn wav(notes: &[(f64, u32)]) -> Vec<u8> {
    let samples: Vec<i16> = notes.iter().flat_map(|(hertz, length_ms)| note(*hertz, *length_ms)).collect();
    let bytes = u32::try_from(samples.len() * 2).unwrap_or(u32::MAX);
    let mut out = Vec::with_capacity(44 + samples.len() * 2);
    out.extend_from_slice(b"RIFF");
    out.extend_from_slice(&(36 + bytes).to_le_bytes());
    out.extend_from_slice(b"WAVEfmt ");
    out.extend_from_slice(&16_u32.to_le_bytes());
    // PCM, one channel.
    out.extend_from_slice(&1_u16.to_le_bytes());
    out.extend_from_slice(&1_u16.to_le_bytes());
    out.extend_from_slice(&RATE.to_le_bytes());
    out.extend_from_slice(&(RATE * 2).to_le_bytes());
    out.extend_from_slice(&2_u16.to_le_bytes());
    out.extend_from_slice(&16_u16.to_le_bytes());
    out.extend_from_slice(b"data");
    out.extend_from_slice(&bytes.to_le_bytes());
    samples.iter().for_each(|sample| out.extend_from_slice(&sample.to_le_bytes()));
    out
}

fn note(hertz: f64, length_ms: u32) -> impl Iterator<Item = i16> {
    let count = RATE * length_ms / 1_000;
    (0..count).map(move |at| {
        let edge = f64::from(at.min(count - 1 - at).min(FADE)) / f64::from(FADE);
        let wave = (TAU * hertz * f64::from(at) / f64::from(RATE)).sin();
        #[expect(clippy::cast_possible_truncation, reason = "it is within 16 bits")]
        let sample = (wave * edge * LOUDNESS) as i16;
        sample
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_a_sound() {
        for sound in [chime(), siren()] {
            assert_eq!((&sound[..4], &sound[8..16]), (&b"RIFF"[..], &b"WAVEfmt "[..]));
            let told = u32::from_le_bytes([sound[40], sound[41], sound[42], sound[43]]);
            assert_eq!(told as usize, sound.len() - 44);
            let loudest = sound[44..].chunks(2).map(|two| i16::from_le_bytes([two[0], two[1]]).unsigned_abs()).max();
            assert!(loudest.is_some_and(|loudest| loudest > 20_000), "it can be heard");
        }
    }
}
