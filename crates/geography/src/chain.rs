//! Directed pieces joined to rings and to lines, in the order that S2's builder gives them.

use std::collections::{BTreeMap, HashMap};

use crate::Error;
use crate::predicate::ordered;
use crate::ring::Ring;
use crate::vector::Vector;

/// A piece with a direction.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Arrow {
    pub from: u32,
    pub to: u32,
    /// Of the edge that it is a piece of.
    pub number: u32,
    /// How many pieces of that edge come before it.
    pub step: u32,
}

/// Simple rings with the area on their left. Each ends with the piece of the highest number; rings are in the order
/// of the numbers of their first pieces.
pub(crate) fn rings(mut arrows: Vec<Arrow>, places: &[Vector]) -> Result<Vec<Ring>, Error> {
    arrows.sort_by_key(|arrow| (arrow.number, arrow.step));
    let mut leaving: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    for (at, arrow) in arrows.iter().enumerate() {
        leaving.entry(arrow.from).or_default().push(at);
    }
    let mut used = vec![false; arrows.len()];
    let mut rings: Vec<Vec<usize>> = Vec::new();
    for start in 0..arrows.len() {
        let mut path: Vec<usize> = Vec::new();
        let mut position: HashMap<u32, usize> = HashMap::new();
        let mut next = Some(start).filter(|start| !used[*start]);
        while let Some(at) = next {
            used[at] = true;
            position.insert(arrows[at].from, path.len());
            path.push(at);
            if let Some(from) = position.get(&arrows[at].to).copied() {
                let ring = path.split_off(from);
                for at in &ring {
                    position.remove(&arrows[*at].from);
                }
                rings.push(ring);
                if path.is_empty() {
                    break;
                }
            }
            let last = *path.last().unwrap_or(&at);
            next = Some(leftmost(&arrows, last, &leaving, &used, places).ok_or(Error::Tangled)?);
        }
    }
    for ring in &mut rings {
        begin_after_highest(ring, &arrows);
    }
    rings.sort_by_key(|ring| arrows[ring[0]].number);
    Ok(rings.into_iter().map(|ring| ring.into_iter().map(|at| places[arrows[at].from as usize]).collect()).collect())
}

/// The unused arrow that leaves where `at` arrives and turns most to the left.
fn leftmost(
    arrows: &[Arrow],
    at: usize,
    leaving: &BTreeMap<u32, Vec<usize>>,
    used: &[bool],
    places: &[Vector],
) -> Option<usize> {
    let place = |at: u32| places[at as usize];
    let (from, here) = (place(arrows[at].from), place(arrows[at].to));
    let open = leaving.get(&arrows[at].to)?.iter().copied().filter(|next| !used[*next]);
    open.reduce(
        |best, next| {
            if ordered(place(arrows[best].to), place(arrows[next].to), from, here) { next } else { best }
        },
    )
}

/// Turns the ring so that it ends with the arrow of the highest number (the last of those next to each other), which
/// leaves rings of the input as they were.
fn begin_after_highest(ring: &mut [usize], arrows: &[Arrow]) {
    let (mut highest, mut gap) = (0, false);
    for at in 1..ring.len() {
        let (number, known) = (arrows[ring[at]].number, arrows[ring[highest]].number);
        if number < known {
            gap = true;
        } else if number > known || !gap {
            (highest, gap) = (at, false);
        }
    }
    let start = (highest + 1) % ring.len();
    ring.rotate_left(start);
}

/// Lines that end where other than two arrows meet, one coming and one going; then closed ones.
pub(crate) fn lines(mut arrows: Vec<Arrow>, places: &[Vector]) -> Vec<Vec<Vector>> {
    arrows.sort_by_key(|arrow| (arrow.number, arrow.step));
    let mut degrees: HashMap<u32, (usize, usize)> = HashMap::new();
    let mut leaving: HashMap<u32, usize> = HashMap::new();
    for (at, arrow) in arrows.iter().enumerate() {
        degrees.entry(arrow.from).or_default().1 += 1;
        degrees.entry(arrow.to).or_default().0 += 1;
        leaving.insert(arrow.from, at);
    }
    let passes = |place: u32| degrees.get(&place) == Some(&(1, 1));
    let mut used = vec![false; arrows.len()];
    let mut found: Vec<(usize, Vec<Vector>)> = Vec::new();
    for closed in [false, true] {
        for start in 0..arrows.len() {
            if used[start] || !closed && passes(arrows[start].from) {
                continue;
            }
            let mut line = vec![places[arrows[start].from as usize]];
            let mut at = start;
            loop {
                used[at] = true;
                line.push(places[arrows[at].to as usize]);
                match leaving.get(&arrows[at].to) {
                    Some(next) if passes(arrows[at].to) && !used[*next] => at = *next,
                    _ => break,
                }
            }
            found.push((start, line));
        }
    }
    found.sort_by_key(|(start, _)| *start);
    found.into_iter().map(|(_, line)| line).collect()
}
