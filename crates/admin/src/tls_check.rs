//! `tls check`: what the policies' files and lists say, what clients will see, and everything that is wrong.

use std::io::{self, Write};
use std::time::SystemTime;

use bastide_tls::{ChainEnd, Inspection, TrustSummary, inspect};
use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{ContentArrangement, Table};
use serde_json::json;

use crate::arguments::TlsCheckArguments;
use crate::inspect::time_text;
use crate::{Installation, Outcome, Place, Refusal, refused};

const CHAIN_COLUMNS: [&str; 7] = [
    "CERTIFICATE",
    "ISSUER",
    "KEY",
    "SIGNATURE",
    "FOR",
    "EXPIRES",
    "DAYS LEFT",
];
const TRUST_COLUMNS: [&str; 5] = ["KIND", "NAME", "FILE", "EXPIRES", "DAYS LEFT"];

/// Files beyond these are counted and not listed.
const TRUST_ROWS_MAX: usize = 50;

pub(crate) fn check(
    installation: &dyn Installation,
    place: Place<'_>,
    given: &TlsCheckArguments,
    output: &mut dyn Write,
    errors: &mut dyn Write,
) -> io::Result<Outcome> {
    let configs = match installation.tls_policies(place) {
        Ok(configs) => configs,
        Err(refusal) => return refused(errors, &refusal),
    };
    let wanted = given.scope.as_deref();
    let chosen = configs
        .iter()
        .filter(|config| wanted.is_none_or(|scope| scope == config.scope));
    let now = seconds_now();
    let inspections: Vec<_> = chosen.map(|config| inspect(config, now)).collect();
    if let (Some(scope), true) = (wanted, inspections.is_empty()) {
        let text = format!("no setting of the policy `{scope}` is set, so there is nothing to check");
        return refused(errors, &Refusal::Other(text));
    }
    let is_usable = inspections.iter().all(Inspection::is_usable);
    if given.json {
        writeln!(output, "{}", json!({"usable": is_usable, "policies": inspections}))?;
    } else {
        if inspections.is_empty() {
            writeln!(
                output,
                "no policy is configured: the first start makes development certificates"
            )?;
        }
        for inspection in &inspections {
            print(inspection, output)?;
        }
        for inspection in &inspections {
            for fault in &inspection.faults {
                writeln!(errors, "FAULT in {}: {fault}", inspection.scope)?;
            }
        }
    }
    Ok(if is_usable { Outcome::Done } else { Outcome::Failed })
}

fn seconds_now() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    i64::try_from(since.unwrap_or_default().as_secs()).unwrap_or(i64::MAX)
}

fn print(inspection: &Inspection, output: &mut dyn Write) -> io::Result<()> {
    let state = match (inspection.faults.len(), inspection.warnings.len()) {
        (0, 0) => "in order".to_owned(),
        (0, warnings) => format!("in order, {}", counted(warnings, "warning")),
        (faults, _) => format!("cannot be used, {}", counted(faults, "fault")),
    };
    writeln!(output, "{}: {state}", inspection.scope)?;
    print_chain(inspection, output)?;
    for (name, value) in facts(inspection) {
        writeln!(output, "  {name:<20} {value}")?;
    }
    print_trust(&inspection.trust, inspection.inspected_at, output)?;
    for warning in &inspection.warnings {
        writeln!(output, "  warning: {warning}")?;
    }
    writeln!(output)
}

fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

fn table(columns: impl IntoIterator<Item = &'static str>) -> Table {
    let mut table = Table::new();
    table.load_preset(UTF8_FULL_CONDENSED);
    table.set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(columns);
    table
}

fn print_chain(inspection: &Inspection, output: &mut dyn Write) -> io::Result<()> {
    if inspection.certificates.is_empty() {
        return Ok(());
    }
    let mut table = table(CHAIN_COLUMNS);
    for certificate in &inspection.certificates {
        let summary = &certificate.summary;
        let usages = match (summary.is_ca, summary.extended_key_usages.as_slice()) {
            (true, []) => "issuing".to_owned(),
            (true, usages) => format!("issuing, {}", usages.join(", ")),
            (false, []) => "anything".to_owned(),
            (false, usages) => usages.join(", "),
        };
        table.add_row([
            summary.subject.clone(),
            summary.issuer.clone(),
            key_text(&summary.key_algorithm, summary.key_bits),
            summary.signature_algorithm.clone(),
            usages,
            date(summary.not_after),
            certificate.days_left.to_string(),
        ]);
    }
    writeln!(output, "{table}")
}

