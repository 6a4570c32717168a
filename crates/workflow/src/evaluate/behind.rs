//! What a newer result that nobody can rely on must not hide: the results behind it, as far back as the first that can be relied on.
//!
//! Where they arrive one by one, each is judged as the newest. Where they arrive together (after an outage, in one message) the newest
//! alone would be, and a haemolysed specimen would silence the dangerous one before it. So each is judged here as if it were the newest.

use bedside_fact::clock::Timestamp;
use bedside_fact::known::{Datum, Fact, Gap};
use bedside_fact::state::State;
use bedside_fact::time;

use super::Scene;
use super::condition::is_reliable;
use super::resolve::amount;
use crate::definition::Needed;
use crate::evaluation::{Decision, Evaluation, Inputs};

/// A result is not from the future while the clocks may only differ.
const CLOCKS_DIFFER: i64 = 60;

impl Scene<'_> {
    /// What follows from the results behind the newest, where that is more urgent than what follows from the newest.
    pub(super) fn behind(&self, inputs: &Inputs, newest: &Evaluation) -> Vec<Evaluation> {
        let Some((needed, fact)) = self
            .trigger()
            .and_then(|trigger| Some((trigger.needed, inputs.facts.get(&trigger.needed.name)?)))
        else {
            return Vec::new();
        };
        let usable = |datum: &Datum| is_reliable(datum) && amount(needed, datum).is_some();
        let disputed = fact.state == State::Conflict;
        let last = fact
            .data
            .iter()
            .enumerate()
            .position(|(place, datum)| usable(datum) && !(place == 0 && disputed))
            .map_or(fact.data.len(), |place| place + 1);
        let mut found: Vec<Evaluation> = (1..last)
            .filter_map(|place| {
                let older = self.without_newest(inputs, needed, fact, place);
                let scene = Scene::new(self.definition, &older, self.groups, self.now, self.zone);
                let mut evaluation = scene.judged();
                if self.rank(&evaluation.decision) >= self.rank(&newest.decision) {
                    return None;
                }
                let mut caveats = self.passed_over(needed, fact.data.get(..place)?);
                caveats.append(&mut evaluation.caveats);
                evaluation.caveats = caveats;
                // The context shows all that there is, the newest too; what closes and what was withdrawn does not depend on this.
                evaluation.show = self
                    .action(&evaluation.decision)
                    .map(|action| self.show(action))
                    .unwrap_or_default();
                evaluation.withdrawn.clone_from(&newest.withdrawn);
                evaluation.done.clone_from(&newest.done);
                evaluation.stands_on_older = true;
                evaluation.basis = format!("{} {}", newest.basis, evaluation.basis);
                Some(evaluation)
            })
            .collect();
        // The sort keeps the newer one first of two that are equally urgent.
        found.sort_by_key(|evaluation| self.rank(&evaluation.decision));
        found
    }

    /// 0 for the most urgent.
    fn rank(&self, decision: &Decision) -> usize {
        let levels = self.definition.actions.len();
        match decision {
            Decision::Act(level) => self.definition.rank(level),
            Decision::Ask { .. } => levels + 1,
            Decision::Nothing | Decision::NotApplicable(_) => levels + 2,
        }
    }

    /// The inputs as they would be had nothing come after the result at `place`.
    fn without_newest(
        &self,
        inputs: &Inputs,
        needed: &Needed,
        fact: &Fact,
        place: usize,
    ) -> Inputs {
        let rest: Vec<Datum> = fact.data.iter().skip(place).cloned().collect();
        let mut inputs = inputs.clone();
        for other in &self.definition.needs {
            let data: Vec<Datum> = if other.name == needed.name {
                rest.clone()
            } else if other.fact == needed.fact && other.skip > 0 {
                rest.iter().skip(other.skip).cloned().collect()
            } else {
                continue;
            };
            let fact = self.as_fact(other, data);
            inputs.facts.insert(other.name.clone(), fact);
        }
        inputs
    }

    /// Values as the answer to a need.
    fn as_fact(&self, needed: &Needed, data: Vec<Datum>) -> Fact {
        let Some(newest) = data.first() else {
            return Fact::unknown(
                &needed.fact,
                Gap::Empty,
                "nothing was sent before the result that this stands on",
            );
        };
        let ahead = |at: Timestamp| at.as_second() - self.now.as_second() > CLOCKS_DIFFER;
        let future = newest.taken_at.is_some_and(ahead);
        let taken = newest
            .taken_at
            .filter(|at| !ahead(*at))
            .unwrap_or(newest.received_at);
        let old = self.now.as_second() - taken.as_second() > needed.max_age.of(self.situation);
        let (state, gap) = if amount(needed, newest).is_none() {
            (State::Unknown, Some(Gap::Unreadable))
        } else if future {
            (State::Unknown, Some(Gap::Future))
        } else if old {
            (State::Stale, None)
        } else if is_reliable(newest) {
            (State::Present, None)
        } else {
            (State::Unverified, None)
        };
        Fact {
            name: needed.fact.clone(),
            state,
            gap,
            why: newest.doubt.clone().unwrap_or_default(),
            as_of: Some(newest.received_at),
            data,
            against: Vec::new(),
            withdrawn: Vec::new(),
        }
    }

    /// That there are newer results, and why this does not stand on them.
    fn passed_over(&self, needed: &Needed, newer: &[Datum]) -> Vec<String> {
        newer
            .iter()
            .map(|datum| {
                let why = datum.doubt.as_deref().unwrap_or("sources disagree");
                let taken = datum.taken_at.map_or_else(
                    || String::from("time not known"),
                    |at| format!("taken {}", time::words(at, self.zone)),
                );
                let said = match datum.said.as_str() {
                    "" => "without a value",
                    said => said,
                };
                let ask = if amount(needed, datum).is_none() {
                    " Ask for it."
                } else {
                    ""
                };
                format!(
                    "A later {}, {said} ({taken}), is not relied on: {}.{ask}",
                    needed.name,
                    why.trim_end_matches('.')
                )
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use bedside_fact::known::{Datum, Fact, Gap, Verification};
    use bedside_fact::state::State;

    use crate::testing::{definition, fact, inputs, judge, minutes, noon, potassium, situation};
    use crate::{Decision, Inputs};

    fn dangerous() -> Datum {
        potassium("6.9 mmol/L", "k1", noon() - minutes(20))
    }

    fn doubtful(said: &str, doubt: &str, verification: Verification) -> Datum {
        Datum {
            doubt: Some(doubt.to_owned()),
            verification,
            ..potassium(said, "k2", noon() - minutes(10))
        }
    }

    fn with(state: State, gap: Option<Gap>, data: Vec<Datum>) -> Inputs {
        let mut inputs = inputs(data.clone());
        let fact = Fact {
            gap,
            ..fact("potassium", state, data)
        };
        inputs.facts.insert(String::from("potassium"), fact);
        inputs
    }

    #[test]
    fn p06_a_doubtful_normal_result_hides_no_dangerous_one_before_it() {
        let newer = [
            doubtful("4.1 mmol/L", "preliminary", Verification::Preliminary),
            doubtful("4.1 mmol/L", "specimen haemolysed", Verification::Final),
            doubtful(
                "4.1 mmol/L",
                "from a device, not reviewed",
                Verification::Device,
            ),
            doubtful(
                "4.1 mmol/L",
                "reported by the patient",
                Verification::PatientReported,
            ),
        ];
        for newest in newer {
            let doubt = newest.doubt.clone().unwrap();
            let evaluation = judge(&with(State::Unverified, None, vec![newest, dangerous()]));
            // The newest decides as it did; what it would hide stands behind it.
            assert_eq!(evaluation.decision, Decision::Nothing);
            let [behind] = evaluation.behind.as_slice() else {
                panic!("{:?}", evaluation.behind);
            };
            assert_eq!(behind.decision, Decision::Act(String::from("emergency")));
            assert_eq!(behind.finding.as_ref().unwrap().identity, "k1");
            assert_eq!(
                behind.caveats[0],
                format!(
                    "A later potassium, 4.1 mmol/L (taken 22-Nov-2026 11:50), is not relied on: {doubt}."
                )
            );
            assert!(
                behind.say.starts_with("Potassium 6.9 mmol/L"),
                "{}",
                behind.say
            );
            // The context shows both.
            assert_eq!(behind.show[0].lines.len(), 2);
            assert_eq!(behind.done, None);
            let order: Vec<bool> = evaluation
                .candidates()
                .map(|one| one.stands_on_older)
                .collect();
            assert_eq!(order, [true, false]);
        }
    }

    #[test]
    fn p06_a_reliable_result_leaves_nothing_behind_it() {
        let normal = potassium("4.1 mmol/L", "k2", noon() - minutes(10));
        let evaluation = judge(&inputs(vec![normal.clone(), dangerous()]));
        assert_eq!(evaluation.behind, []);
        // Nor does one that lies behind a reliable one.
        let newest = doubtful("4.2 mmol/L", "preliminary", Verification::Preliminary);
        let before = Datum {
            taken_at: Some(noon() - minutes(15)),
            identity: String::from("k3"),
            ..normal
        };
        let inputs = with(State::Unverified, None, vec![newest, before, dangerous()]);
        assert_eq!(judge(&inputs).behind, []);
    }

    #[test]
    fn p06_a_result_that_can_not_be_read_or_lies_ahead_asks_and_hides_no_dangerous_one() {
        let unreadable = Datum {
            quantity: None,
            ..doubtful("7.1 wat", "its unit can't be read", Verification::Final)
        };
        let ahead = Datum {
            taken_at: Some(noon() + minutes(60)),
            ..doubtful(
                "7.1 mmol/L",
                "its time is in the future",
                Verification::Final,
            )
        };
        for (gap, newest) in [(Gap::Unreadable, unreadable), (Gap::Future, ahead)] {
            let evaluation = judge(&with(State::Unknown, Some(gap), vec![newest.clone()]));
            assert!(
                matches!(&evaluation.decision, Decision::Ask { fact, .. } if fact == "potassium")
            );
            assert_eq!(evaluation.behind, []);
            assert!(evaluation.say.contains(gap.words()), "{}", evaluation.say);
            let case = crate::case::open(
                definition(),
                String::from("c"),
                &evaluation,
                &situation(),
                noon(),
            )
            .case;
            assert_eq!(
                (case.level.as_str(), case.climbs.as_str()),
                ("data request", "emergency")
            );
            let evaluation = judge(&with(State::Unknown, Some(gap), vec![newest, dangerous()]));
            assert!(matches!(evaluation.decision, Decision::Ask { .. }));
            assert_eq!(
                evaluation.behind[0].decision,
                Decision::Act(String::from("emergency"))
            );
        }
    }

    #[test]
    fn as_much_is_asked_for_as_lies_within_the_greatest_age() {
        let text = crate::CRITICAL_POTASSIUM.replace("- potassium trend 7 days", "- potassium");
        let vocabulary = crate::testing::vocabulary();
        let groups = crate::testing::groups();
        let definition = crate::load("w.yaml", &text, &vocabulary, &groups).unwrap();
        let needs = definition.needs(&situation());
        let (_, need) = needs.iter().find(|(name, _)| name == "potassium").unwrap();
        // The row that looks for a change asks for twelve hours, which is more than the six that a value may be old.
        assert_eq!(need.window, Some(12 * 3_600));
        let start = text.find("  - row: rising fast").unwrap();
        let end = text.find("  - row: high").unwrap();
        let text = format!("{}{}", &text[..start], &text[end..]);
        let definition = crate::load("w.yaml", &text, &vocabulary, &groups).unwrap();
        let needs = definition.needs(&situation());
        let (_, need) = needs.iter().find(|(name, _)| name == "potassium").unwrap();
        assert_eq!(need.window, Some(6 * 3_600));
    }

    #[test]
    fn an_earlier_value_is_earlier_than_the_one_that_it_stands_on() {
        let newest = doubtful("4.1 mmol/L", "preliminary", Verification::Preliminary);
        let before = potassium("5.2 mmol/L", "k0", noon() - minutes(620));
        let evaluation = judge(&with(
            State::Unverified,
            None,
            vec![newest, dangerous(), before],
        ));
        assert_eq!(
            evaluation.behind[0].say,
            "Potassium 6.9 mmol/L (up 1.7 in 10 h)"
        );
        assert_eq!(evaluation.behind.len(), 1);
    }
}
