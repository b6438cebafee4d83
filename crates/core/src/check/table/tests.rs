use std::fmt::Write;

use super::*;
use crate::tests::is_current;

fn word(state: Option<ResourceState>) -> &'static str {
    state.map_or("gone", ResourceState::as_str)
}

fn lease_word(state: Option<LeaseState>) -> &'static str {
    state.map_or("(acquire)", LeaseState::as_str)
}

fn row(page: &mut String, cells: impl IntoIterator<Item = String>) {
    let cells: Vec<String> = cells.into_iter().collect();
    let _ = writeln!(page, "| {} |", cells.join(" | "));
}

fn heading(page: &mut String, cells: &[&str]) {
    row(page, cells.iter().map(|c| (*c).to_owned()));
    row(page, cells.iter().map(|_| "---".to_owned()));
}

/// What happens to one in this state for this reason.
fn cell(from: Option<ResourceState>, why: Why) -> String {
    let here = RESOURCE.iter().filter(|m| m.0 == from && m.1 == why);
    let said = here.map(|(_, _, event, targets)| {
        let targets: Vec<&str> = targets.iter().map(|t| word(*t)).collect();
        format!("`{event}`: {}", targets.join(", "))
    });
    said.collect::<Vec<_>>().join("; ")
}

fn resources(page: &mut String) {
    page.push_str(
        "\n## Resources\n\n\
         What happens to a resource, by its state and by why it happens: the event and what the\n\
         resource is then. `resource.then` leaves a busy one as it is and says what it becomes\n\
         afterwards. An empty cell never happens. What is built goes through `deleting`; what was\n\
         declared or cut has no driver and is gone at once.\n",
    );
    for from in std::iter::once(None).chain(ResourceState::ALL.map(Some)) {
        let title = from.map_or("Not there", ResourceState::as_str);
        let _ = writeln!(page, "\n### {title}\n");
        heading(page, &["why", "what happens"]);
        for why in Why::ALL {
            let cell = cell(from, why);
            if !cell.is_empty() {
                row(page, [why.as_str().to_owned(), cell]);
            }
        }
    }
}

fn acts(page: &mut String) {
    page.push_str(
        "\n## Acts on a resource\n\n\
         What people ask of a whole resource that no outside cleaner works on, and what comes late\n\
         from a host. *goes*: at once, as above. *later*: once it is no longer busy. *stays*: as it\n\
         was, it is as asked or what was told is stale. *refused*: `bad-transition`, nothing changes.\n\n",
    );
    let mut headings = vec!["state"];
    headings.extend(ACTS.iter().map(|(act, _)| *act));
    heading(page, &headings);
    for (i, state) in ResourceState::ALL.iter().enumerate() {
        let effects = ACTS.iter().map(|(_, effects)| said(effects[i]).to_owned());
        row(page, [state.as_str().to_owned()].into_iter().chain(effects));
    }
}

fn said(effect: Effect) -> &'static str {
    match effect {
        Goes => "goes",
        Later => "later",
        Stays => "stays",
        Refused => "refused",
    }
}

fn leases(page: &mut String) {
    page.push_str("\n## Leases\n\n");
    heading(page, &["state", "event", "then"]);
    for (from, event, targets) in LEASE {
        let targets: Vec<&str> = targets.iter().map(|t| lease_word(*t)).collect();
        let from = lease_word(*from).to_owned();
        row(page, [from, format!("`{event}`"), targets.join(", ")]);
    }
    for (from, ends) in ENDS {
        let ends: Vec<&str> = ends.iter().map(|e| e.as_str()).collect();
        let ended = format!("ended: {}", ends.join(", "));
        row(
            page,
            [from.as_str().to_owned(), "`lease.ended`".to_owned(), ended],
        );
    }
    page.push_str("\nWhat is asked of a lease that has ended:\n\n");
    heading(page, &["act", "answer"]);
    for (act, effect) in ENDED {
        let answer = match effect {
            Refused => "refused: `lease-ended`",
            _ => "the ended lease again; nothing changes",
        };
        row(page, [(*act).to_owned(), answer.to_owned()]);
    }
}

fn page() -> String {
    let mut page = String::from(
        "# States\n\n\
         Every move of a resource and of a lease. The tests of the core make no other move, and the\n\
         simulation makes each of these.\n\n\
         <!-- Written from crates/core/src/check/table.rs by its test; change it there. -->\n",
    );
    resources(&mut page);
    acts(&mut page);
    leases(&mut page);
    page
}

#[test]
fn the_reference_page_says_what_the_tables_say() {
    is_current("states.md", &page());
}

#[test]
fn a_cell_stands_once() {
    for (i, m) in RESOURCE.iter().enumerate() {
        let same = |o: &&Moves| (o.0, o.1, o.2) == (m.0, m.1, m.2);
        assert_eq!(RESOURCE.iter().position(|o| same(&o)), Some(i), "{m:?}");
    }
}

#[test]
fn an_act_goes_only_where_there_is_a_move() {
    let whys = [Why::Withhold, Why::Return, Why::Delete];
    for ((_, effects), why) in ACTS.iter().zip(whys) {
        for (state, effect) in ResourceState::ALL.iter().zip(effects) {
            let moves = RESOURCE.iter().any(|m| m.0 == Some(*state) && m.1 == why);
            let goes = matches!(effect, Goes | Later);
            assert_eq!(moves, goes, "{} {}", state.as_str(), why.as_str());
        }
    }
}
