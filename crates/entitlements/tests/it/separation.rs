//! Separation of duties against looking at every user at every instant.

use std::collections::{BTreeMap, BTreeSet};

use entitlements::sod::{
    Asked, BadRule, Function, Needs, Part, Rule, RuleBook, Scoped, Side, TimeOverlap, analyse, check_change,
    check_request, explain, violates,
};
use entitlements::{Change, Closure, Edge, Entitlement, Group, Holdings, User, Window};
use proptest::prelude::*;

use crate::world::{self, ENTITLEMENTS, GROUPS, USERS};

type Edges = BTreeMap<Edge, Window>;

#[derive(Debug, Clone)]
struct Book {
    rules: Vec<Rule>,
    functions: Vec<Function>,
    scoped: Vec<Scoped>,
}

fn functions() -> impl Strategy<Value = Function> {
    let needs = prop_oneof![3 => Just(Needs::Any), 1 => Just(Needs::All)];
    (prop::collection::vec((0..ENTITLEMENTS).prop_map(Entitlement), 1..4), needs)
        .prop_map(|(entitlements, needs)| Function { entitlements, needs })
}

fn rules() -> impl Strategy<Value = Rule> {
    let side = prop::collection::vec(0..5_usize, 1..3).prop_map(|functions| Side { functions });
    let overlap = prop_oneof![3 => Just(TimeOverlap::Simultaneous), 1 => Just(TimeOverlap::Ever)];
    let scope = prop_oneof![2 => Just(None), 1 => Just(Some(0))];
    (prop::collection::vec(side, 2..5), any::<prop::sample::Index>(), scope, overlap).prop_map(
        |(sides, index, scope, overlap)| {
            let at_least = 2 + index.index(sides.len() - 1);
            Rule { sides, at_least, scope, overlap }
        },
    )
}

fn books() -> impl Strategy<Value = Book> {
    let scoped = (0..ENTITLEMENTS, 0..3_u32).prop_map(|(held, value)| Scoped {
        entitlement: Entitlement(held),
        dimension: 0,
        value,
    });
    let parts = (
        prop::collection::vec(rules(), 1..4),
        prop::collection::vec(functions(), 5),
        prop::collection::vec(scoped, 0..8),
    );
    parts.prop_map(|(rules, functions, scoped)| Book { rules, functions, scoped })
}

fn closure(edges: &Edges) -> Closure {
    let mut holdings = Holdings::new(USERS as usize, GROUPS as usize, ENTITLEMENTS as usize);
    for (edge, window) in edges {
        holdings.insert_for(*edge, *window);
    }
    Closure::of(holdings, world::two())
}

impl Book {
    fn compiled(&self) -> RuleBook {
        RuleBook::new(self.rules.clone(), &self.functions, &self.scoped).unwrap()
    }

    fn is_within(&self, entitlement: Entitlement, scope: Option<u32>) -> bool {
        let mut own = self.scoped.iter().filter(|scoped| scoped.entitlement == entitlement).peekable();
        scope.is_none() || own.peek().is_none() || own.any(|scoped| Some(scoped.value) == scope)
    }

    fn meets(&self, function: &Function, scope: Option<u32>, held: &BTreeSet<u32>) -> bool {
        let has = |one: &Entitlement| held.contains(&one.0) && self.is_within(*one, scope);
        match function.needs {
            Needs::Any => function.entitlements.iter().any(has),
            Needs::All => function.entitlements.iter().all(has),
        }
    }

    /// Values of its scope in which a user violates a rule, looked at instant by instant.
    fn violated(&self, rule: &Rule, edges: &Edges, user: u32, from: i64) -> BTreeSet<Option<u32>> {
        let entitlements: Vec<Entitlement> = rule
            .sides
            .iter()
            .flat_map(|side| &side.functions)
            .flat_map(|function| self.functions[*function].entitlements.clone())
            .collect();
        let values: BTreeSet<Option<u32>> = self
            .scoped
            .iter()
            .filter(|scoped| rule.scope.is_some() && entitlements.contains(&scoped.entitlement))
            .map(|scoped| Some(scoped.value))
            .collect();
        let values = if values.is_empty() { BTreeSet::from([None]) } else { values };
        // Windows lie between 0 and 40.
        let held: Vec<BTreeSet<u32>> = (from..=45).map(|at| world::walk(edges, user, Some(at)).1).collect();
        let met = |side: &Side, scope, held: &BTreeSet<u32>| {
            side.functions.iter().any(|function| self.meets(&self.functions[*function], scope, held))
        };
        let is_violated = |scope: Option<u32>| match rule.overlap {
            TimeOverlap::Simultaneous => {
                held.iter().any(|held| rule.sides.iter().filter(|side| met(side, scope, held)).count() >= rule.at_least)
            }
            TimeOverlap::Ever => {
                let ever = |side: &&Side| held.iter().any(|held| met(side, scope, held));
                rule.sides.iter().filter(ever).count() >= rule.at_least
            }
        };
        values.into_iter().filter(|scope| is_violated(*scope)).collect()
    }
}

