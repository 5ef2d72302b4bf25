//! Responses that are accepted, and each way in which one is refused.

use super::authority::{Authority, ED25519, P256, P384, RSA};
use crate::PolicyWarning;
use crate::ocsp::answer::{Answer, AnswerFault, CertificateStatus};
use crate::ocsp::inquiry::{Inquiry, is_must_staple};
use crate::ocsp::signature::SignatureFault;
use crate::openssl::openssl;
use crate::policy::tests::now;

const RESPONDER: &str = "http://127.0.0.1:1/";
const DELEGATED: &str = "extendedKeyUsage=critical,OCSPSigning\nnoCheck=ignored\n";

fn good_server(key: &str) -> (Authority, Inquiry) {
    let authority = Authority::new(key);
    authority.issue_server("server", 0x1001, RESPONDER, false);
    authority.record(&[(0x1001, "V"), (0x1002, "V")]);
    let inquiry = Inquiry::of(&authority.policy("server")).unwrap();
    (authority, inquiry)
}

fn answered(authority: &Authority, inquiry: &Inquiry, signer: &str, options: &str) -> Result<Answer, AnswerFault> {
    let response = authority.answer(&inquiry.request().unwrap(), signer, options);
    Answer::verify(response, inquiry, now())
}

#[test]
fn accepts_the_issuer_of_every_kind_of_key() {
    for (key, digest) in [
        (P256, "-rmd sha256"),
        (P384, "-rmd sha384"),
        (P256, "-rmd sha512 -resp_key_id"),
        (RSA, "-rmd sha256"),
        (RSA, "-rmd sha384"),
        (RSA, "-rmd sha512"),
        (
            RSA,
            "-rmd sha256 -rsigopt rsa_padding_mode:pss -rsigopt rsa_pss_saltlen:32",
        ),
        (ED25519, ""),
    ] {
        let (authority, inquiry) = good_server(key);
        let answer = answered(&authority, &inquiry, "ca", &format!("-ndays 2 -resp_no_certs {digest}")).unwrap();
        assert_eq!(answer.status, CertificateStatus::Good);
        assert_eq!(answer.next_update, Some(answer.this_update + 2 * 86_400));
        assert!(!answer.unchecked_responder);
    }
}

#[test]
fn refuses_signatures_over_sha1() {
    for key in [RSA, P256] {
        let (authority, inquiry) = good_server(key);
        let fault = answered(&authority, &inquiry, "ca", "-ndays 1 -rmd sha1").unwrap_err();
        assert!(fault.to_string().contains("SHA-1"), "{fault}");
    }
}

#[test]
fn accepts_a_responder_that_the_issuer_appointed_and_notes_whether_it_needs_checking() {
    let (authority, inquiry) = good_server(P256);
    authority.issue("appointed", "ca", 7, DELEGATED);
    let answer = answered(&authority, &inquiry, "appointed", "-ndays 1").unwrap();
    assert!(!answer.unchecked_responder);
    authority.issue("appointed", "ca", 8, "extendedKeyUsage=OCSPSigning");
    let answer = answered(&authority, &inquiry, "appointed", "-ndays 1 -resp_key_id").unwrap();
    assert!(answer.unchecked_responder);
}

#[test]
fn refuses_a_responder_that_nobody_appointed() {
    let (authority, inquiry) = good_server(P256);
    for usage in [
        "",
        "basicConstraints=CA:FALSE",
        "extendedKeyUsage=serverAuth",
        "extendedKeyUsage=anyExtendedKeyUsage",
    ] {
        authority.issue("other", "ca", 9, usage);
        let fault = answered(&authority, &inquiry, "other", "-ndays 1").unwrap_err();
        assert!(matches!(fault, AnswerFault::BadResponder(_)), "{usage}: {fault}");
    }
    // The same name and usage as a good one, from another authority of the same name.
    authority.self_signed("imposter", P256);
    authority.issue("appointed", "imposter", 7, DELEGATED);
    let fault = answered(&authority, &inquiry, "appointed", "-ndays 1").unwrap_err();
    assert!(matches!(fault, AnswerFault::BadResponder(_)), "{fault}");
    let fault = answered(&authority, &inquiry, "appointed", "-ndays 1 -resp_no_certs").unwrap_err();
    assert_eq!(fault, AnswerFault::UnknownSigner);
}

#[test]
fn refuses_a_responder_whose_appointment_is_over() {
    let (authority, inquiry) = good_server(P256);
    authority.issue("appointed", "ca", 7, DELEGATED);
    let response = authority.answer(&inquiry.request().unwrap(), "appointed", "-ndays 60");
    assert!(Answer::verify(response.clone(), &inquiry, now() + 19 * 86_400).is_ok());
    let fault = Answer::verify(response, &inquiry, now() + 21 * 86_400).unwrap_err();
    assert!(matches!(fault, AnswerFault::BadResponder(_)), "{fault}");
}

