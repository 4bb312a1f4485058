//! How many links are made at once: as many as the database can use, and few more.
//!
//! This is the rule of TCP Vegas (Brakmo and Peterson, "TCP Vegas: End to End Congestion Avoidance on
//! a Global Internet", 1995), with links in the place of packets. Of the links under way, those beyond
//! what the database works on wait there, and make each of them take longer. How many wait follows
//! from the times alone (Little's law): all of them, less as many as would be under way at the same
//! rate if each took only as long as one alone. The window keeps two links waiting: with none, the
//! database could be idle. With two, a plan makes as many links per second as eight callers of `Link`.
//! When it made 0.53 of them, because it waited elsewhere, it was 0.41 with one, and 0.57 with four,
//! while look-ups beside it took half as long again.
//!
//! Calls of others take part in both times. So the links get what calls leave, whether these are of
//! this process or of others, and whatever in the database is short.
//!
//! How long a link takes alone is measured again and again, by a few links one after the other: the
//! window itself hides it otherwise. Of the measurements of a minute, the median counts: a burst of
//! calls does not pass for the normal state, and neither do a few links that happened to be quick, next
//! to which all others would seem to wait.

use std::{collections::VecDeque, time::Duration};

use tokio::time::Instant;

/// How many links are to wait.
const WAITING: f64 = 2.0;
/// By how much a window of one changes after a link, for each link that waits too few or too many.
const GAIN: f64 = 0.5;
/// The share of the newest link in the mean time of the recent ones.
const NEWEST: f64 = 1.0 / 8.0;
/// How many links are measured alone.
const ALONE: u32 = 12;
/// How often.
const MEASURE_EVERY: Duration = Duration::from_secs(10);
/// How long a measurement counts.
const COUNTS_FOR: Duration = Duration::from_secs(60);

/// How many links are made at once.
#[derive(Debug)]
pub(super) struct Window {
    size: f64,
    most: f64,
    /// The mean time of the recent links, in seconds; zero before the first.
    recent: f64,
    /// When links were measured alone, and their mean time in seconds, the newest last.
    alone: VecDeque<(Instant, f64)>,
    /// The links that are being measured alone.
    measuring: Option<Measuring>,
}

/// Links of which each begins after the one before has ended.
#[derive(Debug, Default)]
struct Measuring {
    links: u32,
    time: Duration,
}

/// A link that has ended.
#[derive(Debug, Clone, Copy)]
pub(super) struct Took {
    /// How long it took.
    pub time: Duration,
    /// How many others were under way when it began.
    pub beside: usize,
}

impl Window {
    /// One link at first, and never more than `most`.
    pub(super) fn new(most: usize) -> Self {
        let most = f64::from(u32::try_from(most).unwrap_or(u32::MAX)).max(1.0);
        let measuring = Some(Measuring::default());
        Self { size: 1.0, most, recent: 0.0, alone: VecDeque::new(), measuring }
    }

    /// Whether one more link may begin beside those that are under way.
    pub(super) fn has_room(&self, under_way: usize) -> bool {
        match self.measuring {
            Some(_) => under_way == 0,
            None => self.is_below(under_way),
        }
    }

    fn is_below(&self, under_way: usize) -> bool {
        f64::from(u32::try_from(under_way).unwrap_or(u32::MAX)) < self.size.round()
    }

    /// Takes note of a link that has ended at this time.
    pub(super) fn note(&mut self, Took { time, beside }: Took, now: Instant) {
        match &mut self.measuring {
            // It began before the measurement.
            Some(_) if beside > 0 => {}
            Some(measuring) => {
                measuring.links += 1;
                measuring.time += time;
                if measuring.links == ALONE {
                    let mean = measuring.time.as_secs_f64() / f64::from(ALONE);
                    self.alone.push_back((now, mean));
                    self.measuring = None;
                }
            }
            None => self.adapt(time.as_secs_f64(), beside),
        }
        let is_older = |(at, _): &(Instant, f64), than| now.duration_since(*at) >= than;
        // The newest counts however old it is.
        while self.alone.len() > 1 && self.alone.front().is_some_and(|of| is_older(of, COUNTS_FOR))
        {
            self.alone.pop_front();
        }
        if self.measuring.is_none()
            && self.alone.back().is_none_or(|newest| is_older(newest, MEASURE_EVERY))
        {
            self.measuring = Some(Measuring::default());
        }
    }

