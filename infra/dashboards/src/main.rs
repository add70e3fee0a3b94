//! Writes the generated files into the given folder, which is `infra/dashboards`: `cargo xtask
//! dashboards`.

use std::path::PathBuf;
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let folder = env::args_os().nth(1).map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    for (name, content) in dashboards::files() {
        fs::write(folder.join(name), content)?;
        println!("      {name}");
    }
    Ok(())
}
