//! Lists that come in pages.

use clap::Args;

use super::output;

/// Rows a list fetches by itself; beyond that it says how to go on.
pub(crate) const ROWS_MAX: usize = 10_000;

/// Which page of a list.
#[derive(Debug, Args)]
pub(crate) struct PageArgs {
    /// Rows the server sends at a time: 1 to 1,000 [default: 100]
    #[arg(long, value_name = "ROWS", value_parser = clap::value_parser!(i32).range(1..=1_000))]
    pub(crate) page_size: Option<i32>,
    /// Go on after an earlier list; only the one page that follows is shown
    #[arg(long, value_name = "TOKEN")]
    pub(crate) page_token: Option<String>,
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
        request.page_size = page.page_size.unwrap_or_default();
        request.page_token = page.page_token.clone().unwrap_or_default();
        let mut all = $client.$rpc(request.clone()).await?.into_inner();
        while page.page_token.is_none()
            && !all.next_page_token.is_empty()
            && all.$rows.len() < $crate::cli::paging::ROWS_MAX
        {
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
