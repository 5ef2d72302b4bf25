//! Cases of the length and entropy rules.

use super::*;

fn secret(text: &str) -> SecretString {
    SecretString::new(text.to_owned())
}

fn bits(text: &str) -> f64 {
    (password_entropy_bits(text) * 10.0).round() / 10.0
}

#[test]
fn thirteen_mixed_lower_case_letters_pass_and_twelve_fail() {
    assert_eq!(bits("kqzmwvxhtrbpl"), 61.1);
    assert_eq!(bits("kqzmwvxhtrbp"), 56.4);
    assert!(PasswordPolicy::default().check(&secret("kqzmwvxhtrbpl")).is_ok());
    assert!(PasswordPolicy::default().check(&secret("kqzmwvxhtrbp")).is_err());
}

#[test]
fn eleven_of_three_classes_pass() {
    assert_eq!(bits("kQ7mWv2hTr9"), 65.5);
}

#[test]
fn classes_add_up() {
    for (password, base) in [
        ("k", 26.0),
        ("K", 26.0),
        ("7", 10.0),
        ("!", 5.0),
        ("_", 5.0),
        ("#", 22.0),
        ("`", 1.0),
        ("é", 1.0),
        ("kK", 52.0),
        ("éè", 2.0),
    ] {
        let length = password.chars().count() as f64;
        assert_eq!(password_entropy_bits(password), length * f64::log2(base), "{password}");
    }
}

#[test]
fn runs_and_sequences_count_two() {
    for stretch in [
        "aaaa",
        "12345678",
        "87654321",
        "qwertyuiop",
        "poiuytrewq",
        "asdfghjkl",
        "mnbvcxz",
        "abcdefg",
        "zyxw",
    ] {
        assert_eq!(effective_length(stretch), 2, "{stretch}");
    }
    assert_eq!(effective_length("aa"), 2);
    assert_eq!(effective_length("aXa"), 3);
    assert_eq!(effective_length("890"), 3, "digits do not wrap around");
    assert_eq!(effective_length("1234x5678"), 5);
}

#[test]
fn famous_bad_passwords_fail() {
    for password in [
        "password1",
        "neo4jneo4j",
        "123456789012345678901234567890",
        "aaaaaaaaaaaaaaaaaaaaaaaaaa",
        "qwertyuiop123",
    ] {
        assert!(
            PasswordPolicy::default().check(&secret(password)).is_err(),
            "{password}"
        );
    }
}

#[test]
fn refusals_say_how_to_fix_them() {
    let text = PasswordPolicy::default()
        .check(&secret("abcdefgh"))
        .unwrap_err()
        .to_string();
    assert!(
        text.contains("using uppercase letters") && text.contains("longer password"),
        "{text}"
    );
    assert!(!text.contains("abcdefgh"), "{text}");
    assert_eq!(
        PasswordPolicy::default().check(&secret("")),
        Err(PasswordPolicyViolation::Empty)
    );
    assert_eq!(
        PasswordPolicy::default().check(&secret("kQ7!")),
        Err(PasswordPolicyViolation::TooShort {
            characters: 4,
            minimum: 8
        })
    );
}

#[test]
fn length_counts_characters_not_bytes() {
    let policy = PasswordPolicy {
        characters_min: 8,
        entropy_bits_min: 0.0,
    };
    assert!(policy.check(&secret("éééé")).is_err());
    assert!(policy.check(&secret("éèéèéèéè")).is_ok());
}

#[test]
fn the_previous_password_is_refused() {
    let old = secret("kQ7mWv2hTr9");
    assert_eq!(
        PasswordPolicy::default().check_change(&old, &old.clone()),
        Err(PasswordPolicyViolation::SameAsPrevious)
    );
    assert!(
        PasswordPolicy::default()
            .check_change(&old, &secret("kQ7mWv2hTr8"))
            .is_ok()
    );
}
