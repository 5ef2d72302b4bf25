//! Which user a verified client certificate stands for.
//!
//! Owns the grammar of `dbms.security.authentication.certificate.rules` and the matching. INVARIANT: a pattern matches a
//! whole name or nothing, and a wildcard never runs over the borders within a name. Must not know how a certificate was
//! verified: only names of verified ones may be handed in.

use std::fmt;

use crate::user::UserName;

/// Most rules.
const RULES_MAX: usize = 1_000;
/// Longest text of all rules, in bytes.
const BYTES_MAX: usize = 64 * 1024;
/// Names of one kind in one certificate that are looked at.
const NAMES_MAX: usize = 256;

/// What a verified certificate says of its owner.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CertificateIdentity {
    /// The subject's distinguished name, RFC 4514 escaped, in the certificate's order with `, ` between the parts.
    pub subject: String,
    /// Common names of the subject.
    pub common_names: Vec<String>,
    /// DNS names among the subject alternative names.
    pub dns_names: Vec<String>,
    /// E-mail addresses among them.
    pub email_names: Vec<String>,
    /// URIs among them.
    pub uri_names: Vec<String>,
    /// SHA-256 of the certificate, for the audit log.
    pub fingerprint: String,
}

/// Rules in order; the first that fits decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateRules(Vec<Rule>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Rule {
    source: Source,
    pattern: Pattern,
    user: Target,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    Email,
    Dns,
    Uri,
    CommonName,
    Subject,
}

/// A text, or what stands before and after a `*`.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Pattern {
    Exact(String),
    Wildcard(String, String),
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Target {
    User(UserName),
    /// What the wildcard stood for, between two texts.
    Matched(String, String),
}

/// Why rules cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("at character {position}, rule `{rule}`: {problem}")]
pub struct InvalidCertificateRules {
    /// Where the rule begins, from 1.
    pub position: usize,
    /// The rule.
    pub rule: String,
    /// What is wrong.
    pub problem: String,
}

impl CertificateRules {
    /// Reads `kind:pattern=user; …`.
    ///
    /// # Errors
    /// The first rule that cannot be read, and where it stands.
    pub fn parse(text: &str) -> Result<Self, InvalidCertificateRules> {
        let invalid = |position, rule: &str, problem: &str| InvalidCertificateRules {
            position,
            rule: rule.chars().take(200).collect(),
            problem: problem.to_owned(),
        };
        if text.len() > BYTES_MAX {
            return Err(invalid(1, "…", "the rules are too long"));
        }
        let mut rules = Vec::new();
        for (position, rule) in separated(text) {
            if rule.is_empty() {
                continue;
            }
            if rules.len() == RULES_MAX {
                return Err(invalid(position, rule, "there are too many rules"));
            }
            rules.push(Rule::parse(rule).map_err(|problem| invalid(position, rule, &problem))?);
        }
        if rules.is_empty() {
            return Err(invalid(1, "", "there is no rule"));
        }
        Ok(Self(rules))
    }

    /// The user that a certificate stands for.
    pub fn user_of(&self, identity: &CertificateIdentity) -> Option<UserName> {
        self.0.iter().find_map(|rule| rule.user_of(identity))
    }
}

/// The rules with their places; a backslash takes the next character as it is, as distinguished names have it.
fn separated(text: &str) -> Vec<(usize, &str)> {
    let mut parts = Vec::new();
    let (mut start, mut is_escaped) = (0, false);
    let ends = text.char_indices().filter_map(|(at, character)| {
        let ends_here = character == ';' && !is_escaped;
        is_escaped = character == '\\' && !is_escaped;
        ends_here.then_some(at)
    });
    let ends: Vec<usize> = ends.chain([text.len()]).collect();
    for end in ends {
        let part = text.get(start..end).unwrap_or_default();
        let rule = part.trim();
        let before = text.get(..start).unwrap_or_default().chars().count();
        let blank = part.chars().take_while(|character| character.is_whitespace()).count();
        parts.push((before + blank + 1, rule));
        start = end + 1;
    }
    parts
}

impl Rule {
    fn parse(text: &str) -> Result<Self, String> {
        let (kind, rest) = text
            .split_once(':')
            .ok_or("it has no kind; write `email:`, `dns:`, `uri:`, `cn:` or `subject:` before the pattern")?;
        let source = match kind.trim() {
            "email" => Source::Email,
            "dns" => Source::Dns,
            "uri" => Source::Uri,
            "cn" => Source::CommonName,
            "subject" => Source::Subject,
            other => {
                return Err(format!(
                    "there is no kind `{other}`; the kinds are `email`, `dns`, `uri`, `cn` and `subject`"
                ));
            }
        };
        // Distinguished names have equals signs of their own, user names here have none.
        let (pattern, user) = rest
            .rsplit_once('=')
            .ok_or("it names no user; write `=user` at its end")?;
        let (pattern, user) = (pattern.trim(), user.trim());
        if pattern.is_empty() {
            return Err("the pattern is empty".to_owned());
        }
        let pattern = match pattern.split_once('*') {
            None => Pattern::Exact(source.comparable(pattern)),
            Some((_, after)) if after.contains('*') => return Err("a pattern may have one `*` only".to_owned()),
            Some((before, after)) => Pattern::Wildcard(source.comparable(before), source.comparable(after)),
        };
        let user = match (user.split_once('*'), &pattern) {
            (None, _) => Target::User(user.parse().map_err(|error| format!("its user: {error}"))?),
            (Some(_), Pattern::Exact(_)) => return Err("the user has a `*`, and the pattern has none".to_owned()),
            (Some((_, after)), _) if after.contains('*') => return Err("a user may have one `*` only".to_owned()),
            (Some((before, after)), _) => Target::Matched(before.to_owned(), after.to_owned()),
        };
        Ok(Self { source, pattern, user })
    }

