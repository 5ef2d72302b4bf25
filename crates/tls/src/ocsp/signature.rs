//! Public keys and the signatures that they made, below X.509 chains: what signs an OCSP response signs nothing else here.
//!
//! INVARIANT: only algorithms that the provider accepts for certificates are accepted, so never SHA-1.

use der::asn1::{AnyRef, BitStringRef, ObjectIdentifier};
use der::{Decode, Reader, SliceReader, Tagged};

/// Why a signature is not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SignatureFault {
    /// It is of a kind that is refused.
    #[error("it is signed with {0}, which is not accepted for this key")]
    Algorithm(String),
    /// It is not this key's signature of this message.
    #[error("the signature is wrong")]
    Wrong,
}

/// A public key as certificates hold it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PublicKey<'a> {
    /// The content of its `AlgorithmIdentifier`.
    algorithm: &'a [u8],
    /// The content of its bit string.
    pub(crate) bits: &'a [u8],
}

impl<'a> PublicKey<'a> {
    /// Reads the content of a `SubjectPublicKeyInfo`, without its own tag and length.
    pub(crate) fn from_content(content: &'a [u8]) -> der::Result<Self> {
        let mut reader = SliceReader::new(content)?;
        let algorithm = sequence(&mut reader)?;
        let bits = BitStringRef::decode(&mut reader)?;
        let bits = bits.as_bytes().ok_or_else(|| der::Tag::BitString.value_error())?;
        reader.finish(Self { algorithm, bits })
    }

    /// Reads a `SubjectPublicKeyInfo`.
    pub(crate) fn from_der(der: &'a [u8]) -> der::Result<Self> {
        let mut reader = SliceReader::new(der)?;
        let content = sequence(&mut reader)?;
        reader.finish(Self::from_content(content)?)
    }

    /// Whether this key signed `message`; `algorithm` is the content of the signature's `AlgorithmIdentifier`.
    fn verify(&self, algorithm: &[u8], message: &[u8], signature: &[u8]) -> Result<(), SignatureFault> {
        let provider = rustls::crypto::aws_lc_rs::default_provider();
        let accepted = provider
            .signature_verification_algorithms
            .all
            .iter()
            .find(|known| {
                known.signature_alg_id().as_ref() == algorithm && known.public_key_alg_id().as_ref() == self.algorithm
            })
            .ok_or_else(|| SignatureFault::Algorithm(algorithm_name(algorithm)))?;
        accepted
            .verify_signature(self.bits, message, signature)
            .map_err(|_| SignatureFault::Wrong)
    }
}

/// Something signed, as certificates and OCSP responses are: a sequence of what is signed, how, and the signature.
#[derive(Debug)]
pub(crate) struct Signed<'a> {
    /// What is signed, byte for byte.
    pub(crate) message: &'a [u8],
    /// The content of the `AlgorithmIdentifier`.
    algorithm: &'a [u8],
    signature: &'a [u8],
    /// What comes after the signature, inside the sequence.
    pub(crate) rest: Option<AnyRef<'a>>,
}

impl<'a> Signed<'a> {
    pub(crate) fn from_der(der: &'a [u8]) -> der::Result<Self> {
        let mut outer = SliceReader::new(der)?;
        let content = sequence(&mut outer)?;
        outer.finish(())?;
        let mut reader = SliceReader::new(content)?;
        let message = reader.tlv_bytes()?;
        let algorithm = sequence(&mut reader)?;
        let signature = BitStringRef::decode(&mut reader)?;
        let signature = signature.as_bytes().ok_or_else(|| der::Tag::BitString.value_error())?;
        let rest = Option::<AnyRef<'_>>::decode(&mut reader)?;
        reader.finish(Self {
            message,
            algorithm,
            signature,
            rest,
        })
    }

    /// Whether it is signed in a way that is accepted, whoever did it.
    pub(crate) fn is_of_accepted_kind(&self) -> bool {
        rustls::crypto::aws_lc_rs::default_provider()
            .signature_verification_algorithms
            .all
            .iter()
            .any(|known| known.signature_alg_id().as_ref() == self.algorithm)
    }

    /// Whether `key` signed it.
    pub(crate) fn verify(&self, key: &PublicKey<'_>) -> Result<(), SignatureFault> {
        key.verify(self.algorithm, self.message, self.signature)
    }
}

/// The content of a sequence.
fn sequence<'a>(reader: &mut SliceReader<'a>) -> der::Result<&'a [u8]> {
    let sequence = AnyRef::decode(reader)?;
    sequence.tag().assert_eq(der::Tag::Sequence)?;
    Ok(sequence.value())
}

fn algorithm_name(algorithm: &[u8]) -> String {
    let oid = SliceReader::new(algorithm).and_then(|mut reader| ObjectIdentifier::decode(&mut reader));
    match oid.map(|oid| oid.to_string()) {
        Ok(oid) => match oid.as_str() {
            "1.2.840.113549.1.1.5" | "1.2.840.10045.4.1" => format!("SHA-1 ({oid})"),
            _ => format!("the algorithm {oid}"),
        },
        Err(_) => "an algorithm that cannot be read".to_owned(),
    }
}
