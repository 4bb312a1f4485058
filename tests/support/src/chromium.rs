//! Chromium without a window, driven by its `DevTools` protocol over a pair of pipes.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    process::{Child, ChildStdin, Command, Stdio},
    sync::mpsc::{self, Receiver},
    thread,
    time::Duration,
};

use data_encoding::BASE64;
use serde_json::{Value, json};

use super::{child::temp_dir, debian};

/// How long a browser that hangs delays its test.
const PATIENCE: Duration = Duration::from_secs(60);
/// The names of Debian's packages and programs for it.
const NAMES: [&str; 2] = ["chromium-headless-shell", "chromium"];

/// A browser with one page. It is killed on drop.
pub struct Chromium {
    child: Child,
    to: ChildStdin,
    from: Receiver<Value>,
    sent: u64,
    session: String,
}

impl Drop for Chromium {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Chromium {
    /// A browser with a profile of its own.
    pub fn start(name: &str) -> Self {
        Self::start_with(name, &[])
    }

    /// The same, which accepts any server's certificate.
    pub fn start_trusting_all(name: &str) -> Self {
        Self::start_with(name, &["--ignore-certificate-errors"])
    }

    fn start_with(name: &str, options: &[&str]) -> Self {
        let profile = temp_dir(name);
        let mut command = Command::new("sh");
        // It reads from 3 and writes to 4. All other output is dropped.
        command.args(["-c", r#"exec "$0" "$@" 3<&0 4>&1 >/dev/null 2>&1"#, program()]);
        // Chromium's sandbox does not run as root, which CI does. The pages are our own.
        command.args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--remote-debugging-pipe",
        ]);
        command
            .args(options)
            .arg(format!("--user-data-dir={}", profile.display()))
            .arg("about:blank");
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (to, out) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let (tell, from) = mpsc::channel();
        thread::spawn(move || {
            for message in BufReader::new(out).split(0) {
                // The test may have ended already.
                let _ = tell.send(serde_json::from_slice(&message.unwrap()).unwrap());
            }
        });
        let mut browser = Self { child, to, from, sent: 0, session: String::new() };
        let target =
            browser.call("Target.createTarget", &json!({"url": "about:blank"}))["targetId"].clone();
        let attached =
            browser.call("Target.attachToTarget", &json!({"targetId": target, "flatten": true}));
        browser.session = attached["sessionId"].as_str().unwrap().to_owned();
        browser.call("Page.enable", &json!({}));
        browser
    }

    /// Opens a URL and waits until its page is loaded.
    pub fn open(&mut self, url: &str) {
        self.send("Page.navigate", &json!({"url": url}));
        self.arrive();
    }

    /// Clicks on the element that a selector finds, and waits until the next page is loaded.
    pub fn click(&mut self, selector: &str) {
        // The click happens after the response: if not, the response would come while the next page
        // is loaded.
        self.evaluate(&format!("{}; setTimeout(() => found.click())", find(selector)));
        self.arrive();
    }

    /// Types into the field that a selector finds.
    pub fn fill(&mut self, selector: &str, text: &str) {
        self.evaluate(&format!("{}; found.value = {}", find(selector), json!(text)));
    }

    /// Calls a function of the page, and waits for the value that it returns.
    pub fn run(&mut self, script: &str) -> Value {
        // An async function awaits any object with a `then`; `awaitPromise` awaits only a promise
        // of the language.
        let params = json!({"expression": format!("(async () => {script})()"), "returnByValue": true, "awaitPromise": true});
        let said = self.call("Runtime.evaluate", &params);
        assert_eq!(said.get("exceptionDetails"), None, "{script}");
        said["result"]["value"].clone()
    }

    /// What the page shows.
    pub fn text(&mut self) -> String {
        self.evaluate("document.body.innerText").as_str().unwrap().to_owned()
    }

    /// Shows pages on a screen of this width, in pixels, with the colours of this scheme: `light` or
    /// `dark`.
    pub fn screen(&mut self, width: u32, scheme: &str) {
        let size = json!({"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": false});
        self.call("Emulation.setDeviceMetricsOverride", &size);
        let features = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
        self.call("Emulation.setEmulatedMedia", &features);
    }

    /// A picture of the whole page, as PNG.
    pub fn picture(&mut self) -> Vec<u8> {
        let params = json!({"format": "png", "captureBeyondViewport": true});
        let said = self.call("Page.captureScreenshot", &params);
        BASE64.decode(said["data"].as_str().unwrap().as_bytes()).unwrap()
    }

    /// Runs a script that defines what later ones use. The policy of the page does not hold for it.
    pub fn load(&mut self, script: &str) {
        let params = json!({"expression": format!("{script}; 0"), "returnByValue": true});
        let said = self.call("Runtime.evaluate", &params);
        assert_eq!(said.get("exceptionDetails"), None);
    }

    /// Waits for the page to which the shown one goes by itself, and passes over the empty page that a new
    /// browser shows.
    pub fn arrive(&mut self) {
        self.until(|message| {
            message["method"] == "Page.frameNavigated"
                && message["params"]["frame"]["url"] != "about:blank"
        });
        self.until(|message| message["method"] == "Page.loadEventFired");
    }

    fn evaluate(&mut self, script: &str) -> Value {
        let said =
            self.call("Runtime.evaluate", &json!({"expression": script, "returnByValue": true}));
        assert_eq!(said.get("exceptionDetails"), None, "{script}: {}", self.text());
        said["result"]["value"].clone()
    }

    fn send(&mut self, method: &str, params: &Value) -> u64 {
        self.sent += 1;
        let mut message = json!({"id": self.sent, "method": method, "params": params});
        if !self.session.is_empty() {
            message["sessionId"] = json!(self.session);
        }
        self.to.write_all(format!("{message}\0").as_bytes()).unwrap();
        self.sent
    }

    fn call(&mut self, method: &str, params: &Value) -> Value {
        let id = self.send(method, params);
        let mut answer = self.until(|message| message["id"] == id);
        assert_eq!(answer.get("error"), None, "{method}");
        answer["result"].take()
    }

    fn until(&mut self, is_it: impl Fn(&Value) -> bool) -> Value {
        loop {
            let message =
                self.from.recv_timeout(PATIENCE).expect("the browser should send a message");
            if is_it(&message) {
                return message;
            }
        }
    }
}

/// A script that finds an element in `found`, and throws if there is none.
fn find(selector: &str) -> String {
    format!("var found = document.querySelector({}); found.tagName", json!(selector))
}

/// The name of the program: one that is installed, or one that apt then installs.
fn program() -> &'static str {
    debian::program(&NAMES)
}
