//! A cover with few roles: the certain ones, then greedy, then taking some out and covering again.

use fixedbitset::FixedBitSet;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

use super::Budget;
use super::kernel::{Board, agree};
use super::matrix::{Biclique, Reduced};

/// A cover and what is known of the best one.
pub(super) struct Cover {
    pub(super) roles: Vec<Biclique>,
    /// No cover has fewer roles.
    pub(super) at_least: usize,
}

/// Words of 64 bits that count as a step.
const WORDS_A_STEP: u64 = 256;

/// Covers every grant.
pub(super) fn cover(reduced: &Reduced, budget: Budget) -> Cover {
    let mut words_left = budget.steps.saturating_mul(WORDS_A_STEP);
    let mut board = Board::full(reduced);
    let mut certain = Vec::new();
    board.reduce(&mut certain, words_left / 2);
    words_left = words_left.saturating_sub(board.words);
    let kernel: Vec<(usize, usize)> = board.grants().collect();
    let sure = certain.len();
    if kernel.is_empty() {
        return Cover { roles: board.close(certain), at_least: sure };
    }
    let mut rng = ChaCha8Rng::seed_from_u64(budget.seed);
    let apart = independent(reduced, &board, &kernel, &mut rng);
    let mut search = Search { reduced, kernel, rng, words_left };
    let chosen = search.improve(apart);
    certain.extend(chosen.iter().map(|role| board.take(role)));
    Cover { roles: board.close(certain), at_least: sure + apart }
}

/// How many grants can be found of which no two agree: each needs a role of its own.
fn independent(reduced: &Reduced, board: &Board<'_>, kernel: &[(usize, usize)], rng: &mut ChaCha8Rng) -> usize {
    const ROUNDS: usize = 64;
    const LARGE: usize = 4_000;
    let mut order: Vec<(usize, (usize, usize))> =
        kernel.iter().map(|grant| (board.freedom(grant.0, grant.1), *grant)).collect();
    order.sort_unstable();
    let rounds = if kernel.len() > LARGE { 1 } else { ROUNDS };
    let mut best = 0;
    for round in 0..rounds {
        if round > 0 {
            // Neighbours in the order change places: near the greedy order, never the same.
            for place in 1..order.len() {
                if rng.next_u32().is_multiple_of(3) {
                    order.swap(place - 1, place);
                }
            }
        }
        let mut apart: Vec<(usize, usize)> = Vec::new();
        for (_, grant) in &order {
            if apart.iter().all(|other| !agree(reduced, *other, *grant)) {
                apart.push(*grant);
            }
        }
        best = best.max(apart.len());
    }
    best
}

struct Search<'a> {
    reduced: &'a Reduced,
    kernel: Vec<(usize, usize)>,
    rng: ChaCha8Rng,
    words_left: u64,
}

