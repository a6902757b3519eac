//! Limits that are changed under load.

use std::time::Duration;

use keylease::proto;
use tokio::time::sleep;

use crate::arrivals::Allowed;
use crate::clock;
use crate::harness::setup::span;
use crate::world::World;

pub(super) async fn change_amount(world: &mut World) -> Duration {
    let amount = world.setup.amount;
    world.allowed.push(Allowed {
        from: clock::now(),
        amount: amount * 2,
    });
    update(world, amount * 2, |_| {}, "amount").await;
    // Raising acts at once: soon there is a window with more than was allowed before.
    let raised = clock::now();
    let window = world.setup.window;
    let more = usize::try_from(amount + amount / 4).unwrap();
    let is_more = || {
        let started = world.started(raised);
        let mut windows = started.windows(more);
        windows
            .find(|starts| starts[more - 1] - starts[0] < window)
            .map(|_| ())
    };
    world
        .until("more is used than before", is_more)
        .await
        .unwrap();
    update(world, amount / 2, |_| {}, "amount").await;
    world.allowed.push(Allowed {
        from: clock::now() + world.terms().charge_time(),
        amount: amount / 2,
    });
    // The bound on coming back is for the amount as it was.
    sleep(world.terms().charge_time() + world.setup.window).await;
    world.allowed.push(Allowed {
        from: clock::now(),
        amount,
    });
    update(world, amount, |_| {}, "amount").await;
    clock::now()
}

pub(super) async fn change_terms(world: &mut World) -> Duration {
    let (amount, terms) = (world.setup.amount, world.terms());
    for (validity, start_within) in [(4, 4), (1, 5), (5, 1), (1, 1)] {
        let change = |limit: &mut proto::Limit| {
            limit.block_validity = Some(span(terms.validity * validity));
            limit.start_within = Some(span(terms.start_within * start_within));
        };
        update(world, amount, change, "block_validity,start_within").await;
        sleep(world.setup.window * 2 / 3).await;
    }
    clock::now()
}

async fn update(world: &World, amount: u64, change: impl FnOnce(&mut proto::Limit), fields: &str) {
    let mut limit = world.limit();
    limit.name = format!("accounts/a/limits/l{}", world.setup.amount);
    limit.amount = amount.cast_signed();
    change(&mut limit);
    let request = proto::UpdateLimitRequest {
        limit: Some(limit),
        update_mask: Some(prost_types::FieldMask {
            paths: fields.split(',').map(str::to_owned).collect(),
        }),
        ..Default::default()
    };
    world
        .admin()
        .await
        .admin
        .update_limit(request)
        .await
        .unwrap();
}
