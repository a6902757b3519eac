//! Update masks: which fields of a resource a request changes.

use crate::domain::field::{FieldError, FieldErrors};

/// The fields that a request changes.
#[derive(Debug)]
pub(super) struct Mask(Vec<&'static str>);

impl Mask {
    /// Parses the field `update_mask` against the fields that can change; `*` names all of them.
    pub(super) fn parse(
        errors: &mut FieldErrors,
        mask: Option<&prost_types::FieldMask>,
        mutable: &[&'static str],
    ) -> Self {
        const FIELD: &str = "update_mask";
        let paths = mask.map_or(&[][..], |mask| &mask.paths);
        if paths.is_empty() {
            let message = "is required; name the fields to change, or * for all that can";
            errors.push(FieldError::new(FIELD, message));
        }
        let mut fields = Vec::new();
        for path in paths {
            match mutable.iter().find(|field| *field == path) {
                Some(field) => fields.push(*field),
                None if path == "*" => fields.extend(mutable),
                None => {
                    let message = format!(
                        "names a field that is unknown or cannot change; those that can: {}",
                        mutable.join(", ")
                    );
                    errors.push(FieldError::new(FIELD, message));
                    break;
                }
            }
        }
        Self(fields)
    }

    /// Whether the mask names the field.
    pub(super) fn names(&self, field: &str) -> bool {
        self.0.contains(&field)
    }

    /// The value that `parse` gives, if the mask names the field.
    pub(super) fn when<T>(&self, field: &str, parse: impl FnOnce() -> Option<T>) -> Option<T> {
        if self.names(field) { parse() } else { None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(paths: &[&str]) -> (Mask, Vec<FieldError>) {
        let mut errors = FieldErrors::default();
        let mask = prost_types::FieldMask {
            paths: paths.iter().map(|path| (*path).to_owned()).collect(),
        };
        let mask = Mask::parse(&mut errors, Some(&mask), &["labels", "members"]);
        (mask, errors.into_vec())
    }

    #[test]
    fn a_star_names_all_fields_that_can_change() {
        let (mask, errors) = parse(&["*"]);
        assert!(errors.is_empty());
        assert_eq!(mask.when("members", || Some(1)), Some(1));
        let (mask, _) = parse(&["labels"]);
        assert_eq!(mask.when("members", || Some(1)), None);
    }

    #[test]
    fn a_field_that_cannot_change_is_refused_and_so_is_no_mask() {
        assert_eq!(parse(&["labels", "uid"]).1[0].field, "update_mask");
        assert_eq!(parse(&[]).1.len(), 1);
        assert_eq!(parse(&["", "Labels"]).1.len(), 1);
    }
}
