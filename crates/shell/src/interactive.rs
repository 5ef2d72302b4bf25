//! A person at a terminal: prompt, editing, history.

use std::borrow::Cow;

use reedline::{Color, Prompt, PromptEditMode, PromptHistorySearch, Reedline, Signal, ValidationResult, Validator};

use crate::connector::Connector;
use crate::highlight::CypherHighlighter;
use crate::history::{RedactingHistory, latest};
use crate::home;
use crate::paint::{Paint, Stream};
use crate::script::{Item, ItemKind, Script, is_bare_word, is_complete};
use crate::session::{Session, Transaction};
use crate::shell::{Flow, Outcome, Shell, TerminalRequest};

/// Reads and runs until the person leaves; tells how the connection ended.
pub fn converse(shell: &mut Shell<'_>, connector: &mut Connector, paint: Paint) -> Outcome {
    let mut editor = editor(paint);
    eprintln!(
        "connected to {} as {}, server {}\nstatements end with `;`, :help shows the commands, :exit leaves",
        connector.target(),
        shell.session.username(),
        crate::value_text::harmless(shell.session.server()),
    );
    loop {
        match editor.read_line(&ShellPrompt::of(&shell.session)) {
            Ok(Signal::Success(text)) => {
                let _ = editor.sync_history();
                match run_input(shell, &mut editor, &text) {
                    Step::Next => {}
                    Step::Leave => return Outcome::default(),
                    Step::Reconnect => match connector.connect() {
                        Ok(session) => {
                            shell.session = session;
                            eprintln!("connected again; an open transaction is gone, parameters are kept");
                        }
                        Err(error) => {
                            shell.report(&error, "");
                            return Outcome {
                                disconnected: true,
                                ..Outcome::default()
                            };
                        }
                    },
                }
            }
            // What was typed is dropped, the shell stays.
            Ok(Signal::CtrlC) => {}
            Ok(Signal::CtrlD) => return Outcome::default(),
            Ok(_) => {}
            Err(error) => {
                eprintln!("cannot read the terminal: {error}");
                return Outcome {
                    disconnected: true,
                    ..Outcome::default()
                };
            }
        }
    }
}

enum Step {
    Next,
    Leave,
    Reconnect,
}

fn run_input(shell: &mut Shell<'_>, editor: &mut Reedline, text: &str) -> Step {
    let trimmed = text.trim();
    if is_bare_word(trimmed) {
        let item = Item {
            line: 1,
            kind: ItemKind::Command(format!(":{}", trimmed.to_ascii_lowercase())),
        };
        return run_one(shell, editor, &item).unwrap_or(Step::Next);
    }
    let mut script = Script::default();
    for line in text.lines() {
        let items = match script.line(line) {
            Ok(items) => items,
            Err(error) => {
                shell.report(&error, "");
                return Step::Next;
            }
        };
        for item in items {
            if let Some(step) = run_one(shell, editor, &item) {
                return step;
            }
        }
    }
    Step::Next
}

/// What to do instead of going on with the next item.
fn run_one(shell: &mut Shell<'_>, editor: &mut Reedline, item: &Item) -> Option<Step> {
    let (flow, outcome) = shell.run_item(None, item);
    match flow {
        Flow::Exit => return Some(Step::Leave),
        Flow::Terminal(TerminalRequest::ShowHistory) => {
            for entry in latest(editor.history()) {
                println!("{}", crate::value_text::harmless(&entry));
            }
        }
        Flow::Terminal(TerminalRequest::ClearHistory) => {
            if let Err(error) = editor.history_mut().clear() {
                eprintln!("cannot clear the history: {error}");
            }
        }
        Flow::Terminal(TerminalRequest::ClearScreen) => {
            let _ = editor.clear_screen();
        }
        Flow::Continue => {}
    }
    if outcome.disconnected {
        Some(Step::Reconnect)
    } else if outcome.failed {
        // What was typed after the failing statement was meant to follow it.
        Some(Step::Next)
    } else {
        None
    }
}

fn editor(paint: Paint) -> Reedline {
    let colours = paint.is_on(Stream::Output);
    let history = home::history_file().map(|path| (RedactingHistory::in_file(&path), path));
    let history = match history {
        Some((Ok(history), _)) => Ok(history),
        Some((Err(error), path)) => {
            eprintln!(
                "the history is not kept, as `{}` cannot be used: {error}",
                path.display()
            );
            RedactingHistory::in_memory()
        }
        None => RedactingHistory::in_memory(),
    };
    let mut editor = Reedline::create()
        .with_validator(Box::new(StatementValidator))
        .with_ansi_colors(colours)
        .use_bracketed_paste(true);
    if let Ok(history) = history {
        editor = editor.with_history(Box::new(history));
    }
    if colours {
        editor = editor.with_highlighter(Box::new(CypherHighlighter));
    }
    editor
}

/// Enter goes on in the next line until the statement is complete.
struct StatementValidator;

impl Validator for StatementValidator {
    fn validate(&self, text: &str) -> ValidationResult {
        if is_complete(text) {
            ValidationResult::Complete
        } else {
            ValidationResult::Incomplete
        }
    }
}

/// `user@database> `; `#` stands for an open transaction, `!` for one that has failed.
struct ShellPrompt {
    place: String,
    indicator: &'static str,
}

impl ShellPrompt {
    fn of(session: &Session) -> Self {
        let username = session.username();
        let place = match session.database() {
            Some(database) => format!("{username}@{database}"),
            None => username.to_owned(),
        };
        Self {
            place: crate::value_text::harmless(&place),
            indicator: match session.transaction() {
                Transaction::None => "> ",
                Transaction::Open => "# ",
                Transaction::Failed => "! ",
            },
        }
    }
}

impl Prompt for ShellPrompt {
    fn render_prompt_left(&self) -> Cow<'_, str> {
        Cow::Borrowed(&self.place)
    }

    fn render_prompt_right(&self) -> Cow<'_, str> {
        Cow::Borrowed("")
    }

    fn render_prompt_indicator(&self, _: PromptEditMode) -> Cow<'_, str> {
        Cow::Borrowed(self.indicator)
    }

    fn render_prompt_multiline_indicator(&self) -> Cow<'_, str> {
        let width = unicode_width::UnicodeWidthStr::width(self.place.as_str());
        Cow::Owned(format!("{}{}", " ".repeat(width), "| "))
    }

    fn render_prompt_history_search_indicator(&self, search: PromptHistorySearch) -> Cow<'_, str> {
        Cow::Owned(format!("(search: {}) ", search.term))
    }

    fn get_prompt_color(&self) -> Color {
        Color::Cyan
    }

    fn get_indicator_color(&self) -> Color {
        Color::Cyan
    }
}
