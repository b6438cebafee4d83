//! Who may do what: one table of role × verb × relation. `docs/reference/access.md` is written from
//! it, and it is tested as a matrix over every endpoint.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::command::By;
use crate::id::{KeyId, PoolId, UserId};
use crate::key::{Key, Role};
use crate::lease::{Ended, Item, Lease, LeaseState};
use crate::name::{Name, Owner};
use crate::outcome::Subject;
use crate::planted;
use crate::pool::{Holders, Pool};
use crate::refusal::Refusal;
use crate::resource::Resource;
use crate::state::State;
use crate::table::Table;

/// What somebody wants to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verb {
    /// Ask for a lease.
    Acquire,
    /// Read a lease.
    SeeLease,
    /// Renew a lease.
    Renew,
    /// Release a lease, or single members.
    Release,
    /// Label a lease.
    Annotate,
    /// Start and stop what a lease holds, and read what it writes.
    Operate,
    /// Take along the files of what a lease holds: keys and profiles.
    TakeFiles,
    /// Give or share a lease.
    Give,
    /// End somebody's lease.
    Revoke,
    /// Read pools and their members.
    SeePools,
    /// Read hosts and templates.
    SeeHosts,
    /// Change pools, resources, hosts and templates.
    Manage,
    /// Change keys and quotas, and enter and remove users.
    Administer,
    /// Read keys and quotas.
    SeeKeys,
    /// Read a user.
    SeeUser,
    /// Change a user's profile and password.
    ChangeUser,
    /// Read events and statistics of everybody.
    SeeEvents,
}

/// Whose the noun is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Relation {
    /// The caller's owner's, or nobody's.
    Own,
    /// Shared with the caller's owner or one of his groups.
    Shared,
    /// Somebody else's.
    Foreign,
}

impl Verb {
    /// Every verb, in the order of the printed table.
    pub const ALL: [Self; 17] = [
        Self::Acquire,
        Self::SeeLease,
        Self::Renew,
        Self::Release,
        Self::Annotate,
        Self::Operate,
        Self::TakeFiles,
        Self::Give,
        Self::Revoke,
        Self::SeePools,
        Self::SeeHosts,
        Self::Manage,
        Self::Administer,
        Self::SeeKeys,
        Self::SeeUser,
        Self::ChangeUser,
        Self::SeeEvents,
    ];
}

/// The table.
pub fn allows(role: Role, verb: Verb, relation: Relation) -> bool {
    use Relation::{Foreign, Shared};
    match (role, verb) {
        // Not even an admin's: they are secrets of the holder.
        (_, Verb::TakeFiles) => relation != Foreign,
        (Role::Admin, _) => true,
        (_, Verb::Administer) => false,
        (_, Verb::SeeUser | Verb::ChangeUser) => relation == Relation::Own,
        (Role::Operator, Verb::SeeKeys) => false,
        (Role::Operator, _) => true,
        (Role::User, Verb::Manage | Verb::SeeHosts | Verb::SeeKeys | Verb::SeeEvents) => false,
        (Role::User, Verb::Revoke) => false,
        (Role::User, Verb::SeePools) => true,
        (Role::User, Verb::Give) => relation == Relation::Own,
        (
            Role::User,
            Verb::SeeLease | Verb::Renew | Verb::Release | Verb::Annotate | Verb::Operate,
        ) => relation != Foreign,
        (Role::User, Verb::Acquire) => !matches!(relation, Foreign | Shared),
    }
}

/// Who acts, as State knows him now.
#[derive(Debug, Clone)]
pub struct Principal {
    /// His key; none is Caviada itself.
    pub key: Option<KeyId>,
    /// Or who he is, signed in.
    pub user: Option<UserId>,
    /// What he may do.
    pub role: Role,
    /// Whom he speaks for.
    pub owner: Option<Owner>,
    /// The owner's groups.
    pub groups: BTreeSet<Owner>,
    /// Pools in which he may name other owners.
    pub act_for: BTreeSet<Name>,
}

impl Principal {
    /// Looks a caller up. A key that was removed or has expired since is refused.
    pub fn of(state: &State, by: By) -> Result<Self, Refusal> {
        let id = match by {
            By::Key(id) => id,
            By::User(id) => return Self::signed_in(state, id),
            By::System => {
                return Ok(Self {
                    key: None,
                    user: None,
                    role: Role::Admin,
                    owner: None,
                    groups: BTreeSet::new(),
                    act_for: BTreeSet::new(),
                });
            }
        };
        let key = state.keys.get(&id).ok_or(Refusal::UnknownKey)?;
        if key.expires_at.is_some_and(|t| t <= state.now()) {
            return Err(Refusal::UnknownKey);
        }
        Ok(Self {
            key: Some(id),
            user: None,
            role: key.role,
            owner: Some(key.owner.clone()),
            groups: key.groups.clone(),
            act_for: key.act_for.clone(),
        })
    }

