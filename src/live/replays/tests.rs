use super::*;

const ONE: Uuid = Uuid::from_u128(1);
const TWO: Uuid = Uuid::from_u128(2);

const fn at(seconds: u64) -> BootTime {
    BootTime::from_nanos(seconds * 1_000_000_000)
}

type Calls = Replays<u8, u8>;

fn slot(calls: &Calls, caller: Uuid, id: &str, now: u64) -> Result<Arc<Slot<u8, u8>>, Full> {
    calls.slot(caller, id, || 7, at(now + 1), at(now))
}

#[test]
fn the_same_id_of_the_same_caller_finds_the_same_slot() {
    let calls = Calls::default();
    let first = slot(&calls, ONE, "a", 1).unwrap();
    assert!(Arc::ptr_eq(&first, &slot(&calls, ONE, "a", 2).unwrap()));
    for (caller, id) in [(ONE, "b"), (TWO, "a")] {
        assert!(!Arc::ptr_eq(&first, &slot(&calls, caller, id, 2).unwrap()));
    }
}

#[test]
fn an_id_is_kept_a_while_after_its_lease_and_then_forgotten() {
    let calls = Calls::default();
    let first = slot(&calls, ONE, "a", 100).unwrap();
    first.is_useful_until(at(110));
    assert!(Arc::ptr_eq(&first, &slot(&calls, ONE, "a", 170).unwrap()));
    let second = slot(&calls, ONE, "a", 181).unwrap();
    assert!(!Arc::ptr_eq(&first, &second));
}

#[test]
fn one_caller_has_only_its_own_room() {
    let calls = Calls::default();
    for number in 0..SLOTS_OF_CALLER_MAX {
        slot(&calls, ONE, &number.to_string(), 1).unwrap();
    }
    assert_eq!(slot(&calls, ONE, "more", 1).unwrap_err(), Full);
    slot(&calls, TWO, "more", 1).unwrap();
    // Those whose lease cannot be started any more make room, also before they would be forgotten.
    slot(&calls, ONE, "more", 3).unwrap();
    assert_eq!(calls.state.lock().count, 2);
}

#[test]
fn all_callers_together_have_so_much_room() {
    let calls = Calls::default();
    let callers = (0..SLOTS_MAX / SLOTS_OF_CALLER_MAX).map(|n| Uuid::from_u128(n as u128));
    for caller in callers {
        for number in 0..SLOTS_OF_CALLER_MAX {
            slot(&calls, caller, &number.to_string(), 1).unwrap();
        }
    }
    let stranger = Uuid::from_u128(99);
    assert_eq!(slot(&calls, stranger, "a", 1).unwrap_err(), Full);
    slot(&calls, stranger, "a", 3).unwrap();
    assert_eq!(calls.state.lock().count, 1);
}

#[tokio::test]
async fn a_slot_whose_filling_was_given_up_is_filled_by_the_next() {
    let calls = Calls::default();
    let first = slot(&calls, ONE, "a", 1).unwrap();
    let never = first.given.get_or_init(std::future::pending);
    assert!(
        tokio::time::timeout(Duration::from_millis(5), never)
            .await
            .is_err()
    );
    let second = slot(&calls, ONE, "a", 1).unwrap();
    assert_eq!(second.given.get_or_init(|| async { 9 }).await, &9);
}
