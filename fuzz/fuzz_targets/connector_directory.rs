//! Bytes of a directory server: frames, controls, names, schemas.
#![no_main]

use connector::active_directory::value;
use connector::ldap::{control, frame, name};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = frame::message_length(bytes);
    let _ = frame::inspect(bytes);
    let _ = (control::paged_cookie(bytes), control::dir_sync_done(bytes), control::sync_state(bytes));
    let _ = (control::sync_done(bytes), control::sync_info(bytes));
    let _ = (value::guid_text(bytes), value::sid_text(bytes), value::relative_id(bytes));
    if let Ok(text) = std::str::from_utf8(bytes) {
        let (first, _) = name::split(text);
        name::value(first);
        value::extended_name(text);
    }
});
