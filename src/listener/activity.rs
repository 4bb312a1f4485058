//! What a connection does: enough to distinguish an idle one, and one whose client takes no
//! responses, from one that works.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::{Duration, Instant},
};

use hyper::body::{Body, Buf, Bytes, Frame, SizeHint};

use super::limits::Limits;

/// What one connection does.
#[derive(Debug)]
pub(super) struct Activity(Mutex<State>);

#[derive(Debug)]
struct State {
    /// The calls whose responses are not complete.
    calls: usize,
    /// The chunks of responses that are ready and not written: the client's window or its socket is
    /// full.
    waiting: usize,
    /// When calls and waiting chunks last became none.
    quiet_since: Instant,
    /// When the first waiting chunk began to wait, or the client last took data.
    moved: Instant,
    /// When the connection was opened.
    opened: Instant,
    /// Whether a call was admitted on this connection.
    admitted: bool,
    /// Whether the client was sent GOAWAY.
    closing: bool,
}

/// What to do with a connection.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Keep it, and check again after this time.
    Keep(Duration),
    /// There was no call for too long, or none that was admitted.
    Idle,
    /// Response data waits for the client, which has taken none for too long.
    Stalled,
}

impl Activity {
    /// The activity of a connection that has just been opened.
    pub(super) fn new() -> Arc<Self> {
        let now = Instant::now();
        let state = State {
            calls: 0,
            waiting: 0,
            quiet_since: now,
            moved: now,
            opened: now,
            admitted: false,
            closing: false,
        };
        Arc::new(Self(Mutex::new(state)))
    }

    /// Notes that a call has begun. It ends when the returned value is dropped.
    pub(super) fn begin_call(self: &Arc<Self>) -> OpenCall {
        let mut state = self.state();
        state.calls += 1;
        OpenCall(Arc::clone(self))
    }

    /// Notes that the client was sent GOAWAY.
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
            // Calls that are not admitted do not extend the time.
            (false, false) => (state.opened, limits.first_call_timeout),
        };
        let (since, patience, verdict) = match (state.waiting, state.calls) {
            (1.., _) => (state.moved, limits.stall_timeout, Verdict::Stalled),
            // The server owes the response: the client is not to blame.
            (0, 1..) => return Verdict::Keep(limits.stall_timeout),
            (0, 0) => (quiet_since, quiet_for, Verdict::Idle),
        };
        match patience.checked_sub(since.elapsed()) {
            // A call may begin in this time, and its response may stall.
            Some(rest) if !rest.is_zero() => Verdict::Keep(rest.min(limits.stall_timeout)),
            _ => verdict,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A call whose response is not complete.
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
    /// Notes that the call was admitted.
    pub(super) fn admit(&self) {
        self.0.state().admitted = true;
    }

    /// Wraps the body of this call's response.
    pub(super) fn track<B>(self, body: B) -> TrackedBody<B> {
        TrackedBody { body, call: self }
    }
}

/// The body of a response, whose chunks are tracked until they are written.
#[derive(Debug)]
pub(super) struct TrackedBody<B> {
    body: B,
    call: OpenCall,
}

impl<B: Body<Data = Bytes> + Unpin> Body for TrackedBody<B> {
    type Data = TrackedChunk;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<TrackedChunk>, B::Error>>> {
        let Self { body, call } = &mut *self;
        let watched = |bytes| TrackedChunk::new(bytes, &call.0);
        Pin::new(body).poll_frame(cx).map_ok(|frame| frame.map_data(watched))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A chunk of a response. hyper keeps it while the client's HTTP/2 window is closed, possibly long
/// after the body has ended, and drops it when it is written.
#[derive(Debug)]
pub(super) struct TrackedChunk {
    bytes: Bytes,
    activity: Arc<Activity>,
}

impl TrackedChunk {
    fn new(bytes: Bytes, activity: &Arc<Activity>) -> Self {
        let mut state = activity.state();
        if state.waiting == 0 {
            state.moved = Instant::now();
        }
        state.waiting += 1;
        Self { bytes, activity: Arc::clone(activity) }
    }
}

impl Drop for TrackedChunk {
    fn drop(&mut self) {
        let mut state = self.activity.state();
        state.waiting -= 1;
        state.quiet_since = Instant::now();
    }
}

impl Buf for TrackedChunk {
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
