use super::*;
use crate::collection::Listed;
use crate::revision::Revision;
use crate::ticks::Ticks;
use proptest::prelude::*;
use std::collections::HashSet;

/// A list of an ERP: rows with key and time of change, in one of the possible orders.
#[derive(Debug, Clone)]
struct Server {
    rows: Vec<(u32, u32)>,
    clock: u32,
    by_time: bool,
    /// The largest page that the server returns.
    largest: usize,
    counts: bool,
    /// Whether the answer names the next page, as in version 3.
    names_next: bool,
}

/// A change by a user of the ERP to a row, chosen by a number.
#[derive(Debug, Clone, Copy)]
enum Deed {
    Delete(usize),
    Touch(usize),
    Insert(u32),
}

impl Server {
    fn of(count: u32) -> Self {
        let rows = (0..count).map(|n| (n * 1000, n)).collect();
        Self { rows, clock: count, by_time: false, largest: 1000, counts: true, names_next: false }
    }

    fn page(&self, window: Window) -> Page {
        let size = window.size.min(self.largest);
        let start = window.page as usize * size;
        let mut rows = self.rows.clone();
        rows.sort_by_key(|(key, time)| if self.by_time { (*time, *key) } else { (*key, 0) });
        let total = rows.len();
        let row = |(key, time): (u32, u32)| {
            let modified = Ticks::new(time.into()).unwrap().into();
            Row::Read(Listed { key: key.to_string(), modified, revision: Revision::default() })
        };
        Page {
            rows: rows.into_iter().skip(start).take(size).map(row).collect(),
            total: self.counts.then_some(total),
            more: self.names_next.then_some(start + size < total),
        }
    }

    fn suffer(&mut self, deed: Deed) {
        self.clock += 1;
        match deed {
            Deed::Delete(at) if !self.rows.is_empty() => drop(self.rows.remove(at % self.rows.len())),
            Deed::Touch(at) if !self.rows.is_empty() => {
                let at = at % self.rows.len();
                self.rows[at].1 = self.clock;
            }
            Deed::Insert(key) if self.rows.iter().all(|(known, _)| *known != key) => self.rows.push((key, self.clock)),
            _ => {}
        }
    }
}

/// The keys that were read as new, and the requested pages. Changes happen before each page but the
/// first.
fn walk(server: &mut Server, deeds: &mut dyn Iterator<Item = Vec<Deed>>) -> (Vec<u32>, Vec<Window>) {
    let (mut walk, mut read, mut windows) = (Some(Walk::new(PAGE_SIZE)), Vec::new(), Vec::new());
    while let Some(at) = walk {
        let at: Walk = serde_json::from_str(&serde_json::to_string(&at).unwrap()).unwrap();
        let window = at.window();
        let page = server.page(window);
        let taken = at.take(window, &page);
        read.extend(page.rows[taken.new_from..].iter().map(|row| row.key().unwrap().parse::<u32>().unwrap()));
        windows.push(window);
        walk = taken.rest;
        deeds.next().unwrap_or_default().into_iter().for_each(|deed| server.suffer(deed));
        assert!(windows.len() < 2000, "it never ends");
    }
    (read, windows)
}

fn calm(server: &mut Server) -> (Vec<u32>, Vec<Window>) {
    walk(server, &mut std::iter::empty())
}

#[test]
fn a_stable_list_is_read_once_in_pages_that_overlap() {
    let mut server = Server::of(1000);
    let (read, windows) = calm(&mut server);
    assert_eq!(read, server.rows.iter().map(|(key, _)| *key).collect::<Vec<_>>(), "each once and in order");
    assert!(windows.len() <= 12, "{windows:?}");
    assert_eq!(calm(&mut Server::of(100)).1.len(), 1);
    assert_eq!(calm(&mut Server::of(0)).1.len(), 1);
}

#[test]
fn a_walk_continues_with_smaller_pages_but_never_with_empty_ones() {
    let walk = Walk::new(PAGE_SIZE);
    assert_eq!(walk.size(), PAGE_SIZE);
    assert_eq!([30, 0].map(|size| walk.clone().with_size(size).size()), [30, 1]);
    assert_eq!(walk.with_size(30).window(), Window::first(30));
}

#[test]
fn a_cut_page_is_not_the_last() {
    for (counts, names_next) in [(true, false), (false, true), (true, true), (false, false)] {
        for largest in [1, 7, 50] {
            let mut server = Server { largest, counts, names_next, ..Server::of(130) };
            let (read, windows) = calm(&mut server);
            assert_eq!(read.len(), 130, "{counts} {names_next} {largest}");
            assert!(windows.len() <= 260 / largest + 6, "{windows:?}");
        }
    }
}

