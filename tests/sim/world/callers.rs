//! What callers do.

use super::*;

impl World<'_> {
    pub(super) fn arrive(&mut self) {
        let window = nanos(self.setup.limits[0].span.length());
        let is_peak = (self.now % window) * 100 < 15 * window;
        let factor = match (self.setup.is_bursty, is_peak) {
            (false, _) => 1.0,
            (true, true) => 6.0,
            (true, false) => 0.25,
        };
        let gap = self.random.exponential(self.setup.demand * factor);
        self.after(gap, Event::Arrive);
        let input = self.random.between(1, self.setup.tokens_max);
        let call = Call {
            sent: self.now,
            clock: BootClock {
                offset: 0,
                ppm: self.random.signed(300),
            },
            uses: self.random.between(1, self.setup.uses_max + 1),
            estimate: Estimate {
                input_tokens: input,
                output_tokens: 0,
                cost_micros: None,
            },
            max_wait: self.setup.max_wait,
        };
        let index = self.random.index(self.replicas.len());
        let delay = self.hop() / 2;
        self.after(delay, Event::Call(index, call));
    }

    pub(super) fn leased(&mut self, mut given: Given) {
        if self.setup.bug == Some(Bug::StartWithinFromReply) {
            given.call.sent = self.now;
        }
        let seen = match self.random.unit() {
            roll if roll < self.setup.not_sent => Seen::NotSent,
            roll if roll < self.setup.not_sent + self.setup.unanswered => Seen::NoAnswer,
            _ => Seen::Answer,
        };
        let think = match seen {
            // A request that never gets an answer may start at the last moment that its lease allows, long after it was given up.
            Seen::NoAnswer => {
                let left = given.start_within.saturating_sub(given.age(self.now));
                self.tell(&given, seen, None);
                nanos(left).saturating_sub(MILLI)
            }
            Seen::Answer | Seen::NotSent => self.random.between(MILLI, nanos(self.setup.think_max)),
        };
        self.after(think, Event::Start(given, seen));
    }

    pub(super) fn begin(&mut self, given: Given, seen: Seen) {
        let age = given.age(self.now);
        let is_late = age > given.start_within;
        if is_late || seen == Seen::NotSent {
            if seen != Seen::NoAnswer {
                self.tell(&given, Seen::NotSent, None);
            }
            return;
        }
        for limit in &self.limits {
            let units = match limit.dimension {
                Dimension::Requests | Dimension::Concurrency => 1,
                Dimension::CostMicros => 0,
                Dimension::Tokens | Dimension::InputTokens => given.call.estimate.input_tokens,
                Dimension::OutputTokens => 0,
            };
            let oracle = self.oracles.get_mut(&limit.uid).unwrap();
            oracle.started(self.now, units * given.granted);
        }
        if seen == Seen::Answer && !self.setup.hold_max.is_zero() {
            self.use_for_a_while(&given);
            return;
        }
        if seen == Seen::Answer && !self.random.chance(self.setup.silent) {
            let says_when = self.random.chance(0.8);
            self.tell(&given, seen, says_when.then_some(age));
        }
    }

    /// Reports, once or twice.
    pub(super) fn tell(&mut self, given: &Given, seen: Seen, started_after: Option<Duration>) {
        if seen != Seen::Answer {
            self.let_go_of(given);
        }
        let report = Report {
            given: given.clone(),
            sequence: 0,
            part: Part {
                uses: given.granted,
                is_not_sent: seen == Seen::NotSent,
                consumed: Usage::default(),
            },
            seen,
            started_after,
        };
        let latency = match seen {
            Seen::Answer if !self.setup.hold_max.is_zero() => 0,
            Seen::Answer => nanos(self.setup.latency),
            Seen::NoAnswer | Seen::NotSent => 0,
        };
        let times = if self.random.chance(self.setup.twice) {
            2
        } else {
            1
        };
        let issuer = self.replicas.iter().position(|r| r.boot_id == given.issuer);
        for _ in 0..times {
            let anywhere = self.random.index(self.replicas.len());
            let is_same = self.random.chance(0.7);
            let index = issuer.filter(|_| is_same).unwrap_or(anywhere);
            let delay = latency + self.hop() + self.random.between(0, 30 * MILLI);
            self.after(delay, Event::Report(index, report.clone()));
        }
    }
}
