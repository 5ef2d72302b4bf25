//! The command line.

use std::path::PathBuf;

use bastide_admin::AdminArguments;
use bastide_server::StartOptions;
use bastide_shell::ShellArguments;
use clap::{Args, Parser, Subcommand};

const AFTER_HELP: &str = "Examples:
  bastide start                                   start a server in ./bastide-home
  bastide shell 'MATCH (n) RETURN count(n)'       run a statement on it
  bastide admin server validate-config            check its configuration

Exit codes of start and admin:
  0    done
  1    failed
  2    wrong command line
  3    the configuration, the permissions of files or the certificates were refused
  4    the home or an address is in use
  5    the data, the key or the audit log cannot be opened
  130  ended at once by a second signal";

/// A property-graph database, closed by default.
#[derive(Parser)]
#[command(name = "bastide", version, about, after_help = AFTER_HELP, subcommand_required = true)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub verb: Verb,
}

/// What the binary can do.
#[derive(Subcommand)]
pub enum Verb {
    /// Start the server and run it until SIGTERM or Ctrl-C
    Start(StartArguments),
    /// Administer a home: check the configuration, set the first password, verify the audit log
    Admin(AdminArguments),
    /// Work with a server: type statements, or run them from arguments, a file or a pipe
    Shell(Box<ShellArguments>),
    /// Print the completion script of a shell
    #[command(after_help = "Example:\n  bastide completion bash > ~/.local/share/bash-completion/completions/bastide")]
    Completion {
        /// The shell.
        shell: clap_complete::Shell,
    },
}

/// `bastide start …`
#[derive(Args)]
#[command(after_help = "Example:\n  bastide start --home /srv/bastide\n\n\
                        The first start makes certificates for this machine and prints the password of the user neo4j, once.")]
pub struct StartArguments {
    /// Home directory; otherwise $BASTIDE_HOME, otherwise ./bastide-home
    #[arg(long, value_name = "DIR")]
    home: Option<PathBuf>,
    /// Run the commands in `$(…)` values of the configuration file
    #[arg(long)]
    expand_commands: bool,
    /// Log more than `server.logs.level` says
    #[arg(long)]
    verbose: bool,
}

impl From<StartArguments> for StartOptions {
    fn from(arguments: StartArguments) -> Self {
        Self {
            home: arguments.home,
            expand_commands: arguments.expand_commands,
            verbose: arguments.verbose,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_sound_and_every_verb_has_an_example() {
        let mut command = Arguments::command();
        command.clone().debug_assert();
        command.build();
        for verb in ["start", "admin", "shell", "completion"] {
            let help = command
                .find_subcommand_mut(verb)
                .unwrap()
                .render_long_help()
                .to_string();
            assert!(help.contains("Example"), "{verb}: {help}");
        }
    }
}
