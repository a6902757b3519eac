use super::*;

fn of(status: u16, body: &str) -> Evidence {
    Evidence::of(&Response {
        status,
        headers: &[],
        body: body.as_bytes(),
    })
}

#[test]
fn codes_of_many_spellings_are_one() {
    for spelling in [
        "rate_limit",
        "RateLimitException",
        "rate_limit_error",
        "RATE-LIMIT",
    ] {
        assert_eq!(code_of(spelling), "ratelimit", "{spelling}");
    }
}

#[test]
fn a_status_before_the_body_says_nothing_of_how_it_is_written() {
    let evidence = of(400, "400 {\"error\":{\"message\":\"a b\"}}");
    assert_eq!(evidence.shape, Shape::Json);
    assert_eq!(evidence.words.text, "a b");
    assert_eq!(of(403, "403 \"no credits left\"").shape, Shape::Json);
    assert_eq!(of(403, "403 Forbidden").shape, Shape::Text);
}

#[test]
fn a_200_is_no_failure_whatever_a_model_wrote_in_it() {
    let body = r#"{"choices":[{"message":{"content":"error: insufficient quota"}}],"error":null}"#;
    let evidence = of(200, body);
    assert_eq!(evidence.told, Told::Not);
    assert_eq!(evidence.words.text, "");
}

#[test]
fn a_failure_inside_of_a_200_has_its_own_status() {
    let evidence = of(
        200,
        "data: {\"error\":{\"code\":429,\"message\":\"x\"}}\n\n",
    );
    assert_eq!(evidence.told, Told::Outright);
    assert_eq!(evidence.status, 429);
    assert_eq!(evidence.shape, Shape::Events);
}

#[test]
fn codes_come_from_headers_too() {
    let name = "com.amazon.coral.service#ThrottlingException:http://x/";
    let headers = [("X-Amzn-ErrorType".to_owned(), name.into())];
    let evidence = Evidence::of(&Response {
        status: 400,
        headers: &headers,
        body: b"",
    });
    assert_eq!(evidence.codes, ["comamazoncoralservicethrottling"]);
}