    /// A user who has signed in. One who is gone or not active any more is refused.
    fn signed_in(state: &State, id: UserId) -> Result<Self, Refusal> {
        let user = state.users.get(&id).filter(|u| u.spec.active);
        let user = user.ok_or(Refusal::UnknownKey)?;
        Ok(Self {
            key: None,
            user: Some(id),
            role: user.spec.role,
            owner: Some(user.name.clone()),
            groups: BTreeSet::new(),
            act_for: BTreeSet::new(),
        })
    }

    /// Is it Caviada itself?
    pub fn is_caviada(&self) -> bool {
        self.key.is_none() && self.user.is_none()
    }

    /// Whose a noun of that owner is, seen from here.
    pub fn relation_to(&self, owner: &Owner) -> Relation {
        match self.owner.as_ref() == Some(owner) {
            true => Relation::Own,
            false => Relation::Foreign,
        }
    }

    /// Refuses what the table does not allow on anything.
    pub fn may(&self, verb: Verb, relation: Relation) -> Result<(), Refusal> {
        if allows(self.role, verb, relation) {
            return Ok(());
        }
        let needs = if verb == Verb::TakeFiles {
            "of its holder"
        } else if allows(Role::Operator, verb, relation) {
            "operator"
        } else {
            "admin"
        };
        Err(Refusal::Forbidden { needs })
    }

    /// Whose a lease is, seen from here.
    pub fn relation(&self, lease: &Lease) -> Relation {
        self.relation_among(&lease.owner, &lease.shared)
    }

    /// Whose an ended lease was, seen from here.
    pub fn relation_ended(&self, ended: &Ended) -> Relation {
        self.relation_among(&ended.owner, &ended.shared)
    }

    fn relation_among(&self, owner: &Owner, shared: &[Owner]) -> Relation {
        let mine = |o: &Owner| self.owner.as_ref() == Some(o) || self.groups.contains(o);
        if self.owner.as_ref() == Some(owner) {
            Relation::Own
        } else if shared.iter().any(mine) {
            Relation::Shared
        } else {
            Relation::Foreign
        }
    }

    /// May it do this with that lease? A lease it may not even see does not exist for it.
    pub fn may_with(&self, state: &State, verb: Verb, lease: &Lease) -> Result<(), Refusal> {
        let relation = match self.asked(lease.by) {
            true => Relation::Own,
            false => self.relation(lease),
        };
        if allows(self.role, verb, relation) {
            return Ok(());
        }
        let acts = self.acts_for(state, lease);
        if acts && allows(self.role, verb, Relation::Shared) && verb != Verb::TakeFiles {
            return Ok(());
        }
        if acts || allows(self.role, Verb::SeeLease, relation) {
            return self.may(verb, relation);
        }
        Err(Refusal::unknown("lease", lease.id))
    }

    /// May it see the noun of something it once did, as that now is? What is over is for the history
    /// to tell, to those whom it concerned; all but leases and resources only operators change.
    ///
    /// # Errors
    /// As for one that never was.
    pub fn may_see(&self, state: &State, subject: Subject) -> Result<(), Refusal> {
        match subject {
            Subject::Lease(id) => match (state.leases.get(&id), state.ended_lease(id)) {
                (Some(lease), _) => self.may_with(state, Verb::SeeLease, lease),
                // A key that acts for others had to do with it: by its pools, because it asked, or
                // because it was shared with it then.
                (None, Some(ended)) if self.act_for.is_empty() => self.may_see_ended(ended),
                (None, _) => Ok(()),
            },
            Subject::Resource(id) => {
                let Some(r) = state.resources.get(&id) else {
                    return Ok(());
                };
                let pool = state.pools.get(&r.pool);
                if pool.is_some_and(|p| self.sees(p)) {
                    return Ok(());
                }
                self.may_operate(state, r)
            }
            _ => Ok(()),
        }
    }

    /// May it see the short record of a lease that ended?
    ///
    /// # Errors
    /// As for one that never was.
    pub fn may_see_ended(&self, ended: &Ended) -> Result<(), Refusal> {
        if allows(self.role, Verb::SeeLease, self.relation_ended(ended)) {
            return Ok(());
        }
        Err(Refusal::unknown("lease", ended.id))
    }

    /// May it start, stop and read this resource? What is leased is its holder's, too; all else the
    /// operators'. Of a pool it does not see nothing is told, not even that it is there.
    pub fn may_operate(&self, state: &State, r: &Resource) -> Result<(), Refusal> {
        let lease = r.lease.and_then(|lease| state.leases.get(&lease));
        let holds = lease.is_some_and(|l| self.may_with(state, Verb::Operate, l).is_ok());
        if holds || allows(self.role, Verb::Manage, Relation::Own) || planted!(ForeignPower) {
            return Ok(());
        }
        match state.pools.get(&r.pool) {
            Some(pool) if self.sees(pool) => self.may(Verb::Manage, Relation::Own),
            _ => Err(Refusal::unknown("resource", r.id)),
        }
    }

