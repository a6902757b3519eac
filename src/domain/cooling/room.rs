//! Places for the cooldowns of models: reports name what models they like, and memory has an end.

use std::collections::HashMap;

use uuid::Uuid;

use super::Cooling;
use crate::domain::time::Timestamp;

/// The cooldown of one model among at most `models_max`: reports name what models they like. Where all places are taken, the model
/// whose cooldown ends first makes room. The empty one, which is the whole, takes none and makes none.
pub(super) fn room<'a>(
    models: &'a mut HashMap<String, Cooling>,
    model: &str,
    models_max: usize,
    now: Timestamp,
) -> &'a mut Cooling {
    let taken =
        |models: &HashMap<String, Cooling>| models.len() - usize::from(models.contains_key(""));
    if !model.is_empty() && taken(models) >= models_max && !models.contains_key(model) {
        models.retain(|_, cooling| cooling.holds(now).is_some());
        if taken(models) >= models_max {
            make_room(models);
        }
    }
    models.entry(model.to_owned()).or_default()
}

fn make_room(models: &mut HashMap<String, Cooling>) {
    let end = |cooling: &Cooling| cooling.cause.as_ref().map(|cause| cause.until);
    let of_models = models.iter().filter(|(model, _)| !model.is_empty());
    let first = of_models.min_by_key(|(model, cooling)| (end(cooling), *model));
    if let Some(model) = first.map(|(model, _)| model.clone()) {
        models.remove(&model);
    }
}

/// The same for a report of this caller, among so many models and so many of one caller. `None` if that has begun as many as one caller may.
pub(super) fn room_for<'a>(
    models: &'a mut HashMap<String, Cooling>,
    model: &str,
    caller: Uuid,
    (models_max, caller_models_max): (usize, usize),
    now: Timestamp,
) -> Option<&'a mut Cooling> {
    let begun =
        |cooling: &&Cooling| cooling.begun_by == Some(caller) && cooling.holds(now).is_some();
    let holds = |cooling: &Cooling| cooling.holds(now).is_some();
    let is_new = !model.is_empty() && !models.get(model).is_some_and(holds);
    if is_new && models.values().filter(begun).count() >= caller_models_max {
        return None;
    }
    let cooling = room(models, model, models_max, now);
    if is_new {
        cooling.begun_by = Some(caller);
    }
    Some(cooling)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::domain::cooling::{ACCOUNT_MODELS_MAX, CALLER_MODELS_MAX};
    use crate::domain::health::FailureClass;

    const PLACES: (usize, usize) = (ACCOUNT_MODELS_MAX, CALLER_MODELS_MAX);

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000)
    }

    fn blame(cooling: &mut Cooling, stated: Option<u64>, seconds: i64) {
        let stated = stated.map(Duration::from_secs);
        cooling.blame(FailureClass::RateLimit, stated, 0.0, "429", at(seconds));
    }

    #[test]
    fn models_that_are_reported_without_end_fill_no_memory() {
        let mut models = HashMap::new();
        for i in 0..1_000 {
            let cooling = room(&mut models, &format!("m{i}"), 8, at(i / 100));
            blame(cooling, Some(1), i / 100);
        }
        assert_eq!(models.len(), 8);
        room(&mut models, "", 8, at(9));
        assert_eq!(models.len(), 9);
        room(&mut models, "m999999", 8, at(100));
        assert_eq!(models.len(), 1);
    }

    #[test]
    fn where_all_places_are_taken_what_ends_first_makes_room() {
        let mut models = HashMap::new();
        for (model, seconds) in [("", 1), ("long", 600), ("short", 60), ("shorter", 30)] {
            blame(room(&mut models, model, 3, at(0)), Some(seconds), 0);
        }
        blame(room(&mut models, "news", 3, at(1)), Some(5), 1);
        let mut kept: Vec<&str> = models.keys().map(String::as_str).collect();
        kept.sort_unstable();
        assert_eq!(kept, ["long", "news", "short"]);
        assert!(models["news"].holds(at(2)).is_some());
    }

    #[test]
    fn one_caller_pushes_nobody_out_and_others_are_heard() {
        let (liar, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let mut models = HashMap::new();
        for i in 0..1_000 {
            if let Some(cooling) = room_for(&mut models, &format!("m{i}"), liar, PLACES, at(0)) {
                blame(cooling, Some(86_400), 0);
            }
        }
        assert_eq!(models.len(), CALLER_MODELS_MAX);
        // What it has begun it may prolong, and so may others, and the whole has its own place.
        assert!(room_for(&mut models, "m0", liar, PLACES, at(0)).is_some());
        assert!(room_for(&mut models, "", liar, PLACES, at(0)).is_some());
        blame(
            room_for(&mut models, "real", other, PLACES, at(0)).unwrap(),
            Some(60),
            0,
        );
        assert!(models["real"].holds(at(59)).is_some());
        // What has ended is not held against it.
        assert!(room_for(&mut models, "m1000", liar, PLACES, at(86_400)).is_some());
    }
}
