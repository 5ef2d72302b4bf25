//! The commands, which start with a colon.

use std::path::PathBuf;

use crate::arguments::AccessMode;
use crate::error::ShellError;
use crate::parameters::ParameterText;

/// A command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// `:begin`
    Begin,
    /// `:commit`
    Commit,
    /// `:rollback`
    Rollback,
    /// `:param name => expression`
    SetParameter(ParameterText),
    /// `:params`, `:params name`
    ListParameters(Option<String>),
    /// `:params clear`
    ClearParameters,
    /// `:use database`; without a name the home database.
    Use(Option<String>),
    /// `:source file`
    Source(PathBuf),
    /// `:access-mode read|write`; without a word it is shown.
    AccessMode(Option<AccessMode>),
    /// `:help`
    Help,
    /// `:history`, `:history clear`
    History {
        /// Whether it is to be forgotten.
        clear: bool,
    },
    /// `:clear`
    ClearScreen,
    /// `:exit`
    Exit,
}

/// Names, arguments and what each does, for `:help`.
const TABLE: [(&str, &str, &str); 12] = [
    (":begin", "", "open a transaction"),
    (":commit", "", "commit the open transaction"),
    (":rollback", "", "roll the open transaction back"),
    (
        ":param",
        "name => expression",
        "set a parameter; also `name: expression` and `{name: expression}`",
    ),
    (":params", "[name | clear]", "show the parameters, or forget them"),
    (
        ":use",
        "[database]",
        "use another database; without a name, your home database",
    ),
    (":source", "file", "run the statements and commands of a file"),
    (
        ":access-mode",
        "[read | write]",
        "allow only reading statements, or all",
    ),
    (":history", "[clear]", "show what was typed, or forget it"),
    (":clear", "", "clear the screen"),
    (":help", "", "show this"),
    (":exit", "", "leave; Ctrl-D and :quit do the same"),
];

/// What can be typed.
pub fn help() -> String {
    let mut text = "Statements end with `;` and may span lines. Ctrl-C interrupts a running one.\n\n".to_owned();
    for (name, arguments, meaning) in TABLE {
        let usage = format!("{name} {arguments}");
        text.push_str(&format!("  {usage:<28} {meaning}\n"));
    }
    text
}

impl Command {
    /// Reads a line that starts with a colon.
    ///
    /// # Errors
    /// No such command, or arguments that do not fit it.
    pub fn parse(line: &str) -> Result<Self, ShellError> {
        let line = line.trim();
        let (name, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let rest = rest.trim();
        // A semicolon at the end is what the fingers do; within a value it may belong there.
        let rest = rest.strip_suffix(';').unwrap_or(rest).trim_end();
        let name = name.trim_end_matches(';').to_ascii_lowercase();
        let command = match (name.as_str(), rest) {
            (":begin", "") => Self::Begin,
            (":commit", "") => Self::Commit,
            (":rollback", "") => Self::Rollback,
            (":param" | ":params", "" | "list") => Self::ListParameters(None),
            (":param" | ":params", "clear") => Self::ClearParameters,
            (":params", name) if !name.contains([':', '=', '{']) => Self::ListParameters(Some(name.to_owned())),
            (":param" | ":params", text) => Self::SetParameter(ParameterText::parse(text)?),
            (":use", "") => Self::Use(None),
            (":use", name) => Self::Use(Some(unquoted(name).to_owned())),
            (":source", file) if !file.is_empty() => Self::Source(PathBuf::from(unquoted(file))),
            (":access-mode", "") => Self::AccessMode(None),
            (":access-mode", "read") => Self::AccessMode(Some(AccessMode::Read)),
            (":access-mode", "write") => Self::AccessMode(Some(AccessMode::Write)),
            (":help", _) => Self::Help,
            (":history", "") => Self::History { clear: false },
            (":history", "clear") => Self::History { clear: true },
            (":clear", "") => Self::ClearScreen,
            (":exit" | ":quit" | ":q", "") => Self::Exit,
            (name, _) => return Err(wrong(name)),
        };
        Ok(command)
    }
}

fn unquoted(text: &str) -> &str {
    for quote in ['`', '"', '\''] {
        if let Some(inner) = text.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote)) {
            return inner;
        }
    }
    text
}

fn wrong(name: &str) -> ShellError {
    match TABLE.iter().find(|(known, ..)| *known == name) {
        Some((_, arguments, _)) => ShellError::usage(format!("write `{}`", format!("{name} {arguments}").trim_end())),
        None => ShellError::usage(format!("there is no command `{name}`; type :help for those there are")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_each_command() {
        for (line, expected) in [
            (":begin", Command::Begin),
            (":COMMIT;", Command::Commit),
            (" :rollback ; ", Command::Rollback),
            (":params", Command::ListParameters(None)),
            (":params x", Command::ListParameters(Some("x".to_owned()))),
            (":params clear", Command::ClearParameters),
            (":use `my db`", Command::Use(Some("my db".to_owned()))),
            (":use system;", Command::Use(Some("system".to_owned()))),
            (":use", Command::Use(None)),
            (":source a b.cypher", Command::Source("a b.cypher".into())),
            (":access-mode read", Command::AccessMode(Some(AccessMode::Read))),
            (":help :use", Command::Help),
            (":quit", Command::Exit),
        ] {
            assert_eq!(Command::parse(line).unwrap(), expected, "{line}");
        }
        let ParameterText::Named { name, expression } = ParameterText::parse("x => 1").unwrap() else {
            panic!()
        };
        assert_eq!(
            Command::parse(":param x => 1;").unwrap(),
            Command::SetParameter(ParameterText::Named { name, expression })
        );
    }

    #[test]
    fn says_how_a_command_is_written() {
        assert_eq!(Command::parse(":begin now").unwrap_err().to_string(), "write `:begin`");
        assert_eq!(
            Command::parse(":source").unwrap_err().to_string(),
            "write `:source file`"
        );
        assert!(
            Command::parse(":explode")
                .unwrap_err()
                .to_string()
                .contains("no command `:explode`")
        );
    }

    #[test]
    fn help_names_every_command_of_the_table() {
        let help = help();
        for (name, ..) in TABLE {
            assert!(help.contains(name));
            assert!(!Command::parse(name).is_err_and(|error| error.to_string().contains("no command")));
        }
    }
}
