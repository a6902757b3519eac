//! Where cooldowns are kept: the whole, and each model.

/// What leases that name no model cool down by, where one of the account's models, and nobody knows which, is to blame: leases that name
/// theirs go on. Whoever calls a model so is kept waiting with them.
pub const UNNAMED: &str = "(none named)";

/// By what a lease of this model cools down, beside the whole.
#[must_use]
pub fn place_of(model: Option<&str>) -> &str {
    model.filter(|model| !model.is_empty()).unwrap_or(UNNAMED)
}

/// Where a lease for this model may be barred: the whole, and its model.
#[must_use]
pub fn places(model: Option<&str>) -> [&str; 2] {
    ["", place_of(model)]
}
