//! The nearest right name for a wrong one.

/// Longest name compared; longer ones have no near name.
const NAME_CHARACTERS_MAX: usize = 200;

/// The candidate with the fewest insertions, deletions, replacements and swaps from `wrong`, if it is near enough to be
/// meant: one edit in four characters, at least two.
pub fn nearest_name<'a>(wrong: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wrong: Vec<char> = wrong
        .chars()
        .take(NAME_CHARACTERS_MAX + 1)
        .map(|c| c.to_ascii_lowercase())
        .collect();
    if wrong.is_empty() || wrong.len() > NAME_CHARACTERS_MAX {
        return None;
    }
    let limit = (wrong.len() / 4).max(2);
    candidates
        .into_iter()
        .filter(|candidate| candidate.len().abs_diff(wrong.len()) <= limit)
        .map(|candidate| (distance(&wrong, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= limit && *distance < candidate.len())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Edit distance in which swapping two neighbours is one edit.
fn distance(wrong: &[char], candidate: &str) -> usize {
    let candidate: Vec<char> = candidate.chars().map(|c| c.to_ascii_lowercase()).collect();
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=candidate.len()).collect();
    let mut previous_left = None;
    for (row, left) in wrong.iter().enumerate() {
        let mut current = vec![row + 1];
        let mut previous_right = None;
        for (column, right) in candidate.iter().enumerate() {
            let at = |cells: &[usize], index: usize| cells.get(index).copied().unwrap_or(usize::MAX - 1);
            let mut cost = (at(&last, column) + usize::from(left != right))
                .min(at(&last, column + 1) + 1)
                .min(at(&current, column) + 1);
            if previous_left == Some(right) && previous_right == Some(left) && column > 0 {
                cost = cost.min(at(&before_last, column - 1) + 1);
            }
            current.push(cost);
            previous_right = Some(right);
        }
        before_last = std::mem::replace(&mut last, current);
        previous_left = Some(left);
    }
    last.last().copied().unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: [&str; 3] = ["server.bolt.enabled", "server.https.enabled", "dbms.routing_ttl"];

    #[test]
    fn finds_the_name_that_was_meant() {
        assert_eq!(nearest_name("server.blot.enabled", NAMES), Some("server.bolt.enabled"));
        assert_eq!(nearest_name("server.bolt.enable", NAMES), Some("server.bolt.enabled"));
        assert_eq!(nearest_name("DBMS.routing.ttl", NAMES), Some("dbms.routing_ttl"));
    }

    #[test]
    fn finds_nothing_for_something_else() {
        assert_eq!(nearest_name("completely.different.thing", NAMES), None);
        assert_eq!(nearest_name("", NAMES), None);
        assert_eq!(nearest_name(&"x".repeat(1000), NAMES), None);
    }

    #[test]
    fn counts_edits_and_swaps() {
        let edits = |wrong: &str, right: &str| distance(&wrong.chars().collect::<Vec<_>>(), right);
        assert_eq!(
            (
                edits("abc", "abc"),
                edits("abc", "acb"),
                edits("kitten", "sitting"),
                edits("", "ab")
            ),
            (0, 1, 3, 2)
        );
    }
}
