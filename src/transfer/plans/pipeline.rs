//! The links under way, and their verdicts, which are kept in the order of the plan: so a single place
//! says up to where the plan is done.

use std::{collections::VecDeque, sync::Arc};

use futures_util::FutureExt as _;
use tokio::{task::JoinHandle, time::Instant};

use super::{
    ApplyEnd, Counts, PlansError,
    plan_file::PlannedCluster,
    verdict::{Verdict, VerdictLine},
    window::{Took, Window},
};
use crate::{
    store::{JobPlace, StoreError},
    transfer::lines::{LineSink, Milestone},
};

/// How many verdicts wait for the link before them at most.
const MOST_WAITING: usize = 500;

/// The links under way, in the order of the plan.
pub(super) struct Pipeline<'a, S> {
    window: Window,
    links: VecDeque<PlannedLink>,
    sink: &'a mut S,
    progress: &'a (dyn Fn(u64) + Sync),
    counts: &'a mut Counts,
}

/// A link of a plan.
struct PlannedLink {
    cluster: Arc<PlannedCluster>,
    /// Its place among the secondary users, from 0.
    index: usize,
    state: State,
}

enum State {
    Running(JoinHandle<Linked>),
    Ended(Result<Verdict, PlansError>),
}

/// What became of a link, how long it took, and when it ended.
struct Linked {
    verdict: Result<Verdict, PlansError>,
    took: Took,
    end: Instant,
}

impl<'a, S: LineSink> Pipeline<'a, S> {
    /// None under way, and `most` at once.
    pub(super) fn new(
        most: usize,
        sink: &'a mut S,
        progress: &'a (dyn Fn(u64) + Sync),
        counts: &'a mut Counts,
    ) -> Self {
        Self { window: Window::new(most), links: VecDeque::new(), sink, progress, counts }
    }

    /// Adds a secondary user whose verdict needs no link.
    ///
    /// # Errors
    /// [`PlansError`] of a link before it.
    pub(super) async fn add(
        &mut self,
        cluster: &Arc<PlannedCluster>,
        index: usize,
        verdict: Verdict,
    ) -> Result<(), PlansError> {
        let state = State::Ended(Ok(verdict));
        self.links.push_back(PlannedLink { cluster: Arc::clone(cluster), index, state });
        match self.links.len() >= MOST_WAITING || self.running() == 0 {
            true => self.settle().await,
            false => Ok(()),
        }
    }

    /// Begins a link.
    pub(super) fn begin(
        &mut self,
        cluster: &Arc<PlannedCluster>,
        index: usize,
        link: impl Future<Output = Result<Verdict, PlansError>> + Send + 'static,
    ) {
        let beside = self.running();
        let state = State::Running(tokio::spawn(async move {
            let begun = Instant::now();
            let verdict = link.await;
            let end = Instant::now();
            Linked { verdict, took: Took { time: end.duration_since(begun), beside }, end }
        }));
        self.links.push_back(PlannedLink { cluster: Arc::clone(cluster), index, state });
    }

    /// Waits until one more link may begin, of at most `limit` that are made. Returns whether it may.
    ///
    /// # Errors
    /// [`PlansError`] of a link before it.
    pub(super) async fn has_room(&mut self, limit: Option<u64>) -> Result<bool, PlansError> {
        while !self.window.has_room(self.running()) {
            self.settle().await?;
        }
        while limit.is_some_and(|limit| self.counts.done + self.links.len() as u64 >= limit) {
            if self.links.is_empty() {
                return Ok(false);
            }
            self.settle().await?;
        }
        Ok(true)
    }

    /// Waits for this, and keeps verdicts meanwhile.
    ///
    /// # Errors
    /// [`PlansError`] of it, or of a link before it.
    pub(super) async fn during<T>(
        &mut self,
        waiting: impl Future<Output = Result<T, PlansError>>,
    ) -> Result<T, PlansError> {
        tokio::pin!(waiting);
        loop {
            tokio::select! {
                biased;
                done = &mut waiting => return done,
                () = self.first_ended(), if !self.links.is_empty() => {}
            }
            self.settle().await?;
        }
    }

    /// Whether a link under way is of one of these users: then the order of the plan decides.
    pub(super) fn concerns(&self, cluster: &PlannedCluster) -> bool {
        self.links.iter().any(|link| link.cluster.shares_a_user_with(cluster))
    }

