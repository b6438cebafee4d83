use std::fmt::Write;

use super::*;
use crate::tests::is_current;

/// What it does, for people.
fn does(verb: Verb) -> &'static str {
    match verb {
        Verb::Acquire => "ask for a lease",
        Verb::SeeLease => "read a lease",
        Verb::Renew => "renew a lease",
        Verb::Release => "release a lease, or single members of it",
        Verb::Annotate => "label a lease and write its note",
        Verb::Operate => "start and stop what a lease holds, alter it, read what it writes",
        Verb::TakeFiles => "take along the files of what a lease holds: keys and profiles",
        Verb::Give => "give a lease away, or share it",
        Verb::Revoke => "end somebody's lease",
        Verb::SeePools => "read pools and their members",
        Verb::SeeHosts => "read hosts, images and templates",
        Verb::Manage => "change pools, resources, hosts and templates",
        Verb::Administer => "change keys, quotas and webhooks, enter and remove users",
        Verb::SeeKeys => "read keys, quotas and webhooks",
        Verb::SeeUser => "read a user",
        Verb::ChangeUser => "change a user's profile and password",
        Verb::SeeEvents => "read everybody's events, and the metrics",
    }
}

/// Whose a role may do it with.
fn cell(role: Role, verb: Verb) -> &'static str {
    use Relation::{Foreign, Own, Shared};
    match [Own, Shared, Foreign].map(|relation| allows(role, verb, relation)) {
        [true, true, true] => "yes",
        [true, true, false] => "own and shared",
        [true, false, false] => "own",
        [false, false, false] => "no",
        odd => panic!("no word for {odd:?} of {role:?} and {verb:?}"),
    }
}

fn page() -> String {
    let mut page = String::from(
        "# Access\n\n\
         What a key or a user may do, by its role. *own*: only with what is its owner's, or nobody's.\n\
         *own and shared*: also with what is shared with its owner or one of its groups. What only an\n\
         operator or an admin may do is answered with `forbidden`; a lease that somebody may not read\n\
         does not exist for him.\n\n\
         <!-- Written from crates/core/src/access.rs by its test; change it there. -->\n\n\
         | what | user | operator | admin |\n\
         | --- | --- | --- | --- |\n",
    );
    for verb in Verb::ALL {
        let [user, operator, admin] =
            [Role::User, Role::Operator, Role::Admin].map(|role| cell(role, verb));
        let _ = writeln!(page, "| {} | {user} | {operator} | {admin} |", does(verb));
    }
    page.push_str(
        "\nBesides:\n\n\
         - A pool that names `owners` is there for these owners and groups, and for operators.\n\
         - Who holds a member is shown to whoever may read its lease, and as its pool's `holders` says:\n  \
           to nobody else, to who shares a group with the holder, or to everyone who sees the pool.\n\
         - Operators may ask for leases of other owners, and for a priority above that of users.\n\
         - A key with `act_for` may ask for leases of any owner in the pools that it names, and goes on\n  \
           speaking for them. A lease all of which is of these pools it reads and uses as one that is\n  \
           shared with it, but for the files, and still reads once it is over.\n\
         - Everybody may read the quota of his own owner.\n\
         - A user who has signed in asks for no leases: that takes a key.\n",
    );
    page
}

#[test]
fn the_reference_page_says_what_the_table_says() {
    is_current("access.md", &page());
}

#[test]
fn every_verb_stands_once_in_the_order_of_their_definition() {
    assert!(Verb::ALL.is_sorted_by(|a, b| a < b));
    // The last one's place counts them.
    assert_eq!(Verb::ALL.len(), Verb::SeeEvents as usize + 1);
}

#[test]
fn whoever_has_more_rights_may_do_all_that_others_may() {
    for verb in Verb::ALL {
        for relation in [Relation::Own, Relation::Shared, Relation::Foreign] {
            let may = [Role::User, Role::Operator, Role::Admin].map(|r| allows(r, verb, relation));
            assert!(may.is_sorted(), "{verb:?} {relation:?}: {may:?}");
        }
    }
}
