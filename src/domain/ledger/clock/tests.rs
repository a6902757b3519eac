//! Tests of `clock.rs`.

use super::*;

const C: Duration = Duration::from_secs(65);
const EPS: Duration = Duration::from_millis(100);

fn boot(seconds: u64) -> BootTime {
    BootTime::from_nanos(seconds * SECOND)
}

fn database(seconds: i64) -> Timestamp {
    Timestamp::from_micros(seconds * 1_000_000)
}

fn sampled(from: u64, to: u64, offset: i64) -> ClockSamples {
    let mut samples = ClockSamples::default();
    for second in from..=to {
        samples.add(database(second.cast_signed() + offset), boot(second));
    }
    samples
}

#[test]
fn neither_clock_goes_back() {
    let clocks = Clocks {
        high: database(100),
        low: database(90),
    };
    let believed = Believed {
        least: database(40),
        most: database(50),
    };
    assert_eq!(clocks.advance(database(50), believed), clocks);
}

#[test]
fn charges_are_stamped_by_what_a_clock_was_before_it_was_set_back() {
    let mut samples = sampled(0, 100, 1_000);
    assert_eq!(samples.least(), database(1_100));
    samples.add(database(1_001), boot(101));
    assert_eq!(samples.least(), database(1_101));
    // By now everybody has seen it.
    samples.add(database(1_002), boot(102));
    samples.add(database(1_003), boot(103));
    assert_eq!(samples.least(), database(1_003));
    samples.add(database(5_000), boot(104));
    assert_eq!(samples.least(), database(5_000));
}

#[test]
fn nothing_is_known_of_a_clock_before_a_silence() {
    let mut samples = sampled(0, 100, 1_000);
    samples.add(database(7), boot(103));
    assert_eq!(samples.least(), database(7));
}

#[test]
fn a_fresh_clock_starts_from_where_the_lower_one_stood_when_it_was_read() {
    let mut samples = ClockSamples::default();
    samples.add(database(9_000), boot(14));
    // Sent four seconds before.
    samples.believed(Uuid::nil(), database(500), C, EPS, boot(10));
    samples.add(database(9_001), boot(15));
    let later = samples.believed(Uuid::nil(), database(500), C, EPS, boot(15));
    assert_eq!(later, database(501));
}

#[test]
fn what_is_charged_for_longer_than_today_keeps_the_clocks_looking_back() {
    let (long, short) = (Duration::from_secs(100), Duration::from_secs(65));
    let reach = Reach::NONE.and(database(0), long, database(100));
    assert_eq!(reach.charge, long);
    assert_eq!(reach.and(database(99), short, database(164)), reach);
    let over = reach.and(database(100), short, database(165));
    assert_eq!((over.charge, over.until), (short, database(165)));
    assert_eq!(over.and(database(101), long, database(201)).charge, long);
}

#[test]
fn a_step_forward_is_not_believed_for_a_whole_charge_time() {
    let mut samples = sampled(0, 100, 1_000);
    samples.add(database(101 + 1_000 + 3_600), boot(101));
    let believed = samples.believed(Uuid::nil(), database(1_000), C, EPS, boot(101));
    assert_eq!(believed, database(1_101).after(EPS));
    for second in 102..101 + 67 {
        samples.add(
            database(second + 1_000 + 3_600),
            boot(second.unsigned_abs()),
        );
    }
    let later = samples.believed(Uuid::nil(), database(1_000), C, EPS, boot(167));
    assert_eq!(later, database(167 + 4_600).after(EPS));
}

#[test]
fn a_step_back_lowers_what_is_believed_at_once() {
    let mut samples = sampled(0, 100, 1_000);
    samples.add(database(101), boot(101));
    assert!(samples.believed(Uuid::nil(), database(0), C, EPS, boot(101)) < database(102));
}

#[test]
fn a_fresh_replica_lets_time_pass_only_as_it_sees_it_pass() {
    let mut samples = ClockSamples::default();
    let last_low = database(500);
    samples.add(database(9_000), boot(10));
    let first = samples.believed(Uuid::nil(), last_low, C, EPS, boot(10));
    assert_eq!(first, last_low);
    for second in 11..=40 {
        samples.add(database(9_000 - 10 + second), boot(second.unsigned_abs()));
    }
    let later = samples.believed(Uuid::nil(), last_low, C, EPS, boot(40));
    assert_eq!(later, database(530));
}

#[test]
fn after_a_silence_of_two_seconds_it_starts_again_from_the_lower_clock() {
    let mut samples = sampled(0, 100, 1_000);
    assert_eq!(
        samples.believed(Uuid::nil(), database(7), C, EPS, boot(103)),
        database(7)
    );
    samples.add(database(90_000), boot(103));
    let believed = samples.believed(Uuid::nil(), database(7), C, EPS, boot(103));
    assert_eq!(believed, database(7));
}

#[test]
fn many_fresh_replicas_together_put_the_lower_clock_no_further_ahead() {
    let mut low = database(500);
    for _ in 0..100 {
        let mut samples = ClockSamples::default();
        // After a step forward of the database's clock, which nobody here has seen.
        samples.add(database(9_000), boot(10));
        low = low.max(samples.believed(Uuid::nil(), low, C, EPS, boot(10)));
    }
    assert_eq!(low, database(500));
}

#[test]
fn long_charge_times_are_served_from_coarser_buckets() {
    let month = Duration::from_hours(24 * 30);
    let mut samples = ClockSamples::default();
    samples.add(database(1_000), boot(0));
    samples.believed(Uuid::nil(), database(900), month, EPS, boot(0));
    for second in 1..=200_000_u64 {
        samples.add(database(5_000 + second.cast_signed()), boot(second));
    }
    let believed = samples.believed(Uuid::nil(), database(900), month, EPS, boot(200_000));
    assert_eq!(believed, database(200_900));
    assert!(samples.hours.minima.len() < 100);
}
