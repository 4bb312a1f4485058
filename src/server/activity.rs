//! What a connection is doing: enough to tell one that is idle, and one whose client takes no
//! answers, from one that works.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::{Duration, Instant},
};

use hyper::body::{Body, Buf, Bytes, Frame, SizeHint};

use crate::config::Limits;

/// What one connection is doing.
#[derive(Debug)]
pub(super) struct Activity(Mutex<State>);

#[derive(Debug)]
struct State {
    /// Calls that are not answered to the end.
    calls: usize,
    /// Pieces of answers that are ready and not written: the client's window or its socket is full.
    waiting: usize,
    /// Since when there is neither, if there is neither.
    quiet_since: Instant,
    /// When a piece began to wait behind none, or the client last took something.
    moved: Instant,
    /// When it was opened.
    opened: Instant,
    /// Whether there was a call of somebody who was let in.
    admitted: bool,
    /// Whether the client was told to go away.
    closing: bool,
}

/// What to do with a connection.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Leave it, and look again after this time.
    Fine(Duration),
    /// It has had no call for too long, or none of somebody who was let in.
    Idle,
    /// Answers wait for the client, and it has taken nothing for too long.
    Stalled,
}

impl Activity {
    /// Of a connection that has just been opened.
    pub(super) fn new() -> Arc<Self> {
        let now = Instant::now();
        let state =
            State { calls: 0, waiting: 0, quiet_since: now, moved: now, opened: now, admitted: false, closing: false };
        Arc::new(Self(Mutex::new(state)))
    }

    /// Notes that a call has begun, until what this gives is dropped.
    pub(super) fn begin_call(self: &Arc<Self>) -> OpenCall {
        let mut state = self.state();
        state.calls += 1;
        OpenCall(Arc::clone(self))
    }

    /// Notes that the client was told to go away.
    pub(super) fn close(&self) {
        let mut state = self.state();
        state.quiet_since = Instant::now();
        state.closing = true;
    }

    /// Judges the connection as it is now.
    pub(super) fn judge(&self, limits: &Limits) -> Verdict {
        let state = self.state();
        let (quiet_since, quiet_for) = match (state.closing, state.admitted) {
            (true, _) => (state.quiet_since, limits.handshake_timeout),
            (false, true) => (state.quiet_since, limits.idle_timeout),
            // Whatever it calls without a token gives it no more time.
            (false, false) => (state.opened, limits.first_call_timeout),
        };
        let (since, patience, verdict) = match (state.waiting, state.calls) {
            (1.., _) => (state.moved, limits.stall_timeout, Verdict::Stalled),
            // An answer that waits for us is our business.
            (0, 1..) => return Verdict::Fine(limits.stall_timeout),
            (0, 0) => (quiet_since, quiet_for, Verdict::Idle),
        };
        match patience.checked_sub(since.elapsed()) {
            // A call may begin meanwhile, and its answer stall.
            Some(rest) if !rest.is_zero() => Verdict::Fine(rest.min(limits.stall_timeout)),
            _ => verdict,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A call that is not answered to the end.
#[derive(Debug)]
pub(super) struct OpenCall(Arc<Activity>);

impl Drop for OpenCall {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.calls -= 1;
        state.quiet_since = Instant::now();
    }
}

impl OpenCall {
    /// Notes that whoever calls was let in.
    pub(super) fn admit(&self) {
        self.0.state().admitted = true;
    }

    /// The body of this call's answer.
    pub(super) fn answer<B>(self, body: B) -> Answer<B> {
        Answer { body, call: self }
    }
}

/// The body of an answer, whose pieces are watched until they are written.
#[derive(Debug)]
pub(super) struct Answer<B> {
    body: B,
    call: OpenCall,
}

impl<B: Body<Data = Bytes> + Unpin> Body for Answer<B> {
    type Data = Piece;
    type Error = B::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Piece>, B::Error>>> {
        let Self { body, call } = &mut *self;
        let watched = |bytes| Piece::new(bytes, &call.0);
        Pin::new(body).poll_frame(cx).map_ok(|frame| frame.map_data(watched))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A piece of an answer. HTTP/2 keeps it while the client's window is closed, long after the body
/// it came from has ended, and drops it when it is written.
#[derive(Debug)]
pub(super) struct Piece {
    bytes: Bytes,
    activity: Arc<Activity>,
}

impl Piece {
    fn new(bytes: Bytes, activity: &Arc<Activity>) -> Self {
        let mut state = activity.state();
        if state.waiting == 0 {
            state.moved = Instant::now();
        }
        state.waiting += 1;
        Self { bytes, activity: Arc::clone(activity) }
    }
}

impl Drop for Piece {
    fn drop(&mut self) {
        let mut state = self.activity.state();
        state.waiting -= 1;
        state.quiet_since = Instant::now();
    }
}

impl Buf for Piece {
    fn remaining(&self) -> usize {
        self.bytes.remaining()
    }

    fn chunk(&self) -> &[u8] {
        self.bytes.chunk()
    }

    fn advance(&mut self, written: usize) {
        self.bytes.advance(written);
        self.activity.state().moved = Instant::now();
    }
}
