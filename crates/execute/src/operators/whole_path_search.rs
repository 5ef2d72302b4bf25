//! Shortest paths under a condition that only a whole path can meet: every path is tried, shorter ones first.

use bastide_model::{Adjacent, NodeId, RelationshipId};
use bastide_status::Status;

use super::Run;
use super::path_search::{Question, Step, Steps};
use crate::limits::Reserved;

/// A beginning of a path, linked to a shorter one.
struct Beginning {
    parent: Option<usize>,
    relationship: RelationshipId,
    node: NodeId,
}

/// All beginnings of one length after the other.
struct Search<'a> {
    beginnings: Vec<Beginning>,
    steps: &'a mut dyn Steps,
    question: &'a Question,
}

impl Search<'_> {
    fn contains(&self, end: Option<usize>, relationship: RelationshipId) -> bool {
        let mut place = end;
        while let Some(beginning) = place.and_then(|place| self.beginnings.get(place)) {
            if beginning.relationship == relationship {
                return true;
            }
            place = beginning.parent;
        }
        false
    }

    fn path(&self, end: Option<usize>) -> Vec<Step> {
        let mut path = Vec::new();
        let mut place = end;
        while let Some(beginning) = place.and_then(|place| self.beginnings.get(place)) {
            path.push((beginning.relationship, beginning.node));
            place = beginning.parent;
        }
        path.reverse();
        path
    }

    fn longer(
        &mut self,
        run: &Run<'_>,
        end: Option<usize>,
        found: &mut Vec<Adjacent>,
        memory: &mut Reserved,
        next: &mut Vec<Option<usize>>,
    ) -> Result<(), Status> {
        let node = end
            .and_then(|place| self.beginnings.get(place))
            .map_or(self.question.from, |beginning| beginning.node);
        found.clear();
        self.steps.expand(run, node, self.question.direction, found)?;
        for adjacent in found.iter() {
            if self.contains(end, adjacent.relationship) {
                continue;
            }
            memory.take(&run.shared.memory, size_of::<Beginning>() + size_of::<Option<usize>>())?;
            next.push(Some(self.beginnings.len()));
            self.beginnings.push(Beginning {
                parent: end,
                relationship: adjacent.relationship,
                node: adjacent.neighbour,
            });
        }
        Ok(())
    }
}

/// The shortest paths of at least `min` relationships that `accepts` lets pass.
pub(super) fn accepted_paths(
    run: &Run<'_>,
    question: &Question,
    min: u64,
    steps: &mut dyn Steps,
    memory: &mut Reserved,
    accepts: &mut dyn FnMut(&[Step]) -> Result<bool, Status>,
) -> Result<Vec<Vec<Step>>, Status> {
    let mut search = Search {
        beginnings: Vec::new(),
        steps,
        question,
    };
    let mut level: Vec<Option<usize>> = vec![None];
    let mut accepted = Vec::new();
    let mut found = Vec::new();
    let mut length = 0;
    while !level.is_empty() {
        for end in &level {
            let node = end
                .and_then(|place| search.beginnings.get(place))
                .map_or(question.from, |beginning| beginning.node);
            if length < min || node != question.to {
                continue;
            }
            let path = search.path(*end);
            if accepts(&path)? {
                accepted.push(path);
                if !question.all {
                    return Ok(accepted);
                }
            }
        }
        if !accepted.is_empty() || length >= question.max {
            break;
        }
        let mut next = Vec::new();
        for end in level {
            run.check()?;
            search.longer(run, end, &mut found, memory, &mut next)?;
        }
        level = next;
        length += 1;
    }
    Ok(accepted)
}
