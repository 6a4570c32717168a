//! Which input may run now. Pure: no clock, no store, no tasks.
//!
//! An input joins every lane that it names. It may run when it is first in all of them and none of them is closed. A
//! parked input closes its lanes: what comes behind is held until the parked one is replayed or discarded. An input
//! without a lane (it names no patient) runs at once.

use std::collections::{BTreeSet, HashMap, VecDeque};

use bedside_core::journal::{InputState, Waiting};
use bedside_fact::id::{Seq, Token};

/// The waiting inputs of one tenant.
#[derive(Default)]
pub(super) struct Queue {
    lanes: HashMap<Token, VecDeque<Seq>>,
    inputs: HashMap<Seq, Entry>,
    ready: BTreeSet<Seq>,
    running: BTreeSet<Seq>,
}

struct Entry {
    lanes: Vec<Token>,
    state: InputState,
}

impl Queue {
    /// Adds an input. One that is known already is left as it is, unless its state has changed from outside.
    ///
    /// Returns what it is held behind, when it has just become held.
    pub(super) fn add(&mut self, waiting: Waiting) -> Option<(Seq, Seq)> {
        let seq = waiting.seq;
        if self.inputs.contains_key(&seq) || (waiting.state == InputState::Parked && waiting.lanes.is_empty()) {
            return None;
        }
        let mut lanes = waiting.lanes;
        lanes.sort_unstable();
        lanes.dedup();
        for lane in &lanes {
            let queue = self.lanes.entry(*lane).or_default();
            // A page of waiting inputs is read in order, but a replayed one comes back among later ones.
            let place = queue.partition_point(|other| *other < seq);
            queue.insert(place, seq);
        }
        let followers: Vec<Seq> = lanes
            .iter()
            .filter_map(|lane| self.lanes.get(lane)?.iter().copied().find(|other| *other > seq))
            .collect();
        self.inputs.insert(seq, Entry { lanes, state: waiting.state });
        for follower in followers {
            self.refresh(follower);
        }
        let newly = self.hold_if_blocked(seq);
        self.refresh(seq);
        newly
    }

    /// The next input to run, if any.
    pub(super) fn next(&mut self) -> Option<Seq> {
        let seq = self.ready.pop_first()?;
        self.running.insert(seq);
        Some(seq)
    }

    /// An input has ended and is gone from its lanes.
    pub(super) fn done(&mut self, seq: Seq) {
        self.running.remove(&seq);
        self.ready.remove(&seq);
        let Some(entry) = self.inputs.remove(&seq) else { return };
        for lane in entry.lanes {
            let Some(queue) = self.lanes.get_mut(&lane) else { continue };
            queue.retain(|other| *other != seq);
            match queue.front().copied() {
                Some(first) => self.refresh(first),
                None => {
                    self.lanes.remove(&lane);
                }
            }
        }
    }

    /// An input was parked: its lanes close. Returns what is newly held, and behind which input.
    pub(super) fn parked(&mut self, seq: Seq) -> Vec<(Seq, Seq)> {
        self.running.remove(&seq);
        let Some(entry) = self.inputs.get_mut(&seq) else { return Vec::new() };
        if entry.lanes.is_empty() {
            self.inputs.remove(&seq);
            return Vec::new();
        }
        entry.state = InputState::Parked;
        let mut behind: BTreeSet<Seq> = BTreeSet::new();
        let mut lanes = entry.lanes.clone();
        let mut held = Vec::new();
        // A held merge closes its other lane too, and so on.
        while let Some(lane) = lanes.pop() {
            behind.extend(self.lanes.get(&lane).into_iter().flatten().filter(|other| **other > seq));
            while let Some(other) = behind.pop_first() {
                if let Some(found) = self.hold_if_blocked(other) {
                    held.push(found);
                    if let Some(entry) = self.inputs.get(&other) {
                        lanes.extend(entry.lanes.iter().filter(|l| **l != lane));
                    }
                }
            }
        }
        held
    }

    /// An input goes back to waiting for its turn: it could not be finished now.
    pub(super) fn again(&mut self, seq: Seq) {
        self.running.remove(&seq);
        self.refresh(seq);
    }

    /// Forgets everything that is not running, to be filled again from the store: parked inputs were replayed or
    /// discarded.
    pub(super) fn clear_waiting(&mut self) {
        let running = self.running.clone();
        self.inputs.retain(|seq, _| running.contains(seq));
        self.ready.clear();
        for queue in self.lanes.values_mut() {
            queue.retain(|seq| running.contains(seq));
        }
        self.lanes.retain(|_, queue| !queue.is_empty());
    }

    /// How many inputs run or may run or wait their turn; parked and held ones are not among them.
    pub(super) fn open(&self) -> usize {
        self.inputs.values().filter(|entry| entry.state == InputState::Pending).count()
    }

    /// How many are running.
    pub(super) fn running(&self) -> usize {
        self.running.len()
    }

    /// How many patients' lanes are closed.
    pub(super) fn closed_lanes(&self) -> usize {
        self.lanes
            .values()
            .filter(|queue| queue.iter().any(|seq| self.state(*seq) == Some(InputState::Parked)))
            .count()
    }

    fn state(&self, seq: Seq) -> Option<InputState> {
        self.inputs.get(&seq).map(|entry| entry.state)
    }

    /// Marks a pending input as held when something parked or held is before it in one of its lanes.
    fn hold_if_blocked(&mut self, seq: Seq) -> Option<(Seq, Seq)> {
        let entry = self.inputs.get(&seq)?;
        if entry.state != InputState::Pending || self.running.contains(&seq) {
            return None;
        }
        let blocker = entry
            .lanes
            .iter()
            .filter_map(|lane| self.lanes.get(lane))
            .flat_map(|queue| queue.iter().copied().take_while(|other| *other < seq))
            .find(|other| matches!(self.state(*other), Some(InputState::Parked | InputState::Held)))?;
        self.ready.remove(&seq);
        if let Some(entry) = self.inputs.get_mut(&seq) {
            entry.state = InputState::Held;
        }
        Some((seq, blocker))
    }

    fn refresh(&mut self, seq: Seq) {
        let first_everywhere = self.inputs.get(&seq).is_some_and(|entry| {
            entry.state == InputState::Pending
                && entry
                    .lanes
                    .iter()
                    .all(|lane| self.lanes.get(lane).and_then(VecDeque::front) == Some(&seq))
        });
        if first_everywhere && !self.running.contains(&seq) {
            self.ready.insert(seq);
        } else {
            self.ready.remove(&seq);
        }
    }
}
