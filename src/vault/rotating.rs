//! Rotations on their way: the steps that nobody has to ask for, what each does to the versions, and a person's word on them.

mod advance_rotation;
mod answer_drains;
mod begin_due;
pub(super) mod cancel_rotation;
pub(super) mod come_back;
mod delete_rotator;
mod mend_times;
mod retry_rotation;
mod revoke_drained;
pub(super) mod revoke_version;
mod rollback_key;
pub(super) mod rotation_deeds;
mod set_rotator;

pub use advance_rotation::Steps;
pub use cancel_rotation::CancelRotation;
pub use delete_rotator::DeleteRotator;
pub use retry_rotation::RetryRotation;
pub use rollback_key::RollbackKey;
pub use set_rotator::{RotatorView, SetRotator};
