use super::*;

impl Cooling {
    /// What is beyond doubt.
    pub(super) fn blame(
        &mut self,
        class: FailureClass,
        stated: Option<Duration>,
        jitter: f64,
        why: &str,
        now: Timestamp,
    ) -> Option<Cause> {
        let failing = Failing { class, stated, why };
        self.blame_by(Weight::Proven, failing, jitter, now)
    }
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros(seconds * 1_000_000)
}

fn blame(cooling: &mut Cooling, stated: Option<u64>, seconds: i64) -> Option<Timestamp> {
    let stated = stated.map(Duration::from_secs);
    let news = cooling.blame(FailureClass::RateLimit, stated, 0.0, "429", at(seconds));
    news.map(|cause| cause.until)
}

#[test]
fn what_is_stated_is_obeyed() {
    let mut cooling = Cooling::default();
    assert_eq!(blame(&mut cooling, Some(604_800), 0), Some(at(604_800)));
    assert!(cooling.holds(at(604_799)).is_some());
    assert!(cooling.holds(at(604_800)).is_none());
}

#[test]
fn what_is_not_stated_doubles_from_five_seconds_to_five_minutes() {
    let mut cooling = Cooling::default();
    let mut now = 0;
    for pause in [5, 10, 20, 40, 80, 160, 300, 300] {
        assert_eq!(blame(&mut cooling, None, now), Some(at(now + pause)));
        now += pause;
    }
}

#[test]
fn a_burst_is_one_strike() {
    let mut cooling = Cooling::default();
    assert_eq!(blame(&mut cooling, None, 0), Some(at(5)));
    for _ in 0..100 {
        assert_eq!(blame(&mut cooling, None, 1), None);
    }
    assert_eq!(blame(&mut cooling, None, 5), Some(at(15)));
}

#[test]
fn deadlines_merge_by_the_later() {
    let mut cooling = Cooling::default();
    blame(&mut cooling, Some(60), 0);
    assert_eq!(blame(&mut cooling, Some(10), 1), None);
    assert_eq!(cooling.holds(at(30)).unwrap().until, at(60));
    assert_eq!(blame(&mut cooling, Some(100), 1), Some(at(101)));
}

#[test]
fn an_end_that_is_a_little_later_is_obeyed_and_no_news() {
    let mut cooling = Cooling::default();
    let stated = Some(Duration::from_secs(1));
    let ms = |ms: i64| Timestamp::from_micros(ms * 1_000);
    let mut blame = |at| cooling.blame(FailureClass::RateLimit, stated, 0.0, "429", at);
    assert!(blame(ms(0)).is_some());
    assert_eq!(blame(ms(400)), None);
    // It adds up: news is what differs by so much from what the others were told.
    assert!(blame(ms(500)).is_some());
    assert_eq!(blame(ms(700)), None);
    assert!(cooling.holds(ms(1_699)).is_some());
}

#[test]
fn a_success_after_the_cooldown_ends_the_doubling() {
    let mut cooling = Cooling::default();
    blame(&mut cooling, None, 0);
    cooling.succeed(at(2));
    assert!(cooling.holds(at(3)).is_some());
    cooling.succeed(at(6));
    assert_eq!(blame(&mut cooling, None, 7), Some(at(12)));
}

#[test]
fn a_quota_lasts_an_hour_at_least_and_doubles_to_a_day() {
    let quota = |cooling: &mut Cooling, stated: Option<u64>, seconds| {
        let stated = stated.map(Duration::from_secs);
        let news = cooling.blame(FailureClass::Quota, stated, 0.0, "429", at(seconds));
        news.map(|cause| cause.until)
    };
    assert_eq!(quota(&mut Cooling::default(), Some(58), 0), Some(at(3_600)));
    let week = 604_800;
    assert_eq!(
        quota(&mut Cooling::default(), Some(week), 0),
        Some(at(604_800))
    );
    let mut cooling = Cooling::default();
    let mut now = 0;
    for hours in [1, 2, 4, 8, 16, 24, 24] {
        assert_eq!(
            quota(&mut cooling, None, now),
            Some(at(now + hours * 3_600))
        );
        now += hours * 3_600;
    }
}

