//! What searches found with one fuzzer, as the repository keeps it: a text with an input a line, percent-encoded.

use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, percent_encode};
use std::collections::BTreeSet;

/// With what is not ASCII: a line is printable, and has no blank at its end for an editor to take away.
const ENCODED: &AsciiSet = &CONTROLS.add(b' ').add(b'%');

/// The same inputs make the same text, however often and in which order they come.
pub(crate) fn pack(inputs: impl IntoIterator<Item = Vec<u8>>) -> String {
    let line = |input: Vec<u8>| format!("{}\n", percent_encode(&input, ENCODED));
    inputs.into_iter().map(line).collect::<BTreeSet<_>>().into_iter().collect()
}

pub(crate) fn unpack(text: &str) -> impl Iterator<Item = Vec<u8>> {
    text.lines().map(|line| percent_decode_str(line).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_bytes_come_back_from_a_line_of_printable_ascii() {
        let mut inputs: BTreeSet<Vec<u8>> = (0..=u8::MAX).map(|byte| vec![byte]).collect();
        inputs.extend([vec![], b"%41".to_vec(), b"ends with a blank \r\n".to_vec(), (0..=u8::MAX).collect()]);
        let text = pack(inputs.clone());
        assert_eq!(text.lines().count(), inputs.len());
        assert!(text.lines().all(|line| line.bytes().all(|byte| byte.is_ascii_graphic())), "{text}");
        assert_eq!(unpack(&text).collect::<BTreeSet<_>>(), inputs);
    }

    #[test]
    fn what_is_packed_depends_on_the_inputs_alone() {
        let pack = |inputs: [&str; 3]| pack(inputs.map(|input| input.as_bytes().to_vec()));
        assert_eq!(pack(["{\"a\": 1}", "b", "{\"a\": 1}"]), "b\n{\"a\":%201}\n");
        assert_eq!(pack(["c", "a", "b"]), pack(["b", "c", "a"]));
    }

    #[test]
    fn no_inputs_are_an_empty_text_and_an_empty_input_is_an_empty_line() {
        assert_eq!((pack([]), pack([vec![]])), (String::new(), "\n".to_owned()));
        assert_eq!((unpack("").count(), unpack("\n").count()), (0, 1));
    }
}
