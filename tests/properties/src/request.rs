//! Parses an input like a request: a line, headers, an empty line, a body.

/// Replaces invalid UTF-8 in the head, and keeps it in the body.
pub(crate) struct Parts<'a> {
    pub(crate) line: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: &'a [u8],
}

impl<'a> Parts<'a> {
    pub(crate) fn of(input: &'a [u8]) -> Self {
        let end = input.windows(2).position(|two| two == b"\n\n");
        let (head, body) = end.map_or((input, &input[input.len()..]), |at| (&input[..at], &input[at + 2..]));
        let head = String::from_utf8_lossy(head);
        let mut lines = head.split('\n');
        let line = lines.next().unwrap_or_default().to_owned();
        let header = |line: &str| {
            let (name, value) = line.split_once(':')?;
            Some((name.to_lowercase(), value.trim().to_owned()))
        };
        Self { line, headers: lines.filter_map(header).collect(), body }
    }

    /// The single value of a header; `None` if it has several.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.iter().filter(|(own, _)| own == name);
        let (_, value) = values.next()?;
        values.next().is_none().then_some(value.as_str())
    }
}
