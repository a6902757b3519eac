//! What callers do.

use super::*;

/// How often a report comes at most.
const TOLD_MAX: u32 = 4;

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
        if self.promises.is_open() {
            return;
        }
        let mut input = self.random.between(1, self.setup.tokens_max);
        let mut max_wait = self.setup.max_wait;
        if let Some((share, tokens)) = self.setup.large
            && self.random.chance(share)
        {
            (input, max_wait) = (tokens, Duration::from_mins(1));
        }
        let call = Call {
            sent: self.now,
            clock: BootClock {
                offset: 0,
                ppm: self.random.signed(300),
            },
            uses: self.random.between(1, self.setup.uses_max + 1),
            estimate: Estimate {
                input_tokens: input,
                output_tokens: self.at_most(self.setup.output_max),
                cost_micros: self.setup.cost_max.map(|most| self.at_most(most)),
            },
            model: self.model(),
            max_wait,
            request: None,
        };
        let index = self.random.index(self.replicas.len());
        let call = self.name(call, index);
        let delay = self.hop() / 2;
        self.after(delay, Event::Call(index, call));
    }

    /// From 1 on; 0 if that is the most. Nothing is drawn then, so that other scenarios stay what they are.
    fn at_most(&mut self, most: u64) -> u64 {
        match most {
            0 => 0,
            _ => self.random.between(1, most + 1),
        }
    }

    fn model(&mut self) -> Option<&'static str> {
        let models = self.setup.models;
        (!models.is_empty()).then(|| models[self.random.index(models.len())])
    }

    pub(super) fn leased(&mut self, mut given: Given) {
        if self.setup.bug == Some(Bug::StartWithinFromReply) {
            given.call.sent = self.now;
        }
        if !self.is_taken(&given) {
            return;
        }
        for portion in self.portions(&given) {
            self.plan(&given, portion);
        }
    }

    /// How its uses are to be reported: together, and of one fate; or in parts, with several each.
    fn portions(&mut self, given: &Given) -> Vec<Portion> {
        let uses = given.granted;
        if !self.setup.in_parts || uses == 1 {
            let seen = self.fate();
            let mut portion = Portion::whole(uses, seen);
            portion.is_silent = seen == Seen::Answer && self.random.chance(self.setup.silent);
            portion.took = self.takes(given);
            return vec![portion];
        }
        if self.is_odd(Odd::Incomplete) {
            let (mut silent, mut last) = (
                Portion::whole(uses - 1, Seen::Answer),
                Portion::whole(1, Seen::Answer),
            );
            silent.is_silent = true;
            (last.sequence, last.is_final) = (1, true);
            return vec![silent, last];
        }
        let count = self.random.between(1, uses.min(3) + 1);
        let mut portions = Vec::new();
        for sequence in 0..count {
            let mut portion = Portion::whole(0, Seen::Answer);
            portion.sequence = u32::try_from(sequence).unwrap();
            portion.is_final = sequence + 1 == count && self.random.chance(0.5);
            portion.is_silent = self.random.chance(self.setup.silent);
            portion.took = self.takes(given);
            portions.push(portion);
        }
        for index in 0..uses {
            let at = usize::try_from(index % count).unwrap();
            let seen = self.fate();
            portions[at].add(1, seen);
        }
        portions
    }

    fn fate(&mut self) -> Seen {
        if self.is_odd(Odd::Unsent) || self.is_odd(Odd::UnsentLate) {
            return Seen::NotSent;
        }
        match self.random.unit() {
            roll if roll < self.setup.not_sent => Seen::NotSent,
            roll if roll < self.setup.not_sent + self.setup.unanswered => Seen::NoAnswer,
            _ => Seen::Answer,
        }
    }

    fn takes(&mut self, given: &Given) -> Option<u64> {
        let most = self.setup.takes_max?;
        let estimated = given.call.estimate.input_tokens as f64;
        Some((estimated * most * self.random.unit()) as u64)
    }

    /// When its uses start, and what is known of them before.
    fn plan(&mut self, given: &Given, mut portion: Portion) {
        let left = given.start_within.saturating_sub(given.age(self.now));
        let last = nanos(left).saturating_sub(MILLI);
        if portion.unanswered > 0 {
            // A request that never gets an answer may start at the last moment that its lease allows, long after it was given up.
            self.after(last, Event::StartLast(given.clone(), portion));
        }
        if portion.answered == 0 && portion.not_sent == 0 {
            self.tell(given, portion, None);
            return;
        }
        if portion.is_silent && self.setup.in_parts {
            // Nobody hears of these, whatever is said of the others: they may start last too.
            portion.unanswered = std::mem::take(&mut portion.answered);
            self.after(last, Event::StartLast(given.clone(), portion));
            return;
        }
        let think = if given.is_again && portion.sequence != 1 {
            // Whoever has waited twice is slow, and may say nothing in the end.
            portion.is_silent |= self.random.chance(0.5);
            last
        } else if self.setup.starts_last {
            last
        } else if portion.answered == 0 && self.is_odd(Odd::UnsentLate) {
            self.random.between(SECOND, 12 * SECOND)
        } else {
            self.random.between(MILLI, nanos(self.setup.think_max))
        };
        self.after(think, Event::Start(given.clone(), portion));
    }

    pub(super) fn begin(&mut self, given: &Given, mut portion: Portion) {
        let age = given.age(self.now);
        if age > given.start_within {
            portion.miss();
        }
        if portion.answered == 0 {
            self.tell(given, portion, None);
            return;
        }
        self.start(given, portion.answered, portion.took);
        if !self.setup.hold_max.is_zero() {
            self.use_for_a_while(given, portion.is_silent);
            return;
        }
        if !portion.is_silent {
            let says_when = self.random.chance(0.8);
            self.tell(given, portion, says_when.then_some(age));
        }
    }

    /// Uses start, unless it is too late.
    pub(super) fn start(&mut self, given: &Given, uses: u64, took: Option<u64>) {
        if given.age(self.now) > given.start_within {
            return;
        }
        *self.served.entry(given.issuer).or_default() += uses;
        let estimate = given.call.estimate;
        let limits = self.limits.iter();
        for limit in limits.filter(|limit| limit.applies_to(given.call.model)) {
            let oracle = self.oracles.get_mut(&limit.uid).unwrap();
            let estimated = match limit.dimension {
                Dimension::Requests | Dimension::Concurrency => 1,
                Dimension::Tokens => estimate.input_tokens + estimate.output_tokens,
                Dimension::InputTokens => estimate.input_tokens,
                Dimension::OutputTokens => estimate.output_tokens,
                Dimension::CostMicros => estimate.cost_micros.unwrap_or_default(),
            };
            // What a use takes is said of input tokens, where there are no others.
            let is_said = matches!(limit.dimension, Dimension::Tokens | Dimension::InputTokens);
            let took = took.filter(|_| is_said).unwrap_or(estimated);
            let (units, more) = (took.min(estimated), took.saturating_sub(estimated));
            oracle.started(self.now, units * uses);
            oracle.took_more(self.now, more * uses);
        }
    }

    /// Reports, once or more often.
    pub(super) fn tell(
        &mut self,
        given: &Given,
        portion: Portion,
        started_after: Option<Duration>,
    ) {
        let is_answered = portion.answered > 0;
        if !is_answered {
            self.let_go_of(given);
        }
        let report = portion.report(given, started_after);
        let latency = match is_answered {
            true if self.setup.hold_max.is_zero() => nanos(self.setup.latency),
            _ => 0,
        };
        let mut times = 1;
        while times < TOLD_MAX && self.random.chance(self.setup.twice) {
            times += 1;
        }
        let issuer = self.replicas.iter().position(|r| r.boot_id == given.issuer);
        for time in 0..times {
            let anywhere = self.random.index(self.replicas.len());
            let is_same = !self.random.chance(self.setup.elsewhere);
            let index = issuer.filter(|_| is_same).unwrap_or(anywhere);
            let late = match time {
                0 => 30 * MILLI,
                _ => nanos(self.setup.late_max),
            };
            let delay = latency + self.hop() + self.random.between(0, late);
            self.after(delay, Event::Report(index, report.clone()));
        }
    }
}
