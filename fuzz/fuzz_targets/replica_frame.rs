//! Bytes of another node: frames, and the batches in them.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = replica::frame::Frame::read(bytes);
    let _ = replica::unpack(bytes, replica::Lane::Log, 0);
});
