//! APIs of older systems, each a thin translation onto the commands and snapshots of the ledger, so
//! that an old client needs a new address and nothing else. Each is an entrance of its own and
//! knows no other; its words stand in its own module only, with a table at the top.

pub mod poolmanager;
