//! Base64 and digests.

use std::io::{Read, Write};

use kernel::Value;
use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};

use super::strings::{array, number, text};
use super::{Entry, rows};
use crate::query::aggregate::distinct::xxhash64;
use crate::query::convert;

pub(super) const ENTRIES: &[Entry] = &[
    rows("base64_encode_tostring", |args| Value::String(encode(text(args, 0).as_bytes()))),
    rows("base64_encode_fromarray", |args| {
        let bytes: Option<Vec<u8>> = array(args, 0).and_then(|elements| {
            elements.iter().map(|json| json.as_u64().and_then(|byte| u8::try_from(byte).ok())).collect()
        });
        Value::String(bytes.map(|bytes| encode(&bytes)).unwrap_or_default())
    }),
    rows("base64_decode_tostring", |args| {
        Value::String(decode(text(args, 0)).and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default())
    }),
    // Unlike for texts, missing padding is not forgiven.
    rows("base64_decode_toarray", |args| {
        match decode(text(args, 0)).filter(|_| text(args, 0).len().is_multiple_of(4)) {
            Some(bytes) => Value::Dynamic(bytes.into_iter().map(|byte| json!(byte)).collect()),
            None => Value::Null,
        }
    }),
    // The first three groups lie with their least byte first.
    rows("base64_decode_toguid", |args| match decode(text(args, 0)) {
        Some(bytes) => match uuid::Uuid::from_slice_le(&bytes)
            .or_else(|_| uuid::Uuid::try_parse(std::str::from_utf8(&bytes).unwrap_or_default()))
        {
            Ok(guid) => Value::Guid(guid.to_string()),
            Err(_) => Value::Null,
        },
        None => Value::Null,
    }),
    rows("base64_encode_fromguid", |args| {
        Value::String(uuid::Uuid::try_parse(text(args, 0)).map(|guid| encode(&guid.to_bytes_le())).unwrap_or_default())
    }),
    rows("hash", hashed),
    rows("hash_xxhash64", hashed),
    rows("hash_md5", |args| Value::String(hex::encode(<md5::Md5 as md5::Digest>::digest(bytes_of(args))))),
    rows("hash_sha1", |args| Value::String(hex::encode(<sha1::Sha1 as sha1::Digest>::digest(bytes_of(args))))),
    rows("gzip_decompress_from_base64_string", |args| {
        inflated(text(args, 0), |bytes| Box::new(flate2::bufread::GzDecoder::new(bytes)))
    }),
    rows("zlib_decompress_from_base64_string", |args| {
        inflated(text(args, 0), |bytes| Box::new(flate2::bufread::ZlibDecoder::new(bytes)))
    }),
    rows("gzip_compress_to_base64_string", |args| {
        let text = text(args, 0);
        Value::String(gzipped(text).map(|bytes| encode(&bytes)).unwrap_or_default())
    }),
    rows("zlib_compress_to_base64_string", |args| {
        let text = text(args, 0);
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), level_for(text));
        let bytes = encoder.write_all(text.as_bytes()).and_then(|()| encoder.finish());
        Value::String(bytes.map(|bytes| encode(&bytes)).unwrap_or_default())
    }),
    rows("hash_sha256", |args| Value::String(hex::encode(Sha256::digest(bytes_of(args))))),
];

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

pub(in crate::query) fn encode(bytes: &[u8]) -> String {
    let mut result = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let at = |index: usize| u32::from(chunk.get(index).copied().unwrap_or(0));
        let group = at(0) << 16 | at(1) << 8 | at(2);
        for place in 0..4_usize {
            if place > chunk.len() {
                result.push('=');
            } else {
                let sextet = (group >> (18 - 6 * place)) & 63;
                result.push(char::from(ALPHABET[sextet as usize]));
            }
        }
    }
    result
}

/// `None` where `text` is not base64; missing padding is forgiven.
pub(in crate::query) fn decode(text: &str) -> Option<Vec<u8>> {
    let body = text.trim().trim_end_matches('=');
    if body.is_empty() || body.len() % 4 == 1 {
        return None;
    }
    let mut result = Vec::with_capacity(body.len() * 3 / 4);
    let (mut buffer, mut bits) = (0_u32, 0);
    for byte in body.bytes() {
        let sextet = ALPHABET.iter().position(|known| *known == byte)?;
        buffer = buffer << 6 | u32::try_from(sextet).ok()?;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            result.push((buffer >> bits & 0xff) as u8);
        }
    }
    Some(result)
}

/// Bytes that decompression gives at most, as the language allows for a text.
const MOST_INFLATED: u64 = 16 * 1024 * 1024;

/// The text behind compressed base64; empty where it is none, is no UTF-8 or is too long.
fn inflated(text: &str, decoder: for<'a> fn(&'a [u8]) -> Box<dyn std::io::Read + 'a>) -> Value {
    let read = |bytes: Vec<u8>| {
        let mut inflated = Vec::new();
        decoder(&bytes).take(MOST_INFLATED + 1).read_to_end(&mut inflated).ok()?;
        String::from_utf8(inflated).ok().filter(|text| text.len() as u64 <= MOST_INFLATED)
    };
    Value::String(decode(text).and_then(read).unwrap_or_default())
}

/// A text that would not shrink is stored as it is.
fn level_for(text: &str) -> flate2::Compression {
    let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
    let shrunk = encoder.write_all(text.as_bytes()).and_then(|()| encoder.finish());
    match shrunk {
        Ok(bytes) if bytes.len() < text.len() => flate2::Compression::default(),
        _ => flate2::Compression::none(),
    }
}

/// RFC 1952, without a name, a time, a system or a word about the level.
fn gzipped(text: &str) -> std::io::Result<Vec<u8>> {
    let header = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
    let mut encoder = flate2::write::DeflateEncoder::new(header, level_for(text));
    encoder.write_all(text.as_bytes())?;
    let mut bytes = encoder.finish()?;
    bytes.extend(crc32fast::hash(text.as_bytes()).to_le_bytes());
    bytes.extend((text.len() as u32).to_le_bytes());
    Ok(bytes)
}

/// What the digests read: the bytes of a text, the text of anything else.
fn bytes_of(args: &[Value]) -> Vec<u8> {
    match args.first() {
        Some(Value::Dynamic(json @ (Json::Array(_) | Json::Object(_)))) => json.to_string().into_bytes(),
        Some(value) => convert::to_text(value).into_bytes(),
        None => Vec::new(),
    }
}

/// XXH64 of the value's bytes: numbers and times by their eight bytes, the rest by their text.
fn hashed(args: &[Value]) -> Value {
    let bytes = match args.first() {
        Some(Value::Int(number)) => i64::from(*number).to_le_bytes().to_vec(),
        Some(Value::Long(number) | Value::DateTime(number) | Value::TimeSpan(number)) => number.to_le_bytes().to_vec(),
        Some(Value::Real(number)) => number.to_le_bytes().to_vec(),
        _ => bytes_of(args),
    };
    let hash = xxhash64(&bytes, 0) as i64;
    match args.get(1) {
        None => Value::Long(hash),
        Some(_) => match number(args, 1) {
            Some(modulo) if modulo > 0 => Value::Long(hash.rem_euclid(modulo)),
            _ => Value::Null,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_round_trips() {
        for text in ["", "K", "Ku", "Kus", "Kusto1"] {
            assert_eq!(decode(&encode(text.as_bytes())).unwrap_or_default(), text.as_bytes());
        }
        assert_eq!(encode(b"Kusto"), "S3VzdG8=");
        assert_eq!(decode("U3Vz\u{e9}"), None);
    }
}
