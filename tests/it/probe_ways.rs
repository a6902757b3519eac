//! Where a probe goes, and where none does, whatever a name says once it is resolved.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use keylease::domain::endpoint::upstreams::Upstreams;
use keylease::outbound::{Names, Outbound};
use keylease::proto::admin_service_server::AdminService as _;
use keylease::proto::{self, ProbeKeyRequest, ProbeResult};

use crate::harness::desk::{Desk, answered, refused};
use crate::harness::probed::Probed;

const KEY: &str = "sk-Canary_Ways_a4Gk8Wn1Xs6Td3";

async fn of_account(desk: &Desk, account: proto::Account) {
    let request = proto::CreateAccountRequest {
        account_id: "a".to_owned(),
        account: Some(account),
        ..Default::default()
    };
    desk.admin.create_account(desk.ask(request)).await.unwrap();
    desk.create_key("a", "k", KEY).await.unwrap();
}

fn probe() -> ProbeKeyRequest {
    ProbeKeyRequest {
        name: "accounts/a/keys/k".to_owned(),
        ..Default::default()
    }
}

#[tokio::test]
async fn a_name_that_leads_to_a_metadata_service_is_refused_after_it_is_resolved() {
    for address in ["169.254.169.254", "fd00:ec2::254", "100.100.100.200"] {
        let address: IpAddr = address.parse().unwrap();
        let names = HashMap::from([("api.example.test".to_owned(), vec![address])]);
        let names = Names::Pinned(Arc::new(names));
        let outbound = Outbound::with_names(Upstreams::LoopbackToo, names);
        let desk = Desk::sending_by(outbound).await;
        let account = proto::Account {
            provider_profile: "openai".to_owned(),
            base_url: "https://api.example.test/v1".to_owned(),
            ..Default::default()
        };
        of_account(&desk, account).await;
        let answer = answered(desk.admin.probe_key(desk.ask(probe())).await);
        let probe = answer.probe.unwrap();
        assert_eq!(probe.result(), ProbeResult::Unclear);
        let wanted = format!("the host has the address {address}, which nothing is sent to");
        assert_eq!(probe.why, wanted);
    }
}

#[tokio::test]
async fn nobody_knows_what_to_ask_a_generic_provider() {
    let desk = Desk::open().await;
    let account = proto::Account {
        provider_profile: "generic".to_owned(),
        base_url: "https://api.example.test".to_owned(),
        ..Default::default()
    };
    of_account(&desk, account).await;
    let refused = refused(desk.admin.probe_key(desk.ask(probe())).await);
    assert!(
        refused.message.contains("nothing harmless to ask"),
        "{refused:?}"
    );
}

#[tokio::test]
async fn a_replica_that_sends_nothing_to_its_own_machine_probes_nothing_there() {
    let mut probed = Probed::start(1, KEY, false).await;
    let remote_alone = [("KEYLEASE_INSECURE_LOOPBACK_UPSTREAMS", "false")];
    probed.cluster.add_with(&remote_alone).await;
    let token = probed.cluster.admin_token.clone();
    probed.admin = probed.cluster.client(1, &token).await;
    let probe = probed.ask().await.unwrap().probe.unwrap();
    assert_eq!(probe.result(), ProbeResult::Unclear);
    assert!(probe.why.contains("127.0.0.1"), "{}", probe.why);
    assert_eq!(probed.provider.all(), 0);
}
