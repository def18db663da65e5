//! In which order operations are carried out: as they stand, but each after those that it needs. Pure.

/// `needs`: for each operation the places of those that make what it names. In a circle, the one that stands first goes last.
pub(super) fn order(needs: &[Vec<usize>]) -> Vec<usize> {
    let mut order = Vec::with_capacity(needs.len());
    let mut entered = vec![false; needs.len()];
    for start in 0..needs.len() {
        if std::mem::replace(&mut entered[start], true) {
            continue;
        }
        // Not by recursion: a chain may be as long as a request.
        let mut path = vec![(start, 0)];
        while let Some((at, next)) = path.last_mut() {
            let needed = needs[*at].get(*next).copied();
            *next += 1;
            match needed {
                Some(needed) if !std::mem::replace(&mut entered[needed], true) => path.push((needed, 0)),
                Some(_) => {}
                None => {
                    order.push(*at);
                    path.pop();
                }
            }
        }
    }
    order
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::order;

    #[test]
    fn each_comes_after_what_it_needs_and_otherwise_where_it_stands() {
        assert_eq!(order(&[vec![], vec![], vec![]]), [0, 1, 2]);
        assert_eq!(order(&[vec![2], vec![], vec![]]), [2, 0, 1]);
        assert_eq!(order(&[vec![1], vec![2], vec![], vec![0]]), [2, 1, 0, 3]);
        assert_eq!(order(&[vec![1], vec![0]]), [1, 0]);
        assert_eq!(order(&[vec![0]]), [0]);
    }

    proptest! {
        #[test]
        fn every_operation_is_there_once_and_without_circles_after_its_needs(
            needs in proptest::collection::vec(proptest::collection::vec(0_usize..40, 0..4), 0..40)
        ) {
            let count = needs.len();
            let forward: Vec<Vec<usize>> = needs
                .iter()
                .enumerate()
                .map(|(at, needs)| needs.iter().copied().filter(|need| *need > at && *need < count).collect())
                .collect();
            let order = order(&forward);
            let mut sorted = order.clone();
            sorted.sort_unstable();
            prop_assert_eq!(sorted, (0..count).collect::<Vec<_>>());
            let place = |one: usize| order.iter().position(|at| *at == one);
            for (at, needs) in forward.iter().enumerate() {
                for need in needs {
                    prop_assert!(place(*need) < place(at));
                }
            }
        }
    }
}
