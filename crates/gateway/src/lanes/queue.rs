//! Which input may run now. Pure: no clock, no store, no tasks.
//!
//! An input joins every lane that it names. It may run when it is first in all of them and none of them is closed. A
//! parked input closes its lanes: what comes behind is held until the parked one is replayed or discarded. An input
//! without a lane (it names no patient) runs at once. After a merge the lanes of both numbers are one patient's, so what
//! comes behind it joins both.

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
    /// Inputs in state pending, in order: how many there are and which is the first is asked for after each ending.
    open: BTreeSet<Seq>,
    /// How many parked inputs each closed lane has.
    closed: HashMap<Token, usize>,
    /// For each lane those that are the same patient's, and from which input on.
    merged: HashMap<Token, Vec<(Seq, Token)>>,
}

struct Entry {
    lanes: Vec<Token>,
    state: InputState,
    /// For a held one: the parked input that it waits for, perhaps through other held ones.
    behind: Option<Seq>,
}

impl Queue {
    /// Adds an input; one that is known already is left as it is.
    ///
    /// Returns the parked input that it is held behind, when it has just become held.
    pub(super) fn add(&mut self, waiting: Waiting) -> Option<(Seq, Seq)> {
        let seq = waiting.seq;
        if self.inputs.contains_key(&seq)
            || (waiting.state == InputState::Parked && waiting.lanes.is_empty())
        {
            return None;
        }
        let lanes = self.same_patient(waiting.lanes, seq);
        let mut followers = Vec::new();
        for lane in &lanes {
            followers.extend(self.place(*lane, seq));
        }
        match waiting.state {
            InputState::Pending => {
                self.open.insert(seq);
            }
            InputState::Parked => self.close(&lanes),
            InputState::Held | InputState::Applied | InputState::Noop => {}
        }
        self.inputs.insert(
            seq,
            Entry {
                lanes,
                state: waiting.state,
                behind: None,
            },
        );
        for follower in followers {
            self.refresh(follower);
        }
        if waiting.state == InputState::Held {
            let behind = self.blocker(seq);
            if let Some(entry) = self.inputs.get_mut(&seq) {
                entry.behind = behind;
            }
            return None;
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
        let Some(entry) = self.inputs.remove(&seq) else {
            return;
        };
        self.open.remove(&seq);
        for lane in entry.lanes {
            let Some(queue) = self.lanes.get_mut(&lane) else {
                continue;
            };
            if queue.front() == Some(&seq) {
                queue.pop_front();
            } else {
                queue.retain(|other| *other != seq);
            }
            match queue.front().copied() {
                Some(first) => self.refresh(first),
                None => {
                    self.lanes.remove(&lane);
                }
            }
        }
    }

    /// A running input was a merge: from here on its lanes are one patient's. To be said before [`Queue::done`]. Returns what is newly
    /// held, and behind which input: a parked input of the one number now closes the lane of the other.
    pub(super) fn merged(&mut self, seq: Seq) -> Vec<(Seq, Seq)> {
        let Some(entry) = self.inputs.get(&seq) else {
            return Vec::new();
        };
        let lanes = entry.lanes.clone();
        self.join(seq, &lanes);
        let followers: BTreeSet<Seq> = lanes
            .iter()
            .filter_map(|lane| self.lanes.get(lane))
            .flatten()
            .copied()
            .filter(|other| *other > seq)
            .collect();
        for follower in &followers {
            let Some(entry) = self.inputs.get_mut(follower) else {
                continue;
            };
            let new: Vec<Token> = lanes
                .iter()
                .copied()
                .filter(|lane| !entry.lanes.contains(lane))
                .collect();
            entry.lanes.extend_from_slice(&new);
            let parked = entry.state == InputState::Parked;
            for lane in &new {
                self.place(*lane, *follower);
            }
            if parked {
                self.close(&new);
            }
        }
        followers
            .into_iter()
            .filter_map(|follower| self.hold_if_blocked(follower))
            .collect()
    }

    /// The lanes of one patient, whose numbers were merged before or by the input at `seq`: what comes behind it joins all of them.
    pub(super) fn join(&mut self, seq: Seq, lanes: &[Token]) {
        let Some((first, others)) = lanes.split_first() else {
            return;
        };
        for other in others {
            for (one, same) in [(first, other), (other, first)] {
                let known = self.merged.entry(*one).or_default();
                if !known
                    .iter()
                    .any(|(since, lane)| lane == same && *since <= seq)
                {
                    known.push((seq, *same));
                }
            }
        }
    }

    /// An input was parked: its lanes close. Returns what is newly held, and behind which input.
    pub(super) fn parked(&mut self, seq: Seq) -> Vec<(Seq, Seq)> {
        self.running.remove(&seq);
        let Some(entry) = self.inputs.get_mut(&seq) else {
            return Vec::new();
        };
        self.open.remove(&seq);
        if entry.lanes.is_empty() {
            self.inputs.remove(&seq);
            return Vec::new();
        }
        entry.state = InputState::Parked;
        let mut behind: BTreeSet<Seq> = BTreeSet::new();
        let mut lanes = entry.lanes.clone();
        self.close(&lanes);
        let mut held = Vec::new();
        // A held merge closes its other lane too, and so on.
        while let Some(lane) = lanes.pop() {
            behind.extend(
                self.lanes
                    .get(&lane)
                    .into_iter()
                    .flatten()
                    .filter(|other| **other > seq),
            );
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
    /// discarded, or a merge was undone. Which lanes are one patient's is forgotten too, for the same reason; a merge that runs now says
    /// so when it ends.
    pub(super) fn clear_waiting(&mut self) {
        let running = self.running.clone();
        self.inputs.retain(|seq, _| running.contains(seq));
        self.ready.clear();
        self.closed.clear();
        self.merged.clear();
        self.open = self.inputs.keys().copied().collect();
        for queue in self.lanes.values_mut() {
            queue.retain(|seq| running.contains(seq));
        }
        self.lanes.retain(|_, queue| !queue.is_empty());
    }

    /// How many inputs run or may run or wait their turn; parked and held ones are not among them.
    pub(super) fn open(&self) -> usize {
        self.open.len()
    }

    /// The first of them.
    pub(super) fn first_open(&self) -> Option<Seq> {
        self.open.first().copied()
    }

    /// How many are running.
    pub(super) fn running(&self) -> usize {
        self.running.len()
    }

    /// How many lanes are closed by a parked input in them.
    pub(super) fn closed_lanes(&self) -> usize {
        self.closed.len()
    }

    fn close(&mut self, lanes: &[Token]) {
        for lane in lanes {
            *self.closed.entry(*lane).or_default() += 1;
        }
    }

    /// Puts an input into a lane, by its position: a page of waiting inputs is read in order, but a replayed one comes back among later
    /// ones. Returns the one that is directly behind it.
    fn place(&mut self, lane: Token, seq: Seq) -> Option<Seq> {
        let queue = self.lanes.entry(lane).or_default();
        let place = queue.partition_point(|other| *other < seq);
        queue.insert(place, seq);
        queue.get(place + 1).copied()
    }

    /// The lanes, and with them those that merges before `seq` made the same patient's.
    fn same_patient(&self, mut lanes: Vec<Token>, seq: Seq) -> Vec<Token> {
        lanes.sort_unstable();
        lanes.dedup();
        let mut at = 0;
        while let Some(lane) = lanes.get(at).copied() {
            at += 1;
            for (since, same) in self.merged.get(&lane).into_iter().flatten() {
                if *since < seq && !lanes.contains(same) {
                    lanes.push(*same);
                }
            }
        }
        lanes
    }

    fn state(&self, seq: Seq) -> Option<InputState> {
        self.inputs.get(&seq).map(|entry| entry.state)
    }

    /// Marks a pending input as held when something parked or held is before it in one of its lanes.
    fn hold_if_blocked(&mut self, seq: Seq) -> Option<(Seq, Seq)> {
        if self.state(seq) != Some(InputState::Pending) || self.running.contains(&seq) {
            return None;
        }
        let behind = self.blocker(seq)?;
        self.ready.remove(&seq);
        self.open.remove(&seq);
        if let Some(entry) = self.inputs.get_mut(&seq) {
            entry.state = InputState::Held;
            entry.behind = Some(behind);
        }
        Some((seq, behind))
    }

    /// The parked input that keeps this one waiting. Behind a held one it is the one that holds that: when it ends, all that wait for
    /// it are freed together.
    fn blocker(&self, seq: Seq) -> Option<Seq> {
        if self.closed.is_empty() {
            return None;
        }
        let entry = self.inputs.get(&seq)?;
        entry
            .lanes
            .iter()
            .filter_map(|lane| self.lanes.get(lane))
            .flat_map(|queue| queue.iter().copied().take_while(|other| *other < seq))
            .find_map(|other| match self.inputs.get(&other) {
                Some(entry) if entry.state == InputState::Parked => Some(other),
                Some(entry) if entry.state == InputState::Held => {
                    Some(entry.behind.unwrap_or(other))
                }
                Some(_) | None => None,
            })
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
