//! A headless Chromium, and its user.

use crate::webdriver::{Element, Session};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use end_to_end::until;
use reqwest::Url;
use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use serde_json::{Value, json};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, fs, io::BufRead, io::BufReader};
use uuid::Uuid;

/// A browser with its own folder for its profile and temporary files. Dropping it removes both.
pub(crate) struct Browser {
    pub(crate) driver: Session,
    _process: Process,
}

struct Process {
    driver: Child,
    folder: PathBuf,
}

impl Drop for Process {
    fn drop(&mut self) {
        // A failed test leaves the browser open. The driver closes it when asked to end.
        let driver = Pid::from_child(&self.driver);
        let _ = kill_process(driver, Signal::TERM);
        let patience = Instant::now();
        while matches!(self.driver.try_wait(), Ok(None)) && patience.elapsed() < Duration::from_secs(5) {
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = kill_process_group(driver, Signal::KILL);
        let _ = self.driver.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Tries to start a driver, which may end before it listens.
const TRIES: usize = 5;

/// The language decides the order of the parts of a date field, and how numbers and times look. By
/// version and system, Chromium takes it from the variable or from the option.
const LANGUAGE: (&str, &str) = ("LANGUAGE", "en_US");
const LANGUAGE_OPTION: &str = "--lang=en-US";

/// Elements that may have a name. The browser then says which has it; asking it about every control
/// takes too long.
const CANDIDATES: &str = "
    const text = (one) => one.getAttribute('aria-label') ?? one.labels?.[0]?.textContent ?? one.textContent;
    const wanted = arguments[1].trim();
    return [...document.querySelectorAll(arguments[0])].filter((one) => one.checkVisibility() && text(one).trim() === wanted);";

/// Whether nothing is wider than this width.
const FITS: &str = "
    const [width] = arguments;
    const dialogs = [...document.querySelectorAll('dialog[open]')];
    return innerWidth === width && document.documentElement.scrollWidth <= width
        && dialogs.every((one) => one.scrollWidth <= one.clientWidth && one.getBoundingClientRect().right <= width);";

impl Browser {
    pub(crate) async fn open() -> Self {
        // Short, since the name of a socket in it is limited to 107 bytes.
        let folder = env::temp_dir().join(format!("console-{:08x}", Uuid::new_v4().as_fields().0));
        fs::create_dir(&folder).expect("a folder for the browser");
        let (driver, port) = start(&folder);
        let process = Process { driver, folder };
        let profile = format!("--user-data-dir={}", process.folder.join("profile").display());
        let is_root = fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0);
        let sandbox = is_root.then_some("--no-sandbox");
        let usual = [
            "--headless",
            "--disable-gpu",
            "--disable-quic",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--no-proxy-server",
            "--window-size=1360,860",
            LANGUAGE_OPTION,
            &profile,
        ];
        let all = usual.into_iter().chain(sandbox);
        let binary = program(&["chromium", "chromium-browser", "google-chrome"]);
        let wanted = json!({
            "browserName": "chrome",
            // Half a minute by default, which axe may need on a slow machine.
            "timeouts": {"script": 100_000},
            "goog:chromeOptions": {"binary": binary, "args": all.collect::<Vec<_>>()},
            "goog:loggingPrefs": {"browser": "ALL"},
        });
        let driver = Session::open(&format!("http://127.0.0.1:{port}"), wanted).await.expect("a browser");
        Self { driver, _process: process }
    }

    pub(crate) async fn go(&self, url: &str) {
        self.driver.post("url", json!({"url": url})).await.expect("a page");
    }

    /// Opens a tab and continues in it.
    pub(crate) async fn new_tab(&self) {
        let tab = self.driver.post("window/new", json!({"type": "tab"})).await.expect("a tab");
        self.driver.post("window", json!({"handle": tab["handle"]})).await.expect("the tab is there");
    }

    /// The URL in the address bar.
    pub(crate) async fn address(&self) -> Url {
        let address = self.driver.get("url").await.expect("a page");
        Url::parse(address.as_str().expect("text")).expect("an address")
    }

    /// The result of a script. Promises are awaited.
    pub(crate) async fn script(&self, script: &str, arguments: Vec<Value>) -> Value {
        self.driver.execute(script, arguments).await.unwrap_or_else(|error| panic!("{script}: {error}"))
    }

    /// Waits for the first visible element of this selector.
    pub(crate) async fn sees(&self, selector: &str) -> Element {
        until(&format!("{selector} to be shown"), async || {
            for element in self.driver.find_all(selector).await.ok()? {
                if element.is_displayed().await.unwrap_or(false) {
                    return Some(element);
                }
            }
            None
        })
        .await
    }

    pub(crate) async fn all(&self, selector: &str) -> Vec<Element> {
        self.driver.find_all(selector).await.expect("a page")
    }

    /// The texts of all elements of this selector.
    pub(crate) async fn texts(&self, selector: &str) -> Vec<String> {
        self.try_texts(selector).await.unwrap_or_else(|error| panic!("{selector}: {error}"))
    }

    /// The same, for a page that may be just about to be replaced by another.
    async fn try_texts(&self, selector: &str) -> Result<Vec<String>, String> {
        let texts = "return [...document.querySelectorAll(arguments[0])].map((one) => one.innerText.trim())";
        let texts = self.driver.execute(texts, vec![selector.into()]).await?;
        serde_json::from_value(texts).map_err(|error| error.to_string())
    }

    /// Waits until an element of the selector contains the text.
    pub(crate) async fn reads(&self, selector: &str, text: &str) {
        let what = format!("{selector} to say {text:?}");
        until(&what, async || self.try_texts(selector).await.ok()?.iter().any(|one| one.contains(text)).then_some(()))
            .await;
    }

    /// Waits for the visible control that has this name for a screen reader.
    async fn named(&self, selector: &str, name: &str) -> Element {
        until(&format!("{name:?} among {selector}"), async || {
            let candidates = self.driver.execute(CANDIDATES, vec![selector.into(), name.into()]).await.ok()?;
            for element in self.driver.elements(&candidates) {
                if self.name(&element).await == name {
                    return Some(element);
                }
            }
            None
        })
        .await
    }

    /// Presses the button, opens the summary or follows the link with this name.
    pub(crate) async fn press(&self, name: &str) {
        until(&format!("{name:?} to be pressed"), async || {
            self.named("button, a, summary", name).await.click().await.ok()
        })
        .await;
    }

    /// Fills in the control with this label.
    pub(crate) async fn fill(&self, label: &str, text: &str) {
        let control = self.named("input, textarea, select", label).await;
        if control.tag().await.unwrap() != "select" {
            control.clear().await.unwrap();
        }
        control.send_keys(text).await.unwrap();
    }

    /// Chooses the radio button or check box with this label.
    pub(crate) async fn choose(&self, label: &str) {
        self.named("input[type=radio], input[type=checkbox]", label).await.click().await.expect("a choice");
    }

    /// The name for a screen reader; empty if the element is gone.
    pub(crate) async fn name(&self, element: &Element) -> String {
        element.label().await.unwrap_or_default()
    }

    pub(crate) async fn devtools(&self, method: &str, parameters: Value) {
        let command = json!({"cmd": method, "params": parameters});
        self.driver.post("goog/cdp/execute", command).await.expect("Chromium understands");
    }

    /// Sets the preferred colour scheme, `light` or `dark`.
    pub(crate) async fn prefer(&self, scheme: &str) {
        let features = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
        self.devtools("Emulation.setEmulatedMedia", features).await;
    }

    /// Sets the size of the window in CSS pixels.
    pub(crate) async fn resize(&self, width: u32, height: u32) {
        let size = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500});
        self.devtools("Emulation.setDeviceMetricsOverride", size).await;
    }

