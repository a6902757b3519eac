//! Records that say what changes left of rows, and are gone: what is left of the audit does not accuse anybody.

use crate::harness::audited::{Audited, PRUNE};
use crate::harness::process::texts;

#[tokio::test]
async fn records_of_a_clock_that_was_ahead_outlive_later_ones_and_do_not_say_the_last_word() {
    let mut audited = Audited::new().await;
    audited.cluster.let_clock_be_set().await;
    audited.cluster.set_clock("2 days").await;
    audited.cluster.begin_anew().await;
    let admin = audited.cluster.admin().await;
    admin.disable_account("accounts/a").await;
    admin.create_account_and_key("c").await;
    audited.cluster.set_clock("0").await;
    audited.cluster.begin_anew().await;
    let admin = audited.cluster.admin().await;
    admin.enable_account("accounts/a").await;
    admin.delete("accounts/c/keys/k").await;
    audited.is_well();
    let pruned = audited.audit(&PRUNE);
    assert!(pruned.status.success(), "{}", texts(&pruned).1);
    let well = audited.is_well();
    let said = well.text();
    assert!(
        said.contains("later records were removed for their age"),
        "{said}"
    );
    // What changes from then on is compared as ever.
    audited.keep("before").await;
    admin.disable_account("accounts/a").await;
    audited.is_well();
    audited.put_back("before", "accounts").await;
    audited.finds_back(1, &["accounts/a", "(DisableAccount of "]);
}

#[tokio::test]
async fn a_chain_that_is_pruned_and_others_not_yet_leave_no_row_accused() {
    let mut audited = Audited::new().await;
    audited.cluster.add().await;
    let token = audited.cluster.admin_token.clone();
    let other = audited.cluster.client(1, &token).await;
    other.disable_account("accounts/a").await;
    audited
        .cluster
        .admin()
        .await
        .enable_account("accounts/a")
        .await;
    // Whoever prunes is stopped behind the chain that has the last word.
    audited
        .edit(
            "create table first as select f.writer from audit_chains f
                join audit_chains c on c.chain = f.chain and f.create_time <= c.create_time
                where f.chain = 'changes' and c.writer = (select writer from audit_records order by sequence desc limit 1);
            create function stops() returns trigger language plpgsql as $$ begin
                if old.writer not in (select writer from first) then raise exception 'it is stopped'; end if; return old; end $$;
            create trigger stops before delete on audit_records for each row execute function stops()",
        )
        .await;
    let stopped = audited.audit(&PRUNE);
    assert!(!stopped.status.success(), "{}", texts(&stopped).0);
    let well = audited.is_well();
    let said = well.text();
    assert!(
        said.contains("later records were removed for their age"),
        "{said}"
    );
}
