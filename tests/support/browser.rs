//! A headless Chromium that tests drive over its DevTools protocol, through pipes. Without Chromium on the machine, a test is reported
//! as skipped, or fails.

use std::cell::RefCell;
use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::fs::{CWD, Mode, mkfifoat};
use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::{Value, json};

/// Where Chromium is installed.
pub fn program() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let names = ["chromium", "chromium-browser", "google-chrome"];
    let files = std::env::split_paths(&path).flat_map(|folder| names.map(|name| folder.join(name)));
    files.into_iter().find(|file| file.is_file())
}

/// Where `scripts/install-browser` puts axe-core.
pub fn axe() -> Option<PathBuf> {
    let built = Path::new(env!("CARGO_BIN_EXE_crm-backfill")).parent().and_then(Path::parent);
    let file = built.map(|target| target.join("browser/node_modules/axe-core/axe.min.js"));
    file.filter(|file| file.is_file())
}

/// A browser with one page, which ends with this value.
pub struct Browser {
    process: Child,
    commands: RefCell<File>,
    answers: RefCell<BufReader<File>>,
    session: String,
    last: std::cell::Cell<u64>,
    events: RefCell<Vec<Value>>,
    folder: tempfile::TempDir,
}

impl Browser {
    /// Starts it with an empty page. Its folder of downloads is its own.
    pub fn start() -> Self {
        let folder = tempfile::Builder::new().prefix("bfb").tempdir().unwrap();
        let pipe = |name: &str| {
            let path = folder.path().join(name);
            mkfifoat(CWD, &path, Mode::from_raw_mode(0o600)).unwrap();
            path
        };
        let (commands, answers) = (pipe("commands"), pipe("answers"));
        // The browser reads its commands from file descriptor 3 and answers on 4.
        let mut command = Command::new("bash");
        command
            .args(["-c", "exec \"$0\" \"$@\" 3<\"$COMMANDS\" 4>\"$ANSWERS\""])
            .arg(program().expect("asked before"))
            .args([
                "--headless=new",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--no-first-run",
                "--disable-sync",
            ])
            .args(["--disable-background-networking", "--disable-component-update", "--disable-extensions"])
            .args(["--allow-file-access-from-files", "--remote-debugging-pipe"])
            .arg(format!("--user-data-dir={}", folder.path().join("profile").display()))
            .env("COMMANDS", &commands)
            .env("ANSWERS", &answers)
            .env("HOME", folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0);
        let process = command.spawn().unwrap();
        // Opened for both directions, so that it does not wait for the other end.
        let open = |path: &Path| OpenOptions::new().read(true).write(true).open(path).unwrap();
        let mut browser = Self {
            process,
            commands: RefCell::new(open(&commands)),
            answers: RefCell::new(BufReader::new(open(&answers))),
            session: String::new(),
            last: std::cell::Cell::new(0),
            events: RefCell::default(),
            folder,
        };
        let target = browser.call("Target.createTarget", json!({ "url": "about:blank" }))["targetId"].clone();
        let attached = browser.call("Target.attachToTarget", json!({ "targetId": target, "flatten": true }));
        browser.session = attached["sessionId"].as_str().unwrap().to_owned();
        for domain in ["Page", "Runtime", "Log", "Network"] {
            browser.call(&format!("{domain}.enable"), json!({}));
        }
        let downloads = browser.downloads();
        std::fs::create_dir(&downloads).unwrap();
        browser.call("Page.setDownloadBehavior", json!({ "behavior": "allow", "downloadPath": downloads }));
        browser
    }

    /// The folder of downloads.
    pub fn downloads(&self) -> PathBuf {
        self.folder.path().join("downloads")
    }

    /// Calls a method of the protocol and returns its result.
    pub fn call(&self, method: &str, parameters: Value) -> Value {
        let id = self.last.get() + 1;
        self.last.set(id);
        let mut message = json!({ "id": id, "method": method, "params": parameters });
        if !self.session.is_empty() {
            message["sessionId"] = self.session.clone().into();
        }
        let mut bytes = serde_json::to_vec(&message).unwrap();
        bytes.push(0);
        self.commands.borrow_mut().write_all(&bytes).unwrap();
        loop {
            let message = self.next();
            if message["id"] == id {
                assert!(message["error"].is_null(), "{method}: {}", message["error"]);
                return message["result"].clone();
            }
            self.events.borrow_mut().push(message);
        }
    }

    fn next(&self) -> Value {
        let mut bytes = Vec::new();
        self.answers.borrow_mut().read_until(0, &mut bytes).unwrap();
        bytes.pop();
        serde_json::from_slice(&bytes).unwrap()
    }

