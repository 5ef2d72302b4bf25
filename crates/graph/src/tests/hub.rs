//! What a change to a node with very many relationships copies.

use bastide_model::{Direction, GraphRead, GraphWrite};

use super::{names, read, write};
use crate::Graph;

#[test]
fn adding_to_or_taking_from_a_hub_copies_one_path_of_its_tree() {
    let graph = Graph::in_memory();
    let mut transaction = write(&graph);
    let names = names(&mut transaction);
    let hub = transaction.create_node(&[]).unwrap();
    let leaf = transaction.create_node(&[]).unwrap();
    let relationships: Vec<_> = (0..200_000)
        .map(|_| {
            transaction
                .create_relationship(names.relationship_type, hub, leaf)
                .unwrap()
        })
        .collect();
    transaction.commit().unwrap();

    let before = graph.shared.published();
    let mut transaction = write(&graph);
    transaction
        .create_relationship(names.relationship_type, hub, leaf)
        .unwrap();
    transaction.delete_relationship(relationships[100_000]).unwrap();
    transaction.commit().unwrap();
    let after = graph.shared.published();
    for node in [hub, leaf] {
        let run = |root: &crate::root::Root| root.node(node).unwrap().adjacency.largest_run().unwrap().clone();
        let copied = run(&after).nodes_not_shared_with(&run(&before));
        assert!(copied <= 8, "{copied} pieces of the tree were copied");
    }
    let degree = read(&graph)
        .degree(hub, Direction::Outgoing, &[names.relationship_type])
        .unwrap();
    assert_eq!(degree, 200_000);
}
