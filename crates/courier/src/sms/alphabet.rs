//! The alphabets of short messages: 3GPP TS 23.038, 6.2.1 (default alphabet and its extension), and UCS-2.

/// The default alphabet by code. Code 0x1b leads to the extension and stands for a blank alone.
const DEFAULT: [char; 128] = [
    '@', '£', '$', '¥', 'è', 'é', 'ù', 'ì', 'ò', 'Ç', '\n', 'Ø', 'ø', '\r', 'Å', 'å', 'Δ', '_', 'Φ', 'Γ', 'Λ', 'Ω',
    'Π', 'Ψ', 'Σ', 'Θ', 'Ξ', '\u{a0}', 'Æ', 'æ', 'ß', 'É', ' ', '!', '"', '#', '¤', '%', '&', '\'', '(', ')', '*', '+',
    ',', '-', '.', '/', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', ':', ';', '<', '=', '>', '?', '¡', 'A', 'B',
    'C', 'D', 'E', 'F', 'G', 'H', 'I', 'J', 'K', 'L', 'M', 'N', 'O', 'P', 'Q', 'R', 'S', 'T', 'U', 'V', 'W', 'X', 'Y',
    'Z', 'Ä', 'Ö', 'Ñ', 'Ü', '§', '¿', 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o', 'p',
    'q', 'r', 's', 't', 'u', 'v', 'w', 'x', 'y', 'z', 'ä', 'ö', 'ñ', 'ü', 'à',
];

/// The extension, by code after 0x1b.
const EXTENSION: [(u8, char); 10] = [
    (0x0a, '\u{c}'),
    (0x14, '^'),
    (0x28, '{'),
    (0x29, '}'),
    (0x2f, '\\'),
    (0x3c, '['),
    (0x3d, '~'),
    (0x3e, ']'),
    (0x40, '|'),
    (0x65, '€'),
];

/// Leads to the extension.
const ESCAPE: u8 = 0x1b;

/// The codes of one character: one, or two with the escape. `None`: the alphabet does not have it.
pub(super) fn gsm7_codes(character: char) -> Option<(Option<u8>, u8)> {
    if let Some((code, _)) = EXTENSION.iter().find(|(_, known)| *known == character) {
        return Some((Some(ESCAPE), *code));
    }
    let at = DEFAULT.iter().position(|known| *known == character)?;
    let code = u8::try_from(at).ok()?;
    (code != ESCAPE).then_some((None, code))
}

/// A text as codes of the default alphabet, one in each byte, as SMPP carries them. `None`: a character is not in it.
pub fn encode_gsm7(text: &str) -> Option<Vec<u8>> {
    let mut codes = Vec::with_capacity(text.len());
    for character in text.chars() {
        let (escape, code) = gsm7_codes(character)?;
        codes.extend(escape);
        codes.push(code);
    }
    Some(codes)
}

/// Codes of the default alphabet, one in each byte. What is not a code becomes U+FFFD.
pub fn decode_gsm7(codes: &[u8]) -> String {
    let mut text = String::with_capacity(codes.len());
    let mut rest = codes.iter().copied();
    while let Some(code) = rest.next() {
        let character = if code == ESCAPE {
            let Some(code) = rest.next() else { break };
            let extended = EXTENSION.iter().find(|(known, _)| *known == code).map(|(_, character)| *character);
            // A phone that does not know an extension shows the character of the default alphabet: 6.2.1.1.
            extended.or_else(|| DEFAULT.get(usize::from(code)).copied())
        } else {
            DEFAULT.get(usize::from(code)).copied()
        };
        text.push(character.unwrap_or(char::REPLACEMENT_CHARACTER));
    }
    text
}

/// UCS-2, big-endian; pairs of surrogates are read as UTF-16, as phones write them. Half a unit at the end becomes U+FFFD.
pub fn decode_ucs2(bytes: &[u8]) -> String {
    let units = bytes.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
    let mut text: String = char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect();
    if bytes.len() % 2 == 1 {
        text.push(char::REPLACEMENT_CHARACTER);
    }
    text
}

/// ISO 8859-1.
pub fn decode_latin1(bytes: &[u8]) -> String {
    bytes.iter().copied().map(char::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_goes_there_and_back() {
        for code in (0..128_u8).filter(|code| *code != ESCAPE) {
            let text = decode_gsm7(&[code]);
            assert_eq!(encode_gsm7(&text), Some(vec![code]), "{code:#x}");
        }
        for (code, _) in EXTENSION {
            assert_eq!(encode_gsm7(&decode_gsm7(&[ESCAPE, code])), Some(vec![ESCAPE, code]));
        }
    }

    #[test]
    fn damaged_codes_still_give_a_text() {
        assert_eq!(decode_gsm7(&[0x41, 0x9b, 0x42]), "A\u{fffd}B");
        assert_eq!(decode_gsm7(&[0x41, ESCAPE]), "A");
        assert_eq!(decode_gsm7(&[ESCAPE, 0x41]), "A");
        assert_eq!(decode_ucs2(&[0x06, 0x33, 0xd8]), "س\u{fffd}");
        assert_eq!(decode_ucs2(&[0xd8, 0x3d, 0xde, 0x80]), "🚀");
    }
}
