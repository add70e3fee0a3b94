//! The completion scripts for shells.

use crate::arguments::Arguments;
use clap::CommandFactory;
use clap_complete::Shell;
use clap_complete::env::{self, CompleteEnv, EnvCompleter, Shells};
use std::io::{Result, Write};
use std::path::Path;

/// The scripts set this variable to the name of the shell.
const VARIABLE: &str = "VISMA_WEBHOOKS_COMPLETE";
const PROGRAM: &str = "visma-webhooks";

/// The script asks this program for candidates. With `asks` false, it offers no values of the
/// stack.
pub(crate) fn script(shell: Shell, asks: bool) -> String {
    let mut script = vec![];
    if asks {
        let shells = shells();
        let completer = shells.completer(&shell.to_string()).expect("each shell has a script that asks");
        let written = completer.write_registration(VARIABLE, PROGRAM, PROGRAM, PROGRAM, &mut script);
        written.expect("a Vec takes whatever is written");
    } else {
        clap_complete::generate(shell, &mut Arguments::command(), PROGRAM, &mut script);
    }
    String::from_utf8_lossy(&script).into_owned()
}

/// Answers a script on standard output. Returns whether a script asked. It hides all errors, since
/// a shell would show them within the line that the user types.
#[must_use]
pub fn answered() -> bool {
    let folder = std::env::current_dir().ok();
    let asked = CompleteEnv::with_factory(Arguments::command).var(VARIABLE).bin(PROGRAM).shells(shells());
    asked.try_complete(std::env::args_os(), folder.as_deref()).unwrap_or(true)
}

fn shells() -> Shells<'static> {
    Shells(&[&Bash, &env::Elvish, &env::Fish, &env::Powershell, &env::Zsh])
}

/// Bash takes a candidate as it is, so an unescaped blank would split a name into two words.
struct Bash;

impl EnvCompleter for Bash {
    fn name(&self) -> &'static str {
        env::Bash.name()
    }

    fn is(&self, name: &str) -> bool {
        env::Bash.is(name)
    }

    fn write_registration(&self, var: &str, name: &str, bin: &str, completer: &str, buf: &mut dyn Write) -> Result<()> {
        env::Bash.write_registration(var, name, bin, completer, buf)
    }

    fn write_complete(
        &self,
        cmd: &mut clap::Command,
        args: Vec<std::ffi::OsString>,
        current_dir: Option<&Path>,
        buf: &mut dyn Write,
    ) -> Result<()> {
        let mut plain = vec![];
        env::Bash.write_complete(cmd, args, current_dir, &mut plain)?;
        buf.write_all(escaped(&String::from_utf8_lossy(&plain)).as_bytes())
    }
}

/// A control character separates two candidates.
fn escaped(candidates: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || c.is_control() || "-_./:=@%+,".contains(c);
    let mut text = String::new();
    for c in candidates.chars() {
        if !is_plain(c) {
            text.push('\\');
        }
        text.push(c);
    }
    text
}