#[test]
fn refuses_an_imposter_of_the_issuer() {
    let (authority, inquiry) = good_server(P256);
    authority.self_signed("imposter", P256);
    let fault = answered(&authority, &inquiry, "imposter", "-ndays 1 -resp_no_certs").unwrap_err();
    assert_eq!(fault, AnswerFault::Signature(SignatureFault::Wrong));
    let fault = answered(&authority, &inquiry, "imposter", "-ndays 1").unwrap_err();
    assert!(matches!(fault, AnswerFault::BadResponder(_)), "{fault}");
    let fault = answered(&authority, &inquiry, "imposter", "-ndays 1 -resp_key_id -resp_no_certs").unwrap_err();
    assert_eq!(fault, AnswerFault::UnknownSigner);
}

#[test]
fn refuses_a_response_about_another_certificate() {
    let (authority, inquiry) = good_server(P256);
    authority.issue_server("another", 0x1002, RESPONDER, false);
    let another = Inquiry::of(&authority.policy("another")).unwrap();
    let response = authority.answer(&another.request().unwrap(), "ca", "-ndays 1");
    assert!(Answer::verify(response.clone(), &another, now()).is_ok());
    assert_eq!(
        Answer::verify(response, &inquiry, now()),
        Err(AnswerFault::OtherCertificate)
    );
}

#[test]
fn accepts_certificates_named_by_sha256_and_refuses_other_hashes() {
    let (authority, inquiry) = good_server(P256);
    let answered_by = |digest| {
        let ask = format!("ocsp -{digest} -issuer ca.crt -cert server.crt -no_nonce -reqout asked.der");
        openssl(authority.folder(), &ask);
        let request = std::fs::read(authority.path("asked.der")).unwrap();
        Answer::verify(authority.answer(&request, "ca", "-ndays 1"), &inquiry, now())
    };
    assert!(answered_by("sha256").is_ok());
    assert_eq!(answered_by("sha512"), Err(AnswerFault::OtherCertificate));
}

#[test]
fn refuses_responses_out_of_time() {
    let (authority, inquiry) = good_server(P256);
    let response = authority.answer(&inquiry.request().unwrap(), "ca", "-nmin 60");
    let at = |seconds| Answer::verify(response.clone(), &inquiry, seconds);
    let answer = at(now()).unwrap();
    let (from, until) = (answer.this_update, answer.until());
    assert_eq!(until, from + 3_600);
    assert!(at(from - 300).is_ok(), "a clock that is five minutes behind");
    assert_eq!(at(from - 301), Err(AnswerFault::NotYetValid));
    assert!(at(until - 1).is_ok());
    assert_eq!(at(until), Err(AnswerFault::Expired), "clients refuse it from then on");
    let endless = answered(&authority, &inquiry, "ca", "").unwrap();
    assert_eq!(endless.next_update, None);
    assert_eq!(endless.until(), endless.this_update + 86_400);
}

#[test]
fn says_since_when_and_why_a_certificate_was_revoked_or_that_it_is_unknown() {
    let (authority, inquiry) = good_server(P256);
    authority.record(&[(0x1001, "keyCompromise")]);
    let answer = answered(&authority, &inquiry, "ca", "-ndays 1").unwrap();
    let revoked = CertificateStatus::Revoked {
        since: 1_704_164_645,
        reason: "keyCompromise",
    };
    assert_eq!(answer.status, revoked);
    authority.record(&[(0x1002, "V")]);
    let answer = answered(&authority, &inquiry, "ca", "-ndays 1").unwrap();
    assert_eq!(answer.status, CertificateStatus::Unknown);
}

