//! Paths of the workspace, and the environment of every child process.

use crate::error::{Error, Result};
use serde::de::DeserializeOwned;
use std::ffi::OsString;
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::process::Command;

pub(crate) const REGION: &str = "eu-north-1";
/// For release builds that run for only seconds, where optimisation would take much longer.
pub(crate) const UNOPTIMISED: [(&str, &str); 3] = [
    ("CARGO_PROFILE_RELEASE_OPT_LEVEL", "0"),
    ("CARGO_PROFILE_RELEASE_LTO", "off"),
    ("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "256"),
];
/// Without this feature the end-to-end crate has no tests and no demo, so that `cargo test` works
/// without a stack.
const FEATURES: &str = "end-to-end/local-stack";

#[derive(Debug)]
pub(crate) struct Workspace {
    pub(crate) root: PathBuf,
    /// Everything that these commands install or write, except the build.
    pub(crate) local: PathBuf,
    /// The folder of the built programs.
    pub(crate) binaries: PathBuf,
}

impl Workspace {
    pub(crate) fn find() -> Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let root = root.canonicalize().map_err(Error::io("find the workspace"))?;
        // This program was built into the same folder, with any CARGO_TARGET_DIR.
        let program = std::env::current_exe().map_err(Error::io("find the target folder"))?;
        let binaries = program.parent().unwrap_or(&root).to_owned();
        Ok(Self { local: root.join(".local"), root, binaries })
    }

    /// A command in the workspace with harmless credentials, so that no program here can reach a
    /// real AWS account.
    pub(crate) fn command(&self, program: impl Into<OsString>) -> Command {
        let mut command = Command::new(program.into());
        command.current_dir(&self.root).envs([
            ("AWS_ACCESS_KEY_ID", "test"),
            ("AWS_SECRET_ACCESS_KEY", "test"),
            ("AWS_REGION", REGION),
            ("AWS_DEFAULT_REGION", REGION),
            ("AWS_EC2_METADATA_DISABLED", "true"),
            ("AWS_CONFIG_FILE", "/dev/null"),
            ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null"),
            // A proxy is for the internet, but everything here is on this machine.
            ("NO_PROXY", "127.0.0.1,localhost"),
            ("no_proxy", "127.0.0.1,localhost"),
        ]);
        for name in ["AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL"] {
            command.env_remove(name);
        }
        command
    }

    /// A cargo command that also finds the tools installed in `.local/bin`.
    pub(crate) fn cargo(&self) -> Command {
        let mut command = self.command(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        command.env("PATH", path_with(&self.local.join("bin")));
        command
    }

    /// A cargo command over the whole workspace. All such commands use the same packages and
    /// features, so that they share the build.
    pub(crate) fn cargo_workspace(&self, words: &[&str]) -> Command {
        let mut command = self.cargo();
        command.args(words).args(["--workspace", "--features", FEATURES]);
        command
    }

    /// An empty folder for one run. It is locked until the file is dropped.
    pub(crate) fn run_folder(&self, name: &str) -> Result<(PathBuf, File)> {
        let folder = self.local.join(name);
        create(&folder)?;
        let lock = lock(&self.local.join(format!("{name}.lock")), &folder)?;
        remove(&folder)?;
        create(&folder.join("tmp"))?;
        Ok((folder, lock))
    }

    /// The folder of a running stack.
    pub(crate) fn running_folder(&self, name: &str) -> Result<PathBuf> {
        let (folder, lock) = (self.local.join(name), self.local.join(format!("{name}.lock")));
        match File::open(lock).map(|lock| lock.try_lock()) {
            Ok(Err(TryLockError::WouldBlock)) => Ok(folder),
            _ => Err(Error::NotRunning(folder)),
        }
    }

    pub(crate) fn clean(&self) -> Result<()> {
        if self.local.exists() { remove(&self.local) } else { Ok(()) }
    }
}

/// PATH with this folder first.
pub(crate) fn path_with(folder: &Path) -> OsString {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let paths = std::iter::once(folder.to_owned()).chain(std::env::split_paths(&path));
    std::env::join_paths(paths).unwrap_or(path)
}

/// Keeps other runs out of a folder until the file is dropped.
pub(crate) fn lock(file: &Path, folder: &Path) -> Result<File> {
    let lock = File::create(file).map_err(Error::io(format!("write {}", file.display())))?;
    match lock.try_lock() {
        Err(TryLockError::WouldBlock) => Err(Error::Busy(folder.to_owned())),
        Err(TryLockError::Error(error)) => Err(Error::io("lock the run's folder")(error)),
        Ok(()) => Ok(lock),
    }
}

pub(crate) fn create(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder).map_err(Error::io(format!("create {}", folder.display())))
}

pub(crate) fn read(file: &Path) -> Result<String> {
    fs::read_to_string(file).map_err(Error::io(format!("read {}", file.display())))
}

pub(crate) fn read_bytes(file: &Path) -> Result<Vec<u8>> {
    fs::read(file).map_err(Error::io(format!("read {}", file.display())))
}

pub(crate) fn read_json<T: DeserializeOwned>(file: &Path) -> Result<T> {
    let text = read(file)?;
    serde_json::from_str(&text).map_err(|error| Error::io(format!("read {}", file.display()))(error.into()))
}

pub(crate) fn write(file: &Path, content: impl AsRef<[u8]>) -> Result<()> {
    fs::write(file, content).map_err(Error::io(format!("write {}", file.display())))
}

/// Empties a folder.
pub(crate) fn empty(folder: &Path) -> Result<()> {
    create(folder)?;
    remove(folder)?;
    create(folder)
}

fn remove(folder: &Path) -> Result<()> {
    fs::remove_dir_all(folder).map_err(Error::io(format!("remove {}", folder.display())))
}