impl Search<'_> {
    /// A first cover of the kernel, then ruin and recreate while there is budget and the bound is not reached.
    fn improve(&mut self, bound: usize) -> Vec<Biclique> {
        let mut board = Board::with(self.reduced, self.kernel.iter().copied());
        let roles = self.complete(&mut board);
        let mut best = self.without_needless(roles);
        let mut current = best.clone();
        while self.words_left > 0 && best.len() > bound {
            let next = self.ruin_and_recreate(&current);
            if next.len() <= current.len() {
                current = next;
            }
            if current.len() < best.len() {
                best = current.clone();
            }
        }
        best
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.rng.next_u64() % limit.max(1) as u64) as usize
    }

    fn spend(&mut self, words: u64) {
        self.words_left = self.words_left.saturating_sub(words.max(1));
    }

    /// Takes out some roles that share users or permissions with each other and covers what is then open.
    fn ruin_and_recreate(&mut self, roles: &[Biclique]) -> Vec<Biclique> {
        const MOST: usize = 8;
        let count = 2 + self.below(MOST.min(roles.len()));
        let start = self.below(roles.len());
        let mut near: Vec<(usize, usize)> = Vec::with_capacity(roles.len());
        for (place, role) in roles.iter().enumerate() {
            let together = role.users.intersection_count(&roles[start].users)
                * role.permissions.intersection_count(&roles[start].permissions).max(1);
            near.push((together + self.below(4), place));
        }
        near.sort_unstable_by(|left, right| right.cmp(left));
        let out: Vec<usize> = std::iter::once(start)
            .chain(near.into_iter().map(|(_, place)| place).filter(|place| *place != start))
            .take(count)
            .collect();
        let mut kept: Vec<Biclique> =
            roles.iter().enumerate().filter(|(place, _)| !out.contains(place)).map(|(_, role)| role.clone()).collect();
        let mut board = Board::with(self.reduced, self.kernel.iter().copied());
        for role in &kept {
            board.take(role);
        }
        self.spend((self.kernel.len() + kept.len() * self.reduced.rows.len()) as u64 / 4);
        kept.extend(self.complete(&mut board));
        self.without_needless(kept)
    }

    /// Covers what is open: certain roles as far as they go, then the best role for the grant with the least freedom.
    fn complete(&mut self, board: &mut Board<'_>) -> Vec<Biclique> {
        let mut seeds = Vec::new();
        loop {
            let before = board.words;
            board.reduce(&mut seeds, before + self.words_left);
            let Some(grant) = self.least_free(board) else {
                self.spend(board.words - before);
                return board.close(seeds);
            };
            let role = self.grow(board, grant);
            seeds.push(board.take(&role));
            self.spend(board.words - before);
        }
    }

    /// The open grant that agrees with the fewest others; of a sample when there are many.
    fn least_free(&mut self, board: &mut Board<'_>) -> Option<(usize, usize)> {
        const SAMPLE: usize = 48;
        let open: Vec<(usize, usize)> = board.grants().collect();
        if open.is_empty() {
            return None;
        }
        let start = self.below(open.len());
        let stride = (open.len() / SAMPLE).max(1);
        let sample = (0..open.len().min(SAMPLE)).map(|turn| open[(start + turn * stride) % open.len()]);
        let mut best: Option<((usize, u32), (usize, usize))> = None;
        for grant in sample {
            board.words +=
                self.reduced.columns[grant.1].count_ones(..) as u64 * (self.reduced.columns.len() as u64 / 64 + 1);
            let rank = (board.freedom(grant.0, grant.1), self.rng.next_u32());
            if best.is_none_or(|(held, _)| rank < held) {
                best = Some((rank, grant));
            }
        }
        best.map(|(_, grant)| grant)
    }

    /// A role around a grant: users join while more is covered by it than is lost.
    fn grow(&mut self, board: &mut Board<'_>, (user, permission): (usize, usize)) -> Biclique {
        let mut permissions = self.reduced.rows[user].clone();
        let mut users = self.reduced.no_users();
        users.insert(user);
        let mut others: Vec<usize> = self.reduced.columns[permission].ones().filter(|other| *other != user).collect();
        let row_words = self.reduced.columns.len() as u64 / 64 + 1;
        loop {
            let covered: usize = users.ones().map(|user| board.left[user].intersection_count(&permissions)).sum();
            let mut best: Option<((usize, u32), usize)> = None;
            for (place, other) in others.iter().enumerate() {
                let mut narrowed = permissions.clone();
                narrowed.intersect_with(&self.reduced.rows[*other]);
                let kept: usize = users.ones().map(|user| board.left[user].intersection_count(&narrowed)).sum();
                let gained = board.left[*other].intersection_count(&narrowed);
                board.words += row_words * (2 + users.count_ones(..) as u64);
                let rank = (kept + gained, self.rng.next_u32());
                // Ties are taken now and then, because the largest role at once is not always the best in the end.
                let is_enough =
                    kept + gained > covered || kept + gained == covered && gained > 0 && rank.1.is_multiple_of(2);
                if is_enough && best.is_none_or(|(held, _)| rank > held) {
                    best = Some((rank, place));
                }
            }
            let Some((_, place)) = best else { break };
            let other = others.swap_remove(place);
            users.insert(other);
            permissions.intersect_with(&self.reduced.rows[other]);
        }
        let users = self.reduced.shared_users(&permissions);
        let permissions = self.reduced.shared_permissions(&users);
        Biclique { users, permissions }
    }

    /// Leaves out roles of which the others give everything that counts.
    fn without_needless(&mut self, roles: Vec<Biclique>) -> Vec<Biclique> {
        let covers = |role: &Biclique, grant: &(usize, usize)| {
            role.users.contains(grant.0) && role.permissions.contains(grant.1)
        };
        let mut times: Vec<u32> = vec![0; self.kernel.len()];
        let places: Vec<FixedBitSet> = roles
            .iter()
            .map(|role| {
                let mut covered = FixedBitSet::with_capacity(self.kernel.len());
                covered.extend((0..self.kernel.len()).filter(|place| covers(role, &self.kernel[*place])));
                covered
            })
            .collect();
        for place in places.iter().flat_map(FixedBitSet::ones) {
            times[place] += 1;
        }
        self.spend((roles.len() * self.kernel.len()) as u64 / 4);
        let mut kept = Vec::with_capacity(roles.len());
        for (role, covered) in roles.into_iter().zip(&places) {
            if covered.ones().all(|place| times[place] > 1) {
                covered.ones().for_each(|place| times[place] -= 1);
            } else {
                kept.push(role);
            }
        }
        kept
    }
}
