//! Shortens the console's files and the API's document. What is shown to people in this repository
//! would make the archive 9 KB larger.

use std::path::Path;
use std::{env, fs, io};

/// Blanks without meaning in a script, and the same without them.
const SCRIPT_BLANKS: &[[&str; 2]] = &[
    [" => ", "=>"],
    [" === ", "==="],
    [" !== ", "!=="],
    [" && ", "&&"],
    [" || ", "||"],
    [" ?? ", "??"],
    [" = ", "="],
    [" ? ", "?"],
    [" : ", ":"],
    [" > ", ">"],
    [" < ", "<"],
    ["{ ", "{"],
    [" }", "}"],
    ["if (", "if("],
    [") {", "){"],
    [", h(", ",h("],
    [", {", ",{"],
    [", [", ",["],
    ["import {", "import{"],
    ["} from \"", "}from\""],
    ["{\n", "{"],
    [";\n", ";"],
    [",\n", ","],
];

/// The same in a style sheet.
const STYLE_BLANKS: &[[&str; 2]] =
    &[["\n", ""], [": ", ":"], ["; ", ";"], [", ", ","], [" {", "{"], ["{ ", "{"], [" }", "}"], [";}", "}"]];

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=console");
    println!("cargo::rerun-if-changed=openapi.json");
    let folder = env::var_os("OUT_DIR").expect("cargo sets it");
    let of_console = fs::read_dir("console")?.map(|file| Ok(file?.path())).collect::<io::Result<Vec<_>>>()?;
    for path in of_console.iter().map(Path::new).chain([Path::new("openapi.json")]) {
        let name = path.file_name().expect("a file has a name");
        let kind = path.extension().unwrap_or_default().to_string_lossy();
        fs::write(Path::new(&folder).join(name), lean(&kind, &fs::read_to_string(path)?))?;
    }
    Ok(())
}

/// Removes indentation, empty lines, lines of comments, and blanks without meaning. It is safe
/// because no text in these files spans lines or contains what is replaced here, and no comment
/// ends a line of code. A test compares the texts.
fn lean(kind: &str, text: &str) -> String {
    let is_comment = |line: &str| line.starts_with("//") || (line.starts_with("/*") && line.ends_with("*/"));
    let is_wanted = |line: &&str| !line.is_empty() && !is_comment(line);
    let lines: String = text.lines().map(str::trim_start).filter(is_wanted).flat_map(|line| [line, "\n"]).collect();
    let shorter = match kind {
        "css" => STYLE_BLANKS,
        "js" => SCRIPT_BLANKS,
        _ => &[],
    };
    shorter.iter().fold(lines, |lines, [long, short]| lines.replace(long, short))
}
