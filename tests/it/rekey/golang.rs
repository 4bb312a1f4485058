//! The service in Go.

use std::{path::PathBuf, process::Command, sync::OnceLock};

use super::stories;
use crate::{
    clients::golang::assert_is_clean,
    support::{artifacts::tmp_dir, child::run_command, golang::go},
};

const MODULE: &str = "examples/rekey/go";

fn command() -> Command {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    let program = BUILT.get_or_init(|| {
        let program = tmp_dir().join("rekey-go");
        let built = run_command(go(MODULE, &["build", "-o", program.to_str().unwrap(), "."]));
        assert_eq!(built.code, Some(0), "{}", built.stderr);
        program
    });
    Command::new(program)
}

stories!(command);

#[tokio::test]
async fn the_module_is_clean() {
    assert_is_clean(MODULE).await;
}
