//! What is asserted about the look of a page: by axe-core, by its width, and by eye.

use std::fs;

use serde_json::json;

use super::{artifacts, chromium::Chromium, npm};

/// What a page is looked at by: the width of the screen in pixels, and its colours.
const SCREENS: [(u32, &str); 3] = [(1280, "light"), (375, "light"), (375, "dark")];

/// axe-core, with which pages are inspected.
pub struct Inspector {
    script: String,
}

impl Inspector {
    #[expect(clippy::new_without_default, reason = "it installs axe-core, and may take long")]
    pub fn new() -> Self {
        let packages = npm::packages("tests/it/axe-core");
        let script = packages.join("node_modules/axe-core/axe.min.js");
        Self { script: fs::read_to_string(script).unwrap() }
    }

    /// Looks at the page that the browser shows: axe-core finds no violation, nothing is wider than
    /// the screen, and a picture of it is kept in `target/tmp/pictures`.
    pub fn inspect(&self, browser: &mut Chromium, name: &str) {
        for (width, scheme) in SCREENS {
            browser.screen(width, scheme);
            browser.load(&self.script);
            let violations = browser.run(
                "{ const found = await axe.run(); return found.violations.map(({id, nodes}) => \
                 `${id}: ${nodes.map(node => node.html).join(' ')}`) }",
            );
            assert_eq!(violations, json!([]), "{name} {width} {scheme}");
            let widest = browser.run("{ return document.documentElement.scrollWidth }");
            assert!(widest.as_u64().unwrap() <= u64::from(width), "{name} {scheme}: {widest}");
            keep_picture(browser, &format!("{name}-{width}-{scheme}"));
        }
        let (width, scheme) = SCREENS[0];
        browser.screen(width, scheme);
    }
}

/// Keeps a picture of the page that the browser shows, in `target/tmp/pictures`.
pub fn keep_picture(browser: &mut Chromium, name: &str) {
    let folder = artifacts::tmp_dir().join("pictures");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join(format!("{name}.png")), browser.picture()).unwrap();
}
