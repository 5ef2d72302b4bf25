//! The command line of `bastide admin`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// `bastide admin …`
#[derive(Args, Clone, Debug)]
#[command(after_help = "Examples:\n  bastide admin server validate-config\n  \
                        bastide admin --home /srv/bastide dbms set-initial-password -\n  \
                        bastide admin audit verify --json\n  \
                        bastide admin database backup --from db.example.org:6362 --to-path /backups neo4j")]
pub struct AdminArguments {
    /// Home directory; otherwise $BASTIDE_HOME, otherwise ./bastide-home
    #[arg(long, global = true, value_name = "DIR")]
    pub home: Option<PathBuf>,
    /// Run the commands in `$(…)` values of the configuration file
    #[arg(long, global = true)]
    pub expand_commands: bool,
    /// What to do.
    #[command(subcommand)]
    pub command: AdminCommand,
}

/// What can be administered.
#[derive(Subcommand, Clone, Debug)]
pub enum AdminCommand {
    /// The server and its configuration
    Server {
        /// What to do.
        #[command(subcommand)]
        command: ServerCommand,
    },
    /// Back up a database of a running server, or restore one
    Database {
        /// What to do.
        #[command(subcommand)]
        command: DatabaseCommand,
    },
    /// Backup files
    Backup {
        /// What to do.
        #[command(subcommand)]
        command: BackupCommand,
    },
    /// TLS policies: certificates, keys, trust
    Tls {
        /// What to do.
        #[command(subcommand)]
        command: TlsCommand,
    },
    /// Users and databases
    Dbms {
        /// What to do.
        #[command(subcommand)]
        command: DbmsCommand,
    },
    /// The audit log
    Audit {
        /// What to do.
        #[command(subcommand)]
        command: AuditCommand,
    },
}

/// `bastide admin server …`
#[derive(Subcommand, Clone, Debug)]
pub enum ServerCommand {
    /// Check the settings, the permissions of files and the certificates, and report every fault
    #[command(
        after_help = "Example:\n  bastide admin server validate-config --home /srv/bastide\n\n\
                            Exit codes: 0 no fault, 3 there are faults"
    )]
    ValidateConfig,
}

/// `bastide admin dbms …`
#[derive(Subcommand, Clone, Debug)]
pub enum DbmsCommand {
    /// Set the password of the user neo4j before the first start
    #[command(
        after_help = "Example:\n  bastide admin dbms set-initial-password -   (and type the password)\n\n\
                            A password given as an argument may be seen by other users of this machine while the \
                            command runs, and stays in the shell's history."
    )]
    SetInitialPassword(InitialPasswordArguments),
}

/// `bastide admin dbms set-initial-password …`
#[derive(Args, Clone)]
pub struct InitialPasswordArguments {
    /// The password, or `-` to read it from standard input
    #[arg(value_name = "PASSWORD", allow_hyphen_values = true)]
    pub password: String,
    /// The user must change it at the first login
    #[arg(long)]
    pub require_password_change: bool,
}

impl std::fmt::Debug for InitialPasswordArguments {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("InitialPasswordArguments")
            .field("require_password_change", &self.require_password_change)
            .finish_non_exhaustive()
    }
}

/// `bastide admin tls …`
#[derive(Subcommand, Clone, Debug)]
pub enum TlsCommand {
    /// Check certificates, keys, trusted and revoked certificates and suites, and tell what clients will see
    #[command(after_help = "Example:\n  bastide admin tls check --scope bolt --json\n\n\
                            Exit codes: 0 all policies can be used, 1 one cannot, 3 the configuration was refused")]
    Check(TlsCheckArguments),
}

/// `bastide admin tls check …`
#[derive(Args, Clone, Debug)]
pub struct TlsCheckArguments {
    /// Check this policy only
    #[arg(long, value_name = "SCOPE", value_parser = bastide_settings::policy::SCOPES)]
    pub scope: Option<String>,
    /// Answer with one line of JSON
    #[arg(long)]
    pub json: bool,
}

