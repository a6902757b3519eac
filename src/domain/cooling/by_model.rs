//! What one account, or one key version, cools down from: as a whole and by model, and what of that the fleet does not know yet.

use std::collections::HashMap;
use std::time::Duration;

use uuid::Uuid;

use super::{Cooling, Failing, Weight, jitter, room, room_for};
use crate::domain::classify::Spent;
use crate::domain::health::{Cause, FailureClass};
use crate::domain::time::Timestamp;

mod lifting;

/// Cooldowns by model, the empty one being the whole: of so many models at most, of which the reports of one caller begin so many.
#[derive(Debug, Default)]
pub struct Cooldowns<const MODELS_MAX: usize, const CALLER_MODELS_MAX: usize> {
    cooling: HashMap<String, Cooling>,
    unsaved: HashMap<String, Cause>,
}

impl<const MODELS_MAX: usize, const CALLER_MODELS_MAX: usize>
    Cooldowns<MODELS_MAX, CALLER_MODELS_MAX>
{
    /// Until when, and why, this model cools down by itself.
    #[must_use]
    pub fn of(&self, model: &str, now: Timestamp) -> Option<&Cause> {
        self.cooling.get(model)?.holds(now)
    }

    /// The same for one caller: see [`Cooling::bars`].
    #[must_use]
    pub fn bars(
        &self,
        model: &str,
        caller: Uuid,
        patience: Duration,
        now: Timestamp,
    ) -> Option<&Cause> {
        self.cooling.get(model)?.bars(caller, patience, now)
    }

    /// The models that cool down by themselves, and until when: so many at most, those that do so longest.
    #[must_use]
    pub fn longest(&self, models_max: usize, now: Timestamp) -> Vec<(String, Timestamp)> {
        let models = self.cooling.iter().filter(|(model, _)| !model.is_empty());
        let held = models.filter_map(|(model, cooling)| Some((cooling.holds(now)?.until, model)));
        let mut held: Vec<_> = held.collect();
        held.sort_unstable_by(|a, b| b.cmp(a));
        held.truncate(models_max);
        let named = held
            .into_iter()
            .map(|(until, model)| (model.clone(), until));
        named.collect()
    }

    /// The models that cool down by themselves, until when, and why.
    #[must_use]
    pub fn held(&self, now: Timestamp) -> Vec<(String, Cause)> {
        let models = self.cooling.iter().filter(|(model, _)| !model.is_empty());
        let held = models.filter_map(|(model, cooling)| Some((model, cooling.holds(now)?)));
        held.map(|(model, cause)| (model.clone(), cause.clone()))
            .collect()
    }

    /// The models whose quota is spent, and until when, those that are out longest first; the empty one is the whole.
    #[must_use]
    pub fn quotas(&self, now: Timestamp) -> Vec<(String, Timestamp)> {
        let held = self.cooling.iter().filter_map(|(model, cooling)| {
            let cause = cooling.holds(now)?;
            (cause.class == FailureClass::Quota).then(|| (model.clone(), cause.until))
        });
        let mut held: Vec<_> = held.collect();
        held.sort_unstable_by_key(|held| std::cmp::Reverse(held.1));
        held
    }

    /// Whether any of it is one caller's word alone.
    #[must_use]
    pub fn is_alleged(&self) -> bool {
        let mut causes = self.cooling.values().filter_map(|c| c.cause.as_ref());
        causes.any(|cause| cause.accuser.is_some())
    }

    /// What cools down of these, by one caller's word, is tried by a lease. Answers whether anything is.
    pub fn is_tried(&mut self, models: [&str; 2], now: Timestamp) -> bool {
        let mut is_tried = false;
        self.alleged(models, now, |cooling| {
            cooling.is_tried(now);
            is_tried = true;
        });
        is_tried
    }

    /// The lease was not given after all.
    pub fn is_untried(&mut self, models: [&str; 2], now: Timestamp) {
        self.alleged(models, now, Cooling::is_untried);
    }

    fn alleged(&mut self, models: [&str; 2], now: Timestamp, mut tell: impl FnMut(&mut Cooling)) {
        for model in models {
            let cooling = self.cooling.get_mut(model);
            let is_alleged = |c: &&mut Cooling| c.holds(now).is_some_and(|c| c.accuser.is_some());
            if let Some(cooling) = cooling.filter(is_alleged) {
                tell(cooling);
            }
        }
    }

    /// A failure that `caller` reported was blamed on it. True where that is news: it is kept as unsaved until [`Self::saved`].
    pub fn blame(
        &mut self,
        (caller, weight): (Uuid, Weight),
        model: &str,
        failing: Failing<'_>,
        now: Timestamp,
    ) -> bool {
        let jitter = jitter(now);
        let cooling = self.place(model, caller, now);
        let news = cooling.and_then(|c| c.blame_by(weight, failing, jitter, now));
        self.keep_unsaved(model, news)
    }

    /// A budget of it is said to be spent, by an answer that `caller` reported. True where that is news.
    pub fn spend(
        &mut self,
        (caller, weight): (Uuid, Weight),
        model: &str,
        spent: Spent,
        why: &str,
        now: Timestamp,
    ) -> bool {
        let cooling = self.place(model, caller, now);
        let news = cooling.and_then(|c| c.spend(weight, spent.class, spent.wait, why, now));
        self.keep_unsaved(model, news)
    }

    /// It cools down as a whole, for as long as this says and no longer.
    pub fn pause(&mut self, cause: Cause) {
        let whole = self.cooling.entry(String::new()).or_default();
        whole.told(cause.clone());
        self.unsaved.insert(String::new(), cause);
    }

    /// What must be committed, by model.
    #[must_use]
    pub fn unsaved(&self) -> Vec<(String, Cause)> {
        let unsaved = self.unsaved.iter();
        unsaved
            .map(|(model, cause)| (model.clone(), cause.clone()))
            .collect()
    }

    /// It is committed.
    pub fn saved(&mut self, model: &str, cause: &Cause) {
        if self.unsaved.get(model) == Some(cause) {
            self.unsaved.remove(model);
        }
    }

    /// A use with this model succeeded, which says nothing of others.
    pub fn succeed(&mut self, model: &str, now: Timestamp) {
        for place in ["", model] {
            if let Some(cooling) = self.cooling.get_mut(place) {
                cooling.succeed(now);
            }
        }
    }

    /// The same, by this caller and of a lease that was given then for one of these: what it was to find out is over, which is kept as
    /// unsaved. Answers whose word was wrong: of the whole not that of the one who is excused, having used another model.
    pub fn refute(
        &mut self,
        models: [&str; 2],
        (by, given, excused): (Uuid, Timestamp, Option<Uuid>),
        now: Timestamp,
    ) -> Option<Uuid> {
        let mut accuser = None;
        for model in models {
            let excused = excused.filter(|_| model.is_empty());
            let nobodys = [Some(by), excused];
            let cooling = self.cooling.get_mut(model);
            if let Some(over) = cooling.and_then(|cooling| cooling.refute(nobodys, given, now)) {
                accuser = accuser.or(over.wrong());
                self.unsaved.insert(model.to_owned(), over);
            }
        }
        accuser
    }

    /// Another replica says so. What has ended is no news.
    pub fn told(&mut self, model: &str, cause: Cause, now: Timestamp) {
        if now < cause.until {
            room(&mut self.cooling, model, MODELS_MAX, now).told(cause);
        }
    }

    /// A person says that it cools down from nothing but this.
    pub fn cleared(&mut self, except: &[(String, Cause)], now: Timestamp) {
        self.unsaved.clear();
        self.cooling.clear();
        for (model, cause) in except {
            self.told(model, cause.clone(), now);
        }
    }

    /// As many cooldowns are remembered, those that have ended among them.
    #[must_use]
    pub fn count(&self) -> usize {
        self.cooling.len()
    }

    fn place(&mut self, model: &str, caller: Uuid, now: Timestamp) -> Option<&mut Cooling> {
        let places = (MODELS_MAX, CALLER_MODELS_MAX);
        room_for(&mut self.cooling, model, caller, places, now)
    }

    fn keep_unsaved(&mut self, model: &str, news: Option<Cause>) -> bool {
        let Some(news) = news else { return false };
        self.unsaved.insert(model.to_owned(), news);
        // What made room meanwhile is no news any more, and must not pile up while nothing can be saved.
        let (unsaved, kept) = (&mut self.unsaved, &self.cooling);
        unsaved.retain(|model, _| kept.contains_key(model));
        true
    }
}
