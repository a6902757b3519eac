use super::*;
use crate::domain::field::FIELD_ERRORS_MAX;
use crate::domain::id::ID_BYTES_MAX;

#[test]
fn a_refusal_names_its_reason_its_fields_and_its_domain() {
    let fields = vec![FieldError::new("account.base_url", "is required")];
    let status = of_refusal(&Refusal::Fields(fields));
    assert_eq!(status.code(), Code::InvalidArgument);
    let details = status.get_error_details();
    assert_eq!(details.error_info().unwrap().reason, "FIELD_INVALID");
    assert_eq!(details.error_info().unwrap().domain, "keylease");
    let violation = &details.bad_request().unwrap().field_violations[0];
    assert_eq!(violation.field, "account.base_url");
}

#[test]
fn the_longest_list_of_fields_fits_the_headers_that_clients_take() {
    let id = "a".repeat(ID_BYTES_MAX);
    let message = format!("names accounts/{id}/keys/{id}, which does not exist; create it first");
    let fields = vec![FieldError::new("pool.members[999].target", message); FIELD_ERRORS_MAX];
    let status = of_refusal(&Refusal::Fields(fields));
    let header_bytes = status.details().len() * 4 / 3 + status.message().len() * 3;
    assert!(header_bytes < 7 * 1024, "{header_bytes}");
}

#[test]
fn a_fault_tells_its_caller_nothing_but_an_id() {
    let fault = Fault::new("a query failed", "relation accounts does not exist");
    let status = of_error(fault.into());
    assert_eq!(status.code(), Code::Internal);
    assert!(!status.message().contains("accounts"));
    assert!(!status.message().contains("query"));
}

#[test]
fn too_many_watches_are_told_when_to_ask_again() {
    let status = of_refusal(&Refusal::TooManyWatches { max: 32, whom: "" });
    let retry = status.get_error_details().retry_info().cloned();
    assert_eq!(retry.unwrap().retry_delay, Some(RETRY_WATCH));
}
