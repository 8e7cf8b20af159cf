//! The table of all rules of `check`: each with its code, summary, reason and hint.
//!
//! A code never changes its meaning, and the code of a removed rule is never reused. The families:
//!
//! | codes | about |
//! | --- | --- |
//! | SVC1xx | the file itself, any format |
//! | SVC2xx | directives of a unit and their values |
//! | SVC3xx | command lines of a unit |
//! | SVC4xx | users, rights and sandboxes of a unit |
//! | SVC5xx | files that a unit names |
//! | SVC6xx | start, stop and dependencies of a unit |
//! | SVC7xx | keys of a property list and their values |
//! | SVC8xx | start and stop of a launchd job |

use super::Rule;

pub(crate) mod command;
pub(crate) mod directive;
pub(crate) mod file;
pub(crate) mod job;
pub(crate) mod key;
pub(crate) mod lifecycle;
pub(crate) mod path;
pub(crate) mod rights;

/// All rules, in the order of their codes.
pub fn all() -> impl Iterator<Item = &'static Rule> {
    [file::ALL, directive::ALL, command::ALL, rights::ALL, path::ALL, lifecycle::ALL, key::ALL, job::ALL]
        .into_iter()
        .flatten()
        .copied()
}

/// The rule with this code.
pub fn find(code: &str) -> Option<&'static Rule> {
    all().find(|rule| rule.code.eq_ignore_ascii_case(code))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_sorted_by_code_and_have_plain_texts() {
        let codes: Vec<_> = all().map(|rule| rule.code).collect();
        let mut sorted = codes.clone();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(codes, sorted);
        for rule in all() {
            assert!(rule.code.len() == 6 && rule.code.starts_with("SVC"), "{}", rule.code);
            for text in [rule.summary, rule.why, rule.hint] {
                assert!(!text.is_empty() && !text.ends_with('.') && text.is_ascii(), "{}: {text}", rule.code);
            }
        }
        assert_eq!(find("svc101").map(|rule| rule.code), Some("SVC101"));
        assert_eq!(find("SVC999"), None);
    }
}