#[test]
fn refuses_every_cut_every_changed_byte_and_garbage() {
    let (authority, inquiry) = good_server(P256);
    authority.issue("appointed", "ca", 7, DELEGATED);
    for signer in ["ca", "appointed"] {
        let response = authority.answer(&inquiry.request().unwrap(), signer, "-ndays 1");
        let at = now();
        assert!(Answer::verify(response.clone(), &inquiry, at).is_ok());
        for length in 0..response.len() {
            let cut = response[..length].to_vec();
            assert!(Answer::verify(cut, &inquiry, at).is_err(), "{signer} cut at {length}");
        }
        let mut longer = response.clone();
        longer.push(0);
        assert_eq!(Answer::verify(longer, &inquiry, at), Err(AnswerFault::Malformed));
        let mut survivors = 0;
        for place in 0..response.len() {
            let mut changed = response.clone();
            changed[place] ^= 0x55;
            survivors += usize::from(Answer::verify(changed, &inquiry, at).is_ok());
        }
        // Bytes of certificates that are not needed: with the issuer as signer, those of the copy that comes along.
        let spare = if signer == "ca" {
            std::fs::read(authority.path("ca.crt")).unwrap().len()
        } else {
            0
        };
        assert!(survivors <= spare, "{survivors} changed bytes went unnoticed");
    }
    for garbage in [
        &b""[..],
        b"\x30",
        b"\x30\x80\x00\x00",
        b"<html>sorry</html>",
        &[0xff; 64],
        &[0x30; 4_096],
    ] {
        let fault = Answer::verify(garbage.to_vec(), &inquiry, now()).unwrap_err();
        assert_eq!(fault, AnswerFault::Malformed);
    }
    let fault = Answer::verify(vec![0x30; 65_537], &inquiry, now()).unwrap_err();
    assert_eq!(fault, AnswerFault::TooLong);
}

#[test]
fn says_why_a_responder_refuses() {
    let (_authority, inquiry) = good_server(P256);
    let response = |code| vec![0x30, 0x03, 0x0a, 0x01, code];
    for (code, reason) in [(1, "malformed"), (3, "later"), (5, "signed"), (6, "unauthorized")] {
        let fault = Answer::verify(response(code), &inquiry, now()).unwrap_err().to_string();
        assert!(fault.contains(reason), "{fault}");
    }
    assert_eq!(
        Answer::verify(response(0), &inquiry, now()),
        Err(AnswerFault::Malformed),
        "success without an answer"
    );
    let other_type = b"\x30\x13\x0a\x01\x00\xa0\x0e\x30\x0c\x06\x08\x2b\x06\x01\x05\x05\x07\x30\x01\x04\x00";
    let fault = Answer::verify(other_type.to_vec(), &inquiry, now()).unwrap_err();
    assert_eq!(fault, AnswerFault::OtherType("1.3.6.1.5.5.7.48.1".to_owned()));
}

#[test]
fn asks_about_the_certificate_as_openssl_does() {
    let (authority, inquiry) = good_server(P256);
    openssl(
        authority.folder(),
        "ocsp -issuer ca.crt -cert server.crt -no_nonce -reqout expected.der",
    );
    let expected = std::fs::read(authority.path("expected.der")).unwrap();
    assert_eq!(inquiry.request().unwrap(), expected);
}

#[test]
fn finds_the_issuer_in_the_trusted_folder_and_says_when_it_is_missing() {
    let (authority, _) = good_server(P256);
    authority.self_signed("imposter", P256);
    authority.issue(
        "alone",
        "ca",
        5,
        &format!("subjectAltName=DNS:localhost\nauthorityInfoAccess=OCSP;URI:{RESPONDER}"),
    );
    let missing = Inquiry::of(&authority.policy("alone")).unwrap_err();
    assert!(matches!(missing, PolicyWarning::IssuerMissing { .. }), "{missing}");
    let trusted = authority.path("trusted");
    std::fs::create_dir(&trusted).unwrap();
    std::fs::copy(authority.path("imposter.crt"), trusted.join("a.crt")).unwrap();
    let mut config = authority.config("bolt", "alone");
    config.trusted_directory = Some(trusted.clone());
    let load = |config| crate::Policy::load(config, now()).unwrap();
    let missing = Inquiry::of(&load(config.clone())).unwrap_err();
    assert!(
        matches!(missing, PolicyWarning::IssuerMissing { .. }),
        "only the name is the issuer's"
    );
    std::fs::copy(authority.path("ca.crt"), trusted.join("b.crt")).unwrap();
    assert!(Inquiry::of(&load(config)).is_ok());
}

#[test]
fn asks_nobody_but_http_responders() {
    let (authority, _) = good_server(P256);
    for responder in ["https://127.0.0.1/", "ldap://127.0.0.1/", "http:"] {
        authority.issue_server("elsewhere", 6, responder, false);
        let nobody = Inquiry::of(&authority.policy("elsewhere")).unwrap_err();
        assert!(matches!(nobody, PolicyWarning::NoResponder { .. }), "{nobody}");
    }
}

#[test]
fn knows_must_staple_certificates() {
    let (authority, _) = good_server(P256);
    authority.issue_server("strict", 6, RESPONDER, true);
    let is_strict = |file| is_must_staple(&authority.policy(file).identity.chain()[0]);
    assert_eq!((is_strict("server"), is_strict("strict")), (false, true));
}
