//! Argon2id: the stored form of a password, its check, and generated passwords.
//!
//! Everything here that hashes takes tens of milliseconds and 19 MiB: callers run it on a bounded blocking pool, never
//! on an asynchronous thread. Knows nothing of users.

use std::fmt;

use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _, phc};
use argon2::{Algorithm, Argon2, Params, Version};
use bastide_secret::{REDACTED, SecretString};

/// Memory one hash uses, in KiB: the first recommendation of the OWASP password storage sheet for Argon2id.
const MEMORY_KIB: u32 = 19 * 1024;
/// Passes over that memory.
const PASSES: u32 = 2;
/// Lanes; one, since logins themselves run in parallel.
const LANES: u32 = 1;
/// Bytes of salt that [`PasswordHash::create`] wants from the operating system's random source.
pub const SALT_BYTES: usize = 16;
/// Longest password taken, in bytes; longer ones are refused before any work is done.
pub const PASSWORD_BYTES_MAX: usize = 1024;
/// Longest stored form accepted, in bytes.
const STORED_BYTES_MAX: usize = 512;
/// Ceilings on the cost parameters of a stored form, so that a forged record cannot exhaust the server.
const STORED_MEMORY_KIB_MAX: u32 = 1024 * 1024;
const STORED_PASSES_MAX: u32 = 64;
const STORED_LANES_MAX: u32 = 16;
/// Random bytes that [`generate_password`] wants.
pub const GENERATED_PASSWORD_RANDOM_BYTES: usize = 20;
/// Crockford's base 32: without i, l, o and u no two characters look alike. Each carries five bits.
const GENERATED_ALPHABET: [char; 32] = [
    '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'j', 'k', 'm', 'n', 'p',
    'q', 'r', 's', 't', 'v', 'w', 'x', 'y', 'z',
];
/// Characters between two dashes of a generated password.
const GENERATED_GROUP: usize = 5;
/// A well-formed stored form that no password is known for; unknown users are checked against it.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$c29tZSBzYWx0IGJ5dGVzIQ$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// The stored form of a password: an Argon2id string in PHC format.
///
/// `Debug` does not show it: whoever has it can try passwords against it.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(String);

impl PasswordHash {
    /// Hashes `password` with a fresh random `salt`. Slow by design.
    pub fn create(password: &SecretString, salt: &[u8; SALT_BYTES]) -> Result<Self, PasswordHashError> {
        let password = password.expose().as_bytes();
        if password.len() > PASSWORD_BYTES_MAX {
            return Err(PasswordHashError::PasswordTooLong { bytes: password.len() });
        }
        let parameters = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(|_| PasswordHashError::Hashing)?;
        let hash = Argon2::new(Algorithm::Argon2id, Version::V0x13, parameters)
            .hash_password_with_salt(password, salt)
            .map_err(|_| PasswordHashError::Hashing)?;
        Ok(Self(hash.to_string()))
    }

    /// Takes back a stored form, checking that it is Argon2id with costs this server is willing to pay.
    pub fn from_stored(text: &str) -> Result<Self, PasswordHashError> {
        if text.len() > STORED_BYTES_MAX {
            return Err(PasswordHashError::Malformed);
        }
        let parsed = phc::PasswordHash::new(text).map_err(|_| PasswordHashError::Malformed)?;
        if parsed.algorithm != Algorithm::Argon2id.ident() || parsed.hash.is_none() || parsed.salt.is_none() {
            return Err(PasswordHashError::Malformed);
        }
        let parameters = Params::try_from(&parsed).map_err(|_| PasswordHashError::Malformed)?;
        if parameters.m_cost() > STORED_MEMORY_KIB_MAX
            || parameters.t_cost() > STORED_PASSES_MAX
            || parameters.p_cost() > STORED_LANES_MAX
        {
            return Err(PasswordHashError::CostTooHigh);
        }
        Ok(Self(text.to_owned()))
    }

    /// The text to store. It belongs in the encrypted store and nowhere else.
    pub fn as_stored(&self) -> &str {
        &self.0
    }

    /// Whether `password` is the one that was hashed. Slow by design.
    pub fn verify(&self, password: &SecretString) -> bool {
        let password = password.expose().as_bytes();
        let Ok(parsed) = phc::PasswordHash::new(&self.0) else {
            return false;
        };
        password.len() <= PASSWORD_BYTES_MAX && Argon2::default().verify_password(password, &parsed).is_ok()
    }

    /// Spends the time of one [`verify`](Self::verify) for a user that does not exist, so that a wrong name and a wrong
    /// password cannot be told apart by the clock.
    pub fn verify_nobody(password: &SecretString) {
        let matched = Self(NOBODY.to_owned()).verify(password);
        std::hint::black_box(matched);
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(REDACTED)
    }
}

