//! The inputs of one fuzzer, as the repository keeps them: two texts with an input a line,
//! percent-encoded. The archive has what searches found. Seeds were written by hand, with names.

use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, percent_encode};
use std::collections::{BTreeMap, BTreeSet};

/// By name.
pub(crate) type Seeds = BTreeMap<String, Vec<u8>>;

/// With what is not ASCII: a line is printable, and has no blank at its end for an editor to take away.
const ENCODED: &AsciiSet = &CONTROLS.add(b' ').add(b'%');
/// Seeds are there to be read, so a blank stays.
const ENCODED_IN_SEEDS: &AsciiSet = &CONTROLS.add(b'%');

/// The same inputs make the same text, however often and in which order they come.
pub(crate) fn pack(inputs: impl IntoIterator<Item = Vec<u8>>) -> String {
    let line = |input: Vec<u8>| format!("{}\n", percent_encode(&input, ENCODED));
    inputs.into_iter().map(line).collect::<BTreeSet<_>>().into_iter().collect()
}

pub(crate) fn unpack(text: &str) -> impl Iterator<Item = Vec<u8>> {
    text.lines().map(|line| percent_decode_str(line).collect())
}

/// A line is `NAME<TAB>INPUT`. A blank at its end is encoded, and an empty input has no tab, since
/// an editor would take both away.
pub(crate) fn pack_seeds(seeds: &Seeds) -> String {
    let line = |(name, input): (&String, &Vec<u8>)| {
        let line = format!("{name}\t{}", percent_encode(input, ENCODED_IN_SEEDS));
        match line.strip_suffix(' ') {
            Some(start) => format!("{start}%20\n"),
            None => format!("{}\n", line.trim_end()),
        }
    };
    seeds.iter().map(line).collect()
}

pub(crate) fn unpack_seeds(text: &str) -> Seeds {
    let seed = |line: &str| {
        let (name, input) = line.split_once('\t').unwrap_or((line, ""));
        (name.to_owned(), percent_decode_str(input).collect())
    };
    text.lines().map(seed).collect()
}

/// Such as `no-cursor`. A letter is first: a search unpacks seeds beside the archive's inputs, whose
/// names are numbers.
pub(crate) fn seed_name(text: &str) -> Result<String, String> {
    let is_plain = text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'));
    if is_plain && text.starts_with(|first: char| first.is_ascii_lowercase()) {
        Ok(text.to_owned())
    } else {
        Err("use lower-case letters, digits and hyphens, and a letter first".to_owned())
    }
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

    #[test]
    fn any_seed_comes_back_with_its_name_from_a_line_that_no_editor_changes() {
        let bytes = (0..=u8::MAX).map(|byte| (format!("byte-{byte}"), vec![byte]));
        let odd = [("nothing", ""), ("blanks", "  "), ("tab", "\t"), ("percent", "%41"), ("lines", "a \r\n b ")];
        let odd = odd.map(|(name, input)| (name.to_owned(), input.as_bytes().to_vec()));
        let seeds: Seeds = bytes.chain(odd).collect();
        let text = pack_seeds(&seeds);
        assert_eq!(text.lines().count(), seeds.len());
        assert!(text.lines().all(|line| line.trim_end() == line && line.is_ascii()), "{text}");
        assert_eq!(unpack_seeds(&text), seeds);
    }

    #[test]
    fn seeds_are_sorted_by_name_and_their_json_can_be_read() {
        let seeds = [("b", "{\"a\": \"1 %\"}\n"), ("a-b", "é "), ("a", "")];
        let seeds = seeds.map(|(name, input)| (name.to_owned(), input.as_bytes().to_vec()));
        assert_eq!(pack_seeds(&seeds.into()), "a\na-b\t%C3%A9%20\nb\t{\"a\": \"1 %25\"}%0A\n");
    }

    #[test]
    fn a_seed_name_is_neither_a_number_nor_a_path() {
        for name in ["twice", "a-tenant-that-is-no-name", "v3"] {
            assert_eq!(seed_name(name).as_deref(), Ok(name));
        }
        for name in ["", "1", "-a", "../a", "a/b", "A", "a b", "a\tb", "å"] {
            assert!(seed_name(name).is_err(), "{name}");
        }
    }
}