type Found = BTreeSet<(usize, Option<u32>, u32)>;

fn slowly(book: &Book, edges: &Edges, from: i64) -> Found {
    let mut found = Found::new();
    for (number, rule) in book.rules.iter().enumerate() {
        for user in 0..USERS {
            found.extend(book.violated(rule, edges, user, from).into_iter().map(|scope| (number, scope, user)));
        }
    }
    found
}

fn quickly(book: &Book, closure: &Closure, from: i64) -> Found {
    let found = analyse(closure, &book.compiled(), from, world::two());
    let each = found.iter().flat_map(|one| one.users.iter().map(|user| (one.rule, one.scope_value, user)));
    each.collect()
}

fn edges() -> impl Strategy<Value = Edges> {
    prop::collection::btree_map(world::edges(), world::windows(), 0..50)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn the_analysis_is_what_looking_at_everybody_finds(edges in edges(), book in books(), from in 0_i64..20) {
        let closure = closure(&edges);
        let found = quickly(&book, &closure, from);
        prop_assert_eq!(&found, &slowly(&book, &edges, from));
        let compiled = book.compiled();
        for user in 0..USERS {
            let conflicts = explain(&closure, &compiled, User(user), from);
            let of_user: BTreeSet<_> = conflicts.iter().map(|one| (one.rule, one.scope_value, user)).collect();
            prop_assert_eq!(&of_user, &found.iter().filter(|one| one.2 == user).copied().collect::<BTreeSet<_>>());
            for conflict in conflicts {
                prop_assert!(violates(&closure, &compiled, conflict.rule, User(user), from));
                prop_assert!(conflict.held.len() >= book.rules[conflict.rule].at_least);
                for edge in conflict.held.iter().flat_map(|held| &held.ways).flat_map(|way| way.edges()) {
                    prop_assert!(closure.holdings().contains(edge), "{:?} is on a path and not stored", edge);
                }
            }
        }
    }

    #[test]
    fn a_request_is_checked_as_if_it_were_granted(
        edges in edges(),
        book in books(),
        parts in prop::collection::vec((prop::collection::vec((any::<bool>(), 0..8_u32), 1..3), world::windows()), 1..3),
        from in 0_i64..20,
    ) {
        let user = 0;
        let parts: Vec<Part> = parts
            .into_iter()
            .map(|(asked, window)| {
                let one = |(group, number)| {
                    if group { Asked::Group(Group(number)) } else { Asked::Entitlement(Entitlement(number)) }
                };
                Part { asked: asked.into_iter().map(one).collect(), window }
            })
            .collect();
        // An edge that is there and asked for again would have two windows: the twin knows only one.
        let edge = |asked: &Asked| match asked {
            Asked::Group(group) => Edge::Member(User(user), *group),
            Asked::Entitlement(entitlement) => Edge::Direct(User(user), *entitlement),
        };
        let mut after = edges.clone();
        for part in &parts {
            for asked in &part.asked {
                prop_assume!(after.insert(edge(asked), part.window).is_none());
            }
        }
        let toxic = check_request(&closure(&edges), &book.compiled(), User(user), &parts, from);
        let of = |edges: &Edges| -> Found {
            slowly(&book, edges, from).into_iter().filter(|one| one.2 == user).collect()
        };
        let (before, after) = (of(&edges), of(&after));
        let fresh: Found =
            toxic.iter().filter(|one| one.is_new).map(|one| (one.conflict.rule, one.conflict.scope_value, user)).collect();
        prop_assert_eq!(fresh, after.difference(&before).copied().collect::<Found>());
        let alone: Edges =
            parts.iter().flat_map(|part| part.asked.iter().map(|asked| (edge(asked), part.window))).collect();
        let alone: Edges = edges
            .iter()
            .filter(|(edge, _)| matches!(edge, Edge::Nested(..) | Edge::Grants(..)))
            .map(|(edge, window)| (*edge, *window))
            .chain(alone)
            .collect();
        let within: Found = toxic
            .iter()
            .filter(|one| one.is_within_request)
            .map(|one| (one.conflict.rule, one.conflict.scope_value, user))
            .collect();
        prop_assert_eq!(within, of(&alone));
    }

    #[test]
    fn a_change_of_groups_is_checked_before_it_is_made(
        edges in edges(),
        book in books(),
        edge in world::edges(),
    ) {
        prop_assume!(!edges.contains_key(&edge));
        let mut closure = closure(&edges);
        let before = quickly(&book, &closure, 0);
        let fresh = check_change(&mut closure, &book.compiled(), Change::Add(edge), 0, world::two());
        let fresh: Found =
            fresh.iter().flat_map(|one| one.users.iter().map(|user| (one.rule, one.scope_value, user))).collect();
        prop_assert_eq!(&quickly(&book, &closure, 0), &before, "nothing was changed");
        closure.apply(Change::Add(edge));
        let after = quickly(&book, &closure, 0);
        prop_assert_eq!(fresh, after.difference(&before).copied().collect::<Found>());
    }
}

