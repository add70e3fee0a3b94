//! Writes a manual page for each command.

use crate::error::{Exit, Failure};
use crate::output::{Outcome, Report};
use clap::{Args, Command};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, roman};
use std::path::{Path, PathBuf};
use std::{fs, io};

const SOURCE: &str = concat!("visma-webhooks ", env!("CARGO_PKG_VERSION"));
const MANUAL: &str = "Visma Net webhooks";
/// A missing date would shift the fields behind it.
const NO_DATE: &str = "\"\"";

#[derive(Debug, Args)]
pub struct Options {
    /// Write a page for each command into this folder, which is created if missing
    #[arg(long, value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
    out: Option<PathBuf>,
}

/// # Errors
/// The folder cannot be written.
pub fn run(program: Command, options: Options) -> Outcome {
    let mut program = program.disable_help_subcommand(true);
    program.build();
    let Some(folder) = options.out else {
        let (_, text) = page(&program).map_err(unwritten)?;
        return Ok(Report::new(&text, text.clone()));
    };
    fs::create_dir_all(&folder).map_err(unwritten)?;
    let mut names = vec![];
    write(&program, &folder, &mut names).map_err(unwritten)?;
    let text = format!("Wrote {} pages to {}.", names.len(), folder.display());
    Ok(Report::new(names, text))
}

fn unwritten(error: io::Error) -> Failure {
    let advice = "Choose a folder in which you may write, with --out.";
    Failure::new(Exit::Failed, format!("cannot write the manual pages: {error}"), advice)
}

/// Writes the page of a command and those of its subcommands.
fn write(command: &Command, folder: &Path, names: &mut Vec<String>) -> io::Result<()> {
    let (name, text) = page(command)?;
    fs::write(folder.join(&name), text)?;
    names.push(name);
    command.get_subcommands().try_for_each(|below| write(below, folder, names))
}

/// The page's file name and text.
fn page(command: &Command) -> io::Result<(String, String)> {
    let man = Man::new(command.clone()).source(SOURCE).manual(MANUAL).date(NO_DATE);
    let mut text = vec![];
    man.render_title(&mut text)?;
    man.render_name_section(&mut text)?;
    man.render_synopsis_section(&mut text)?;
    man.render_description_section(&mut text)?;
    man.render_options_section(&mut text)?;
    if command.has_subcommands() {
        man.render_subcommands_section(&mut text)?;
    }
    let end = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    sections(&end).to_writer(&mut text)?;
    Ok((man.get_filename(), String::from_utf8_lossy(&text).into_owned()))
}

/// The sections of the end of a help. Each heading is a line without indentation. The lines below
/// it stay as they are.
fn sections(end: &str) -> Roff {
    let mut roff = Roff::new();
    for line in end.lines().filter(|line| !line.is_empty()) {
        if line.starts_with(' ') {
            roff.text([roman(line.strip_prefix("  ").unwrap_or(line))]);
        } else {
            roff.control("fi", []);
            roff.control("SH", [line.trim_end_matches(':').to_uppercase().as_str()]);
            roff.control("nf", []);
        }
    }
    roff.control("fi", []);
    roff
}
