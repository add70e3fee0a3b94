//! A runtime for the functions, and inputs that are like requests.

use std::cell::OnceCell;
use tokio::runtime::{Builder, Runtime};
use webhooks_store::Item;

thread_local! {
    static RUNTIME: OnceCell<Runtime> = const { OnceCell::new() };
}

/// Runs a future to completion on this thread.
pub(crate) fn wait<T>(future: impl Future<Output = T>) -> T {
    let runtime = || Builder::new_current_thread().enable_time().build().expect("a runtime");
    RUNTIME.with(|kept| kept.get_or_init(runtime).block_on(future))
}

/// A text attribute.
pub(crate) fn text<'i>(item: &'i Item, name: &str) -> Option<&'i str> {
    item.get(name).and_then(|value| value.as_s().ok()).map(String::as_str)
}

/// Whether SQS accepts it as a message (SendMessage: the characters of XML 1.0).
pub(crate) fn is_sqs_text(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 1024 * 1024
        && text.chars().all(|c| {
            let c = u32::from(c);
            [0x9, 0xa, 0xd].contains(&c) || (0x20..=0xd7ff).contains(&c) || (0xe000..=0xfffd).contains(&c) || c > 0xffff
        })
}

/// An input like a request: a line, headers, an empty line, a body. Invalid UTF-8 is replaced in
/// the head, and kept in the body.
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
