//! The rules of the house, as tests: floors, borders, sizes, and documents that say what the code says.
//!
//! Every rule is a function from sources to complaints. Each is shown sources that it must refuse, so that its silence means something.

#[cfg(test)]
mod architecture {
    mod borders;
    mod documents;
    mod floors;
    mod image;
    mod orphans;
    mod sizes;
    mod source;
}
