//! Collects all that is wrong with a request: fields that are malformed, and what they ask for that has not been built yet.

use crate::domain::field::{FieldError, FieldErrors, Parsed};
use crate::vault::Refusal;

/// What was found wrong so far.
#[derive(Debug, Default)]
pub(super) struct Faults {
    /// Fields that are malformed or out of bounds.
    pub(super) fields: FieldErrors,
    not_built: Option<String>,
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

    /// Notes that a field asks for what has not been built yet.
    pub(super) fn not_built(&mut self, field: &str) {
        self.not_built.get_or_insert_with(|| field.to_owned());
    }

    /// Takes over what was found wrong with a part of the request, whose fields are inside `parent`.
    pub(super) fn absorb(&mut self, parent: &str, part: Self) {
        for fault in part.fields.into_vec() {
            self.add(fault.within(parent));
        }
        if let Some(field) = part.not_built {
            self.not_built(&format!("{parent}.{field}"));
        }
    }

    /// What was built from the fields, if nothing is wrong with them. Of faults, what has not been built yet goes first, since no
    /// mending of fields would help.
    pub(super) fn finish<T>(self, built: Option<T>) -> Result<T, Refusal> {
        match self.not_built {
            Some(what) => Err(Refusal::NotBuilt { what }),
            None => self.fields.ready(built).map_err(Refusal::Fields),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        faults.not_built("limit.mode");
        faults.not_built("limit.calendar");
        let what = "limit.mode".to_owned();
        assert_eq!(faults.finish(Some(())), Err(Refusal::NotBuilt { what }));
    }
}
