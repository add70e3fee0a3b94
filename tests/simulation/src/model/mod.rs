//! The models of AWS and Visma Net.

pub(crate) mod erp;
pub(crate) mod expression;
pub(crate) mod queue;
pub(crate) mod secrets;
pub(crate) mod size;
pub(crate) mod table;
