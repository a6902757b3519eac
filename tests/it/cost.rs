//! Spend: what is reported is priced and summed by what is asked for.

use keylease::proto::{CostRow, GetCostRequest, LeaseKeyRequest, Outcome, Usage};
use tonic::Code;

use crate::harness::client::{Client, of, reporting};
use crate::harness::outcomes::{http, not_sent, success, times};
use crate::harness::spending::{asking, by, spending, told, using};

#[tokio::test(flavor = "multi_thread")]
async fn what_is_reported_is_priced_and_summed_by_what_is_asked_for() {
    let (cluster, admin, token) = spending(1).await;
    let each = spend_some(&cluster.client(0, &token).await).await;
    check_groups(&admin, each).await;
    let only = GetCostRequest {
        tags: [("team".to_owned(), "search".to_owned())].into(),
        model: "gpt-4o-2024-08-06".to_owned(),
        pool: "pools/p".to_owned(),
        ..by(&[])
    };
    let rows = admin.cost(only).await;
    let tokens = &rows[0];
    let tokens = (
        tokens.input_tokens,
        tokens.cached_input_tokens,
        tokens.output_tokens,
    );
    assert_eq!(tokens, (2_000, 800, 100));
    let nothing = GetCostRequest {
        caller: "callers/nobody".to_owned(),
        ..by(&[])
    };
    assert_eq!(admin.cost(nothing).await, [CostRow::default()]);
    let metrics = cluster.replicas[0].metrics().await;
    assert!(
        !metrics.contains("team") && !metrics.contains("ads"),
        "a tag is no label"
    );
}

/// Leases and reports of all kinds; answers what each of the two priced uses cost.
async fn spend_some(caller: &Client) -> i64 {
    let tokens = using(1_000, 400, 50);
    let lease = caller
        .spend(
            asking("gpt-4o-2024-08-06", "search", 2),
            vec![times(2, tokens)],
        )
        .await;
    let again = reporting(&lease, vec![times(2, using(9, 0, 9))]);
    assert!(caller.tell(again).await.unwrap().duplicate);
    let stated = Outcome {
        usage: Some(Usage {
            cost_micros: 77,
            model: "some-model".to_owned(),
            ..Default::default()
        }),
        ..success()
    };
    caller.spend(asking("gpt-4o", "ads", 1), vec![stated]).await;
    caller
        .spend(asking("no-price", "ads", 1), vec![using(5, 0, 5)])
        .await;
    caller
        .spend(asking("gpt-4o", "ads", 2), vec![not_sent(), http(500, &[])])
        .await;
    // 600 of $2.50, 400 of $1.25 and 50 of $10 a million.
    1_500 + 500 + 500
}

/// Checks the sums by two groupings.
async fn check_groups(admin: &Client, each: i64) {
    let rows = admin.cost(by(&["pool", "model", "caller"])).await;
    let rows: Vec<_> = rows.iter().map(told).collect();
    // By name of what was asked for: caller, model, pool.
    assert_eq!(
        rows,
        [
            (vec!["callers/search", "gpt-4o", "pools/p"], 0, 1, 0),
            (
                vec!["callers/search", "gpt-4o-2024-08-06", "pools/p"],
                2 * each,
                2,
                0
            ),
            (vec!["callers/search", "no-price", "pools/p"], 0, 1, 1),
            (vec!["callers/search", "some-model", "pools/p"], 77, 1, 0),
        ]
    );
    // Whichever day each was settled in.
    let rows = admin.cost(by(&["day"])).await;
    let rows: Vec<_> = rows.iter().map(told).collect();
    assert!(
        rows.iter()
            .all(|(of, ..)| of[0].len() == "2026-01-01".len()),
        "{rows:?}"
    );
    let uses: i64 = rows.iter().map(|(_, _, uses, _)| uses).sum();
    let micros: i64 = rows.iter().map(|(_, micros, ..)| micros).sum();
    assert_eq!((micros, uses), (2 * each + 77, 5));
    let rows = admin.cost(by(&["account", "tag.team"])).await;
    let rows: Vec<_> = rows.iter().map(told).collect();
    let account = "accounts/a";
    assert_eq!(
        rows,
        [
            (vec![account, "ads"], 77, 3, 1),
            (vec![account, "search"], 2 * each, 2, 0)
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn tags_and_sums_out_of_bounds_are_refused_by_name_and_lessees_see_no_sums() {
    let (cluster, admin, token) = spending(1).await;
    let caller = cluster.client(0, &token).await;
    let long = "v".repeat(120);
    let tagged = |tags: &[(&str, &str)]| LeaseKeyRequest {
        tags: tags
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect(),
        ..of("p")
    };
    for wrong in [
        tagged(&[("Team", "x")]),
        tagged(&[("a", &long), ("b", &long), ("c", &long)]),
        tagged(&["a", "b", "c", "d", "e", "f", "g", "h", "i"].map(|k| (k, ""))),
    ] {
        let status = caller.ask(wrong).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument);
        assert!(status.message().starts_with("tags"), "{}", status.message());
    }
    // The longest that is allowed still travels, whatever the model is called.
    let longest = LeaseKeyRequest {
        model: "m".repeat(256),
        ..tagged(&[("a", &long), ("b", &long)])
    };
    let lease = caller.spend(longest, vec![using(1, 0, 1)]).await;
    assert!(lease.lease_id.len() <= 1_024);
    let rows = admin.cost(by(&["tag.a"])).await;
    assert_eq!(told(&rows[0]), (vec![long.as_str()], 0, 1, 1));
    let mut wrong = by(&["month"]);
    wrong.start_time.as_mut().unwrap().seconds += 1;
    let status = admin.admin.clone().get_cost(wrong).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    let status = caller.admin.clone().get_cost(by(&[])).await.unwrap_err();
    assert_eq!(status.code(), Code::PermissionDenied);
}
