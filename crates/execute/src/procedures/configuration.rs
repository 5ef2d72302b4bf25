//! Changing and seeing the configuration of the running server: settings and TLS policies.

use bastide_model::{Map, Value};
use bastide_plan::ProcedureMode;
use bastide_security::Action;
use bastide_status::{Code, Status};

use super::ProcedureContext;
use super::signature::Declaration;

const TLS_POLICY_COLUMNS: &str = "scope:STRING enabled:BOOLEAN subject:STRING names:STRINGS issuer:STRING notAfter:TIME \
    daysLeft:INTEGER clientAuth:STRING trustAll:BOOLEAN lastReload:TIME lastReloadError:STRING handshakes:INTEGER \
    failures:MAP fingerprint:STRING+ serial:STRING+ notBefore:TIME+ key:STRING+ verifyHostname:BOOLEAN+ versions:STRINGS+ \
    ciphers:STRINGS+ authorities:STRINGS+ trustedLeaves:STRINGS+ revocationLists:INTEGER+ revokedCertificates:STRINGS+ \
    crlAge:DURATION+ crlNextUpdate:TIME+ stapleState:STRING+ stapled:BOOLEAN+ stapleAge:DURATION+ stapleNextUpdate:TIME+ \
    generation:INTEGER+ loadedAt:TIME+ handshakesByVersion:MAP+ resumed:INTEGER+ warnings:STRINGS+ settingsWaiting:STRINGS+";

pub(super) const DECLARATIONS: &[Declaration] = &[
    Declaration {
        name: "dbms.setConfigValue",
        arguments: "setting:STRING value:STRING",
        columns: "",
        mode: ProcedureMode::Dbms,
        privilege: Action::Administer,
        description: "Change a setting of the running server until it stops; an empty value brings the default back. TLS \
            policies are put in force by dbms.security.reloadTLS(); until then SHOW TLS POLICIES lists what waits.",
        run: |arguments, context| {
            context.server.set_setting(text(arguments, 0)?, text(arguments, 1)?)?;
            Ok(Vec::new())
        },
    },
    Declaration {
        name: "dbms.security.reloadTLS",
        arguments: "",
        columns: "generation:INTEGER",
        mode: ProcedureMode::Dbms,
        privilege: Action::Administer,
        description: "Read certificates, keys and revocation lists of all TLS policies again and put them in force together.",
        run: |_, context| Ok(vec![context.server.reload_tls()?]),
    },
    Declaration {
        name: "dbms.security.logTLSHandshakes",
        arguments: "scope:STRING seconds:INTEGER",
        columns: "",
        mode: ProcedureMode::Dbms,
        privilege: Action::Administer,
        description: "Log every TLS handshake of one channel for some seconds, at most an hour; 0 ends it.",
        run: |arguments, context| {
            let seconds = arguments.get(1).and_then(Value::as_integer).ok_or_else(expected)?;
            context.server.log_tls_handshakes(text(arguments, 0)?, seconds)?;
            Ok(Vec::new())
        },
    },
    Declaration {
        name: "dbms.security.listTLSPolicies",
        arguments: "",
        columns: TLS_POLICY_COLUMNS,
        mode: ProcedureMode::Dbms,
        privilege: Action::Administer,
        description: "The TLS policies in force; SHOW TLS POLICIES says the same.",
        run: tls_policies,
    },
    Declaration {
        name: "show.tls_policies",
        arguments: "",
        columns: TLS_POLICY_COLUMNS,
        mode: ProcedureMode::Dbms,
        privilege: Action::Administer,
        description: "SHOW TLS POLICIES",
        run: tls_policies,
    },
];

fn tls_policies(_arguments: &[Value], context: &mut ProcedureContext<'_>) -> Result<Vec<Map>, Status> {
    context.server.tls_policies()
}

fn text(arguments: &[Value], place: usize) -> Result<&str, Status> {
    arguments.get(place).and_then(Value::as_str).ok_or_else(expected)
}

fn expected() -> Status {
    Status::new(Code::TypeError, "an argument is null")
}
