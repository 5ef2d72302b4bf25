//! Keys of a backup file and sealing with them.
//!
//! INVARIANT: the data key seals nothing itself; each key derived from it seals one thing, so that no nonce can come twice,
//! also if a block is written again after a cut.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::{hkdf, rand};
use bastide_secret::Secret;

use super::FormatError;

pub(super) const KEY_BYTES: usize = 32;
pub(super) const TAG_BYTES: usize = 16;
pub(super) const SALT_BYTES: usize = 32;

pub(super) type Key = Secret<[u8; KEY_BYTES]>;

/// Fresh random bytes.
pub(super) fn random<const N: usize>() -> Result<[u8; N], FormatError> {
    let mut bytes = [0; N];
    rand::fill(&mut bytes).map_err(|_| FormatError::Cryptography)?;
    Ok(bytes)
}

/// The key of one thing: HKDF-SHA256 of the data key.
pub(super) fn derive(data_key: &Key, salt: &[u8], purpose: &[u8]) -> Result<Key, FormatError> {
    let mut output = zeroize::Zeroizing::new([0; KEY_BYTES]);
    hkdf::Salt::new(hkdf::HKDF_SHA256, salt)
        .extract(data_key.expose())
        .expand(&[purpose], &AES_256_GCM)
        .and_then(|expanded| expanded.fill(output.as_mut()))
        .map_err(|_| FormatError::Cryptography)?;
    Ok(Key::new(*output))
}

fn cipher(key: &Key) -> Result<LessSafeKey, FormatError> {
    let key = UnboundKey::new(&AES_256_GCM, key.expose());
    Ok(LessSafeKey::new(key.map_err(|_| FormatError::Cryptography)?))
}

/// The nonce of the STREAM construction: zeros, the number of the segment, whether it is the last.
fn nonce(number: u64, is_last: bool) -> Nonce {
    let mut bytes = [0; 12];
    let [_, _, _, counter @ .., last] = &mut bytes;
    *counter = number.to_be_bytes();
    *last = u8::from(is_last);
    Nonce::assume_unique_for_key(bytes)
}

/// Encrypts bytes where they are and returns the tag.
pub(super) fn seal(
    key: &Key,
    number: u64,
    is_last: bool,
    associated: &[u8],
    bytes: &mut [u8],
) -> Result<[u8; TAG_BYTES], FormatError> {
    let tag = cipher(key)?.seal_in_place_separate_tag(nonce(number, is_last), Aad::from(associated), bytes);
    let tag = tag.map_err(|_| FormatError::Cryptography)?;
    tag.as_ref().try_into().map_err(|_| FormatError::Cryptography)
}

/// Decrypts bytes that end in their tag, where they are; `None` if they are not authentic.
pub(super) fn open<'a>(
    key: &Key,
    number: u64,
    is_last: bool,
    associated: &[u8],
    bytes_and_tag: &'a mut [u8],
) -> Result<Option<&'a [u8]>, FormatError> {
    let opened = cipher(key)?.open_in_place(nonce(number, is_last), Aad::from(associated), bytes_and_tag);
    Ok(opened.ok().map(|plain| &*plain))
}
