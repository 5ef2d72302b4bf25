//! `tx.*`: metadata of the running transaction.

use bastide_model::{Map, Value};
use bastide_plan::ProcedureMode;
use bastide_security::Action;
use bastide_status::{Code, Status};

use super::ProcedureContext;
use super::signature::{Declaration, row};

/// The most bytes of metadata, by estimate.
const METADATA_BYTES_MAX: usize = 16 * 1024;

pub(super) const DECLARATIONS: &[Declaration] = &[
    Declaration {
        name: "tx.getMetaData",
        arguments: "",
        columns: "metadata:MAP",
        mode: ProcedureMode::Dbms,
        privilege: Action::Read,
        description: "Provides attached transaction metadata.",
        run: |_, context| {
            let metadata = Value::map(context.server.transaction_metadata());
            Ok(vec![row([("metadata", metadata)])])
        },
    },
    Declaration {
        name: "tx.setMetaData",
        arguments: "data:MAP",
        columns: "",
        mode: ProcedureMode::Dbms,
        privilege: Action::Read,
        description: "Attaches a map of data to the transaction, which is shown with it.",
        run: set_metadata,
    },
];

fn set_metadata(arguments: &[Value], context: &mut ProcedureContext<'_>) -> Result<Vec<Map>, Status> {
    let Some(Value::Map(metadata)) = arguments.first() else {
        return Err(Status::new(Code::TypeError, "argument `data` must be a map"));
    };
    let size: usize = metadata
        .iter()
        .map(|(key, value)| key.len() + value.memory_size())
        .sum();
    if size > METADATA_BYTES_MAX {
        return Err(Status::new(
            Code::ProcedureCallFailed,
            format!("transaction metadata may take at most {METADATA_BYTES_MAX} bytes"),
        ));
    }
    context.server.set_transaction_metadata(metadata)?;
    Ok(Vec::new())
}
