//! Bookmarks: opaque to clients, `bastide:<database id>:<commit>` to us.

use bastide_model::CommitId;
use bastide_status::{Code, Result, Status};

const PREFIX: &str = "bastide";
/// A longer bookmark is not ours, in bytes.
const LENGTH_MAX: usize = 200;
/// How many bookmarks one transaction may bring.
const BOOKMARKS_MAX: usize = 1_000;

/// The bookmark of a commit.
pub fn format(database_id: &str, commit: CommitId) -> String {
    format!("{PREFIX}:{database_id}:{commit}")
}

/// The latest commit of this database that the bookmarks name. Bookmarks of other databases are passed over, as drivers
/// send them along.
///
/// # Errors
/// If one is no bookmark of this server.
pub fn latest(bookmarks: &[String], database_id: &str) -> Result<CommitId> {
    if bookmarks.len() > BOOKMARKS_MAX {
        return Err(Status::new(
            Code::InvalidBookmark,
            format!("at most {BOOKMARKS_MAX} bookmarks can be sent"),
        ));
    }
    let mut latest = CommitId(0);
    for bookmark in bookmarks {
        let (id, commit) = parse(bookmark).ok_or_else(|| {
            Status::new(
                Code::InvalidBookmark,
                "a bookmark was sent that this server did not make",
            )
            .with_advice("pass on bookmarks exactly as the session gave them")
        })?;
        if id == database_id {
            latest = latest.max(commit);
        }
    }
    Ok(latest)
}

fn parse(bookmark: &str) -> Option<(&str, CommitId)> {
    let rest = bookmark
        .strip_prefix(PREFIX)?
        .strip_prefix(':')
        .filter(|rest| rest.len() <= LENGTH_MAX)?;
    let (id, commit) = rest.rsplit_once(':')?;
    Some((id, CommitId(commit.parse().ok()?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_of_this_database_counts() {
        let bookmarks = [
            format("a", CommitId(3)),
            format("b", CommitId(9)),
            format("a", CommitId(5)),
        ];
        assert_eq!(latest(&bookmarks, "a").unwrap(), CommitId(5));
        assert_eq!(latest(&[], "a").unwrap(), CommitId(0));
    }

    #[test]
    fn refuses_what_it_did_not_make() {
        for bookmark in ["", "FB:kcwQ", "bastide:a", "bastide:a:-1", "bastide:a:x"] {
            let refused = latest(&[bookmark.to_owned()], "a").unwrap_err();
            assert_eq!(refused.code(), Code::InvalidBookmark, "{bookmark}");
        }
    }
}
