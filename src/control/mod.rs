//! Services from outside: what they are, and what they are told to do.

pub mod audit;
