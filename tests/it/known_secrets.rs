//! Secrets that the vault has already: refused by the name of their key, except that a key may get its own previous one back.

use tonic::Code;

use crate::harness::desk::Desk;
use crate::harness::keys::KEY;

#[tokio::test]
async fn a_secret_that_the_vault_knows_is_refused_by_the_name_of_its_key_and_with_what_to_do() {
    let desk = Desk::with_key().await;
    desk.create_account("b").await.unwrap();
    desk.create_key("b", "other", "sk-other").await.unwrap();
    for (value, said) in [
        (
            "sk-first",
            "secret is the secret that accounts/a/keys/k has already",
        ),
        (
            "sk-other",
            "secret is stored already as a secret of accounts/b/keys/other: lease that key",
        ),
    ] {
        let refused = desk.rotate(value, false).await.unwrap_err();
        assert_eq!(refused.code(), Code::AlreadyExists);
        assert!(refused.message().starts_with(said), "{}", refused.message());
        assert!(refused.message().contains("at the provider"));
        assert!(!format!("{refused:?}").contains(value));
    }
}

#[tokio::test]
async fn a_rotation_is_undone_by_rotating_the_previous_secret_in_again() {
    let desk = Desk::with_key().await;
    desk.rotate("sk-second", false).await.unwrap();
    let undone = desk.rotate("sk-first", false).await.unwrap();
    assert_eq!(undone.to_version, format!("{KEY}/versions/3"));
    // Now it is current, and the other one may come back; both have a previous version too.
    let refused = desk.rotate("sk-first", false).await.unwrap_err();
    assert_eq!(refused.code(), Code::AlreadyExists);
    desk.rotate("sk-second", false).await.unwrap();
    // Nobody else gets it meanwhile.
    desk.create_account("b").await.unwrap();
    let refused = desk.create_key("b", "other", "sk-first").await.unwrap_err();
    assert_eq!(refused.code(), Code::AlreadyExists);
}
