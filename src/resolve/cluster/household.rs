//! The records without a name of a component: the people that each may be, and the one it is assigned to once the whole household
//! is considered.

use std::cmp::Reverse;

use crate::model::RecordIx;
use crate::resolve::cluster::assign_nameless::{PersonChoice, weigh};
use crate::resolve::cluster::constraints::ConstraintViolation;
use crate::resolve::cluster::{Component, Few, MemberGroup, RefusedLink};
use crate::resolve::compare::contact_counts::{DUPLICATES, contact_of, is_whole};
use crate::resolve::compare::edge::Edge;
use crate::resolve::compare::weight::Weight;
use crate::resolve::compare::weights::{LINK, MARGIN};
use crate::resolve::population::KeyKind;
use crate::resolve::population::intern::NONE;

/// A record without a name, a person by their group, and what the two have in common; by record, best first.
type NamelessPairs = [(RecordIx, u32, Edge)];

impl Component<'_> {
    /// Assigns each record without a name to the person that fits best after the whole household is considered.
    pub(super) fn assign_nameless(&mut self, edges: Few<Edge>, bar: Weight) {
        let population = self.scorer.population;
        let mut pairs: Vec<(RecordIx, u32, Edge)> = edges
            .into_iter()
            .map(|edge| {
                let (nameless, named) = if population.is_nameless(edge.a) { (edge.a, edge.b) } else { (edge.b, edge.a) };
                let named = self.local(named);
                (nameless, self.forest.find(named), edge)
            })
            .collect();
        pairs.sort_unstable_by_key(|(nameless, _, edge)| (*nameless, edge.order()));
        let mut choices = self.choices(&pairs);
        weigh(&mut choices);
        let mut assigned: Vec<(u32, u32, Edge)> = Vec::new();
        for of_one in choices.chunk_by(|a, b| a.nameless == b.nameless) {
            self.choose(of_one, &pairs, bar, &mut assigned);
        }
        for (nameless, group, edge) in assigned {
            let group = self.forest.find(group);
            match self.refuse(nameless, group) {
                None => self.join(nameless, group),
                Some(why) => self.settled.refused.push(RefusedLink { edge, why }),
            }
        }
    }

    /// Whom each record may be; those are refused that nothing can make one person, and who gives way to a namesake.
    fn choices(&mut self, pairs: &NamelessPairs) -> Vec<PersonChoice> {
        let sources = self.sources_of_named();
        let mut choices: Vec<PersonChoice> = Vec::with_capacity(pairs.len());
        for of_one in pairs.chunk_by(|a, b| a.0 == b.0) {
            let first = choices.len();
            for &(record, group, edge) in of_one {
                let choice = self.consider(record, group, edge, &mut choices[first..]);
                choices.extend(choice.map(|choice| self.describe(choice, record, sources[group as usize])));
            }
        }
        choices
    }

    /// Whether a person is a choice beside the earlier ones of the record.
    fn consider(&mut self, record: RecordIx, group: u32, edge: Edge, earlier: &mut [PersonChoice]) -> Option<PersonChoice> {
        let nameless = self.local(record);
        if earlier.iter().any(|choice| choice.group == group || choice.namesakes.iter().any(|namesake| namesake.0 == group)) {
            return None;
        }
        if let Some(why) = self.refuse(nameless, group) {
            self.settled.refused.extend(edge.links().then_some(RefusedLink { edge, why }));
            return None;
        }
        if let Some(choice) = earlier.iter_mut().find(|choice| self.is_one_name(choice.group, group)) {
            choice.namesakes.push((group, edge));
            return None;
        }
        // Of namesakes, the one that shares more contact points with the record wins.
        let gives_way = earlier.iter().any(|choice| {
            choice.edge.weight() - edge.weight() >= MARGIN + MARGIN
                && self.portraits[choice.group as usize].shares_full_name(&self.portraits[group as usize])
        });
        if gives_way {
            self.settled.refused.extend(edge.links().then_some(RefusedLink { edge, why: ConstraintViolation::Ambiguous }));
            return None;
        }
        Some(PersonChoice::new(nameless, group, edge))
    }

    /// Adds what the record says of itself, and whether the person has a named record of its source.
    fn describe(&self, mut choice: PersonChoice, record: RecordIx, sources_of_named: u8) -> PersonChoice {
        let population = self.scorer.population;
        choice.source = population.source(record) as u8;
        choice.login = population.value(KeyKind::Auth, record);
        choice.contact = if self.is_duplicated(record) { contact_of(population, record) } else { [NONE; 2] };
        choice.is_listed = sources_of_named & (1 << choice.source) != 0;
        choice
    }

    /// Chooses the person of one record, if one is clear enough.
    fn choose(&mut self, of_one: &[PersonChoice], pairs: &NamelessPairs, bar: Weight, assigned: &mut Vec<(u32, u32, Edge)>) {
        let nameless = of_one[0].nameless;
        let is_only = of_one.len() == 1;
        let best = of_one.iter().min_by_key(|choice| (Reverse(choice.together(is_only)), choice.edge.order()));
        let best = best.expect("who is in the list has a choice");
        let together = best.together(is_only);
        let is_disputed = best.is_disputed(is_only);
        let is_assigned = together >= if is_disputed { bar } else { LINK };
        if is_assigned {
            self.settled.places.extend(is_disputed.then_some((nameless, together)));
            assigned.push((nameless, best.group, best.edge));
            let namesakes = best.namesakes.iter().filter(|namesake| namesake.1.links());
            assigned.extend(namesakes.map(|&(group, edge)| (nameless, group, edge)));
            let more = together - best.edge.weight();
            self.settled.restated.extend(restated(pairs, self.members[nameless as usize], best.group, more));
        } else if of_one.iter().any(|choice| choice.edge.links()) {
            self.portraits[nameless as usize].is_ambiguous = true;
        }
        // The others share its email or phone, so the pairs are listed for review.
        let others = of_one.iter().filter(|choice| choice.edge.links() && !(is_assigned && choice.group == best.group));
        self.settled.refused.extend(others.map(|choice| {
            let why = if choice.is_taken() { ConstraintViolation::Taken } else { ConstraintViolation::Ambiguous };
            RefusedLink { edge: choice.edge, why }
        }));
    }

    /// Whether enough members without a name have the same email and phone as the record to count as duplicates.
    fn is_duplicated(&self, record: RecordIx) -> bool {
        let population = self.scorer.population;
        let contact = contact_of(population, record);
        let is_same = |other: &&RecordIx| population.is_nameless(**other) && contact_of(population, **other) == contact;
        is_whole(contact) && self.members.iter().filter(is_same).take(DUPLICATES).count() == DUPLICATES
    }

    /// By group: the sources of its named records, one bit each.
    fn sources_of_named(&self) -> Vec<u8> {
        let population = self.scorer.population;
        let bits = |group: &MemberGroup| {
            let records = group.iter().map(|&member| self.members[member as usize]);
            records
                .filter(|&record| !population.is_nameless(record))
                .fold(0u8, |bits, record| bits | 1 << population.source(record) as u8)
        };
        self.groups.iter().map(bits).collect()
    }
}

/// The links of a record without a name to a person, with the match weight after the rest of the household is considered.
fn restated(pairs: &NamelessPairs, nameless: RecordIx, group: u32, more: Weight) -> impl Iterator<Item = (Edge, Weight)> + '_ {
    let start = pairs.partition_point(|pair| pair.0 < nameless);
    let of_both = move |pair: &&(RecordIx, u32, Edge)| pair.1 == group && more != Weight::ZERO;
    pairs[start..]
        .iter()
        .take_while(move |pair| pair.0 == nameless)
        .filter(of_both)
        .map(move |&(_, _, edge)| (edge, edge.weight() + more))
}