/// Why a password could not be hashed or a stored form not be taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PasswordHashError {
    /// Longer than [`PASSWORD_BYTES_MAX`].
    #[error("a password of {bytes} bytes is too long: the limit is {PASSWORD_BYTES_MAX}")]
    PasswordTooLong {
        /// Its length.
        bytes: usize,
    },
    /// Not an Argon2id string.
    #[error("the stored credential is not an Argon2id string")]
    Malformed,
    /// Its cost parameters are beyond what this server pays for a login.
    #[error("the stored credential asks for more memory or time than a login may take")]
    CostTooHigh,
    /// The hash function failed, which means it could not get its memory.
    #[error("the password could not be hashed, most likely for lack of memory")]
    Hashing,
}

/// Makes a password of 100 random bits: four groups of five letters and digits without look-alikes.
pub fn generate_password(random: &[u8; GENERATED_PASSWORD_RANDOM_BYTES]) -> SecretString {
    let mut password = String::with_capacity(GENERATED_PASSWORD_RANDOM_BYTES + 4);
    for (position, byte) in random.iter().enumerate() {
        if position > 0 && position % GENERATED_GROUP == 0 {
            password.push('-');
        }
        // Thirty-two divides 256, so the remainder is uniform.
        password.extend(GENERATED_ALPHABET.get(usize::from(byte % 32)));
    }
    SecretString::new(password)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> SecretString {
        SecretString::new(text.to_owned())
    }

    #[test]
    fn verifies_the_password_and_nothing_else() {
        let hash = PasswordHash::create(&secret("correct horse"), &[7; SALT_BYTES]).unwrap();
        assert!(hash.verify(&secret("correct horse")));
        assert!(!hash.verify(&secret("correct horsf")));
        assert!(!hash.verify(&secret("")));
        assert!(hash.as_stored().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert_eq!(format!("{hash:?}"), "********");
    }

    #[test]
    fn survives_storage() {
        let hash = PasswordHash::create(&secret("pw"), &[1; SALT_BYTES]).unwrap();
        let again = PasswordHash::from_stored(hash.as_stored()).unwrap();
        assert!(again.verify(&secret("pw")));
    }

    #[test]
    fn another_salt_gives_another_stored_form() {
        let one = PasswordHash::create(&secret("pw"), &[1; SALT_BYTES]).unwrap();
        let two = PasswordHash::create(&secret("pw"), &[2; SALT_BYTES]).unwrap();
        assert_ne!(one.as_stored(), two.as_stored());
    }

    #[test]
    fn nobody_has_the_same_cost_as_a_real_user() {
        let real = PasswordHash::create(&secret("pw"), &[1; SALT_BYTES]).unwrap();
        let cost = |text: &str| text.rsplit_once('$').unwrap().0.rsplit_once('$').unwrap().0.to_owned();
        assert_eq!(cost(NOBODY), cost(real.as_stored()));
        let nobody = PasswordHash::from_stored(NOBODY).unwrap();
        let real = phc::PasswordHash::new(real.as_stored()).unwrap();
        let nobody = phc::PasswordHash::new(nobody.as_stored()).unwrap();
        assert_eq!(nobody.hash.unwrap().len(), real.hash.unwrap().len());
        assert_eq!(nobody.salt.unwrap().len(), real.salt.unwrap().len());
        PasswordHash::verify_nobody(&secret("pw"));
    }

    #[test]
    fn refuses_stored_forms_it_should_not_trust() {
        for text in [
            "",
            "plain",
            "$2b$10$abc",
            "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQ",
            &"$".repeat(600),
        ] {
            assert_eq!(
                PasswordHash::from_stored(text),
                Err(PasswordHashError::Malformed),
                "{text}"
            );
        }
        let dear = NOBODY.replace("m=19456", "m=4000000");
        assert_eq!(PasswordHash::from_stored(&dear), Err(PasswordHashError::CostTooHigh));
        let weak_kind = NOBODY.replace("argon2id", "argon2i");
        assert_eq!(PasswordHash::from_stored(&weak_kind), Err(PasswordHashError::Malformed));
    }

    #[test]
    fn refuses_overlong_passwords_before_hashing() {
        let long = secret(&"x".repeat(PASSWORD_BYTES_MAX + 1));
        assert_eq!(
            PasswordHash::create(&long, &[0; SALT_BYTES]),
            Err(PasswordHashError::PasswordTooLong {
                bytes: PASSWORD_BYTES_MAX + 1
            })
        );
    }

    #[test]
    fn generated_passwords_are_grouped_and_strong() {
        let random: [u8; 20] = std::array::from_fn(|index| (index * 37 % 251) as u8);
        let password = generate_password(&random);
        assert_eq!(password.expose().len(), 23);
        assert_eq!(
            password.expose().split('-').map(str::len).collect::<Vec<_>>(),
            [5, 5, 5, 5]
        );
        assert!(crate::password_entropy_bits(password.expose()) >= 60.0);
    }
}