    /// Opens a file at a width in CSS pixels, in light or dark colours, and waits until it is loaded.
    pub fn open(&self, file: &Path, width: u32, dark: bool) {
        let scheme = if dark { "dark" } else { "light" };
        let size = json!({ "width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600 });
        self.call("Emulation.setDeviceMetricsOverride", size);
        let features = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        self.call("Emulation.setEmulatedMedia", features);
        self.events.borrow_mut().clear();
        let url = format!("file://{}", file.canonicalize().unwrap().display());
        let opened = self.call("Page.navigate", json!({ "url": url }));
        assert!(opened["errorText"].is_null(), "{opened}");
        let started = Instant::now();
        while self.value("document.readyState") != "complete" {
            assert!(started.elapsed() < Duration::from_secs(60), "{url} does not load");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// The value of an expression; promises are waited for.
    pub fn value(&self, expression: &str) -> Value {
        let asked = json!({ "expression": expression, "returnByValue": true, "awaitPromise": true });
        let answer = self.call("Runtime.evaluate", asked);
        assert!(answer["exceptionDetails"].is_null(), "{expression}: {}", answer["exceptionDetails"]);
        answer["result"]["value"].clone()
    }

    /// Presses and releases a key: a letter, or a name such as `ArrowLeft`.
    pub fn press(&self, key: &str) {
        let is_letter = key.chars().count() == 1;
        let code = if is_letter { format!("Key{}", key.to_uppercase()) } else { key.to_owned() };
        let mut event = json!({ "type": "keyDown", "key": key, "code": code });
        if is_letter {
            event["text"] = key.into();
        } else if key == "Enter" {
            event["text"] = "\r".into();
        }
        self.call("Input.dispatchKeyEvent", event.clone());
        event["type"] = "keyUp".into();
        self.call("Input.dispatchKeyEvent", event);
    }

    /// Console messages, exceptions and entries of the log since the page was opened.
    pub fn messages(&self) -> Vec<String> {
        self.value("0");
        let events = self.events.borrow();
        let is_message = |event: &&Value| {
            matches!(event["method"].as_str(), Some("Runtime.consoleAPICalled" | "Runtime.exceptionThrown" | "Log.entryAdded"))
        };
        events.iter().filter(is_message).map(Value::to_string).collect()
    }

    /// URLs requested since the page was opened, without the page itself.
    pub fn requests(&self) -> Vec<String> {
        self.value("0");
        let events = self.events.borrow();
        let sent = events.iter().filter(|event| event["method"] == "Network.requestWillBeSent");
        sent.filter(|event| event["params"]["type"] != "Document")
            .map(|event| event["params"]["request"]["url"].as_str().unwrap_or_default().to_owned())
            .collect()
    }

    /// What axe-core finds by the rules of WCAG 2.2 AA and its best practices: the rule, its words and the places.
    pub fn violations(&self) -> Vec<String> {
        self.value(&std::fs::read_to_string(axe().expect("asked before")).unwrap());
        let run = "axe.run(document, { resultTypes: ['violations'] }).then((found) => found.violations.map((of) =>
            `${of.id}: ${of.help}: ${of.nodes.map((node) => node.html.slice(0, 160)).slice(0, 5).join(' | ')}`))";
        self.value(run).as_array().unwrap().iter().map(|found| found.as_str().unwrap().to_owned()).collect()
    }

    /// By how many pixels the page is wider than its window.
    pub fn overflow(&self) -> i64 {
        self.value("document.documentElement.scrollWidth - document.documentElement.clientWidth").as_i64().unwrap()
    }

    /// Writes what is shown as a picture, for people: the folder is in `CRM_BACKFILL_PICTURES`; without it nothing is written.
    pub fn picture(&self, name: &str) {
        let Some(folder) = std::env::var_os("CRM_BACKFILL_PICTURES") else { return };
        let shot = self.call("Page.captureScreenshot", json!({ "captureBeyondViewport": true }));
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(Path::new(&folder).join(format!("{name}.png")), decoded(shot["data"].as_str().unwrap())).unwrap();
    }
}

/// The bytes of a text in base 64.
fn decoded(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    let (mut held, mut bits) = (0_u32, 0);
    for c in text.bytes() {
        let digit = match c {
            b'A'..=b'Z' => c - b'A',
            b'a'..=b'z' => c - b'a' + 26,
            b'0'..=b'9' => c - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => break,
        };
        held = held << 6 | u32::from(digit);
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push((held >> bits) as u8);
            held &= (1 << bits) - 1;
        }
    }
    bytes
}

impl Drop for Browser {
    fn drop(&mut self) {
        let group = Pid::from_raw(i32::try_from(self.process.id()).unwrap()).unwrap();
        let _ = kill_process_group(group, Signal::KILL);
        let _ = self.process.wait();
    }
}