    /// Waits for all links under way.
    ///
    /// # Errors
    /// [`PlansError`] of the first one that fails.
    pub(super) async fn settle_all(&mut self) -> Result<(), PlansError> {
        while !self.links.is_empty() {
            self.settle().await?;
        }
        Ok(())
    }

    /// Ends an application, for which this is known: what is under way is waited for. Behind a link that
    /// failed nothing is kept, because another application goes on at that link; it is counted.
    ///
    /// # Errors
    /// The given one, or [`PlansError`] of a link.
    pub(super) async fn finish(
        mut self,
        ended: Result<ApplyEnd, PlansError>,
    ) -> Result<ApplyEnd, PlansError> {
        let settled = match &ended {
            Ok(_) | Err(PlansError::Stopped) => self.settle_all().await,
            Err(_) => Ok(()),
        };
        while !self.links.is_empty() {
            self.first_ended().await;
            if let Some(PlannedLink { state: State::Ended(Ok(verdict)), .. }) =
                self.links.pop_front()
            {
                self.counts.add(&verdict);
            }
        }
        settled?;
        let end = ended?;
        self.sink.finish().await?;
        Ok(end)
    }

    fn running(&self) -> usize {
        self.links.iter().filter(|link| matches!(link.state, State::Running(_))).count()
    }

    /// Returns when the first link has ended. It may be dropped before.
    async fn first_ended(&mut self) {
        if let Some(PlannedLink { state, .. }) = self.links.front_mut()
            && let State::Running(link) = state
        {
            *state = State::Ended(match link.await {
                Ok(Linked { verdict, took, end }) => {
                    self.window.note(took, end);
                    verdict
                }
                Err(error) => {
                    let text = format!("a link did not finish: {error}");
                    Err(PlansError::Store(StoreError::Fault(text)))
                }
            });
        }
    }