    /// Resizes, and waits until neither the page nor an open dialog scrolls sideways.
    pub(crate) async fn fits(&self, name: &str, width: u32, height: u32) {
        self.resize(width, height).await;
        until(&format!("{name} to fit {width} pixels"), async || {
            (self.script(FITS, vec![width.into()]).await == Value::Bool(true)).then_some(())
        })
        .await;
    }

    /// A picture in target/console.
    pub(crate) async fn picture(&self, name: &str) {
        self.picture_in(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/console"), name).await;
    }

    pub(crate) async fn picture_in(&self, folder: &Path, name: &str) {
        fs::create_dir_all(folder).expect("a folder for pictures");
        let png = self.driver.get("screenshot").await.expect("a picture");
        let png = BASE64.decode(png.as_str().expect("text")).expect("base64");
        fs::write(folder.join(format!("{name}.png")), png).expect("the picture is written");
    }

    /// Fails if Chromium has logged an error or a warning: of a script, a refused request, or a
    /// breach of the page's policy.
    pub(crate) async fn was_content(&self) {
        let log = self.driver.post("se/log", json!({"type": "browser"})).await.expect("a log");
        let entries = log.as_array().expect("a list of entries");
        let is_bad = |entry: &&Value| entry["level"] == "SEVERE" || entry["level"] == "WARNING";
        let bad: Vec<_> = entries.iter().filter(is_bad).collect();
        assert!(bad.is_empty(), "{bad:#?}");
    }
}

/// Starts ChromeDriver on a free port.
fn start(temporary: &Path) -> (Child, u16) {
    // It chooses a free port and listens there on two addresses. It ends if another test takes one
    // of them meanwhile.
    (0..TRIES).find_map(|_| try_start(temporary)).expect("chromedriver tells its port")
}

fn try_start(temporary: &Path) -> Option<(Child, u16)> {
    let mut command = Command::new(program(&["chromedriver"]));
    command.env("TMPDIR", temporary).env(LANGUAGE.0, LANGUAGE.1);
    command.process_group(0).arg("--port=0").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut driver = command.spawn().expect("chromedriver starts");
    let lines = BufReader::new(driver.stdout.take().expect("its output")).lines();
    let port = lines
        .map_while(Result::ok)
        .find_map(|line| line.split("successfully on port ").nth(1)?.trim_end_matches('.').parse().ok());
    if port.is_none() {
        let _ = driver.kill();
        let _ = driver.wait();
    }
    Some((driver, port?))
}

/// The first of these programs that is on PATH.
fn program(names: &[&str]) -> String {
    let path = env::var_os("PATH").unwrap_or_default();
    let found = names
        .iter()
        .find_map(|name| env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file()));
    let found =
        found.unwrap_or_else(|| panic!("none of {names:?} is on PATH; `cargo xtask test` installs what it can"));
    found.to_str().expect("a path in UTF-8").to_owned()
}
