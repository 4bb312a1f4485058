//! The links of a plan, against callers of `Link`, and beside look-ups.

use std::{
    fs,
    io::BufWriter,
    process::Child,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    thread,
    time::{Duration, Instant},
};

use identity_link_test_support::{Caller, get, link_user, tokens::Token};
use serde_json::Value;
use tokio::task::JoinHandle;
use tonic::transport::Channel;

use super::{
    bench::{Bench, runtime, seconds},
    rows::{user_id, write_rows},
};

/// The users that a plan links, all of them in pairs.
pub(super) const IN_PAIRS: u64 = 72_000;
/// How many callers call `Link`, and how many look users up.
const LINKING: usize = 8;
const LOOKING_UP: usize = 64;
/// How long look-ups alone are measured.
const A_WHILE: Duration = Duration::from_secs(4);

/// What links cost in one round: rates per second, and mean times of look-ups in seconds.
#[derive(Clone, Copy)]
pub(super) struct Links {
    /// Links of `apply` alone, and beside look-ups.
    pub(super) apply: f64,
    pub(super) apply_beside: f64,
    /// Links of one caller, and of [`LINKING`].
    pub(super) one_caller: f64,
    pub(super) callers: f64,
    /// Look-ups at half of their highest rate: alone, and beside `apply`.
    pub(super) looked_up: (f64, f64),
    pub(super) looked_up_beside: (f64, f64),
}

impl Bench {
    /// Makes the links of a plan in four parts: by `apply`, by one caller of `Link`, by several, and by
    /// `apply` beside look-ups.
    pub(super) fn links(&self) -> Links {
        self.begin();
        let file = self.folder.join("users.ndjson");
        write_rows(BufWriter::new(fs::File::create(&file).unwrap()), IN_PAIRS, 2);
        seconds(self.importing(&[file.to_str().unwrap()]).spawn().unwrap());
        fs::remove_file(&file).unwrap();
        let plan = fs::read_to_string(self.duplicates().0).unwrap();
        let (header, pairs) = plan.split_once('\n').unwrap();
        let pairs: Vec<&str> = pairs.lines().collect();
        let parts: Vec<&[&str]> = pairs.chunks(pairs.len().div_ceil(4)).collect();
        let rate = |part: &[&str], seconds: f64| part.len() as f64 / seconds;

        let (took, _) = seconds(self.applying(header, parts[0]));
        let apply = rate(parts[0], took);
        let (server, url) = self.serve();
        let calls = runtime();
        let service = calls.block_on(async {
            let channel = Channel::from_shared(url).unwrap().connect().await.unwrap();
            Caller::new(channel, Some(Token::of("services", "backend").sign()))
        });
        let one_caller = rate(parts[1], calls.block_on(link_by(&service, parts[1], 1)));
        let callers = rate(parts[2], calls.block_on(link_by(&service, parts[2], LINKING)));
        let ids: Arc<[String]> = (0..IN_PAIRS).step_by(7).map(user_id).collect();
        let (highest, _) = calls.block_on(async {
            let looking_up = LookUps::start(&service, &ids, None);
            tokio::time::sleep(A_WHILE).await;
            looking_up.end()
        });
        let half = Some(highest / 2.0);
        let looked_up = calls.block_on(async {
            let looking_up = LookUps::start(&service, &ids, half);
            tokio::time::sleep(A_WHILE).await;
            looking_up.end()
        });
        let (apply_beside, looked_up_beside) = calls.block_on(async {
            let looking_up = LookUps::start(&service, &ids, half);
            let applying = self.applying(header, parts[3]);
            let (took, _) = tokio::task::spawn_blocking(move || seconds(applying)).await.unwrap();
            (rate(parts[3], took), looking_up.end())
        });
        drop(server);
        Links { apply, apply_beside, one_caller, callers, looked_up, looked_up_beside }
    }

