//! Why a member is not well: what drivers saw reaches whoever asks.

use caviada_core::event::Event;
use caviada_core::id::ResourceId;
use caviada_core::plan::{Condition, Observed, Seen};
use caviada_core::pool::{OnBad, PoolSpec};
use caviada_core::reconcile::{Input, Output, Periods, Reconciler};
use caviada_core::resource::{Health, ResourceState};

use crate::scene::{Scene, name};

/// Looks at the host of a scene's one member.
struct Looks {
    scene: Scene,
    reconciler: Reconciler,
    id: ResourceId,
}

impl Looks {
    fn new(on_bad: OnBad) -> Self {
        let mut scene = Scene::with_host();
        let mut spec = PoolSpec::built(name("cluster"), 1, 1);
        spec.on_bad = on_bad;
        scene.pool("clusters", spec);
        scene.drivers_work();
        let id = *scene.state.resources.iter().next().unwrap().0;
        Self {
            scene,
            reconciler: Reconciler::new(Periods::default(), false),
            id,
        }
    }

    /// What a look saw of the member: nothing, or its condition and why; answers what it reported.
    fn see(&mut self, seen: Option<(Condition, Option<&str>)>) -> usize {
        let scene = &mut self.scene;
        scene.pass(20_000);
        let r = scene.resource(self.id);
        let host = r.site().unwrap().host;
        let others = scene.state.resources.values().filter(|o| o.id != r.id);
        let others = others.map(|o| (o, (Condition::Up, None)));
        let all = others.chain(seen.map(|seen| (scene.state.resources.get(&r.id).unwrap(), seen)));
        let seen = |(condition, why): (Condition, Option<&str>)| Seen {
            revision: 1,
            condition,
            why: why.map(Into::into),
        };
        let observed: Observed = all
            .map(|(r, what)| ((r.id, r.generation), seen(what)))
            .collect();
        scene.state.finish();
        let now = scene.state.now();
        self.reconciler.step(&scene.state, now, Input::Wake);
        let looked = Input::Looked(host, Some(observed));
        let told = self.reconciler.step(&scene.state, now, looked);
        scene.state.begin(now);
        let mut reports = 0;
        for output in told {
            if let Output::Report(act) = output {
                reports += 1;
                scene.system(act);
            }
        }
        reports
    }

    fn cause(&self) -> Option<String> {
        self.scene
            .resource(self.id)
            .cause
            .as_deref()
            .map(Into::into)
    }
}

#[test]
fn a_free_member_that_fails_says_what_was_seen_of_it() {
    let mut looks = Looks::new(OnBad::Keep);
    let exited = Some((Condition::Down, Some("web: Exited (137)")));
    looks.see(exited);
    assert_eq!(looks.scene.resource(looks.id).health, Health::Suspect);
    assert_eq!(looks.cause().unwrap(), "unwell: web: Exited (137)");
    looks.see(exited);
    assert_eq!(looks.scene.resource(looks.id).state, ResourceState::Failed);
    assert_eq!(looks.cause().unwrap(), "unwell: web: Exited (137)");
}

#[test]
fn a_held_member_says_why_it_is_ill_until_it_is_well_again() {
    let mut looks = Looks::new(OnBad::Keep);
    let lease = looks.scene.take("ann", "clusters");
    looks.scene.renew("ann", lease, 600_000).unwrap();
    looks.see(None);
    looks.see(None);
    let r = looks.scene.resource(looks.id);
    assert_eq!((r.state, r.health), (ResourceState::Leased, Health::Ill));
    assert_eq!(looks.cause().unwrap(), "gone: nothing of it is on its host");
    assert!(looks.scene.lease(lease).members[0].flagged);
    assert_eq!(looks.see(None), 0, "it is known");
    assert_eq!(looks.see(Some((Condition::Up, None))), 1);
    let r = looks.scene.resource(looks.id);
    assert_eq!((r.health, &r.cause), (Health::Well, &None));
}

#[test]
fn what_became_of_a_member_that_is_well_is_told_once() {
    let mut looks = Looks::new(OnBad::Keep);
    let moved = Some((
        Condition::Up,
        Some("web: node n1 is down, rescheduled to n2"),
    ));
    assert_eq!(looks.see(moved), 1);
    let told = "moved: web: node n1 is down, rescheduled to n2";
    assert_eq!(looks.cause().unwrap(), told);
    let r = looks.scene.resource(looks.id);
    assert_eq!((r.state, r.health), (ResourceState::Free, Health::Well));
    assert_eq!(looks.see(moved), 0);
    // Engines forget, and what was told stays.
    assert_eq!(looks.see(Some((Condition::Up, None))), 0);
    assert_eq!(looks.cause().unwrap(), told);
}

#[test]
fn a_lease_whose_member_is_exchanged_leaves_why_with_the_old_one() {
    let mut looks = Looks::new(OnBad::Swap);
    looks.scene.pool("clusters", {
        let mut spec = PoolSpec::built(name("cluster"), 2, 3);
        spec.on_bad = OnBad::Swap;
        spec
    });
    looks.scene.drivers_work();
    let lease = looks.scene.take("ann", "clusters");
    looks.id = looks.scene.member(lease).id;
    let unhealthy = Some((Condition::Down, Some("peer0: Up 3 minutes (unhealthy)")));
    looks.see(unhealthy);
    looks.see(unhealthy);
    assert_ne!(looks.scene.member(lease).id, looks.id);
    assert_eq!(
        looks.cause().unwrap(),
        "unwell: peer0: Up 3 minutes (unhealthy)"
    );
}

/// The journal of a store tells it as an earlier program wrote it.
#[test]
fn an_event_without_a_reason_is_read_as_one_that_has_none() {
    let event: Event =
        serde_json::from_str(r#"{"resource.health":["res_0000000000007","ill"]}"#).unwrap();
    assert_eq!(
        event,
        Event::ResourceHealth(ResourceId(7), Health::Ill, None)
    );
    let text = serde_json::to_string(&event).unwrap();
    assert_eq!(text, r#"{"resource.health":["res_0000000000007","ill"]}"#);
}
