//! The inputs of one fuzzer, in the repository's form: two texts with a percent-encoded input on
//! each line. The archive has the inputs that searches found. The seeds were written by hand and
//! have names.

use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, percent_encode};
use std::collections::{BTreeMap, BTreeSet};

/// Keyed by name.
pub(crate) type Seeds = BTreeMap<String, Vec<u8>>;

/// Encodes everything that is not printable ASCII, and blanks, since an editor would remove one at
/// the end of a line.
const ENCODED: &AsciiSet = &CONTROLS.add(b' ').add(b'%');
/// Seeds must be readable, so they keep their blanks.
const ENCODED_IN_SEEDS: &AsciiSet = &CONTROLS.add(b'%');

/// The text does not depend on the order or the repetition of inputs.
pub(crate) fn pack(inputs: impl IntoIterator<Item = Vec<u8>>) -> String {
    let line = |input: Vec<u8>| format!("{}\n", percent_encode(&input, ENCODED));
    inputs.into_iter().map(line).collect::<BTreeSet<_>>().into_iter().collect()
}

pub(crate) fn unpack(text: &str) -> impl Iterator<Item = Vec<u8>> {
    text.lines().map(|line| percent_decode_str(line).collect())
}

/// A line is `NAME<TAB>INPUT`. A blank at its end is encoded, and an empty input has no tab, since
/// an editor would remove both.
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

/// A name such as `no-cursor`. It must start with a letter, since seeds are unpacked beside the
/// archive's inputs, which have numbers as names.
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
    fn any_bytes_survive_packing_into_printable_ascii() {
        let mut inputs: BTreeSet<Vec<u8>> = (0..=u8::MAX).map(|byte| vec![byte]).collect();
        inputs.extend([vec![], b"%41".to_vec(), b"ends with a blank \r\n".to_vec(), (0..=u8::MAX).collect()]);
        let text = pack(inputs.clone());
        assert_eq!(text.lines().count(), inputs.len());
        assert!(text.lines().all(|line| line.bytes().all(|byte| byte.is_ascii_graphic())), "{text}");
        assert_eq!(unpack(&text).collect::<BTreeSet<_>>(), inputs);
    }

    #[test]
    fn packing_depends_only_on_the_inputs() {
        let pack = |inputs: [&str; 3]| pack(inputs.map(|input| input.as_bytes().to_vec()));
        assert_eq!(pack(["{\"a\": 1}", "b", "{\"a\": 1}"]), "b\n{\"a\":%201}\n");
        assert_eq!(pack(["c", "a", "b"]), pack(["b", "c", "a"]));
    }

    #[test]
    fn packs_no_inputs_and_an_empty_input_differently() {
        assert_eq!((pack([]), pack([vec![]])), (String::new(), "\n".to_owned()));
        assert_eq!((unpack("").count(), unpack("\n").count()), (0, 1));
    }

    #[test]
    fn any_seed_and_its_name_survive_packing_and_an_editor() {
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
    fn packs_seeds_by_name_with_readable_json() {
        let seeds = [("b", "{\"a\": \"1 %\"}\n"), ("a-b", "é "), ("a", "")];
        let seeds = seeds.map(|(name, input)| (name.to_owned(), input.as_bytes().to_vec()));
        assert_eq!(pack_seeds(&seeds.into()), "a\na-b\t%C3%A9%20\nb\t{\"a\": \"1 %25\"}%0A\n");
    }

    #[test]
    fn rejects_numbers_and_paths_as_seed_names() {
        for name in ["twice", "a-tenant-that-is-no-name", "v3"] {
            assert_eq!(seed_name(name).as_deref(), Ok(name));
        }
        for name in ["", "1", "-a", "../a", "a/b", "A", "a b", "a\tb", "å"] {
            assert!(seed_name(name).is_err(), "{name}");
        }
    }
}
