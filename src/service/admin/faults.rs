//! Collects all that is wrong with a request: fields that are malformed, and what they ask for that has not been built yet.

use crate::domain::field::{FieldError, FieldErrors, Parsed};
use crate::proto::unbuilt::Unbuilt;
use crate::vault::Refusal;

/// The longest value of a field that is told back.
const VALUE_CHARS_MAX: usize = 96;

/// What was found wrong so far.
#[derive(Debug, Default)]
pub(super) struct Faults {
    /// Fields that are malformed or out of bounds.
    pub(super) fields: FieldErrors,
    not_built: Option<NotBuilt>,
}

/// A field that asks for what has not been built yet.
#[derive(Debug)]
struct NotBuilt {
    field: String,
    value: String,
    remedy: &'static str,
}

impl Faults {
    /// Notes a fault.
    pub(super) fn add(&mut self, fault: FieldError) {
        self.fields.push(fault);
    }

    /// The value of a field, or nothing and a note of what is wrong with it.
    pub(super) fn take<T>(&mut self, parsed: Parsed<T>) -> Option<T> {
        self.fields.take(parsed)
    }

    /// Notes that a field, by this value, asks for what has not been built yet.
    pub(super) fn not_built(&mut self, unbuilt: Unbuilt, value: &str) {
        let Unbuilt { field, remedy, .. } = unbuilt;
        self.not_built.get_or_insert_with(|| NotBuilt {
            field: field.to_owned(),
            value: value.chars().take(VALUE_CHARS_MAX).collect(),
            remedy,
        });
    }

    /// Takes over what was found wrong with a part of the request, whose fields are inside `parent`.
    pub(super) fn absorb(&mut self, parent: &str, part: Self) {
        for fault in part.fields.into_vec() {
            self.add(fault.within(parent));
        }
        if let Some(mut not_built) = part.not_built {
            not_built.field = format!("{parent}.{}", not_built.field);
            self.not_built.get_or_insert(not_built);
        }
    }

    /// What was built from the fields, if nothing is wrong with them. Of faults, what has not been built yet goes first, since no
    /// mending of fields would help.
    pub(super) fn finish<T>(self, built: Option<T>) -> Result<T, Refusal> {
        match self.not_built {
            Some(NotBuilt {
                field,
                value,
                remedy,
            }) => Err(Refusal::not_built(field, value, remedy)),
            None => self.fields.ready(built).map_err(Refusal::Fields),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::unbuilt;

    fn fault(i: usize) -> FieldError {
        FieldError::new(format!("f{i}"), "is wrong")
    }

    #[test]
    fn every_fault_is_named_up_to_a_bound() {
        let mut faults = Faults::default();
        for i in 0..100_000 {
            assert_eq!(faults.take::<()>(Err(fault(i))), None);
        }
        let Err(Refusal::Fields(fields)) = faults.finish(Some(())) else {
            unreachable!("faults were added")
        };
        assert_eq!(fields.len(), crate::domain::field::FIELD_ERRORS_MAX);
        assert_eq!(fields[1], fault(1));
    }

    #[test]
    fn what_is_not_built_is_said_first_and_once() {
        let mut faults = Faults::default();
        faults.add(fault(0));
        let mut part = Faults::default();
        part.not_built(unbuilt::CALLER_LIMITS, "callers/a");
        part.not_built(unbuilt::IDENTITIES, "1");
        faults.absorb("limits[3]", part);
        let refusal = faults.finish(Some(())).unwrap_err();
        assert_eq!(
            refusal.to_string(),
            "limits[3].parent callers/a is not built yet: limits belong to accounts: accounts/{account}"
        );
    }
}