#[test]
fn a_list_without_a_length_needs_one_more_page() {
    let mut server = Server { counts: false, ..Server::of(30) };
    assert_eq!(calm(&mut server).1.len(), 2);
    let mut server = Server { counts: false, ..Server::of(0) };
    assert_eq!(calm(&mut server).1.len(), 1);
}

#[test]
fn a_row_that_leaves_a_read_page_hides_no_other() {
    for deed in [Deed::Delete(3), Deed::Touch(3), Deed::Insert(5)] {
        let mut server = Server { by_time: matches!(deed, Deed::Touch(_)), ..Server::of(250) };
        let (read, _) = walk(&mut server, &mut std::iter::once(vec![deed]));
        let read: HashSet<u32> = read.into_iter().collect();
        for (key, _) in server.rows.iter().filter(|(key, _)| *key != 5) {
            assert!(read.contains(key), "{key} after {deed:?}");
        }
    }
}

#[test]
fn goes_back_when_many_rows_leave_at_once() {
    let mut server = Server::of(600);
    let deeds = vec![Vec::new(), vec![Deed::Delete(0); 170]];
    let (read, windows) = walk(&mut server, &mut deeds.into_iter());
    let read: HashSet<u32> = read.into_iter().collect();
    assert!(server.rows.iter().all(|(key, _)| read.contains(key)));
    assert!(windows.len() <= 12, "{windows:?}");
}

#[test]
fn a_server_without_paging_does_not_cause_an_endless_walk() {
    struct Everything(usize);
    let server = Everything(300);
    let row = |n: usize| Row::NoTime { key: n.to_string() };
    let (mut walk, mut calls) = (Walk::new(PAGE_SIZE), 0);
    loop {
        let window = walk.window();
        let page = Page { rows: (0..server.0).map(row).collect(), total: None, more: None };
        calls += 1;
        match walk.take(window, &page).rest {
            Some(rest) => walk = rest,
            None => break,
        }
    }
    assert_eq!(calls, 2);
}

#[test]
fn the_walk_of_an_unordered_list_ends() {
    let (mut walk, mut calls) = (Walk::new(PAGE_SIZE), 0_usize);
    loop {
        let window = walk.window();
        let rest = 1000_usize.saturating_sub(window.start()).min(window.size);
        let row = |n: usize| Row::NoTime { key: format!("{calls}-{n}") };
        let page = Page { rows: (0..rest).map(row).collect(), total: Some(1000), more: None };
        calls += 1;
        match walk.take(window, &page).rest {
            Some(rest) => walk = rest,
            None => break,
        }
    }
    assert!(calls < 100, "{calls}");
}

#[test]
fn rows_without_a_key_do_not_confuse_the_walk() {
    let (mut walk, mut read) = (Walk::new(PAGE_SIZE), 0);
    loop {
        let window = walk.window();
        let shown = (window.start()..window.end()).take_while(|n| *n < 400);
        let row = |n: usize| if (92..110).contains(&n) { Row::NoKey } else { Row::NoTime { key: n.to_string() } };
        let page = Page { rows: shown.map(row).collect(), total: Some(400), more: None };
        let taken = walk.take(window, &page);
        read += page.rows.len() - taken.new_from;
        match taken.rest {
            Some(rest) => walk = rest,
            None => break,
        }
    }
    assert!((400..420).contains(&read), "{read}");
}

fn deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        any::<usize>().prop_map(Deed::Delete),
        any::<usize>().prop_map(Deed::Touch),
        (0..600_000_u32).prop_map(Deed::Insert),
    ]
}

proptest! {
    #[test]
    fn every_row_that_is_left_alone_is_read_whatever_happens_to_the_others(
        count in 0..600_u32,
        largest in prop_oneof![10..120_usize, Just(1000)],
        by_time: bool,
        counts: bool,
        names_next: bool,
        deeds in prop::collection::vec(prop::collection::vec(deed(), 0..8), 0..30),
    ) {
        let mut server = Server { by_time, largest, counts, names_next, ..Server::of(count) };
        let before: HashSet<(u32, u32)> = server.rows.iter().copied().collect();
        let (read, _) = walk(&mut server, &mut deeds.into_iter());
        let read: HashSet<u32> = read.into_iter().collect();
        let missed: Vec<_> = server.rows.iter().filter(|row| before.contains(row) && !read.contains(&row.0)).collect();
        prop_assert!(missed.is_empty(), "{missed:?}");
    }
}
