//! A program that uses a client by orders on stdin: see `clients/conformance/README.md`.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    process::{Child, ChildStdin, Command, Stdio},
    thread,
    time::Duration,
};

use serde_json::Value;
use tokio::{
    sync::mpsc::{UnboundedReceiver, unbounded_channel},
    time::timeout,
};

/// How long a driver that hangs delays its test.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running driver. It is killed on drop.
pub(super) struct Driver {
    child: Child,
    orders: ChildStdin,
    results: UnboundedReceiver<Value>,
    stderr: Option<thread::JoinHandle<String>>,
}

impl Drop for Driver {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Driver {
    pub(super) fn start(mut command: Command) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (stdout, mut stderr) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        let (said, results) = unbounded_channel();
        thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                let result = serde_json::from_str(&line).unwrap_or(Value::String(line));
                if said.send(result).is_err() {
                    return;
                }
            }
        });
        let stderr = thread::spawn(move || {
            let mut text = String::new();
            let _ = stderr.read_to_string(&mut text);
            text
        });
        let orders = child.stdin.take().unwrap();
        Self { child, orders, results, stderr: Some(stderr) }
    }

    /// Gives an order. Its results are read by [`Self::next`].
    pub(super) fn order(&mut self, order: &Value) {
        writeln!(self.orders, "{order}").unwrap();
    }

    /// The next result. Panics if the driver ends or hangs.
    pub(super) async fn next(&mut self) -> Value {
        let next = timeout(PATIENCE, self.results.recv()).await;
        match next.expect("the driver should write a result") {
            Some(result) => result,
            None => panic!("the driver ended: {}", self.stderr.take().unwrap().join().unwrap()),
        }
    }

    /// The only result of an order.
    pub(super) async fn ask(&mut self, order: &Value) -> Value {
        self.order(order);
        self.next().await
    }
}
