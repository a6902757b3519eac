//! Prices that operators set: history, precedence over the built-in table, and what every change of the vault obeys.

use keylease::domain::caller::{Grant, Right};
use keylease::proto::{self, Price, PriceOrigin};
use keylease::service::auth::Identity;
use tonic::Code;

use crate::harness::desk::{Desk, answered, caller, refused, vouched};
use keylease::proto::admin_service_server::AdminService;

fn price(model: &str, input: i64) -> Price {
    Price {
        profile: "openai".to_owned(),
        model: model.to_owned(),
        input_micros: input,
        output_micros: 10,
        ..Default::default()
    }
}

fn set(price: Price) -> proto::SetPriceRequest {
    proto::SetPriceRequest {
        price: Some(price),
        reason: "contract of 2026".to_owned(),
        ..Default::default()
    }
}

fn end(model: &str) -> proto::DeletePriceRequest {
    proto::DeletePriceRequest {
        profile: "openai".to_owned(),
        model: model.to_owned(),
        ..Default::default()
    }
}

impl Desk {
    async fn set_price(&self, price: Price) -> Price {
        let answer = self.admin.set_price(self.ask(set(price))).await;
        answered(answer).price.unwrap()
    }

    async fn prices(&self, request: proto::ListPricesRequest) -> proto::ListPricesResponse {
        answered(self.admin.list_prices(self.ask(request)).await)
    }

    async fn set_prices(&self, history: bool) -> Vec<(String, i64, bool)> {
        let request = proto::ListPricesRequest {
            origin: PriceOrigin::Operator.into(),
            history,
            ..Default::default()
        };
        let listed = self.prices(request).await.prices.into_iter();
        let told = listed.map(|p| (p.model, p.input_micros, p.in_force));
        told.collect()
    }
}

fn told(model: &str, input: i64, in_force: bool) -> (String, i64, bool) {
    (model.to_owned(), input, in_force)
}

#[tokio::test]
async fn a_new_price_takes_effect_and_the_old_one_stays_as_history() {
    let desk = Desk::open().await;
    let first = desk.set_price(price("gpt-4o", 1)).await;
    assert!(
        first.in_force && first.set_by == "callers/root",
        "{first:?}"
    );
    let second = desk.set_price(price("gpt-4o", 2)).await;
    assert_ne!(first.etag, second.etag);
    assert_eq!(desk.set_prices(false).await, [told("gpt-4o", 2, true)]);
    let both = [told("gpt-4o", 1, false), told("gpt-4o", 2, true)];
    assert_eq!(desk.set_prices(true).await, both);
    let ahead = Price {
        effective_time: Some(prost_types::Timestamp {
            seconds: 4_000_000_000,
            nanos: 0,
        }),
        ..price("gpt-4o", 3)
    };
    assert!(!desk.set_price(ahead).await.in_force);
    let both = [told("gpt-4o", 2, true), told("gpt-4o", 3, false)];
    assert_eq!(desk.set_prices(false).await, both);
    let snapshot = desk.vault.live().snapshot();
    let now = desk.vault.live().now().database;
    let openai = keylease::domain::profile::Profile::Openai;
    let held = snapshot.prices.price(openai, "gpt-4o-2026-01-31", now);
    assert_eq!(held.unwrap().input, 2, "known here when it is answered");
    answered(desk.admin.delete_price(desk.ask(end("gpt-4o"))).await);
    assert_eq!(desk.set_prices(true).await.len(), 4);
    let audit = desk
        .rows("select method || ' ' || resource || ' ' || reason from audit_records where method not in ('AddMasterKey', 'PromoteMasterKey') order by sequence")
        .await;
    assert_eq!(audit[0], "SetPrice prices/openai/gpt-4o contract of 2026");
    assert_eq!(audit.len(), 4);
    assert!(audit[3].starts_with("DeletePrice"), "{audit:?}");
}

