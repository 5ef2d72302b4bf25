//! A fault of the configuration and the report of all of them.

use std::fmt;
use std::path::PathBuf;

/// One thing that is wrong, or worth a warning, with what to do about it. Never holds a secret value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The file, if the fault is in one.
    pub file: Option<PathBuf>,
    /// The line, from 1.
    pub line: Option<usize>,
    /// The setting, if it is about one.
    pub setting: Option<String>,
    /// What is wrong.
    pub problem: String,
    /// What to write or do instead.
    pub advice: String,
}

impl Fault {
    /// A fault about `setting`.
    pub fn new(setting: &str, problem: impl Into<String>, advice: impl Into<String>) -> Self {
        Self {
            file: None,
            line: None,
            setting: Some(setting.to_owned()),
            problem: problem.into(),
            advice: advice.into(),
        }
    }

    /// A fault about a file as a whole.
    pub fn about_file(file: PathBuf, problem: impl Into<String>, advice: impl Into<String>) -> Self {
        Self {
            file: Some(file),
            line: None,
            setting: None,
            problem: problem.into(),
            advice: advice.into(),
        }
    }

    /// Says where it is.
    #[must_use]
    pub(crate) fn at(mut self, place: &crate::conf_file::Place) -> Self {
        self.file.clone_from(&place.file);
        self.line = place.line;
        self
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(file) = &self.file {
            write!(formatter, "{}", file.display())?;
            if let Some(line) = self.line {
                write!(formatter, ":{line}")?;
            }
            formatter.write_str(": ")?;
        }
        if let Some(setting) = &self.setting {
            write!(formatter, "`{setting}`: ")?;
        }
        formatter.write_str(&self.problem)?;
        if !self.advice.is_empty() {
            write!(formatter, "\n    advice: {}", self.advice)?;
        }
        Ok(())
    }
}

/// Everything that is wrong with a configuration, in the order of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigurationFaults(pub Vec<Fault>);

impl fmt::Display for ConfigurationFaults {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.0.len();
        let noun = if count == 1 { "fault" } else { "faults" };
        write!(formatter, "the configuration has {count} {noun}")?;
        for fault in &self.0 {
            write!(formatter, "\n  {fault}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigurationFaults {}
