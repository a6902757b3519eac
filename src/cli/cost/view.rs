//! Sums as a table of at most 80 columns, with their total.

use super::{CostRow, money, words};
use crate::cli::table;

/// The sums, then all together; and a remark where they are not all there is.
pub(super) fn sums(by: &[String], rows: &[CostRow]) -> String {
    if rows.iter().all(|row| row.requests == 0) {
        return "nothing was spent".to_owned();
    }
    let mut header: Vec<String> = by.iter().map(|part| heading(part)).collect();
    header.extend(["DOLLARS", "REQUESTS", "INPUT", "OUTPUT"].map(str::to_owned));
    let mut lines: Vec<Vec<String>> = rows.iter().map(|row| line(by, row)).collect();
    if rows.len() > 1 {
        let mut total = vec![String::new(); by.len()];
        if let Some(first) = total.first_mut() {
            "TOTAL".clone_into(first);
        }
        total.extend(amounts(&sum(rows)));
        lines.push(total);
    }
    let header: Vec<&str> = header.iter().map(String::as_str).collect();
    let table = table::list(&header, lines, "nothing was spent");
    match sum(rows).unpriced_requests {
        0 => table,
        unpriced => format!(
            "{table}\n\nrequests that are not in the dollars: {}, reported without usage, or with a\nmodel that has no price (`keylease prices set`)",
            words::number(unpriced)
        ),
    }
}

fn heading(part: &str) -> String {
    part.strip_prefix("tag.")
        .map_or_else(|| part.to_uppercase(), |key| format!("TAG {key}"))
}

fn line(by: &[String], row: &CostRow) -> Vec<String> {
    let value = |part: &String| {
        let value = row.group.get(part).map(String::as_str).unwrap_or_default();
        // The collection is in the heading.
        let value = match part.as_str() {
            "pool" | "account" | "caller" => value.split_once('/').map_or(value, |(_, id)| id),
            _ => value,
        };
        if value.is_empty() {
            words::NOTHING.to_owned()
        } else {
            words::printable(value)
        }
    };
    by.iter().map(value).chain(amounts(row)).collect()
}

fn amounts(row: &CostRow) -> [String; 4] {
    [
        money::text(row.cost_micros),
        words::number(row.requests),
        words::number(row.input_tokens),
        words::number(row.output_tokens),
    ]
}

fn sum(rows: &[CostRow]) -> CostRow {
    rows.iter().fold(CostRow::default(), |all, row| CostRow {
        cost_micros: all.cost_micros.saturating_add(row.cost_micros),
        requests: all.requests.saturating_add(row.requests),
        input_tokens: all.input_tokens.saturating_add(row.input_tokens),
        output_tokens: all.output_tokens.saturating_add(row.output_tokens),
        unpriced_requests: all.unpriced_requests.saturating_add(row.unpriced_requests),
        ..CostRow::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(pool: &str, team: &str, cost_micros: i64) -> CostRow {
        let group = [("pool", pool), ("tag.team", team)];
        CostRow {
            group: group.map(|(k, v)| (k.to_owned(), v.to_owned())).into(),
            cost_micros,
            requests: 1_000,
            input_tokens: 2_000_000,
            output_tokens: 30,
            ..CostRow::default()
        }
    }

    #[test]
    fn sums_stand_by_group_in_80_columns_and_add_up() {
        let by = ["pool".to_owned(), "tag.team".to_owned()];
        let rows = [
            row("pools/openai-prod", "search", 1_234_567),
            row("(other)", "", 2),
        ];
        let text = sums(&by, &rows);
        for word in [
            "openai-prod",
            "TAG team",
            "1.234567",
            "0.000002",
            "(other)",
            "1.234569",
            "4,000,000",
        ] {
            assert!(text.contains(word), "{word}\n{text}");
        }
        assert!(
            text.lines().all(|line| line.chars().count() <= 80),
            "{text}"
        );
        assert!(!text.contains("not in the dollars"), "{text}");
    }

    #[test]
    fn what_has_no_price_is_said_and_nothing_is_a_sentence() {
        let unpriced = CostRow {
            unpriced_requests: 7,
            ..row("pools/p", "", 0)
        };
        let text = sums(&["pool".to_owned()], &[unpriced]);
        assert!(text.contains("not in the dollars: 7,"), "{text}");
        assert!(
            text.lines().all(|line| line.chars().count() <= 80),
            "{text}"
        );
        assert!(!text.contains("TOTAL"), "one row is its own total: {text}");
        assert_eq!(sums(&[], &[CostRow::default()]), "nothing was spent");
        assert_eq!(sums(&["pool".to_owned()], &[]), "nothing was spent");
    }
}
