//! The yardstick: what teams do without a vault. Each replica alone hands out its even part of N, by an exact window that it keeps in
//! memory. It is given the very calls that the vault was given, with their times, their replicas and their patience.

use std::time::Duration;

use super::arrivals::Arrival;
use super::caller::Call;
use super::world::Setup;

/// What such replicas would have let start.
pub(crate) fn divided(mut calls: Vec<Call>, setup: &Setup) -> Vec<Arrival> {
    let part = usize::try_from(setup.amount).unwrap() / setup.replicas;
    let mut given: Vec<Vec<Duration>> = vec![Vec::new(); setup.replicas];
    calls.sort_by_key(|call| call.at);
    for call in calls {
        let given = &mut given[call.replica];
        let last_of_part = given.len().checked_sub(part);
        let free = last_of_part.map_or(call.at, |place| given[place] + setup.window);
        if free <= call.at + call.wait {
            given.push(free.max(call.at));
        }
    }
    let started = given.into_iter().flatten();
    started.map(|at| Arrival { at, started: at }).collect()
}
