//! What a report does that finds no room to be counted.

use std::time::Duration;

use keylease::domain::caller::{Bearer, Grant};
use keylease::domain::ledger::block::Ending;
use keylease::domain::models::Pattern;
use keylease::domain::outcome::{Observation, Outcome};
use keylease::domain::refusal::LeaseRefusal;
use keylease::domain::usage::Usage;
use keylease::live::clock::boot_now;
use keylease::live::reports::{Claimed, Entry};
use keylease::proto;
use keylease::proto::admin_service_server::AdminService as _;
use keylease::vault::{Lease, ReportOutcome, ReportRefusal};

use crate::harness::desk::{Desk, answered, caller, vouched};

/// More than one caller may report in parts at a time.
const LEASES: u64 = 30_000;

impl Desk {
    /// A pool `p` of one key.
    async fn one_key(&self) {
        self.account("a").await;
        self.create_key("a", "k", "sk-a-k").await.unwrap();
        let member = proto::PoolMember {
            target: "accounts/a".to_owned(),
            ..Default::default()
        };
        let request = self.ask(proto::CreatePoolRequest {
            pool_id: "p".to_owned(),
            pool: Some(proto::Pool {
                members: vec![member],
                ..Default::default()
            }),
            ..Default::default()
        });
        answered(self.admin.create_pool(request).await);
    }

    /// Reports one of the two uses of a lease.
    async fn half(
        &self,
        lessee: &Bearer,
        lease: &Lease,
        status: u16,
    ) -> Result<Entry, ReportRefusal> {
        let seen = Observation::Http {
            status,
            headers: Vec::new(),
            body: Vec::new(),
        };
        let outcome = Outcome {
            count: 1,
            observation: seen,
            usage: Usage::default(),
            started_after: None,
            latency: None,
            model: None,
        };
        let report = ReportOutcome {
            lease_id: lease.lease_id.clone(),
            sequence: 0,
            outcomes: vec![outcome],
            is_final: false,
        };
        let reported = self.vault.report_outcome(&lessee.caller, &report).await;
        reported.map(|reported| reported.entry)
    }

    /// This caller has reported one of two uses of as many leases as it may.
    fn reports_in_parts(&self, lessee: &Bearer) {
        let live = self.vault.live();
        let reports = live.reports_of(live.boot_id);
        let ending = Ending {
            is_sure: false,
            started_by: boot_now(),
        };
        for serial in 1_000_000..1_000_000 + LEASES {
            let part = Claimed {
                caller: lessee.caller.meta.uid,
                serial,
                sequence: 0,
                uses: 1,
                granted: 2,
                is_final: false,
                ending,
                lasts: Duration::from_hours(1),
                renewed: None,
            };
            reports.enter(&part, boot_now());
        }
    }
}

#[tokio::test]
async fn the_reports_of_one_caller_leave_room_to_others_and_a_dead_key_is_known_for_one_that_finds_none()
 {
    let desk = Desk::open().await;
    desk.one_key().await;
    let lessee =
        || vouched(caller(vec![Grant::Lessee(Pattern::parse("pool", "*").unwrap())]).into());
    let (greedy, other) = (lessee(), lessee());
    let [first, second, third] = [&greedy, &greedy, &other].map(|lessee| desk.lease_of(2, lessee));
    let (first, second, third) = (
        first.await.unwrap(),
        second.await.unwrap(),
        third.await.unwrap(),
    );
    desk.reports_in_parts(&greedy);
    assert_eq!(desk.half(&other, &third, 400).await, Ok(Entry::New(None)));
    let full = Err(ReportRefusal::Full);
    assert_eq!(desk.half(&greedy, &first, 500).await, full);
    let more = desk.lease_of(2, &other).await;
    assert!(more.is_ok(), "a fault of the provider is not the key's");
    assert_eq!(desk.half(&greedy, &second, 401).await, full);
    let refused = desk.lease_of(2, &other).await.unwrap_err();
    let LeaseRefusal::NoKey(tally, _) = refused else {
        panic!("{refused:?}");
    };
    assert!(format!("{tally:?}").contains("Dead"), "{tally:?}");
    let health = desk.rows("select health from key_versions").await;
    assert_eq!(health, ["dead"], "the fleet knows");
}