    /// Begins to apply this part of a plan.
    fn applying(&self, header: &str, part: &[&str]) -> Child {
        let file = self.folder.join("part.ndjson");
        fs::write(&file, [&[header], part].concat().join("\n") + "\n").unwrap();
        let mut apply = self.command("apply", &["--tenant", "default", "--rate", "1000000"]);
        for mark in ["same_provider", "account_older_than_email"] {
            apply.args(["--accept-mark", mark]);
        }
        apply.arg(file).spawn().unwrap()
    }

    /// Starts a server. Returns its URL too.
    pub(super) fn serve(&self) -> (Server, String) {
        let log = self.folder.join("serve.log");
        let mut command = self.command("serve", &[]);
        let child = command.stderr(fs::File::create(&log).unwrap()).spawn().unwrap();
        let server = Server(child);
        loop {
            let text = fs::read_to_string(&log).unwrap();
            let lines = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
            let mut serving = lines.filter(|line| line["message"] == "serving");
            if let Some(line) = serving.next() {
                return (server, format!("http://{}", line["address"].as_str().unwrap()));
            }
            thread::sleep(Duration::from_millis(10));
        }
    }
}

/// Has so many callers make the links of a part of a plan. Returns the seconds that it took.
async fn link_by(service: &Caller, part: &[&str], callers: usize) -> f64 {
    let requests: Vec<_> = part
        .iter()
        .map(|pair| {
            let pair: Value = serde_json::from_str(pair).unwrap();
            let id = |user: &Value| user["id"].as_str().unwrap().to_owned();
            link_user(&id(&pair["primary"]), &id(&pair["secondaries"][0]))
        })
        .collect();
    let requests = Arc::new(Mutex::new(requests));
    let begun = Instant::now();
    let tasks = (0..callers).map(|_| {
        let (service, requests) = (service.clone(), Arc::clone(&requests));
        tokio::spawn(async move {
            loop {
                let Some(request) = requests.lock().unwrap().pop() else { return };
                service.link(request).await.unwrap();
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap();
    }
    begun.elapsed().as_secs_f64()
}

/// Callers that look users up.
struct LookUps {
    begun: Instant,
    tasks: Vec<JoinHandle<()>>,
    /// How many there were, and how long all of them took, in microseconds.
    done: Arc<(AtomicU64, AtomicU64)>,
}

impl LookUps {
    /// At this rate per second of all together, or as fast as it goes.
    fn start(service: &Caller, ids: &Arc<[String]>, rate: Option<f64>) -> Self {
        let done = Arc::new((AtomicU64::new(0), AtomicU64::new(0)));
        let tasks = (0..LOOKING_UP).map(|number| {
            let (service, ids, done) = (service.clone(), Arc::clone(ids), Arc::clone(&done));
            let every = rate.map(|rate| Duration::from_secs_f64(LOOKING_UP as f64 / rate));
            tokio::spawn(async move {
                let mut due = every.map(tokio::time::interval);
                for at in (number..).step_by(LOOKING_UP) {
                    if let Some(due) = &mut due {
                        due.tick().await;
                    }
                    let begun = Instant::now();
                    service.get_user(get(&ids[at % ids.len()])).await.unwrap();
                    done.0.fetch_add(1, Relaxed);
                    let micros = u64::try_from(begun.elapsed().as_micros()).unwrap();
                    done.1.fetch_add(micros, Relaxed);
                }
            })
        });
        Self { begun: Instant::now(), tasks: tasks.collect(), done }
    }

    /// How many there were per second, and the mean time of one, in seconds.
    fn end(self) -> (f64, f64) {
        self.tasks.iter().for_each(JoinHandle::abort);
        let (count, micros) = (self.done.0.load(Relaxed) as f64, self.done.1.load(Relaxed) as f64);
        (count / self.begun.elapsed().as_secs_f64(), micros / count / 1e6)
    }
}

/// A server. It is killed on drop.
pub(super) struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
