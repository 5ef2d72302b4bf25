//! Names of labels, relationship types and property keys.
//!
//! Owns the numbering of names. INVARIANT: tables only grow; an id once given never means another name, also when the
//! transaction that brought the name is rolled back. Must not know which names are in use.

use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use bastide_model::GraphError;
use rustc_hash::FxHashMap;

/// Names in each table.
pub(crate) const NAMES_MAX: usize = 65_535;
/// Bytes of a name.
pub(crate) const NAME_BYTES_MAX: usize = 65_535;

/// One of the three tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TokenKind {
    Label,
    RelationshipType,
    PropertyKey,
}

impl TokenKind {
    pub(crate) const ALL: [Self; 3] = [Self::Label, Self::RelationshipType, Self::PropertyKey];

    fn what(self) -> &'static str {
        match self {
            Self::Label => "the number of labels",
            Self::RelationshipType => "the number of relationship types",
            Self::PropertyKey => "the number of property keys",
        }
    }
}

/// The names of one table.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names {
    names: Vec<Arc<str>>,
    ids: FxHashMap<Arc<str>, u32>,
}

impl Names {
    pub(crate) fn id(&self, name: &str) -> Option<u32> {
        self.ids.get(name).copied()
    }

    pub(crate) fn name(&self, id: u32) -> Option<&Arc<str>> {
        self.names.get(usize::try_from(id).ok()?)
    }

    pub(crate) fn all(&self) -> &[Arc<str>] {
        &self.names
    }

    fn push(&mut self, name: Arc<str>) -> u32 {
        // Tables are limited to `NAMES_MAX`.
        let id = u32::try_from(self.names.len()).unwrap_or(u32::MAX);
        self.names.push(name.clone());
        self.ids.insert(name, id);
        id
    }
}

/// The three tables at one moment; a clone costs three counters.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tokens {
    labels: Arc<Names>,
    relationship_types: Arc<Names>,
    property_keys: Arc<Names>,
}

/// How many names each table has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct TokenCounts(pub(crate) [usize; 3]);

impl Tokens {
    pub(crate) fn of(&self, kind: TokenKind) -> &Names {
        match kind {
            TokenKind::Label => &self.labels,
            TokenKind::RelationshipType => &self.relationship_types,
            TokenKind::PropertyKey => &self.property_keys,
        }
    }

    fn of_mut(&mut self, kind: TokenKind) -> &mut Names {
        Arc::make_mut(match kind {
            TokenKind::Label => &mut self.labels,
            TokenKind::RelationshipType => &mut self.relationship_types,
            TokenKind::PropertyKey => &mut self.property_keys,
        })
    }

    pub(crate) fn counts(&self) -> TokenCounts {
        TokenCounts(TokenKind::ALL.map(|kind| self.of(kind).names.len()))
    }

    /// Adds a name that has the next id; for recovery.
    pub(crate) fn push(&mut self, kind: TokenKind, name: &str) -> Result<u32, GraphError> {
        check_limits(self.of(kind), kind, name)?;
        Ok(self.of_mut(kind).push(name.into()))
    }

    /// A label's name, for messages.
    pub(crate) fn display_name(&self, kind: TokenKind, id: u32) -> Arc<str> {
        self.of(kind).name(id).cloned().unwrap_or_else(|| Arc::from("?"))
    }
}

fn check_limits(names: &Names, kind: TokenKind, name: &str) -> Result<(), GraphError> {
    if names.names.len() >= NAMES_MAX {
        return Err(GraphError::Limit {
            what: kind.what(),
            limit: NAMES_MAX as u64,
        });
    }
    if name.len() > NAME_BYTES_MAX {
        return Err(GraphError::Limit {
            what: "the length of a name in bytes",
            limit: NAME_BYTES_MAX as u64,
        });
    }
    Ok(())
}

/// The names of a database, shared by its transactions.
#[derive(Debug, Default)]
pub(crate) struct Interner {
    current: ArcSwap<Tokens>,
    /// Held while a name is added.
    growing: Mutex<()>,
}

impl Interner {
    pub(crate) fn new(tokens: Tokens) -> Self {
        Self {
            current: ArcSwap::from_pointee(tokens),
            growing: Mutex::default(),
        }
    }

    /// The tables as they are now.
    pub(crate) fn current(&self) -> Arc<Tokens> {
        self.current.load_full()
    }

    /// The id of a name, made if need be, and the tables that hold it.
    pub(crate) fn intern(&self, kind: TokenKind, name: &str) -> Result<(u32, Arc<Tokens>), GraphError> {
        let _growing = self.growing.lock().unwrap_or_else(PoisonError::into_inner);
        let current = self.current.load_full();
        if let Some(id) = current.of(kind).id(name) {
            return Ok((id, current));
        }
        let mut tokens = Tokens::clone(&current);
        let id = tokens.push(kind, name)?;
        let tokens = Arc::new(tokens);
        self.current.store(tokens.clone());
        Ok((id, tokens))
    }
}