fn key_text(algorithm: &str, bits: u32) -> String {
    if algorithm.starts_with("RSA") {
        format!("{algorithm} {bits}")
    } else {
        algorithm.to_owned()
    }
}

/// What clients will see, and what stands behind it.
fn facts(inspection: &Inspection) -> Vec<(&'static str, String)> {
    let mut facts = Vec::new();
    let listed = |names: &[String]| match names {
        [] => "none".to_owned(),
        names => names.join(", "),
    };
    if let Some(leaf) = inspection.certificates.first() {
        facts.push(("reachable as", listed(&inspection.reachable_as)));
        facts.push(("serial number", leaf.summary.serial.clone()));
        facts.push(("SHA-256", leaf.summary.fingerprint.clone()));
        if !leaf.summary.ocsp_responders.is_empty() {
            facts.push(("OCSP responder", leaf.summary.ocsp_responders.join(", ")));
        }
        if leaf.summary.must_staple {
            facts.push(("must-staple", "yes".to_owned()));
        }
    }
    if let Some(end) = &inspection.chain_end {
        facts.push(("chain", end_text(end)));
    }
    if let Some(key) = &inspection.key {
        let encryption = match &key.encryption {
            Some(encryption) => format!("encrypted with {encryption}"),
            None => "not encrypted".to_owned(),
        };
        let kind = key_text(&key.algorithm, key.bits);
        facts.push(("private key", format!("{kind}, {}, {encryption}", key.format)));
    }
    facts.push(("versions", inspection.versions.join(", ")));
    facts.push(("cipher suites", inspection.ciphers.join(", ")));
    facts.push(("groups", inspection.groups.join(", ")));
    facts.push(("client certificates", inspection.client_authentication.to_owned()));
    if inspection.trust.everybody {
        facts.push(("trusted", "EVERYBODY (trust_all)".to_owned()));
    }
    facts
}

fn end_text(end: &ChainEnd) -> String {
    match end {
        ChainEnd::SelfSigned => "self-signed: clients must trust this very certificate".to_owned(),
        ChainEnd::Root { subject } => format!("complete; its root need not be sent ({subject})"),
        ChainEnd::BelowTrusted { issuer } => format!("complete below {issuer}, which is trusted here as well"),
        ChainEnd::BelowUnknown { issuer } => {
            format!("ends below {issuer}: clients must know it; if it is not a root, append its certificate")
        }
    }
}

fn print_trust(trust: &TrustSummary, now: i64, output: &mut dyn Write) -> io::Result<()> {
    let mut rows: Vec<[String; 5]> = Vec::new();
    let mut add = |kind: String, name: &str, file: &std::path::Path, ends: Option<i64>| {
        let file = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let days = ends.map(|ends| (ends - now).div_euclid(86_400).to_string());
        rows.push([
            kind,
            name.to_owned(),
            file,
            ends.map(date).unwrap_or_default(),
            days.unwrap_or_default(),
        ]);
    };
    for (kind, those) in [("authority", &trust.authorities), ("certificate", &trust.leaves)] {
        for trusted in those {
            let kind = match trusted.revoked {
                Some(_) => format!("{kind}, REVOKED"),
                None => format!("trusted {kind}"),
            };
            add(kind, &trusted.subject, &trusted.file, Some(trusted.not_after));
        }
    }
    for list in &trust.lists {
        let kind = match list.expired {
            true => format!("revocation list {}, EXPIRED", list.number),
            false => format!("revocation list {} ({} entries)", list.number, list.entries),
        };
        add(kind, &list.issuer, &list.file, Some(list.next_update));
    }
    for revoked in &trust.revoked {
        add("revoked".to_owned(), &revoked.subject, &revoked.file, None);
    }
    if rows.is_empty() {
        return Ok(());
    }
    let more = rows.len().saturating_sub(TRUST_ROWS_MAX);
    let mut table = table(TRUST_COLUMNS);
    for row in rows.into_iter().take(TRUST_ROWS_MAX) {
        table.add_row(row);
    }
    writeln!(output, "{table}")?;
    if more > 0 {
        writeln!(output, "  and {more} more (--json has all)")?;
    }
    Ok(())
}

/// A moment, in UTC.
fn date(seconds: i64) -> String {
    time_text(u64::try_from(seconds).unwrap_or_default().saturating_mul(1_000))
}
