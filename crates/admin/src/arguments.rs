//! The command line of `bastide admin`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// `bastide admin …`
#[derive(Args, Clone, Debug)]
#[command(after_help = "Examples:\n  bastide admin server validate-config\n  \
                        bastide admin --home /srv/bastide dbms set-initial-password -\n  \
                        bastide admin audit verify --json")]
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