#[test]
fn a_quota_found_while_a_rate_limit_cools_is_news() {
    let mut cooling = Cooling::default();
    blame(&mut cooling, None, 0);
    let news = cooling.blame(FailureClass::Quota, None, 0.0, "429", at(1));
    assert_eq!(news.map(|cause| cause.until), Some(at(3_601)));
}

#[test]
fn a_stated_delay_of_nothing_is_no_hammer() {
    assert_eq!(blame(&mut Cooling::default(), Some(0), 0), Some(at(5)));
}

#[test]
fn what_is_stated_of_an_entitlement_that_is_missing_is_void() {
    let stated = Some(Duration::from_secs(20));
    let mut cooling = Cooling::default();
    let news = cooling.blame(FailureClass::ModelAccess, stated, 0.0, "429", at(0));
    assert_eq!(news.map(|cause| cause.until), Some(at(3_600)));
}

#[test]
fn a_budget_that_is_said_to_be_spent_cools_without_a_strike() {
    let mut cooling = Cooling::default();
    let spend = |cooling: &mut Cooling, millis, seconds| {
        let wait = Duration::from_millis(millis);
        let news = cooling.spend(
            Weight::Proven,
            FailureClass::RateLimit,
            wait,
            "none left",
            at(seconds),
        );
        news.map(|cause| cause.until)
    };
    // Over before the others would hear of it.
    assert_eq!(spend(&mut cooling, 900, 0), None);
    assert!(cooling.holds(at(0)).is_some());
    assert_eq!(spend(&mut cooling, 7_000, 1), Some(at(8)));
    assert_eq!(spend(&mut cooling, 5_000, 2), None);
    assert_eq!(cooling.holds(at(7)).unwrap().until, at(8));
    // The next failure without a word of its own is the first.
    assert_eq!(blame(&mut cooling, None, 10), Some(at(15)));
}

#[test]
fn a_quota_doubles_whichever_replica_finds_it_spent_next_and_a_success_begins_anew() {
    let quota = |cooling: &mut Cooling, seconds| {
        let news = cooling.blame(FailureClass::Quota, None, 0.0, "429", at(seconds));
        news.unwrap()
    };
    let hours = |cause: &Cause, since| cause.until.since(at(since)).as_secs() / 3_600;
    let (mut first, mut second) = (Cooling::default(), Cooling::default());
    let one = quota(&mut first, 0);
    assert_eq!((hours(&one, 0), one.strikes), (1, 1));
    second.told(one);
    let two = quota(&mut second, 3_600);
    assert_eq!((hours(&two, 3_600), two.strikes), (2, 2));
    first.told(two);
    let four = quota(&mut first, 10_800);
    assert_eq!((hours(&four, 10_800), four.strikes), (4, 3));
    first.succeed(at(25_200));
    assert_eq!(quota(&mut first, 25_201).strikes, 1);
    // Strikes of another class are none of it.
    second.told(Cause {
        class: FailureClass::RateLimit,
        ..four
    });
    assert_eq!(quota(&mut second, 99_999).strikes, 1);
}

#[test]
fn a_success_with_one_model_says_nothing_of_another() {
    let mut cooldowns = AccountCooldowns::default();
    let (caller, mut until) = (Uuid::from_u128(1), at(0));
    let spent = Failing {
        class: FailureClass::Quota,
        stated: None,
        why: "429",
    };
    for (succeeds, strikes) in [("", 1), ("other", 2), ("spent", 1)] {
        cooldowns.succeed(succeeds, until);
        cooldowns.blame((caller, Weight::Proven), "spent", spent, until);
        let held = cooldowns.of("spent", until).unwrap();
        assert_eq!(held.strikes, strikes, "{succeeds}");
        until = held.until;
    }
}
