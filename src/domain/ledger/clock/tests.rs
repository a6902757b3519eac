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

fn sample(samples: &mut ClockSamples, said: i64, at: u64) {
    samples.add(database(said), boot(at), boot(at));
}

fn sampled(from: u64, to: u64, offset: i64) -> ClockSamples {
    let mut samples = ClockSamples::default();
    for second in from..=to {
        sample(&mut samples, second.cast_signed() + offset, second);
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
        recent: database(50),
    };
    assert_eq!(clocks.advance(database(50), believed), clocks);
}

#[test]
fn charges_are_stamped_by_what_a_clock_was_before_it_was_set_back() {
    let mut samples = sampled(0, 100, 1_000);
    assert_eq!(samples.least(), database(1_100));
    sample(&mut samples, 1_001, 101);
    assert_eq!(samples.least(), database(1_101));
    // Whoever looks as seldom as can be has seen it after twice as long as that.
    for second in 2..5 {
        sample(&mut samples, 1_000 + second, 100 + second.unsigned_abs());
    }
    assert_eq!(samples.least(), database(1_104));
    sample(&mut samples, 1_005, 105);
    assert_eq!(samples.least(), database(1_005));
    sample(&mut samples, 5_000, 106);
    assert_eq!(samples.least(), database(5_000));
}

#[test]
fn what_was_known_of_a_clock_before_a_silence_stamps_charges_after_it() {
    let mut samples = sampled(0, 100, 1_000);
    sample(&mut samples, 7, 110);
    assert_eq!(samples.least(), database(1_110));
    assert!(samples.believed(Uuid::nil(), database(6), C, EPS, boot(110)) <= database(6));
}

#[test]
fn an_answer_that_took_long_ends_no_silence() {
    let mut samples = sampled(0, 100, 1_000);
    // The clock was read at some time between 100 and 102, and for all that is known set before 103.
    samples.add(database(1_102), boot(100), boot(102));
    samples.add(database(9_103), boot(103), boot(103));
    assert!(samples.believed(Uuid::nil(), database(6), C, EPS, boot(103)) <= database(6));
}

#[test]
fn a_step_is_not_believed_while_what_was_stamped_just_before_it_is_charged() {
    // Looked at once a second, just before a block was stamped and the clock set.
    let mut samples = sampled(0, 10, 0);
    for second in 11..=77 {
        sample(&mut samples, second + 100, second.unsigned_abs());
    }
    let sent = BootTime::from_nanos(76 * SECOND + SECOND / 2);
    let believed = samples.believed(Uuid::nil(), database(0), C, EPS, sent);
    assert!(believed < database(78), "{believed:?}");
}

#[test]
fn a_fresh_clock_starts_from_where_the_lower_one_stood_when_it_was_read() {
    let mut samples = ClockSamples::default();
    sample(&mut samples, 9_000, 14);
    // Sent four seconds before.
    samples.believed(Uuid::nil(), database(500), C, EPS, boot(10));
    sample(&mut samples, 9_001, 15);
    let later = samples.believed(Uuid::nil(), database(500), C, EPS, boot(15));
    assert_eq!(later, database(501));
}

#[test]
fn a_step_forward_is_not_believed_for_a_whole_charge_time() {
    let mut samples = sampled(0, 100, 1_000);
    sample(&mut samples, 101 + 1_000 + 3_600, 101);
    let believed = samples.believed(Uuid::nil(), database(1_000), C, EPS, boot(101));
    assert_eq!(believed, database(1_101).after(EPS));
    for second in 102..101 + 70 {
        sample(&mut samples, second + 1_000 + 3_600, second.unsigned_abs());
    }
    let later = samples.believed(Uuid::nil(), database(1_000), C, EPS, boot(170));
    assert_eq!(later, database(170 + 4_600).after(EPS));
}

#[test]
fn a_step_back_lowers_what_is_believed_at_once() {
    let mut samples = sampled(0, 100, 1_000);
    sample(&mut samples, 101, 101);
    assert!(samples.believed(Uuid::nil(), database(0), C, EPS, boot(101)) < database(102));
}

#[test]
fn a_fresh_replica_lets_time_pass_only_as_it_sees_it_pass() {
    let mut samples = ClockSamples::default();
    let last_low = database(500);
    sample(&mut samples, 9_000, 10);
    let first = samples.believed(Uuid::nil(), last_low, C, EPS, boot(10));
    assert_eq!(first, last_low);
    for second in 11..=40 {
        sample(&mut samples, 9_000 - 10 + second, second.unsigned_abs());
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
    sample(&mut samples, 90_000, 103);
    let believed = samples.believed(Uuid::nil(), database(7), C, EPS, boot(103));
    assert_eq!(believed, database(7));
}

#[test]
fn many_fresh_replicas_together_put_the_lower_clock_no_further_ahead() {
    let mut low = database(500);
    for _ in 0..100 {
        let mut samples = ClockSamples::default();
        // After a step forward of the database's clock, which nobody here has seen.
        sample(&mut samples, 9_000, 10);
        low = low.max(samples.believed(Uuid::nil(), low, C, EPS, boot(10)));
    }
    assert_eq!(low, database(500));
}

#[test]
fn long_charge_times_are_served_from_coarser_buckets() {
    let month = Duration::from_hours(24 * 30);
    let mut samples = ClockSamples::default();
    sample(&mut samples, 1_000, 0);
    samples.believed(Uuid::nil(), database(900), month, EPS, boot(0));
    for second in 1..=200_000_u64 {
        sample(&mut samples, 5_000 + second.cast_signed(), second);
    }
    let believed = samples.believed(Uuid::nil(), database(900), month, EPS, boot(200_000));
    assert_eq!(believed, database(200_900));
    assert!(samples.hours.minima.len() < 100);
}

#[test]
fn a_slow_answer_does_not_set_the_time_back() {
    let mut samples = sampled(0, 10, 1_000);
    let mut last = database(0);
    for tick in 0..100_u64 {
        let asked = BootTime::from_nanos(boot(11).nanos() + tick * 100_000_000);
        let read = asked.after(Duration::from_millis(tick % 5));
        let answered = read.after(Duration::from_millis(tick * 37 % 5_000));
        let said = Timestamp::from_micros(1_000_000_000 + read.micros());
        samples.add(said, asked, answered);
        let now = samples.database_time(asked).unwrap();
        assert!(now > last, "tick {tick}");
        assert_eq!(now, Timestamp::from_micros(1_000_000_000 + asked.micros()));
        last = now;
    }
}

#[test]
fn a_clock_that_was_set_is_followed_at_once() {
    let mut samples = sampled(0, 10, 1_000);
    sample(&mut samples, 11, 11);
    assert_eq!(samples.database_time(boot(11)), Some(database(11)));
    sample(&mut samples, 5_012, 12);
    assert_eq!(samples.database_time(boot(12)), Some(database(5_012)));
    // As far as an answer that was slow shows it: it was read within three seconds before that.
    samples.add(database(14), boot(13), boot(16));
    assert_eq!(samples.database_time(boot(16)), Some(database(17)));
}
