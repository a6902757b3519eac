//! What goes to stdout: JSON made from the contract's own descriptors, or a table.

use std::fmt::Display;
use std::io::{self, Write};

use prost::{Message, Name};
use prost_reflect::{DescriptorPool, DynamicMessage, SerializeOptions};

use super::failure::Failure;
use super::words;
use crate::proto;

/// Prints a message: JSON if asked for, else what `human` makes of it.
pub(crate) fn show<M: Message + Name>(
    json: bool,
    message: &M,
    human: impl FnOnce(&M) -> String,
) -> Result<(), Failure> {
    if json {
        line(&to_json(message)?)
    } else {
        line(&human(message))
    }
}

/// Prints a message as JSON on one line, for streams.
pub(crate) fn show_json_line<M: Message + Name>(message: &M) -> Result<(), Failure> {
    line(&words::escaped_json(&json_value(message)?.to_string()))
}

/// Writes lines to stdout. Of what a terminal obeys nothing gets through but colours.
pub(crate) fn line(text: &dyn Display) -> Result<(), Failure> {
    let text = words::printable_in_colour(&text.to_string());
    let mut out = io::stdout().lock();
    writeln!(out, "{text}")?;
    out.flush()?;
    Ok(())
}

/// Writes a remark to stderr, so that stdout stays what was asked for.
pub(crate) fn remark(text: &str) {
    if text.is_empty() {
        return;
    }
    // Nobody is left to be told that stderr is closed.
    let text = words::printable_lines(text);
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// JSON with the contract's own names, over several lines.
pub(crate) fn to_json<M: Message + Name>(message: &M) -> Result<String, Failure> {
    Ok(words::escaped_json(&format!("{:#}", json_value(message)?)))
}

/// JSON with the contract's own names: unset scalars are shown, unset messages left out, 64-bit integers are numbers.
pub(crate) fn json_value<M: Message + Name>(message: &M) -> Result<serde_json::Value, Failure> {
    let fault = |error: &dyn Display| Failure::Failed(format!("cannot print the answer: {error}"));
    let pool = DescriptorPool::decode(proto::DESCRIPTORS).map_err(|e| fault(&e))?;
    let name = M::full_name();
    let descriptor = pool
        .get_message_by_name(&name)
        .ok_or_else(|| fault(&format!("no descriptor of {name}")))?;
    let bytes = zeroize::Zeroizing::new(message.encode_to_vec());
    let dynamic = DynamicMessage::decode(descriptor, bytes.as_slice()).map_err(|e| fault(&e))?;
    let options = SerializeOptions::new()
        .use_proto_field_name(true)
        .stringify_64_bit_integers(false)
        .skip_default_fields(false);
    dynamic
        .serialize_with_options(serde_json::value::Serializer, &options)
        .map_err(|e| fault(&e))
}

/// One thing, a line for each of its fields that is set.
pub(crate) fn details(fields: &[(&str, String)]) -> String {
    let set = |value: &str| !value.is_empty() && value != words::NOTHING;
    let shown: Vec<_> = fields.iter().filter(|(_, value)| set(value)).collect();
    let width = shown.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let lines: Vec<String> = shown
        .iter()
        .map(|(name, value)| {
            // Fields of several lines stay in their column.
            let value = words::printable_lines(value).replace('\n', &format!("\n{:width$}  ", ""));
            format!("{name:width$}  {value}")
        })
        .collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::{Limit, LimitDimension, limit::Window};

    fn limit() -> Limit {
        Limit {
            name: "accounts/a/limits/l".into(),
            dimension: LimitDimension::Requests as i32,
            amount: 5_000_000_000,
            window: Some(Window::Rolling(prost_types::Duration {
                seconds: 1,
                nanos: 500_000_000,
            })),
            create_time: Some(prost_types::Timestamp {
                seconds: 0,
                nanos: 0,
            }),
            ..Limit::default()
        }
    }

    #[test]
    fn json_has_the_names_of_the_contract() {
        let json: serde_json::Value = serde_json::from_str(&to_json(&limit()).unwrap()).unwrap();
        assert_eq!(json["dimension"], "LIMIT_DIMENSION_REQUESTS");
        assert_eq!(json["amount"], 5_000_000_000_i64);
        assert_eq!(json["rolling"], "1.500s");
        assert_eq!(json["create_time"], "1970-01-01T00:00:00Z");
        assert_eq!(json["models"], serde_json::json!([]), "empty, not absent");
        assert!(
            json.get("start_within").is_none(),
            "unset messages are left out"
        );
    }

    #[test]
    fn details_leave_out_what_is_unset_and_line_up() {
        let text = details(&[
            ("name", "a".into()),
            ("etag", String::new()),
            ("base url", "x\ny".into()),
            ("until", words::NOTHING.into()),
            ("etag", "\u{1b}]0;z\u{202e}".into()),
        ]);
        assert_eq!(
            text,
            "name      a\nbase url  x\n          y\netag       ]0;z "
        );
    }
}
