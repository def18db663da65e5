//! What one person reaches from their own edges and from edges that are only proposed, and by which way.

use std::collections::{HashMap, VecDeque};

use super::span::Spans;
use crate::holdings::{Edge, Entitlement, Group, Holdings, User, Window};
use crate::nesting::Path;

/// An edge of the user that is not stored yet, and the part of the request that it belongs to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Proposed {
    pub(super) part: usize,
    pub(super) edge: Edge,
    pub(super) window: Window,
}

/// How something was reached first: what is stored comes before what is proposed, part by part.
#[derive(Debug, Clone, Copy)]
struct Step {
    from: Option<u32>,
    part: Option<usize>,
}

/// When each entitlement is held.
pub(super) enum Times<'a> {
    /// No edge is limited in time: what is held is held always.
    Unlimited {
        reach: &'a Reach<'a>,
        with_proposed: bool,
    },
    Limited(HashMap<u32, Spans>),
}

impl Times<'_> {
    pub(super) fn of(&self, entitlement: u32) -> Spans {
        match self {
            Times::Unlimited { reach, with_proposed } => {
                let step = reach.entitlements.get(&entitlement);
                let is_held = step.is_some_and(|step| *with_proposed || step.part.is_none());
                if is_held { Spans::always() } else { Spans::default() }
            }
            Times::Limited(spans) => spans.get(&entitlement).cloned().unwrap_or_default(),
        }
    }
}

/// Everything that one person reaches.
pub(super) struct Reach<'a> {
    holdings: &'a Holdings,
    user: User,
    proposed: &'a [Proposed],
    groups: HashMap<u32, Step>,
    entitlements: HashMap<u32, Step>,
}

impl<'a> Reach<'a> {
    pub(super) fn of(holdings: &'a Holdings, user: User, proposed: &'a [Proposed]) -> Reach<'a> {
        let (groups, entitlements) = (HashMap::new(), HashMap::new());
        let mut reach = Reach { holdings, user, proposed, groups, entitlements };
        let own_groups: Vec<u32> = holdings.groups_of(user).to_vec();
        reach.spread(own_groups, holdings.direct_of(user), None);
        for Proposed { part, edge, .. } in proposed {
            match edge {
                Edge::Member(_, group) => reach.spread(vec![group.0], &[], Some(*part)),
                Edge::Direct(_, entitlement) => reach.spread(Vec::new(), &[entitlement.0], Some(*part)),
                Edge::Nested(..) | Edge::Grants(..) => {}
            }
        }
        reach
    }

    /// Takes in groups and entitlements and everything above, unless it is there already.
    fn spread(&mut self, groups: Vec<u32>, direct: &[u32], part: Option<usize>) {
        for entitlement in direct {
            self.entitlements.entry(*entitlement).or_insert(Step { from: None, part });
        }
        let mut queue: VecDeque<(u32, Option<u32>)> = groups.into_iter().map(|group| (group, None)).collect();
        while let Some((group, from)) = queue.pop_front() {
            if self.groups.contains_key(&group) {
                continue;
            }
            self.groups.insert(group, Step { from, part });
            for entitlement in self.holdings.grants_of(group) {
                self.entitlements.entry(*entitlement).or_insert(Step { from: Some(group), part });
            }
            queue.extend(self.holdings.parents_of(group).iter().map(|parent| (*parent, Some(group))));
        }
    }

    pub(super) fn holds(&self, entitlement: u32) -> bool {
        self.entitlements.contains_key(&entitlement)
    }

    /// Entitlements that only the proposal gives.
    pub(super) fn gained(&self) -> impl Iterator<Item = u32> + '_ {
        let gained = self.entitlements.iter().filter(|(_, step)| step.part.is_some());
        gained.map(|(entitlement, _)| *entitlement)
    }

    /// The way that was found first, and the part of the request that it takes.
    pub(super) fn way(&self, entitlement: u32) -> Option<(Path, Option<usize>)> {
        let step = self.entitlements.get(&entitlement)?;
        let mut groups = Vec::new();
        let mut at = step.from;
        while let Some(group) = at {
            groups.push(Group(group));
            at = self.groups.get(&group).and_then(|step| step.from);
        }
        groups.reverse();
        Some((Path { user: self.user, groups, entitlement: Entitlement(entitlement) }, step.part))
    }

    /// When each entitlement is held, without what is proposed unless `with_proposed`.
    pub(super) fn times(&self, with_proposed: bool) -> Times<'_> {
        let is_limited = self.proposed.iter().any(|proposed| proposed.window != Window::ALWAYS);
        if self.holdings.windows.is_empty() && !is_limited {
            return Times::Unlimited { reach: self, with_proposed };
        }
        Times::Limited(self.spans(with_proposed))
    }

    /// Over all ways: the least fixed point over the windows of the edges.
    fn spans(&self, with_proposed: bool) -> HashMap<u32, Spans> {
        let mut groups: HashMap<u32, Spans> = HashMap::new();
        let mut held: HashMap<u32, Spans> = HashMap::new();
        let mut queue: VecDeque<(u32, Spans)> = VecDeque::new();
        let own = self.holdings.groups_of(self.user).iter().map(|group| Edge::Member(self.user, Group(*group)));
        let direct = self.holdings.direct_of(self.user).iter();
        let direct = direct.map(|entitlement| Edge::Direct(self.user, Entitlement(*entitlement)));
        let stored = own.chain(direct).map(|edge| (edge, self.holdings.window(edge)));
        let proposed = self.proposed.iter().filter(|_| with_proposed).map(|proposed| (proposed.edge, proposed.window));
        for (edge, window) in stored.chain(proposed) {
            match edge {
                Edge::Member(_, group) => queue.push_back((group.0, Spans::one(window))),
                Edge::Direct(_, entitlement) => {
                    held.entry(entitlement.0).or_default().add(&Spans::one(window));
                }
                Edge::Nested(..) | Edge::Grants(..) => {}
            }
        }
        while let Some((group, spans)) = queue.pop_front() {
            let of_group = groups.entry(group).or_default();
            if !of_group.add(&spans) {
                continue;
            }
            let of_group = of_group.clone();
            for &entitlement in self.holdings.grants_of(group) {
                let window = self.holdings.window(Edge::Grants(Group(group), Entitlement(entitlement)));
                held.entry(entitlement).or_default().add(&of_group.within(window));
            }
            for &parent in self.holdings.parents_of(group) {
                let window = self.holdings.window(Edge::Nested(Group(group), Group(parent)));
                queue.push_back((parent, of_group.within(window)));
            }
        }
        held
    }
}