#[tokio::test]
async fn etags_request_ids_and_dry_runs_do_as_everywhere() {
    let desk = Desk::open().await;
    let checked = proto::SetPriceRequest {
        validate_only: true,
        ..set(price("o3", 1))
    };
    answered(desk.admin.set_price(desk.ask(checked)).await);
    assert_eq!(desk.set_prices(true).await, []);
    let once = proto::SetPriceRequest {
        request_id: "r".to_owned(),
        ..set(price("o3", 1))
    };
    let first = answered(desk.admin.set_price(desk.ask(once.clone())).await);
    let again = answered(desk.admin.set_price(desk.ask(once)).await);
    assert_eq!(first, again);
    assert_eq!(desk.set_prices(true).await.len(), 1);
    let etag = first.price.unwrap().etag;
    let seen = |input| proto::SetPriceRequest {
        etag: etag.clone(),
        ..set(price("o3", input))
    };
    answered(desk.admin.set_price(desk.ask(seen(2))).await);
    let no = refused(desk.admin.set_price(desk.ask(seen(3))).await);
    assert_eq!(no.code, Code::Aborted);
    let no = refused(desk.admin.delete_price(desk.ask(end("o4-mini"))).await);
    assert_eq!(
        (no.code, no.reason.as_str()),
        (Code::NotFound, "RESOURCE_NOT_FOUND")
    );
}

#[tokio::test]
async fn a_price_out_of_bounds_is_refused_by_the_name_of_its_field() {
    let desk = Desk::open().await;
    let past = Some(prost_types::Timestamp {
        seconds: 1_700_000_000,
        nanos: 0,
    });
    for (wrong, fields) in [
        (Price::default(), vec!["price.profile", "price.model"]),
        (price("a[b", 1), vec!["price.model"]),
        (price("a", -1), vec!["price.input_micros"]),
        (price("a", 1_000_000_000_001), vec!["price.input_micros"]),
        (
            Price {
                cached_input_micros: Some(6),
                output_micros: i64::MIN,
                ..price("a", 5)
            },
            vec!["price.cached_input_micros", "price.output_micros"],
        ),
        (
            Price {
                effective_time: past,
                ..price("a", 5)
            },
            vec!["effective_time"],
        ),
    ] {
        let no = refused(desk.admin.set_price(desk.ask(set(wrong))).await);
        assert_eq!(
            (no.code, no.fields.as_slice()),
            (
                Code::InvalidArgument,
                &*fields.iter().map(|f| (*f).to_owned()).collect::<Vec<_>>()
            )
        );
    }
    assert_eq!(desk.set_prices(true).await, []);
}

#[tokio::test]
async fn auditors_read_prices_and_only_administrators_set_them() {
    let desk = Desk::open().await;
    for (grant, may_read) in [(Grant::Auditor, true), (Grant::Operator, true)] {
        let who = std::sync::Arc::new(caller(vec![grant]));
        let identity = Identity {
            bearer: vouched(who),
            asked: Right::Read,
            source: None,
        };
        let mut request = desk.ask(set(price("gpt-4o", 1)));
        request.extensions_mut().insert(identity.clone());
        let no = refused(desk.admin.set_price(request).await);
        assert_eq!(no.code, Code::PermissionDenied);
        let mut request = desk.ask(proto::ListPricesRequest::default());
        request.extensions_mut().insert(identity);
        assert_eq!(desk.admin.list_prices(request).await.is_ok(), may_read);
    }
}

#[tokio::test]
async fn all_prices_are_listed_page_by_page_each_once() {
    let desk = Desk::open().await;
    for (i, model) in ["gpt-*", "o3", "gpt-4o"].iter().enumerate() {
        desk.set_price(price(model, i as i64)).await;
    }
    let mut seen = Vec::new();
    let mut page_token = String::new();
    loop {
        let request = proto::ListPricesRequest {
            page_size: 97,
            page_token,
            ..Default::default()
        };
        let page = desk.prices(request).await;
        seen.extend(page.prices);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    let names: std::collections::HashSet<_> = seen
        .iter()
        .map(|p| {
            (
                p.origin,
                p.provider.clone(),
                p.profile.clone(),
                p.model.clone(),
            )
        })
        .collect();
    assert_eq!(names.len(), seen.len());
    assert!(seen.len() > 300, "{}", seen.len());
    assert_eq!(
        [&seen[0].model, &seen[1].model, &seen[2].model],
        ["gpt-*", "gpt-4o", "o3"]
    );
    let built_in = seen
        .iter()
        .find(|p| p.provider == "openai" && p.model == "gpt-4o");
    assert!(built_in.unwrap().source.starts_with("https://"));
}
