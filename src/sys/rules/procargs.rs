//! The result of `sysctl kern.procargs2` on macOS (sysctl(3)): the number of arguments, the path of the program, NULs
//! up to a word boundary, the arguments, and the environment, which is ignored.

/// The arguments; fewer if the result was truncated.
pub(in crate::sys) fn arguments(answer: &[u8]) -> Vec<String> {
    let Some((count, rest)) = answer.split_first_chunk::<4>() else { return Vec::new() };
    let count = usize::try_from(i32::from_ne_bytes(*count)).unwrap_or(0);
    let Some(end) = rest.iter().position(|byte| *byte == 0) else { return Vec::new() };
    let padding = rest[end..].iter().take_while(|byte| **byte == 0).count();
    let words = &rest[end + padding..];
    // The last piece has no NUL after it: it is truncated or empty.
    let whole = words.iter().rposition(|byte| *byte == 0).map_or(&[][..], |last| &words[..last]);
    whole
        .split(|byte| *byte == 0)
        .take(if whole.is_empty() { 0 } else { count })
        .map(|word| String::from_utf8_lossy(word).into_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(count: i32, rest: &[u8]) -> Vec<u8> {
        [&count.to_ne_bytes()[..], rest].concat()
    }

    #[test]
    fn arguments_come_after_the_path_and_the_environment_is_left_out() {
        let rest =
            b"/usr/bin/python3\0\0\0\0/usr/bin/python3\0/usr/local/bin/supervisord\0-n\0HOME=/root\0\0";
        assert_eq!(arguments(&answer(3, rest)), ["/usr/bin/python3", "/usr/local/bin/supervisord", "-n"]);
    }

    #[test]
    fn argument_that_is_empty_keeps_its_place() {
        assert_eq!(arguments(&answer(3, b"/p\0\0p\0\0z\0K=V\0")), ["p", "", "z"]);
    }

    #[test]
    fn truncated_result_yields_the_complete_arguments() {
        assert_eq!(arguments(&answer(3, b"/p\0p\0one\0tw")), ["p", "one"]);
        for cut in [&b""[..], b"/p", b"/p\0", b"/p\0\0\0", b"/p\0p"] {
            assert_eq!(arguments(&answer(3, cut)), [""; 0], "{cut:?}");
        }
        assert_eq!(arguments(b"\x01\0"), [""; 0]);
        assert_eq!(arguments(&answer(-1, b"/p\0p\0")), [""; 0]);
    }
}