/// `bastide admin audit …`
#[derive(Subcommand, Clone, Debug)]
pub enum AuditCommand {
    /// Check the audit log's chain and name the first line that was altered or removed
    #[command(after_help = "Example:\n  bastide admin audit verify --json\n\n\
                            Exit codes: 0 the log is whole, 1 it was altered or cannot be read")]
    Verify {
        /// Answer with one line of JSON
        #[arg(long)]
        json: bool,
    },
}

/// `bastide admin database …`
#[derive(Subcommand, Clone, Debug)]
pub enum DatabaseCommand {
    /// Take a full backup of databases of a running server over its backup channel
    #[command(
        after_help = "Example:\n  bastide admin database backup --from db.example.org:6362 --to-path /backups neo4j\n\n\
                      The certificate that this machine shows, and whom it believes, are those of dbms.ssl.policy.backup.* in \
                      the configuration of the home. A backup that was cut off is gone on with when the command is run again.\n\n\
                      Exit codes: 0 all are complete and verified, 1 one is not, 3 the configuration was refused"
    )]
    Backup(BackupArguments),
    /// Bring a database back from a backup, while the server is stopped
    #[command(
        after_help = "Example:\n  bastide admin database restore --from-path=/backups/neo4j-2026-01-31T04-00-00.backup neo4j\n\n\
                      Exit codes: 0 it is restored, 1 nothing was changed"
    )]
    Restore(RestoreArguments),
}

/// `bastide admin database backup …`
#[derive(Args, Clone, Debug)]
pub struct BackupArguments {
    /// Address of the server's backup channel; the port is 6362 if left out
    #[arg(long, value_name = "HOST:PORT")]
    pub from: String,
    /// Folder that gets the files
    #[arg(long, value_name = "DIR")]
    pub to_path: PathBuf,
    /// File with the key that seals the backup; otherwise conf/backup.key of the home, made at the first backup
    #[arg(long, value_name = "FILE")]
    pub encryption_key_file: Option<PathBuf>,
    /// How often to connect again after a cut, without progress in between; the pauses grow from 1 s, each twice the last
    #[arg(long, value_name = "NUMBER", default_value_t = 6, value_parser = clap::value_parser!(u32).range(..=20))]
    pub retries: u32,
    /// Answer with one line of JSON
    #[arg(long)]
    pub json: bool,
    /// Database, or a pattern in which * stands for any text and ? for any character
    #[arg(value_name = "DATABASE")]
    pub database: String,
}

/// `bastide admin database restore …`
#[derive(Args, Clone, Debug)]
pub struct RestoreArguments {
    /// The backup file
    #[arg(long, value_name = "FILE")]
    pub from_path: PathBuf,
    /// File with the key that the backup was sealed with; otherwise conf/backup.key of the home
    #[arg(long, value_name = "FILE")]
    pub encryption_key_file: Option<PathBuf>,
    /// Replace the database if there is one
    #[arg(long)]
    pub overwrite_destination: bool,
    /// Answer with one line of JSON
    #[arg(long)]
    pub json: bool,
    /// The name that the database gets
    #[arg(value_name = "DATABASE")]
    pub database: String,
}

/// `bastide admin backup …`
#[derive(Subcommand, Clone, Debug)]
pub enum BackupCommand {
    /// Read backups from the first byte to the last, and tell what they hold
    #[command(after_help = "Example:\n  bastide admin backup inspect /backups\n\n\
                            Exit codes: 0 all are whole, 1 one is damaged or cannot be read")]
    Inspect(InspectArguments),
}

/// `bastide admin backup inspect …`
#[derive(Args, Clone, Debug)]
pub struct InspectArguments {
    /// A backup file, or a folder with such files
    #[arg(value_name = "PATH")]
    pub path: PathBuf,
    /// File with the key that the backups were sealed with; otherwise conf/backup.key of the home
    #[arg(long, value_name = "FILE")]
    pub encryption_key_file: Option<PathBuf>,
    /// Answer with one line of JSON
    #[arg(long)]
    pub json: bool,
}
