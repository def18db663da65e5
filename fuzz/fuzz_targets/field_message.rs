//! Text of anybody as a short message: what it answers.
#![no_main]

use field::message::answer_of;

libfuzzer_sys::fuzz_target!(|text: &str| {
    let answer = answer_of(text, &|word| word.len() == 4);
    // A cry for help stays one, whatever stands after it.
    let cry = answer_of(&format!("help {text}"), &|_| false);
    assert!(cry.is_some(), "{text:?}: {answer:?}");
});
