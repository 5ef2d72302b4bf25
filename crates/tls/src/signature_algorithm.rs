//! Signature algorithms of certificates, by name, and those whose hash is broken.

use x509_parser::signature_algorithm::SignatureAlgorithm;
use x509_parser::x509::AlgorithmIdentifier;

const RSA_PSS: &str = "1.2.840.113549.1.1.10";

/// Object identifiers, names, and the broken hash if there is one.
const KNOWN: [(&str, &str, Option<&str>); 16] = [
    ("1.2.840.113549.1.1.2", "md2WithRSAEncryption", Some("MD2")),
    ("1.2.840.113549.1.1.4", "md5WithRSAEncryption", Some("MD5")),
    ("1.2.840.113549.1.1.5", "sha1WithRSAEncryption", Some("SHA-1")),
    ("1.3.14.3.2.29", "sha1WithRSA", Some("SHA-1")),
    ("1.2.840.113549.1.1.14", "sha224WithRSAEncryption", None),
    ("1.2.840.113549.1.1.11", "sha256WithRSAEncryption", None),
    ("1.2.840.113549.1.1.12", "sha384WithRSAEncryption", None),
    ("1.2.840.113549.1.1.13", "sha512WithRSAEncryption", None),
    ("1.2.840.10040.4.3", "dsa-with-SHA1", Some("SHA-1")),
    ("1.2.840.10045.4.1", "ecdsa-with-SHA1", Some("SHA-1")),
    ("1.2.840.10045.4.3.1", "ecdsa-with-SHA224", None),
    ("1.2.840.10045.4.3.2", "ecdsa-with-SHA256", None),
    ("1.2.840.10045.4.3.3", "ecdsa-with-SHA384", None),
    ("1.2.840.10045.4.3.4", "ecdsa-with-SHA512", None),
    ("1.3.101.112", "Ed25519", None),
    ("1.3.101.113", "Ed448", None),
];

/// Hashes that RSASSA-PSS names apart.
const HASHES: [(&str, &str, bool); 6] = [
    ("1.2.840.113549.2.5", "MD5", true),
    ("1.3.14.3.2.26", "SHA-1", true),
    ("2.16.840.1.101.3.4.2.4", "SHA-224", false),
    ("2.16.840.1.101.3.4.2.1", "SHA-256", false),
    ("2.16.840.1.101.3.4.2.2", "SHA-384", false),
    ("2.16.840.1.101.3.4.2.3", "SHA-512", false),
];

/// The algorithm's name, as `openssl` prints it where it has one.
pub(crate) fn signature_name(algorithm: &AlgorithmIdentifier<'_>) -> String {
    if let Some((_, hash, _)) = pss_hash(algorithm) {
        return format!("rsassaPss with {hash}");
    }
    let number = algorithm.algorithm.to_id_string();
    let known = KNOWN.iter().find(|(known, _, _)| *known == number);
    known.map_or(number, |(_, name, _)| (*name).to_owned())
}

/// The hash of a signature if forging it is within reach.
pub(crate) fn broken_hash(algorithm: &AlgorithmIdentifier<'_>) -> Option<&'static str> {
    if let Some((_, hash, is_broken)) = pss_hash(algorithm) {
        return is_broken.then_some(hash);
    }
    let number = algorithm.algorithm.to_id_string();
    KNOWN.iter().find(|(known, _, _)| *known == number)?.2
}

fn pss_hash(algorithm: &AlgorithmIdentifier<'_>) -> Option<(&'static str, &'static str, bool)> {
    if algorithm.algorithm.to_id_string() != RSA_PSS {
        return None;
    }
    let Ok(SignatureAlgorithm::RSASSA_PSS(parameters)) = SignatureAlgorithm::try_from(algorithm) else {
        return None;
    };
    let hash = parameters.hash_algorithm_oid().to_id_string();
    HASHES.iter().find(|(known, _, _)| *known == hash).copied()
}
