//! Lists that come in pages.

use clap::Args;

use super::output;

/// Rows a list fetches by itself; beyond that it says how to go on.
const ROWS_MAX: usize = 10_000;
/// Rows that come at a time.
const PAGE_ROWS: i32 = 100;

/// Which page of a list.
#[derive(Debug, Args)]
pub(crate) struct PageArgs {
    /// Rows the server sends at a time: 1 to 1,000 [default: 100]
    #[arg(long, value_name = "ROWS", value_parser = clap::value_parser!(i32).range(1..=1_000))]
    pub(crate) page_size: Option<i32>,
    /// At most so many rows: with the newest first, the last ones
    #[arg(long, value_name = "ROWS", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) limit: Option<u16>,
    /// Go on after an earlier list; only the one page that follows is shown
    #[arg(long, value_name = "TOKEN")]
    pub(crate) page_token: Option<String>,
}

impl PageArgs {
    /// Rows that are fetched before it is said how to go on.
    pub(crate) fn rows_max(&self) -> usize {
        self.limit.map_or(ROWS_MAX, usize::from)
    }

    /// The size of the page after so many rows: none comes that is not shown, so that what follows can be asked for.
    pub(crate) fn rows_next(&self, rows: usize) -> i32 {
        let left = i32::try_from(self.rows_max().saturating_sub(rows)).unwrap_or(i32::MAX);
        self.page_size.unwrap_or(PAGE_ROWS).min(left)
    }
}

/// Which resources to list.
#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// Only some: "labels.team=search AND state=disabled"; knows labels.KEY=VALUE and state=enabled|disabled
    #[arg(long, default_value = "", hide_default_value = true)]
    pub(crate) filter: String,
    #[command(flatten)]
    pub(crate) page: PageArgs,
}

/// Calls a list RPC until every page is there, unless one page was asked for.
macro_rules! every_page {
    ($client:expr, $rpc:ident, $rows:ident, $page:expr, $request:expr) => {{
        let page: &$crate::cli::paging::PageArgs = $page;
        let mut request = $request;
        request.page_size = page.rows_next(0);
        request.page_token = page.page_token.clone().unwrap_or_default();
        let mut all = $client.$rpc(request.clone()).await?.into_inner();
        while page.page_token.is_none()
            && !all.next_page_token.is_empty()
            && all.$rows.len() < page.rows_max()
        {
            request.page_size = page.rows_next(all.$rows.len());
            request.page_token = std::mem::take(&mut all.next_page_token);
            let next = $client.$rpc(request.clone()).await?.into_inner();
            all.$rows.extend(next.$rows);
            all.next_page_token = next.next_page_token;
        }
        $crate::cli::paging::say_more(&all.next_page_token);
        all
    }};
}
pub(crate) use every_page;

/// Says on stderr that a list has not ended.
pub(crate) fn say_more(next_page_token: &str) {
    if !next_page_token.is_empty() {
        output::remark(&format!("more: --page-token {next_page_token}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_page_has_more_rows_than_are_to_be_shown() {
        let pages = |limit, page_size| PageArgs {
            page_size,
            limit,
            page_token: None,
        };
        let sizes = |page: &PageArgs, rows: [usize; 3]| rows.map(|rows| page.rows_next(rows));
        assert_eq!(sizes(&pages(None, None), [0, 100, 9_990]), [100, 100, 10]);
        assert_eq!(sizes(&pages(Some(5), None), [0, 3, 4]), [5, 2, 1]);
        assert_eq!(
            sizes(&pages(Some(250), Some(200)), [0, 200, 249]),
            [200, 50, 1]
        );
        assert_eq!(pages(Some(5), None).rows_max(), 5);
    }
}
