//! A file that its own host gets back keeps every byte that no option, no version and no loss concerns.

mod plist;
mod unit;