    /// Waits for the first link, and keeps its verdict together with those behind it that have ended
    /// too.
    async fn settle(&mut self) -> Result<(), PlansError> {
        self.first_ended().await;
        let (mut lines, mut place, mut is_change) = (Vec::new(), None, false);
        let mut failed = None;
        while self.first_ended().now_or_never().is_some() {
            let Some(PlannedLink { cluster, index, state: State::Ended(verdict) }) =
                self.links.pop_front()
            else {
                break;
            };
            let verdict = match verdict {
                Ok(verdict) => verdict,
                Err(error) => {
                    failed = Some(error);
                    break;
                }
            };
            is_change |= self.counts.add(&verdict);
            let line = VerdictLine {
                line: Some(cluster.line),
                primary: Some(&cluster.primary.id),
                secondary: cluster.secondaries.get(index).map(|secondary| &secondary.user.id),
                verdict: &verdict,
            };
            lines.push(line.to_line()?);
            place = Some(JobPlace::Plan { line: cluster.line, users: index as u64 + 1 });
        }
        if let Some(place) = place {
            let milestone = Milestone { place, counts: self.counts, is_change };
            self.sink.write(lines, Some(milestone)).await?;
            (self.progress)(self.counts.all());
        }
        failed.map_or(Ok(()), Err)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::future::ready;
    use serde_json::{Value, json};
    use tokio::sync::oneshot;
    use uuid::Uuid;

    use super::*;
    use crate::{
        store::NewLine,
        transfer::{lines::LinesError, plans::SkipReason},
    };

    /// The batches that a pipeline hands over, with the place of each.
    #[derive(Default)]
    struct Kept(Vec<(Vec<u64>, JobPlace)>);

    impl LineSink for Kept {
        async fn write(
            &mut self,
            lines: Vec<NewLine>,
            milestone: Option<Milestone<'_>>,
        ) -> Result<(), LinesError> {
            let number = |line: NewLine| {
                let line: Value = serde_json::from_str(&line.line).unwrap();
                line["line"].as_u64().unwrap()
            };
            self.0.push((lines.into_iter().map(number).collect(), milestone.unwrap().place));
            Ok(())
        }

        async fn finish(&mut self) -> Result<(), LinesError> {
            Ok(())
        }
    }

    fn cluster(line: u64) -> Arc<PlannedCluster> {
        let user = |side: &str| json!({"id": format!("{side}{line}"), "version": 1});
        let text = json!({"primary": user("a"), "secondaries": [user("b")], "evidence": []});
        Arc::new(PlannedCluster::parse(line, text.to_string().as_bytes()).unwrap())
    }

    fn place(line: u64) -> JobPlace {
        JobPlace::Plan { line, users: 1 }
    }

    fn linked() -> Result<Verdict, PlansError> {
        Ok(Verdict::Linked { link: Some(Uuid::from_u128(1)) })
    }

    #[tokio::test]
    async fn verdicts_are_kept_in_the_order_of_the_plan() {
        let (mut kept, mut counts) = (Kept::default(), Counts::default());
        let mut pipeline = Pipeline::new(3, &mut kept, &|_| (), &mut counts);
        let (first, ended) = oneshot::channel::<()>();
        pipeline.begin(&cluster(2), 0, async {
            ended.await.unwrap();
            linked()
        });
        pipeline.begin(&cluster(3), 0, ready(linked()));
        let skipped = Verdict::Skipped {
            reason: SkipReason::Marked,
            link: None,
            marks: vec!["blocked".to_owned()],
            description: None,
        };
        pipeline.add(&cluster(4), 0, skipped).await.unwrap();
        // The second one has ended, and waits for the first one.
        tokio::task::yield_now().await;
        assert!(pipeline.first_ended().now_or_never().is_none());

        first.send(()).unwrap();
        pipeline.finish(Ok(ApplyEnd::Complete)).await.unwrap();

        assert_eq!(kept.0, [(vec![2, 3, 4], place(4))]);
        assert_eq!((counts.done, counts.skipped[&SkipReason::Marked]), (2, 1));
        assert_eq!(counts.marks["blocked"], 1);
    }

    /// Another application goes on at the link that failed: no line behind it may be kept.
    #[tokio::test]
    async fn behind_a_link_that_failed_nothing_is_kept() {
        let (mut kept, mut counts) = (Kept::default(), Counts::default());
        let mut pipeline = Pipeline::new(3, &mut kept, &|_| (), &mut counts);
        pipeline.begin(&cluster(2), 0, ready(linked()));
        pipeline.begin(&cluster(3), 0, ready(Err(StoreError::Overloaded.into())));
        pipeline.begin(&cluster(4), 0, ready(linked()));

        let failed = pipeline.settle_all().await;
        let ended = pipeline.finish(failed.map(|()| ApplyEnd::Complete)).await;

        assert!(matches!(ended, Err(PlansError::Store(StoreError::Overloaded))), "{ended:?}");
        assert_eq!(kept.0, [(vec![2], place(2))]);
        assert_eq!(counts.done, 2);
    }

    #[tokio::test]
    async fn no_more_links_are_under_way_than_may_still_be_made() {
        let (mut kept, mut counts) = (Kept::default(), Counts::default());
        let mut pipeline = Pipeline::new(3, &mut kept, &|_| (), &mut counts);
        assert!(pipeline.has_room(Some(1)).await.unwrap());
        pipeline.begin(&cluster(2), 0, ready(linked()));
        assert!(!pipeline.has_room(Some(1)).await.unwrap());
        assert!(pipeline.has_room(Some(2)).await.unwrap());
        pipeline.finish(Ok(ApplyEnd::Limited)).await.unwrap();
        assert_eq!((kept.0.len(), counts.done), (1, 1));
    }

    /// What waits, such as for the rate, does not keep verdicts back.
    #[tokio::test]
    async fn verdicts_are_kept_during_a_wait() {
        let (mut kept, mut counts) = (Kept::default(), Counts::default());
        let (all, ended) = oneshot::channel();
        let all = std::sync::Mutex::new(Some(all));
        let progress = move |done| {
            let all = all.lock().unwrap().take().unwrap();
            all.send(done).unwrap();
        };
        let mut pipeline = Pipeline::new(3, &mut kept, &progress, &mut counts);
        pipeline.begin(&cluster(2), 0, ready(linked()));
        let waiting = async {
            let done: u64 = ended.await.unwrap();
            Ok(done)
        };
        assert_eq!(pipeline.during(waiting).await.unwrap(), 1);
        assert_eq!(pipeline.during(ready(Ok(7))).await.unwrap(), 7);
    }

    #[test]
    fn lines_that_name_the_same_user_are_known() {
        let shares = |one: &PlannedCluster, other: &PlannedCluster| one.shares_a_user_with(other);
        assert!(shares(&cluster(2), &cluster(2)) && !shares(&cluster(2), &cluster(3)));
    }
}