fn pair() -> (Vec<Rule>, Vec<Function>) {
    let function = |number| Function { entitlements: vec![Entitlement(number)], needs: Needs::Any };
    let sides = vec![Side { functions: vec![0] }, Side { functions: vec![1] }];
    (vec![Rule { sides, at_least: 2, scope: None, overlap: TimeOverlap::Simultaneous }], vec![function(0), function(1)])
}

#[test]
fn both_sides_show_their_way_through_nested_groups_of_two_systems() {
    let (rules, functions) = pair();
    let book = RuleBook::new(rules, &functions, &[]).unwrap();
    let closure = world::closure(&[
        Edge::Member(User(0), Group(0)),
        Edge::Nested(Group(0), Group(1)),
        Edge::Nested(Group(1), Group(0)),
        Edge::Grants(Group(1), Entitlement(0)),
        Edge::Nested(Group(3), Group(4)),
        Edge::Grants(Group(4), Entitlement(1)),
    ]);
    assert!(explain(&closure, &book, User(0), 0).is_empty());
    let part = Part { asked: vec![Asked::Group(Group(3))], window: Window::ALWAYS };
    let toxic = check_request(&closure, &book, User(0), &[part], 0);
    let held = &toxic[0].conflict.held;
    assert!(toxic[0].is_new && !toxic[0].is_within_request);
    assert_eq!((held[0].part, &held[0].ways[0].groups[..]), (None, &[Group(0), Group(1)][..]));
    assert_eq!((held[1].part, &held[1].ways[0].groups[..]), (Some(0), &[Group(3), Group(4)][..]));
}

#[test]
fn rules_that_cannot_be_used_say_why() {
    let check = |change: &dyn Fn(&mut Rule, &mut Vec<Function>), expected: BadRule| {
        let (mut rules, mut functions) = pair();
        change(&mut rules[0], &mut functions);
        assert_eq!(RuleBook::new(rules, &functions, &[]).unwrap_err(), [expected]);
    };
    check(&|rule, _| rule.sides.truncate(1), BadRule::TooFewSides { rule: 0, sides: 1 });
    check(&|rule, _| rule.at_least = 1, BadRule::Cardinality { rule: 0, at_least: 1, sides: 2 });
    check(&|rule, _| rule.at_least = 3, BadRule::Cardinality { rule: 0, at_least: 3, sides: 2 });
    check(&|rule, _| rule.sides[1].functions.clear(), BadRule::EmptySide { rule: 0, side: 1 });
    let unknown = BadRule::UnknownFunction { rule: 0, side: 0, function: 9 };
    check(&|rule, _| rule.sides[0].functions = vec![9], unknown);
    check(&|_, functions| functions[1].entitlements.clear(), BadRule::EmptyFunction { function: 1 });
}
