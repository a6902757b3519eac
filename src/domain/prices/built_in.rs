//! The table of this release: data, with its date and its sources, compiled in.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;
use time::Date;
use time::macros::format_description;

use super::dated::undated;
use super::{PRICE_MAX, Price, Provider};
use crate::domain::profile::Profile;
use crate::domain::time::Timestamp;

/// The format of the table that this release reads.
const FORMAT: u32 = 1;

/// The built-in prices.
#[derive(Debug)]
pub struct Table {
    /// When its facts were collected: the start of that day in UTC.
    pub date: Timestamp,
    /// By provider, in the order of the file.
    pub providers: Vec<Listed>,
}

/// The models of one provider.
#[derive(Debug)]
pub struct Listed {
    /// What it is called.
    pub name: String,
    /// The profile whose prices these are where no host says otherwise.
    pub profile: Option<Profile>,
    /// Where its requests go.
    pub hosts: Vec<String>,
    /// The provider's public page.
    pub source: String,
    /// By the provider's name for the model.
    pub models: BTreeMap<String, Price>,
}

/// The table as written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: u32,
    date: String,
    currency: String,
    provider: Vec<WrittenProvider>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenProvider {
    name: String,
    profile: Option<String>,
    hosts: Vec<String>,
    source: String,
    models: BTreeMap<String, WrittenPrice>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenPrice {
    input: u64,
    cached_input: Option<u64>,
    output: u64,
}

/// The built-in prices.
///
/// # Errors
/// Says what is wrong with the table: of a build that passed its tests, never.
pub fn table() -> Result<&'static Table, &'static String> {
    static TABLE: LazyLock<Result<Table, String>> =
        LazyLock::new(|| Table::parse(include_str!("table.toml")));
    TABLE.as_ref()
}

impl Table {
    /// Parses a table.
    ///
    /// # Errors
    /// Names what is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        let file: File = toml::from_str(text).map_err(|error| error.to_string())?;
        if file.version != FORMAT {
            return Err(format!(
                "version {} is not read, only {FORMAT}",
                file.version
            ));
        }
        if file.currency != "USD" {
            return Err(format!("currency {} is not USD", file.currency));
        }
        let providers = file.provider.into_iter().map(WrittenProvider::parsed);
        Ok(Self {
            date: day(&file.date).ok_or_else(|| format!("date {} is none", file.date))?,
            providers: providers.collect::<Result<_, _>>()?,
        })
    }

    /// The price of a model of a provider, which is known by its host, else by its profile.
    #[must_use]
    pub fn price(&self, provider: Provider<'_>, model: &str) -> Option<Price> {
        let host = host_of(provider.base_url);
        let mut listed = self.providers.iter();
        let by_host = listed.find(|listed| listed.hosts.iter().any(|known| known == host));
        let listed = by_host.or_else(|| {
            let mut listed = self.providers.iter();
            listed.find(|listed| listed.profile == Some(provider.profile))
        })?;
        let find = |name: &str| listed.models.get(name).copied();
        find(model).or_else(|| find(undated(model)?))
    }
}

impl WrittenProvider {
    fn parsed(self) -> Result<Listed, String> {
        let name = self.name;
        let profile = self
            .profile
            .as_deref()
            .map(|p| Profile::parse("profile", p));
        let profile = profile
            .transpose()
            .map_err(|error| format!("{name}: {}", error.message))?;
        let is_host = |host: &String| *host == host.to_ascii_lowercase() && host.contains('.');
        if self.hosts.is_empty() || !self.hosts.iter().all(is_host) {
            return Err(format!("{name}: needs hosts, in lower case"));
        }
        if !self.source.starts_with("https://") {
            return Err(format!("{name}: needs the page that its prices are from"));
        }
        let mut models = BTreeMap::new();
        for (model, written) in self.models {
            let price = written.parsed();
            let price =
                price.ok_or_else(|| format!("{name}: the price of {model} is out of bounds"))?;
            models.insert(model, price);
        }
        Ok(Listed {
            name,
            profile,
            hosts: self.hosts,
            source: self.source,
            models,
        })
    }
}

impl WrittenPrice {
    fn parsed(self) -> Option<Price> {
        let cached = self.cached_input.unwrap_or(self.input);
        let largest = self.input.max(self.output);
        (largest <= PRICE_MAX && cached <= self.input).then_some(Price {
            input: self.input,
            cached_input: self.cached_input,
            output: self.output,
        })
    }
}

/// The start of a day, given as `2026-01-31`.
fn day(text: &str) -> Option<Timestamp> {
    let format = format_description!("[year]-[month]-[day]");
    let date = Date::parse(text, format).ok()?;
    let seconds = date.midnight().assume_utc().unix_timestamp();
    Some(Timestamp::from_micros(seconds * 1_000_000))
}

/// The host of a URL that was checked when it was stored.
fn host_of(base_url: &str) -> &str {
    let (_, rest) = base_url.split_once("://").unwrap_or(("", base_url));
    rest.split(['/', ':']).next().unwrap_or_default()
}
