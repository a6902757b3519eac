//! What the headers of answers say of an account's budgets: that one is spent, and how large it is.

use std::sync::atomic::Ordering;

use uuid::Uuid;

use super::AccountLive;
use super::waiting::wake_first;
use crate::domain::classify::Spent;
use crate::domain::cooling::Weight;
use crate::domain::learned::{BudgetName, Learned};
use crate::domain::time::Timestamp;
use crate::live::heard::Witness;

impl AccountLive {
    /// A budget is said to be spent, by an answer that `caller` reported: it cools until a use fits again, as if a 429 had said so, and
    /// with no more effect than that would have.
    pub fn spend(
        &self,
        word: (Uuid, Weight),
        model: &str,
        spent: Spent,
        why: &str,
        now: Timestamp,
    ) {
        let state = &mut *self.state.lock();
        if state.cooldowns.spend(word, model, spent, why, now) {
            wake_first(state);
        }
        self.note_alleged(state);
    }

    /// The models that cool down by themselves, and until when: so many at most, those that do so longest.
    #[must_use]
    pub fn cooled_models(&self, models_max: usize, now: Timestamp) -> Vec<(String, Timestamp)> {
        self.state.lock().cooldowns.longest(models_max, now)
    }

    /// The models whose quota is spent, and until when: see [`crate::domain::cooling::Cooldowns::quotas`].
    #[must_use]
    pub fn quotas(&self, now: Timestamp) -> Vec<(String, Timestamp)> {
        self.state.lock().cooldowns.quotas(now)
    }

    /// A report states how large a budget is.
    pub fn hear(&self, budget: BudgetName, amount: u64, witness: Witness, now: Timestamp) {
        let is_news = self.state.lock().heard.hear(budget, amount, witness, now);
        if is_news {
            self.has_heard.store(true, Ordering::Release);
        }
    }

    /// What is to be written of that, and counts as written from now on.
    #[must_use]
    pub fn heard_news(&self, now: Timestamp) -> Vec<Learned> {
        if !self.has_heard.swap(false, Ordering::AcqRel) {
            return Vec::new();
        }
        self.state.lock().heard.news(now)
    }

    /// This could not be written.
    pub fn heard_unwritten(&self, news: &[Learned]) {
        self.state.lock().heard.unwritten(news);
        self.has_heard.store(true, Ordering::Release);
    }

    /// Forgets what was not heard since then.
    pub fn forget_heard(&self, since: Timestamp) {
        self.state.lock().heard.forget(since);
    }
}