    /// Is all of that lease from pools in which it acts for others? Whoever asked for it then: a
    /// key that takes another one's place goes on with what that one has asked for.
    pub fn acts_for(&self, state: &State, lease: &Lease) -> bool {
        if self.act_for.is_empty() {
            return false;
        }
        let acts_in = |pool| self.acts_in(state, pool);
        let asked = |i: &Item| i.pool.is_some_and(acts_in);
        let has = |id| {
            let resource = state.resources.get(id);
            resource.is_some_and(|r| acts_in(r.pool))
        };
        match lease.state {
            LeaseState::Waiting => lease.items.iter().all(asked),
            _ => lease.members.iter().all(|m| has(&m.resource)),
        }
    }

    /// May it read a lease that is over? As it might while the lease lived, as far as its owner,
    /// who asked for it and its pools tell: with whom it was shared the history does not know.
    pub fn sees_past(
        &self,
        state: &State,
        owner: &Owner,
        by: Option<KeyId>,
        pools: &[PoolId],
    ) -> bool {
        allows(self.role, Verb::SeeLease, self.relation_to(owner))
            || self.asked(by)
            || !pools.is_empty() && pools.iter().all(|p| self.acts_in(state, *p))
    }

    fn acts_in(&self, state: &State, pool: PoolId) -> bool {
        let pool = state.pools.get(&pool);
        pool.is_some_and(|p| self.act_for.contains(&p.name))
    }

    /// A key with `act_for` asked for the lease, for whomever, and goes on speaking for him.
    fn asked(&self, by: Option<KeyId>) -> bool {
        self.key.is_some() && by == self.key && !self.act_for.is_empty()
    }

    /// Does it see and use that pool?
    pub fn sees(&self, pool: &Pool) -> bool {
        self.role >= Role::Operator || owner_sees(pool, self.owner.as_ref(), &self.groups)
    }

    /// Does it see who holds a member of that pool under this lease?
    pub fn sees_holder(&self, state: &State, pool: &Pool, lease: &Lease) -> bool {
        if allows(self.role, Verb::SeeLease, self.relation(lease)) {
            return true;
        }
        match pool.spec.visibility.holders {
            Holders::Nobody => false,
            Holders::Everyone => self.sees(pool),
            Holders::Group => {
                let groups = lease.by.and_then(|k| state.keys.get(&k)).map(|k| &k.groups);
                groups.is_some_and(|g| !g.is_disjoint(&self.groups))
            }
        }
    }
}

/// Does an owner in these groups see and use the pool?
pub(crate) fn owner_sees(pool: &Pool, owner: Option<&Owner>, groups: &BTreeSet<Owner>) -> bool {
    pool.spec.visibility.owners.as_ref().is_none_or(|owners| {
        owner.is_some_and(|o| owners.contains(o)) || groups.iter().any(|g| owners.contains(g))
    })
}

/// Who asks for something, as far as it decides which pools are meant. One rule for whoever asks
/// now and whoever waits: a demand that was taken is never met by less than it was taken for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Asker {
    /// For whom.
    pub owner: Owner,
    /// By which key; none is Caviada itself.
    pub by: Option<KeyId>,
    /// The key speaks for another owner than its own, in the pools that it acts for.
    pub confined: bool,
}

impl Asker {
    /// Who asked for a lease.
    pub fn of(lease: &Lease) -> Self {
        Self {
            owner: lease.owner.clone(),
            by: lease.by,
            confined: lease.confined,
        }
    }

    /// Does it see and use that pool? A key that is gone tells nothing of its owner's groups, and
    /// nothing of what it acted for.
    pub(crate) fn sees(&self, keys: &Table<KeyId, Key>, pool: &Pool) -> bool {
        asker_sees(keys, &self.owner, self.by, self.confined, pool)
    }
}

/// Does the owner of a lease see the pool, as far as the key that asked tells?
pub(crate) fn lease_sees(state: &State, lease: &Lease, pool: &Pool) -> bool {
    asker_sees(&state.keys, &lease.owner, lease.by, lease.confined, pool)
}

fn asker_sees(
    keys: &Table<KeyId, Key>,
    owner: &Owner,
    by: Option<KeyId>,
    confined: bool,
    pool: &Pool,
) -> bool {
    let Some(by) = by else { return true };
    let none = BTreeSet::new();
    let key = keys.get(&by).map(Arc::as_ref);
    let owner_alone = || owner_sees(pool, Some(owner), &none);
    match key {
        Some(k) if k.role >= Role::Operator => true,
        Some(k) if confined => {
            let own = || owner_sees(pool, Some(&k.owner), &k.groups);
            let acts = k.act_for.contains(&pool.name) || planted!(ActsAnywhere);
            acts && (owner_alone() || own())
        }
        Some(k) if k.owner == *owner => owner_sees(pool, Some(owner), &k.groups),
        _ => !confined && owner_alone(),
    }
}

#[cfg(test)]
mod tests;
