//! What can be said on the command line.
//!
//! Owns names, environment variables, defaults and help texts; knows nothing of how a connection is made.

use std::path::PathBuf;

use bastide_secret::SecretString;
use clap::{Args, ValueEnum};

const AFTER_HELP: &str = "\
Examples:
  bastide shell                                         connect to the server of ./bastide-home and type
  bastide shell 'MATCH (n) RETURN count(n)'             run one statement
  bastide shell -a bolt+s://db.example:7687 -u ada -f load.cypher
  bastide shell --ca ca.crt --certificate ada.crt --private-key ada.key --certificate-login
  echo 'RETURN $x;' | bastide shell --param 'x => 1 + 1' --format json

Without statements, a file or a pipe the shell reads from the terminal; type :help there.

Exit codes:
  0    everything worked
  1    a statement or a command failed
  2    wrong usage, no connection, or the login was refused
  130  ended by Ctrl-C";

/// Arguments of `bastide shell`, flattened into the binary's verb.
#[derive(Args, Clone, Debug)]
#[command(after_help = AFTER_HELP)]
pub struct ShellArguments {
    /// Statements to run, each may hold several, separated by `;`
    #[arg(value_name = "CYPHER")]
    pub statements: Vec<String>,

    /// Where the server is: `bolt+s://`, `bolt+ssc://`, `bolt://`, the same with `neo4j`, or `host:port` (then with TLS)
    ///
    /// Default: the server that runs in the home, otherwise `bolt+s://localhost:7687`. `+s` checks the certificate, `+ssc` encrypts
    /// but accepts any certificate, neither does not encrypt.
    #[arg(short, long, env = "NEO4J_ADDRESS", value_name = "URI")]
    pub address: Option<String>,

    /// User name
    #[arg(short, long, env = "NEO4J_USERNAME", default_value = "neo4j")]
    pub username: String,

    /// Password; others on this machine may see arguments, so rather be asked or use the environment variable
    #[arg(short, long, env = "NEO4J_PASSWORD", hide_env_values = true)]
    pub password: Option<SecretString>,

    /// Database to use; default is the user's home database
    #[arg(short, long, env = "NEO4J_DATABASE")]
    pub database: Option<String>,

    /// Run the statements and commands of this file
    #[arg(short, long, value_name = "FILE", conflicts_with = "statements")]
    pub file: Option<PathBuf>,

    /// How results are shown; `auto` is verbose on a terminal and plain otherwise
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,

    /// A parameter, evaluated by the server: `name => expression`, `name: value` or `{name: value, …}`; may be repeated
    #[arg(short = 'P', long = "param", value_name = "PARAMETER")]
    pub parameters: Vec<String>,

    /// Trust the certificates of this PEM file (and no others)
    #[arg(long, value_name = "FILE")]
    pub ca: Option<PathBuf>,

    /// Show the server this certificate chain (PEM); with `--certificate-login` it is also the login
    #[arg(long, value_name = "FILE", requires = "private_key")]
    pub certificate: Option<PathBuf>,

    /// The private key of the certificate (PEM, not encrypted)
    #[arg(long, value_name = "FILE", requires = "certificate")]
    pub private_key: Option<PathBuf>,

    /// Log in with the certificate alone, as the user that the server's rules map it to; no password is sent
    #[arg(long, requires = "certificate")]
    pub certificate_login: bool,

    /// Stop at the first failure when not on a terminal (the default)
    #[arg(long, conflicts_with = "fail_at_end")]
    pub fail_fast: bool,

    /// Go on after a failure when not on a terminal, and report at the end by the exit code
    #[arg(long)]
    pub fail_at_end: bool,

    /// Never ask; read statements from standard input also when it is a terminal
    #[arg(long)]
    pub non_interactive: bool,

    /// Whether statements may change anything
    #[arg(long, value_enum, default_value_t)]
    pub access_mode: AccessMode,

    /// Change the password, then end
    #[arg(long)]
    pub change_password: bool,

    /// Show hints and warnings of the server on standard error in every format, not only in `verbose`
    #[arg(long)]
    pub notifications: bool,

    /// Home of the server on this machine, for its address and its development certificate; default `./bastide-home`
    #[arg(long, env = "BASTIDE_HOME", value_name = "FOLDER")]
    pub home: Option<PathBuf>,
}

/// How results are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Verbose on a terminal, plain otherwise
    #[default]
    Auto,
    /// A table, and what the statement did
    Verbose,
    /// One line a row, values as in Cypher
    Plain,
    /// One JSON object a row
    Json,
    /// Comma-separated values as in RFC 4180
    Csv,
}

/// Whether statements may change anything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum AccessMode {
    /// Only reading statements are allowed
    Read,
    /// Everything is allowed
    #[default]
    Write,
}