    /// How long a link takes alone, in seconds: the lower one of two medians.
    fn time_alone(&self) -> f64 {
        let mut means: Vec<f64> = self.alone.iter().map(|(_, mean)| *mean).collect();
        means.sort_by(f64::total_cmp);
        means.get(means.len().saturating_sub(1) / 2).copied().unwrap_or(f64::INFINITY)
    }

    fn adapt(&mut self, time: f64, beside: usize) {
        self.recent = match self.recent {
            0.0 => time,
            recent => recent + (time - recent) * NEWEST,
        };
        let waiting = self.size * (1.0 - (self.time_alone() / self.recent).min(1.0));
        let change = GAIN * (WAITING - waiting) / self.size;
        // Where the rate or the plan leaves room, the times say nothing about a larger window.
        if change < 0.0 || !self.is_below(beside + 1) {
            self.size = (self.size + change).clamp(1.0, self.most);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MOST: usize = 12;

    /// Links by a window, on a clock of their own.
    struct Simulated {
        window: Window,
        now: Instant,
        under_way: Vec<(Instant, Took)>,
        /// How many links ended that had others beside them, and how many that had none.
        ended: (usize, usize),
    }

    impl Simulated {
        fn new() -> Self {
            let (now, window) = (Instant::now(), Window::new(MOST));
            Self { window, now, under_way: Vec::new(), ended: (0, 0) }
        }

        /// Makes links until so many have ended. `time` is that of a link beside so many others, in
        /// seconds.
        fn make(&mut self, links: usize, mut time: impl FnMut(usize) -> f64) -> &mut Self {
            for _ in 0..links {
                while self.window.has_room(self.under_way.len()) {
                    let beside = self.under_way.len();
                    let time = Duration::from_secs_f64(time(beside));
                    self.under_way.push((self.now + time, Took { time, beside }));
                }
                self.under_way.sort_by_key(|(end, _)| *end);
                let (end, took) = self.under_way.remove(0);
                self.now = end;
                self.window.note(took, end);
                match took.beside {
                    0 => self.ended.1 += 1,
                    _ => self.ended.0 += 1,
                }
            }
            self
        }
    }

    /// The time of a link beside so many others where the database works on `capacity` links at once.
    fn at(capacity: f64, alone: f64) -> impl Fn(usize) -> f64 {
        move |beside| alone * ((beside + 1) as f64 / capacity).max(1.0)
    }

    /// The same with times that differ by a quarter up and down.
    fn noisy(capacity: f64, alone: f64, mut seed: u32) -> impl FnMut(usize) -> f64 {
        let exact = at(capacity, alone);
        move |beside| {
            // Numerical Recipes' generator is random enough for noise.
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            exact(beside) * (0.75 + f64::from(seed >> 16) / f64::from(1 << 17))
        }
    }

    /// The same with times as those of a database under load: most are short, and some are very long
    /// (exponential).
    fn under_load(capacity: f64, alone: f64, mut seed: u32) -> impl FnMut(usize) -> f64 {
        let exact = at(capacity, alone);
        move |beside| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let above_zero = (f64::from(seed >> 8) + 1.0) / f64::from(1 << 24);
            exact(beside) * -above_zero.ln()
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]

        /// Times that vary much do not make it timid: links that were quick by chance are not how long
        /// one takes alone.
        #[test]
        fn it_uses_what_others_leave_however_much_the_times_vary(
            capacity in 4.0..8.0, seed: u32,
        ) {
            let mut links = Simulated::new();
            let mut time = under_load(capacity, 0.05, seed);
            let begun = links.now;
            let (mut sum, mut count) = (0.0, 0.0);
            while links.now < begun + 6 * COUNTS_FOR {
                links.make(1, &mut time);
                if links.now > begun + 2 * COUNTS_FOR {
                    sum += links.window.size;
                    count += 1.0;
                }
            }
            let mean: f64 = sum / count;
            prop_assert!((capacity * 0.65..capacity + 5.0).contains(&mean), "{mean} of {capacity}");
        }

        /// Others that make each link slower, and not wait, such as a slower disk, are the normal state
        /// after a minute.
        #[test]
        fn it_does_not_stay_at_one_link_for_good(capacity in 3.0..8.0, seed: u32) {
            let mut links = Simulated::new();
            links.make(2000, noisy(capacity, 0.005, seed));
            let mut slower = noisy(capacity, 0.05, seed);
            let slower_since = links.now;
            while links.now < slower_since + COUNTS_FOR + MEASURE_EVERY {
                links.make(1, &mut slower);
            }
            links.make(500, &mut slower);
            let size = links.window.size;
            prop_assert!(size > capacity * 0.6, "{size} of {capacity}");
        }
    }

    proptest! {
        /// Whatever the database works on at once, and however long a link takes: it has that much to
        /// do, and few links wait.
        #[test]
        fn it_settles_a_little_above_what_the_database_works_on(
            capacity in 1.0..8.0, alone in 0.0005..0.1, seed: u32,
        ) {
            let mut links = Simulated::new();
            let mut time = noisy(capacity, alone, seed);
            links.make(1500, &mut time);
            let mut mean = 0.0;
            for _ in 0..20 {
                links.make(50, &mut time);
                let size = links.window.size;
                prop_assert!((capacity * 0.6..capacity + 5.0).contains(&size), "{size} of {capacity}");
                mean += size / 20.0;
            }
            prop_assert!((capacity * 0.9..capacity + 3.0).contains(&mean), "{mean} of {capacity}");
        }

        /// Others that begin to work leave it less, at once, and for as long as they work.
        #[test]
        fn it_gives_way_to_others_and_comes_back(alone in 0.0005..0.02, seed: u32) {
            let mut links = Simulated::new();
            links.make(1000, noisy(7.0, alone, seed));
            prop_assert!(links.window.size > 6.0, "{}", links.window.size);
            links.make(100, noisy(2.0, alone, seed));
            prop_assert!(links.window.size < 5.5, "{}", links.window.size);
            let two_minutes = links.now + 2 * COUNTS_FOR;
            let mut busy = noisy(2.0, alone, seed);
            while links.now < two_minutes {
                links.make(1, &mut busy);
                prop_assert!(links.window.size < 6.0, "{}", links.window.size);
            }
            links.make(1000, noisy(7.0, alone, seed));
            prop_assert!(links.window.size > 6.0, "{}", links.window.size);
        }

        #[test]
        fn it_keeps_its_bounds_whatever_the_times(
            links in prop::collection::vec((0_u64..10_000_000, 0_usize..20), 0..500), most in 0_usize..20,
        ) {
            let (mut window, mut now) = (Window::new(most), Instant::now());
            for (micros, beside) in links {
                let time = Duration::from_micros(micros);
                now += time;
                window.note(Took { time, beside }, now);
                prop_assert!((1.0..=most.max(1) as f64).contains(&window.size));
                prop_assert!(window.has_room(0) && !window.has_room(most.max(1)));
            }
        }
    }

    #[test]
    fn a_window_that_the_rate_does_not_use_does_not_grow() {
        let (mut window, mut now) = (Window::new(MOST), Instant::now());
        for _ in 0..1000 {
            now += Duration::from_millis(20);
            window.note(Took { time: Duration::from_millis(2), beside: 0 }, now);
        }
        assert!(window.size <= 2.0, "{}", window.size);
    }

    /// The measurement costs a small part of the rate.
    #[test]
    fn few_links_are_measured_alone() {
        let mut links = Simulated::new();
        links.make(100_000, at(4.0, 0.002));
        let (beside, alone) = links.ended;
        assert!(beside > 50 * alone, "{beside} {alone}");
    }
}
