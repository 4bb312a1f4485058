//! Clusters: the sets of things that pairs connect.

use std::{collections::HashMap, hash::Hash};

/// The sets of things that pairs connect, directly or over others. It grows with the things that
/// are in a pair: about 150 bytes for each user.
#[derive(Debug)]
pub struct Clusters<T> {
    numbers: HashMap<T, usize>,
    /// For each number, another one of the same set, or itself for the set's representative.
    parents: Vec<usize>,
}

impl<T> Default for Clusters<T> {
    fn default() -> Self {
        Self { numbers: HashMap::new(), parents: Vec::new() }
    }
}

impl<T: Clone + Eq + Hash + Ord> Clusters<T> {
    /// Records that the two are connected. A thing alone is in no cluster.
    pub fn join(&mut self, one: &T, other: &T) {
        if one == other {
            return;
        }
        let (one, other) = (self.number(one), self.number(other));
        let (one, other) = (self.representative(one), self.representative(other));
        if let Some(parent) = self.parents.get_mut(one.max(other)) {
            *parent = one.min(other);
        }
    }

    /// The clusters, each in its own order, and all in the order of their first things.
    pub fn into_sets(mut self) -> Vec<Vec<T>> {
        let numbers = std::mem::take(&mut self.numbers);
        let mut placed: Vec<(usize, T)> =
            numbers.into_iter().map(|(thing, of)| (self.representative(of), thing)).collect();
        placed.sort_unstable();
        let same = |a: &(usize, T), b: &(usize, T)| a.0 == b.0;
        let mut sets: Vec<Vec<T>> = placed
            .chunk_by(same)
            .map(|set| set.iter().map(|(_, thing)| thing.clone()).collect())
            .collect();
        sets.sort_unstable();
        sets
    }

    fn number(&mut self, thing: &T) -> usize {
        if let Some(number) = self.numbers.get(thing) {
            return *number;
        }
        let number = self.parents.len();
        self.parents.push(number);
        self.numbers.insert(thing.clone(), number);
        number
    }

    /// The representative of the set of this number. What it passes then points closer to it, so
    /// that later searches are short.
    fn representative(&mut self, mut of: usize) -> usize {
        loop {
            let parent = self.parent(of);
            if parent == of {
                return of;
            }
            let next = self.parent(parent);
            if let Some(shorter) = self.parents.get_mut(of) {
                *shorter = next;
            }
            of = parent;
        }
    }

    fn parent(&self, of: usize) -> usize {
        self.parents.get(of).copied().unwrap_or(of)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn clusters(pairs: &[(u8, u8)]) -> Vec<Vec<u8>> {
        let mut clusters = Clusters::default();
        pairs.iter().for_each(|(one, other)| clusters.join(one, other));
        clusters.into_sets()
    }

    /// The same by a model: sets that are merged until no pair connects two of them.
    fn model(pairs: &[(u8, u8)]) -> Vec<Vec<u8>> {
        let mut sets: Vec<BTreeSet<u8>> = Vec::new();
        for (one, other) in pairs.iter().filter(|(one, other)| one != other) {
            let is_touched = |set: &BTreeSet<u8>| set.contains(one) || set.contains(other);
            let (touched, mut rest): (Vec<_>, Vec<_>) = sets.into_iter().partition(is_touched);
            let mut merged: BTreeSet<u8> = touched.into_iter().flatten().collect();
            merged.extend([*one, *other]);
            rest.push(merged);
            sets = rest;
        }
        let mut sets: Vec<Vec<u8>> = sets.into_iter().map(Vec::from_iter).collect();
        sets.sort();
        sets
    }

    proptest! {
        #[test]
        fn clusters_are_those_of_the_model(pairs in prop::collection::vec((0_u8..30, 0_u8..30), 0..40)) {
            prop_assert_eq!(clusters(&pairs), model(&pairs));
        }

        #[test]
        fn the_order_of_the_pairs_does_not_matter(
            pairs in prop::collection::vec((0_u8..30, 0_u8..30), 0..40).prop_flat_map(|pairs| {
                (Just(pairs.clone()), Just(pairs).prop_shuffle())
            }),
        ) {
            let (pairs, shuffled) = pairs;
            prop_assert_eq!(clusters(&pairs), clusters(&shuffled));
        }
    }
}