    fn user_of(&self, identity: &CertificateIdentity) -> Option<UserName> {
        let subject = std::slice::from_ref(&identity.subject);
        let names = match self.source {
            Source::Email => identity.email_names.as_slice(),
            Source::Dns => identity.dns_names.as_slice(),
            Source::Uri => identity.uri_names.as_slice(),
            Source::CommonName => identity.common_names.as_slice(),
            Source::Subject => subject,
        };
        names.iter().take(NAMES_MAX).find_map(|name| {
            let name = self.source.comparable(name);
            let matched = match &self.pattern {
                Pattern::Exact(text) => (*text == name).then_some("")?,
                Pattern::Wildcard(before, after) => {
                    let matched = name.strip_prefix(before.as_str())?.strip_suffix(after.as_str())?;
                    let is_one_part = !matched.is_empty() && !matched.contains(|c| self.source.is_border(c));
                    is_one_part.then_some(matched)?
                }
            };
            match &self.user {
                Target::User(user) => Some(user.clone()),
                Target::Matched(before, after) => format!("{before}{matched}{after}").parse().ok(),
            }
        })
    }
}

impl Source {
    /// DNS names are the same in capitals.
    fn comparable(self, name: &str) -> String {
        match self {
            Self::Dns => name.to_ascii_lowercase(),
            _ => name.to_owned(),
        }
    }

    /// What a wildcard does not stand for: whatever separates parts of a name, and stars, which certificates of servers have.
    fn is_border(self, character: char) -> bool {
        let separates = match self {
            Self::Dns => character == '.',
            Self::Email | Self::CommonName => false,
            Self::Uri => matches!(character, '.' | '?' | '#' | '&' | '%'),
            Self::Subject => matches!(character, '=' | '\\' | '"' | '#' | '<' | '>' | ';'),
        };
        separates
            || matches!(character, '@' | '/' | ',' | '+' | '*' | ':')
            || character.is_whitespace()
            || character.is_control()
    }
}

impl fmt::Display for CertificateRules {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} rules", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(rules: &str, identity: &CertificateIdentity) -> Option<String> {
        let user = CertificateRules::parse(rules).unwrap().user_of(identity)?;
        Some(user.as_str().to_owned())
    }

    fn identity() -> CertificateIdentity {
        CertificateIdentity {
            subject: "CN=alice, OU=ops".to_owned(),
            common_names: vec!["alice".to_owned()],
            dns_names: vec!["Reports.example.com".to_owned(), "a.b.example.com".to_owned()],
            email_names: vec!["alice.smith@example.com".to_owned()],
            uri_names: vec!["spiffe://example.com/ns/app".to_owned()],
            fingerprint: String::new(),
        }
    }

    #[test]
    fn the_first_rule_that_fits_decides() {
        for (rules, wanted) in [
            ("email:*@example.com=*", Some("alice.smith")),
            ("dns:reports.example.com=reporting", Some("reporting")),
            ("uri:spiffe://example.com/ns/*=app-*", Some("app-app")),
            ("cn:alice=first; email:*@example.com=second", Some("first")),
            ("cn:bob=first; subject:CN=alice, OU=ops=second;", Some("second")),
            ("subject:CN=*, OU=ops=*", Some("alice")),
            ("cn:bob=bob", None),
        ] {
            assert_eq!(user(rules, &identity()).as_deref(), wanted, "{rules}");
        }
    }

    #[test]
    fn patterns_match_whole_names_and_wildcards_stay_within_a_part() {
        for rules in [
            "email:alice.smith=x",
            "email:smith@example.com=x",
            "email:*@example.co=x",
            "email:*.com=x",
            "dns:*.example.org=x",
            "dns:*.com=x",
            "subject:CN=alice=x",
            "subject:CN=*=x",
            "uri:spiffe://*/app=x",
            "cn:Alice=x",
        ] {
            assert_eq!(user(rules, &identity()), None, "{rules}");
        }
        let hostile = |name: &str| CertificateIdentity {
            email_names: vec![name.to_owned()],
            dns_names: vec!["*.example.com".to_owned()],
            subject: "CN=eve, OU=ops, OU=ops".to_owned(),
            ..CertificateIdentity::default()
        };
        for name in [
            "eve@evil.org@example.com",
            "@example.com",
            "a b@example.com",
            "a,b@example.com",
            "\u{e4}@example.com",
        ] {
            assert_eq!(user("email:*@example.com=*", &hostile(name)), None, "{name}");
        }
        assert_eq!(user("dns:*.example.com=*", &hostile("")), None);
        assert_eq!(user("subject:CN=*, OU=ops=x", &hostile("")), None);
    }

    #[test]
    fn what_cannot_be_read_is_named_with_its_place() {
        for (rules, position, problem) in [
            ("", 1, "no rule"),
            ("cn:a=b;  mail:x=y", 10, "no kind `mail`"),
            ("alice", 1, "has no kind"),
            ("cn:alice", 1, "names no user"),
            ("cn:=alice", 1, "pattern is empty"),
            ("cn:*a*=b", 1, "one `*` only"),
            ("cn:a=*", 1, "the pattern has none"),
            ("cn:a=b c", 1, "its user"),
            ("cn:a=", 1, "its user"),
        ] {
            let error = CertificateRules::parse(rules).unwrap_err();
            assert_eq!(error.position, position, "{rules}: {error}");
            assert!(error.problem.contains(problem), "{rules}: {error}");
        }
        let escaped = CertificateRules::parse("subject:CN=a\\;b=c").unwrap();
        assert_eq!(escaped.0.len(), 1);
    }
}
