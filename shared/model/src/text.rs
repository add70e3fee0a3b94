//! Bounds texts from outside, so that an item of the table and a message have room for them.

/// The longest text of a payload or of the ERP that is kept, in characters.
pub(crate) const LONGEST_TEXT: usize = 256;

/// The text without control characters, and at most `longest` characters long. `…` marks a cut.
pub(crate) fn cut(text: &str, longest: usize) -> String {
    let mut rest = text.chars().filter(|c| !c.is_control());
    let mut kept: String = rest.by_ref().take(longest).collect();
    if rest.next().is_none() {
        return kept;
    }
    kept.pop();
    format!("{}…", kept.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_cut_and_marked() {
        assert_eq!(cut("åååå\u{7}", 4), "åååå");
        assert_eq!(cut("ååååå", 4), "ååå…");
        assert_eq!(cut("å  åå", 4), "å…");
    }
}
