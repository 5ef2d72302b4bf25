//! The two primitives that everything at rest is built on: key derivation and sealing.
//!
//! Owns the calls to the cryptographic library. INVARIANT: a key derived here is used for one purpose, and a number is
//! used at most once as a nonce under a key; callers keep the latter by a fresh random salt for each file or write
//! session and a counter within it. Must not know what is sealed.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::{hkdf, hmac, rand};
use bastide_secret::Secret;
use thiserror::Error;

/// The length of every key, in bytes.
pub(crate) const KEY_BYTES: usize = 32;
/// The length of every salt, in bytes.
pub(crate) const SALT_BYTES: usize = 32;
/// The length of every authentication tag, in bytes.
pub(crate) const TAG_BYTES: usize = 16;
/// The length of a message authentication code, in bytes.
pub(crate) const MAC_BYTES: usize = 32;

/// The bytes of a key.
pub(crate) type KeyBytes = Secret<[u8; KEY_BYTES]>;

/// The library failed where it can only fail when it is broken or there is no randomness.
#[derive(Clone, Copy, Debug, Error)]
#[error("the cryptographic library failed")]
pub(crate) struct CryptographyError;

/// What was opened is not what was sealed.
#[derive(Clone, Copy, Debug, Error)]
#[error("authentication failed")]
pub(crate) struct NotAuthentic;

/// Fresh random bytes.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], CryptographyError> {
    let mut bytes = [0_u8; N];
    rand::fill(&mut bytes).map_err(|_| CryptographyError)?;
    Ok(bytes)
}

struct OutputLength(usize);

impl hkdf::KeyType for OutputLength {
    fn len(&self) -> usize {
        self.0
    }
}

/// HKDF-SHA256: `key` with `salt`, expanded for the purpose that `info` names (its parts are simply joined, so all but
/// the last must be of fixed length).
pub(crate) fn derive<const N: usize>(
    key: &[u8; KEY_BYTES],
    salt: &[u8],
    info: &[&[u8]],
) -> Result<Secret<[u8; N]>, CryptographyError> {
    let pseudorandom = hkdf::Salt::new(hkdf::HKDF_SHA256, salt).extract(key);
    let mut output = [0_u8; N];
    pseudorandom
        .expand(info, OutputLength(N))
        .and_then(|okm| okm.fill(&mut output))
        .map_err(|_| CryptographyError)?;
    let secret = Secret::new(output);
    zeroize::Zeroize::zeroize(&mut output);
    Ok(secret)
}

/// An AES-256-GCM key whose nonces are counted.
pub(crate) struct SealingKey(LessSafeKey);

impl SealingKey {
    pub(crate) fn new(key: &KeyBytes) -> Result<Self, CryptographyError> {
        let unbound = UnboundKey::new(&AES_256_GCM, key.expose()).map_err(|_| CryptographyError)?;
        Ok(Self(LessSafeKey::new(unbound)))
    }

    fn nonce(number: u64) -> Nonce {
        let mut bytes = [0_u8; 12];
        if let Some(low) = bytes.last_chunk_mut::<8>() {
            *low = number.to_be_bytes();
        }
        Nonce::assume_unique_for_key(bytes)
    }

    /// Encrypts `bytes` where they are and returns the tag. `number` must never be used again with this key.
    pub(crate) fn seal(
        &self,
        number: u64,
        associated: &[u8],
        bytes: &mut [u8],
    ) -> Result<[u8; TAG_BYTES], CryptographyError> {
        let tag = self
            .0
            .seal_in_place_separate_tag(Self::nonce(number), Aad::from(associated), bytes)
            .map_err(|_| CryptographyError)?;
        tag.as_ref().try_into().map_err(|_| CryptographyError)
    }

    /// Decrypts bytes that end in their tag, where they are, and returns the plaintext.
    pub(crate) fn open<'a>(
        &self,
        number: u64,
        associated: &[u8],
        bytes_and_tag: &'a mut [u8],
    ) -> Result<&'a mut [u8], NotAuthentic> {
        self.0
            .open_in_place(Self::nonce(number), Aad::from(associated), bytes_and_tag)
            .map_err(|_| NotAuthentic)
    }
}

impl std::fmt::Debug for SealingKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(bastide_secret::REDACTED)
    }
}

/// A key that authenticates what need not be hidden (HMAC-SHA256).
pub(crate) struct AuthenticationKey(hmac::Key);

impl AuthenticationKey {
    pub(crate) fn new(key: &KeyBytes) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, key.expose()))
    }

    pub(crate) fn sign(&self, bytes: &[u8]) -> Result<[u8; MAC_BYTES], CryptographyError> {
        hmac::sign(&self.0, bytes)
            .as_ref()
            .try_into()
            .map_err(|_| CryptographyError)
    }

    pub(crate) fn verify(&self, bytes: &[u8], code: &[u8]) -> Result<(), NotAuthentic> {
        hmac::verify(&self.0, bytes, code).map_err(|_| NotAuthentic)
    }
}

impl std::fmt::Debug for AuthenticationKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(bastide_secret::REDACTED)
    }
}
