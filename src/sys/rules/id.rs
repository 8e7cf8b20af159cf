//! The output of id(1).

/// The groups in the output of `id -G`: unsigned numbers in one line; `nobody` of macOS is 4294967294.
pub(in crate::sys) fn groups(answer: &[u8]) -> Option<Vec<u32>> {
    let text = std::str::from_utf8(answer).ok()?;
    let groups: Vec<u32> = text.split_whitespace().map(str::parse).collect::<Result<_, _>>().ok()?;
    (!groups.is_empty()).then_some(groups)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_of_an_answer_are_all_its_numbers() {
        assert_eq!(groups(b"20 12 61 79\n"), Some(vec![20, 12, 61, 79]));
        assert_eq!(groups(b"4294967294 12\n"), Some(vec![u32::MAX - 1, 12]));
    }

    #[test]
    fn output_that_is_not_numbers_is_rejected() {
        for answer in [&b""[..], b"\n", b"id: x: no such user\n", b"20 staff\n", b"-1\n", b"20 \xff\n"] {
            assert_eq!(groups(answer), None, "{answer:?}");
        }
    }
}
