use super::*;
use crate::domain::classify::scan::scan;

fn told_by(body: &str) -> Told {
    let mut fields = Vec::new();
    scan(body, &mut fields);
    let all = fields.len();
    fields.retain(may_tell_of_failure);
    fails(&fields, Shape::Json, &Words::default(), fields.len() == all)
}

#[test]
fn failures_are_told_in_many_ways() {
    for body in [
        r#"{"ok":false,"error":"ratelimited"}"#,
        r#"{"error":"Model is currently loading"}"#,
        r#"{"base_resp":{"status_code":1004}}"#,
        r#"{"status":"REQUEST_DENIED","error_message":"no"}"#,
        r#"{"type":"error","error":{"type":"overloaded_error"}}"#,
        r#"{"type":"response.failed","response":{"error":{"code":"server_error"}}}"#,
        r#"{"errors":[{"message":"API rate limit exceeded"}],"data":null}"#,
        r#"{"status":{"error_code":1001,"error_message":"This API Key is invalid."}}"#,
        r#"{"result":"error","error-type":"invalid-key"}"#,
        r#"{"error":{"type":"internal_server_error","code":"","message":"service overloaded"}}"#,
        r#"{"choices":[{"finish_reason":"error","error":{"code":502,"message":"upstream"},"message":{"content":""}}]}"#,
    ] {
        assert_eq!(told_by(body), Told::Outright, "{body}");
    }
}

#[test]
fn what_successes_have_as_well_tells_of_a_failure_only_perhaps() {
    for body in [
        r#"{"code":20015,"message":"too long","data":null}"#,
        r#"{"Note":"our standard limit is 25 calls per day"}"#,
        r#"{"code":"ABC123","message":"Your discount code is ready"}"#,
        r#"{"event":"error","data":{"x":1}}"#,
    ] {
        assert_eq!(told_by(body), Told::Perhaps, "{body}");
    }
}

#[test]
fn successes_are_not_failures() {
    for body in [
        r#"{"ok":true,"channel":"C1","message":{"text":"error"}}"#,
        r#"{"base_resp":{"status_code":0,"status_msg":"success"},"reply":"error"}"#,
        r#"{"id":"x","choices":[{"message":{"content":"rate limit"}}],"error":null}"#,
        r#"{"choices":[{"error":null,"message":{"content":"502"}}]}"#,
        r#"{"status":"OK","results":[]}"#,
        r#"{"code":0,"message":"ok","data":{}}"#,
        r#"{"type":"message","content":[{"type":"text","text":"error"}],"note":"x"}"#,
        r#"{"success":true,"errors":[],"result":{"error":"none"}}"#,
        r#"{"errors":false,"took":30,"items":[]}"#,
        r#"{"errors":0}"#,
        r#"{"errors":"none"}"#,
        r#"{"error":{"code":0,"message":"created"},"data":{}}"#,
        r#"{"errcode":0,"errmsg":"created"}"#,
        r#"{"code":201,"message":"created"}"#,
        r#"{"code":"00","message":"approved"}"#,
        r#"{"code":200.0,"message":"fine"}"#,
        r#"{"code":"200 OK","message":"Created"}"#,
        r#"{"information":"we rate limit calls","data":1}"#,
        "[]",
    ] {
        assert_eq!(told_by(body), Told::Not, "{body}");
    }
}
