use proptest::prelude::*;

use super::*;

fn fields(text: &str) -> Vec<(String, String)> {
    let mut fields = Vec::new();
    scan(text, &mut fields);
    fields.into_iter().map(|f| (f.path, f.value)).collect()
}

fn pair(path: &str, value: &str) -> (String, String) {
    (path.to_owned(), value.to_owned())
}

#[test]
fn paths_pass_through_lists_and_end_with_their_objects() {
    let text =
        r#"[{"Error":{"code":429,"errors":[{"reason":"a"},{"reason":"b"}]},"ok":false,"n":null}]"#;
    let expected = [
        pair("error.code", "429"),
        pair("error.errors.reason", "a"),
        pair("error.errors.reason", "b"),
        pair("ok", "false"),
    ];
    assert_eq!(fields(text), expected);
}

#[test]
fn what_was_cut_off_is_missing_and_nothing_else() {
    let text = r#"{"type":"error","error":{"message":"You exceeded \u4f59 your cur"#;
    let expected = [
        pair("type", "error"),
        pair("error.message", "You exceeded 余 your cur"),
    ];
    assert_eq!(fields(text), expected);
}

#[test]
fn a_text_inside_a_string_is_read_as_well() {
    let text = r#"{"error":{"message":"{\"error\":{\"code\":\"x\"}}"}}"#;
    assert_eq!(fields(text), [pair("error.message.error.code", "x")]);
    let message = "[1308][used up]";
    assert_eq!(fields(&format!("\"{message}\"")), [pair("", message)]);
}

#[test]
fn an_error_is_read_behind_more_than_is_looked_at() {
    let many = "1,".repeat(1_000);
    let read = fields(&format!(
        "{{\"data\":[{many}1],\"error\":{{\"code\":\"x\"}},\"more\":1}}"
    ));
    assert_eq!(read.len(), FIELDS_MAX + 1);
    assert_eq!(read.last(), Some(&pair("error.code", "x")));
    let endless = format!("{{\"error\":[{}1]}}", "1,".repeat(10_000));
    assert_eq!(fields(&endless).len(), FIELDS_MAX + ERROR_FIELDS_MAX);
}

#[test]
fn depth_is_counted_and_not_followed() {
    let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    assert_eq!(fields(&format!("[{deep},2]")), [pair("", "2")]);
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "[\\{\\}\\[\\]:,\"\\\\u0-9a-zé余 ]{0,200}") {
        fields(&text);
    }

    #[test]
    fn it_reads_what_serde_writes(value in "\\PC{0,40}", number in any::<i32>()) {
        let text = serde_json::json!({"a": {"b": [value, number]}}).to_string();
        let mut read = fields(&text);
        prop_assert_eq!(read.pop(), Some(pair("a.b", &number.to_string())));
    }
}
