//! Which incidents stand, and when they are over: what is about one question ends when that question is answered well, what is about the
//! whole server ends with its next good answer.

use std::collections::{BTreeMap, BTreeSet};

use bedside_core::incident::Kind;

/// The incidents of one connection.
pub(super) struct Incidents {
    /// By kind, the questions that it stands for.
    standing: BTreeMap<Kind, BTreeSet<String>>,
    /// Kinds that may stand in the store from an earlier run.
    inherited: BTreeSet<Kind>,
}

/// What is to be written down.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct News {
    /// What happened, and with which question.
    pub(super) happened: Vec<(Kind, String)>,
    /// What is over.
    pub(super) over: Vec<Kind>,
}

impl Incidents {
    pub(super) fn new() -> Self {
        Self {
            standing: BTreeMap::new(),
            inherited: Kind::ALL
                .into_iter()
                .filter(|kind| kind.ends_by_itself())
                .collect(),
        }
    }

    /// Whether something stands.
    pub(super) fn any(&self) -> bool {
        !self.standing.is_empty()
    }

    /// Takes what a round brought: what was wrong with which question, and which questions were answered well.
    pub(super) fn round(&mut self, wrong: &[(Kind, String)], well: &[String]) -> News {
        let mut news = News::default();
        let before: BTreeSet<Kind> = self.standing.keys().copied().collect();
        let answered = !well.is_empty();
        for (kind, places) in &mut self.standing {
            if is_of_the_server(*kind) && answered {
                places.clear();
            } else {
                places.retain(|place| !well.contains(place));
            }
        }
        for (kind, place) in wrong {
            // A question can be answered well in the end and still have shown something, such as a token that died.
            let passed = well.contains(place);
            if !passed {
                self.standing
                    .entry(*kind)
                    .or_default()
                    .insert(place.clone());
            }
            if !news.happened.iter().any(|(known, _)| known == kind) {
                let question = place.rsplit('|').next().unwrap_or_default();
                news.happened.push((*kind, question.to_owned()));
            }
            if passed || answered {
                self.inherited.insert(*kind);
            }
        }
        self.standing.retain(|_, places| !places.is_empty());
        let over = |kind: &Kind| !self.standing.contains_key(kind) && kind.ends_by_itself();
        news.over = before.iter().copied().filter(over).collect();
        if answered {
            let inherited = std::mem::take(&mut self.inherited);
            for kind in inherited.into_iter().filter(over) {
                if !news.over.contains(&kind) {
                    news.over.push(kind);
                }
            }
        }
        news
    }

    /// A question is asked no more.
    pub(super) fn forget(&mut self, key: &str) {
        let prefix = format!("{key}|");
        for places in self.standing.values_mut() {
            places.retain(|place| !place.starts_with(&prefix));
        }
        let empty: Vec<Kind> = self
            .standing
            .iter()
            .filter(|(_, places)| places.is_empty())
            .map(|(kind, _)| *kind)
            .collect();
        for kind in empty {
            self.standing.remove(&kind);
            self.inherited.insert(kind);
        }
    }
}

/// Whether any good answer shows that it is over.
const fn is_of_the_server(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Unreachable | Kind::NoToken | Kind::TokenDied | Kind::RateLimited
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(text: &str) -> String {
        text.to_owned()
    }

    #[test]
    fn what_is_about_one_question_ends_with_that_question_only() {
        let mut incidents = Incidents::new();
        incidents.round(&[], &[place("a|Patient")]);
        let (labs, other) = (place("a|Observation/laboratory"), place("b|Encounter"));
        let news = incidents.round(
            &[(Kind::ForeignLink, labs.clone())],
            std::slice::from_ref(&other),
        );
        assert_eq!(
            news.happened,
            [(Kind::ForeignLink, place("Observation/laboratory"))]
        );
        assert!(news.over.is_empty() && incidents.any());
        let news = incidents.round(&[], &[other]);
        assert_eq!(news, News::default());
        let news = incidents.round(&[], &[labs]);
        assert_eq!(news.over, [Kind::ForeignLink]);
        assert!(!incidents.any());
    }

    #[test]
    fn what_is_about_the_server_ends_with_any_good_answer() {
        let mut incidents = Incidents::new();
        incidents.round(&[(Kind::Unreachable, place("a|Encounter"))], &[]);
        let news = incidents.round(&[], &[place("b|Patient")]);
        assert!(news.over.contains(&Kind::Unreachable));
    }

    #[test]
    fn what_stood_before_a_restart_ends_with_the_first_good_round() {
        let mut incidents = Incidents::new();
        let news = incidents.round(
            &[(Kind::HalfBody, place("a|Encounter"))],
            &[place("b|Patient")],
        );
        assert!(news.over.contains(&Kind::ServerError) && !news.over.contains(&Kind::HalfBody));
        assert!(
            !news.over.contains(&Kind::FutureTime),
            "what is about a value stays until it was seen"
        );
        assert_eq!(incidents.round(&[], &[place("b|Patient")]), News::default());
    }

    #[test]
    fn a_token_that_died_and_was_replaced_is_told_and_over_at_once() {
        let mut incidents = Incidents::new();
        incidents.round(&[], &[place("a|Patient")]);
        let labs = place("a|Observation");
        let news = incidents.round(&[(Kind::TokenDied, labs.clone())], &[labs]);
        assert_eq!(news.happened.len(), 1);
        assert_eq!(news.over, [Kind::TokenDied]);
    }
}
