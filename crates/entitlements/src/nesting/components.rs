//! Strongly connected components of the nesting (Tarjan 1972), without recursion: a chain of 20,000 groups is an input.

use std::collections::{HashMap, HashSet};

use crate::holdings::{Group, Holdings, at};

/// Groups by component; a component comes after everything that is nested in it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Components {
    of_group: Vec<u32>,
    groups: Vec<Vec<u32>>,
}

impl Components {
    pub(crate) fn of(holdings: &Holdings) -> Components {
        let mut search = Search::new(holdings);
        for group in 0..holdings.groups() {
            if search.order[group] == UNSEEN {
                search.from(group as u32);
            }
        }
        Components { of_group: search.component, groups: search.groups }
    }

    pub(crate) fn len(&self) -> usize {
        self.groups.len()
    }

    /// Groups that have a component.
    pub(crate) fn group_count(&self) -> usize {
        self.of_group.len()
    }

    pub(crate) fn size(&self, component: usize) -> usize {
        self.groups[component].len()
    }

    pub(crate) fn number(&self, group: u32) -> u32 {
        self.of_group[at(group)]
    }

    pub(crate) fn of_group(&self, group: Group) -> Option<u32> {
        self.of_group.get(at(group.0)).copied()
    }

    pub(crate) fn groups(&self, component: u32) -> &[u32] {
        &self.groups[at(component)]
    }

    /// Other components that are nested in this one; one may come several times.
    pub(crate) fn children<'a>(&'a self, holdings: &'a Holdings, component: u32) -> impl Iterator<Item = u32> + 'a {
        let groups = self.groups[at(component)].iter();
        let children = groups.flat_map(|group| holdings.group_children[at(*group)].iter());
        children.map(|child| self.number(*child)).filter(move |child| *child != component)
    }

    /// Components by depth: everything that is nested in a component is in an earlier level.
    pub(crate) fn levels(&self, holdings: &Holdings) -> Vec<Vec<u32>> {
        let mut level_of = vec![0_usize; self.groups.len()];
        let mut levels: Vec<Vec<u32>> = Vec::new();
        for component in 0..self.groups.len() as u32 {
            let below = self.children(holdings, component).map(|child| level_of[at(child)] + 1);
            let level = below.max().unwrap_or(0);
            level_of[at(component)] = level;
            if levels.len() <= level {
                levels.resize_with(level + 1, Vec::new);
            }
            levels[level].push(component);
        }
        levels
    }

    /// Components with a circle: several groups, or one that is nested in itself.
    pub(crate) fn cyclic<'a>(&'a self, holdings: &'a Holdings) -> impl Iterator<Item = &'a [u32]> + 'a {
        let is_own_parent = |group: u32| holdings.parents_of(group).contains(&group);
        let groups = self.groups.iter().map(Vec::as_slice);
        groups.filter(move |groups| groups.len() > 1 || groups.iter().any(|group| is_own_parent(*group)))
    }
}

/// A shortest way round through the first group of a cyclic component.
pub(crate) fn way_round(holdings: &Holdings, groups: &[u32]) -> Vec<u32> {
    let within: HashSet<u32> = groups.iter().copied().collect();
    let Some(start) = groups.iter().copied().min() else { return Vec::new() };
    let mut came_from: HashMap<u32, u32> = HashMap::new();
    let mut queue = std::collections::VecDeque::from([start]);
    while let Some(group) = queue.pop_front() {
        for &parent in holdings.parents_of(group) {
            if parent == start {
                let mut round = vec![group];
                while let Some(before) = came_from.get(&round[round.len() - 1]) {
                    round.push(*before);
                }
                round.reverse();
                return round;
            }
            if within.contains(&parent) && !came_from.contains_key(&parent) {
                came_from.insert(parent, group);
                queue.push_back(parent);
            }
        }
    }
    Vec::new()
}

const UNSEEN: u32 = u32::MAX;

struct Search<'a> {
    holdings: &'a Holdings,
    next: u32,
    /// When a group was first seen.
    order: Vec<u32>,
    low: Vec<u32>,
    on_stack: Vec<bool>,
    stack: Vec<u32>,
    component: Vec<u32>,
    groups: Vec<Vec<u32>>,
}

impl<'a> Search<'a> {
    fn new(holdings: &'a Holdings) -> Search<'a> {
        let count = holdings.groups();
        Search {
            holdings,
            next: 0,
            order: vec![UNSEEN; count],
            low: vec![0; count],
            on_stack: vec![false; count],
            stack: Vec::new(),
            component: vec![0; count],
            groups: Vec::new(),
        }
    }

    /// Depth first over what is nested in `root`; the call stack is a list of (group, next child).
    fn from(&mut self, root: u32) {
        let mut calls = vec![(root, 0_usize)];
        self.enter(root);
        while let Some((group, next_child)) = calls.last_mut() {
            let group = *group;
            if let Some(&child) = self.holdings.group_children[at(group)].get(*next_child) {
                *next_child += 1;
                if self.order[at(child)] == UNSEEN {
                    self.enter(child);
                    calls.push((child, 0));
                } else if self.on_stack[at(child)] {
                    self.low[at(group)] = self.low[at(group)].min(self.order[at(child)]);
                }
                continue;
            }
            calls.pop();
            if let Some((caller, _)) = calls.last() {
                self.low[at(*caller)] = self.low[at(*caller)].min(self.low[at(group)]);
            }
            if self.low[at(group)] == self.order[at(group)] {
                self.close(group);
            }
        }
    }

    fn enter(&mut self, group: u32) {
        self.order[at(group)] = self.next;
        self.low[at(group)] = self.next;
        self.next += 1;
        self.stack.push(group);
        self.on_stack[at(group)] = true;
    }

    /// Everything on the stack down to `root` is one component.
    fn close(&mut self, root: u32) {
        let mut groups = Vec::new();
        while let Some(group) = self.stack.pop() {
            self.on_stack[at(group)] = false;
            self.component[at(group)] = self.groups.len() as u32;
            groups.push(group);
            if group == root {
                break;
            }
        }
        self.groups.push(groups);
    }
}
