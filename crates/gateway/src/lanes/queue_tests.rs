//! What the lanes promise: order per patient, a merge as a barrier, one parked lane and not the feed.

use bedside_core::journal::{InputState, Waiting};
use bedside_fact::id::{Seq, Token};

use super::queue::Queue;

const ANNA: Token = Token([1; 16]);
const BRUNO: Token = Token([2; 16]);
const CHIDI: Token = Token([3; 16]);

fn input(seq: i64, lanes: &[Token], state: InputState) -> Waiting {
    Waiting {
        seq: Seq(seq),
        lanes: lanes.to_vec(),
        state,
    }
}

fn pending(queue: &mut Queue, seq: i64, lanes: &[Token]) -> Option<(i64, i64)> {
    queue
        .add(input(seq, lanes, InputState::Pending))
        .map(|(held, behind)| (held.0, behind.0))
}

fn next(queue: &mut Queue) -> Option<i64> {
    queue.next().map(|seq| seq.0)
}

#[test]
fn p04_one_patients_inputs_run_in_order_and_another_patients_do_not_wait() {
    let mut queue = Queue::default();
    pending(&mut queue, 1, &[ANNA]);
    pending(&mut queue, 2, &[ANNA]);
    pending(&mut queue, 3, &[BRUNO]);
    assert_eq!(next(&mut queue), Some(1));
    assert_eq!(next(&mut queue), Some(3));
    assert_eq!(next(&mut queue), None);
    queue.done(Seq(1));
    assert_eq!(next(&mut queue), Some(2));
}

#[test]
fn p04_a_merge_waits_for_both_lanes_and_holds_up_both() {
    let mut queue = Queue::default();
    pending(&mut queue, 1, &[ANNA]);
    pending(&mut queue, 2, &[BRUNO]);
    pending(&mut queue, 3, &[ANNA, BRUNO]);
    pending(&mut queue, 4, &[BRUNO]);
    assert_eq!(
        (next(&mut queue), next(&mut queue), next(&mut queue)),
        (Some(1), Some(2), None)
    );
    queue.done(Seq(2));
    assert_eq!(next(&mut queue), None);
    queue.done(Seq(1));
    assert_eq!((next(&mut queue), next(&mut queue)), (Some(3), None));
    queue.done(Seq(3));
    assert_eq!(next(&mut queue), Some(4));
}

#[test]
fn p04_a_parked_input_closes_its_patients_lane_and_no_other() {
    let mut queue = Queue::default();
    pending(&mut queue, 1, &[ANNA]);
    pending(&mut queue, 2, &[ANNA]);
    pending(&mut queue, 3, &[BRUNO]);
    assert_eq!(next(&mut queue), Some(1));
    assert_eq!(queue.parked(Seq(1)), [(Seq(2), Seq(1))]);
    assert_eq!(next(&mut queue), Some(3));
    assert_eq!(next(&mut queue), None);
    assert_eq!(pending(&mut queue, 4, &[ANNA]), Some((4, 1)));
    assert_eq!(queue.closed_lanes(), 1);
    queue.done(Seq(3));
    assert_eq!(queue.open(), 0);
}

#[test]
fn p04_a_merge_behind_a_parked_input_closes_the_other_lane_too() {
    let mut queue = Queue::default();
    pending(&mut queue, 1, &[ANNA]);
    pending(&mut queue, 2, &[ANNA, BRUNO]);
    pending(&mut queue, 3, &[BRUNO, CHIDI]);
    pending(&mut queue, 4, &[CHIDI]);
    assert_eq!(next(&mut queue), Some(1));
    let mut held = queue.parked(Seq(1));
    held.sort_unstable();
    // All of them wait for the parked one, not for one another: when it ends they are freed together.
    assert_eq!(held, [(Seq(2), Seq(1)), (Seq(3), Seq(1)), (Seq(4), Seq(1))]);
    assert_eq!((queue.open(), queue.closed_lanes()), (0, 1));
    assert_eq!(next(&mut queue), None);
}

#[test]
fn after_a_replay_the_lane_runs_again_from_the_parked_input_on() {
    let mut queue = Queue::default();
    pending(&mut queue, 1, &[ANNA]);
    pending(&mut queue, 2, &[ANNA]);
    assert_eq!(next(&mut queue), Some(1));
    queue.parked(Seq(1));
    queue.clear_waiting();
    pending(&mut queue, 2, &[ANNA]);
    pending(&mut queue, 1, &[ANNA]);
    assert_eq!(next(&mut queue), Some(1));
    assert_eq!(next(&mut queue), None);
    queue.done(Seq(1));
    assert_eq!(next(&mut queue), Some(2));
}

#[test]
fn what_was_held_before_a_restart_stays_held() {
    let mut queue = Queue::default();
    assert_eq!(queue.add(input(1, &[ANNA], InputState::Parked)), None);
    assert_eq!(queue.add(input(2, &[ANNA], InputState::Held)), None);
    assert_eq!(pending(&mut queue, 3, &[ANNA]), Some((3, 1)));
    assert_eq!(next(&mut queue), None);
}

#[test]
fn an_input_that_names_no_patient_runs_at_once_and_parks_alone() {
    let mut queue = Queue::default();
    pending(&mut queue, 1, &[]);
    pending(&mut queue, 2, &[]);
    assert_eq!((next(&mut queue), next(&mut queue)), (Some(1), Some(2)));
    assert!(queue.parked(Seq(1)).is_empty());
    queue.done(Seq(2));
    assert_eq!(queue.open(), 0);
    assert_eq!(queue.running(), 0);
}

#[test]
fn p04_after_a_merge_both_numbers_share_one_order() {
    let mut queue = Queue::default();
    pending(&mut queue, 1, &[ANNA, BRUNO]);
    pending(&mut queue, 2, &[ANNA]);
    pending(&mut queue, 3, &[BRUNO]);
    assert_eq!(next(&mut queue), Some(1));
    assert!(queue.merged(Seq(1)).is_empty());
    queue.done(Seq(1));
    pending(&mut queue, 4, &[ANNA]);
    for seq in [2, 3, 4] {
        assert_eq!((next(&mut queue), next(&mut queue)), (Some(seq), None));
        queue.done(Seq(seq));
    }
    assert_eq!(queue.open(), 0);
}

#[test]
fn p04_merges_in_any_sequence_lead_to_one_order() {
    let mut queue = Queue::default();
    let dora = Token([4; 16]);
    queue.join(Seq(1), &[BRUNO, CHIDI]);
    queue.join(Seq(2), &[ANNA, BRUNO]);
    queue.join(Seq(3), &[CHIDI, dora]);
    pending(&mut queue, 4, &[ANNA]);
    pending(&mut queue, 5, &[dora]);
    assert_eq!((next(&mut queue), next(&mut queue)), (Some(4), None));
    queue.done(Seq(4));
    assert_eq!(next(&mut queue), Some(5));
}

#[test]
fn p04_what_came_before_a_merge_does_not_wait_for_the_other_number() {
    let mut queue = Queue::default();
    queue.join(Seq(3), &[ANNA, BRUNO]);
    pending(&mut queue, 1, &[ANNA]);
    pending(&mut queue, 2, &[BRUNO]);
    assert_eq!((next(&mut queue), next(&mut queue)), (Some(1), Some(2)));
}

#[test]
fn p04_after_a_merge_a_parked_input_of_the_old_number_closes_the_new_one() {
    let mut queue = Queue::default();
    pending(&mut queue, 1, &[ANNA, BRUNO]);
    assert_eq!(queue.add(input(2, &[ANNA], InputState::Parked)), None);
    pending(&mut queue, 3, &[BRUNO]);
    assert_eq!(next(&mut queue), Some(1));
    assert_eq!(queue.merged(Seq(1)), [(Seq(3), Seq(2))]);
    queue.done(Seq(1));
    assert_eq!(
        (next(&mut queue), queue.open(), queue.closed_lanes()),
        (None, 0, 2)
    );
}

#[test]
fn a_reload_leaves_what_runs_alone() {
    let mut queue = Queue::default();
    pending(&mut queue, 1, &[ANNA]);
    pending(&mut queue, 2, &[ANNA]);
    assert_eq!(next(&mut queue), Some(1));
    queue.clear_waiting();
    assert_eq!((queue.open(), queue.running()), (1, 1));
    pending(&mut queue, 1, &[ANNA]);
    pending(&mut queue, 2, &[ANNA]);
    assert_eq!((next(&mut queue), queue.open()), (None, 2));
    queue.done(Seq(1));
    assert_eq!(next(&mut queue), Some(2));
    queue.done(Seq(2));
    assert_eq!((queue.open(), queue.running()), (0, 0));
}

#[test]
fn p05_a_reload_forgets_merges_so_that_an_undone_one_joins_nothing() {
    let mut queue = Queue::default();
    pending(&mut queue, 1, &[ANNA, BRUNO]);
    assert_eq!(next(&mut queue), Some(1));
    queue.merged(Seq(1));
    queue.done(Seq(1));
    pending(&mut queue, 2, &[ANNA]);
    pending(&mut queue, 3, &[BRUNO]);
    assert_eq!((next(&mut queue), next(&mut queue)), (Some(2), None));
    queue.done(Seq(2));
    queue.clear_waiting();
    pending(&mut queue, 4, &[ANNA]);
    pending(&mut queue, 5, &[BRUNO]);
    assert_eq!((next(&mut queue), next(&mut queue)), (Some(4), Some(5)));
}

#[test]
fn the_first_open_input_is_known_while_later_ones_come_and_go() {
    let mut queue = Queue::default();
    assert_eq!(queue.first_open(), None);
    pending(&mut queue, 1, &[ANNA]);
    pending(&mut queue, 2, &[ANNA]);
    pending(&mut queue, 3, &[BRUNO]);
    assert_eq!((next(&mut queue), next(&mut queue)), (Some(1), Some(3)));
    queue.done(Seq(3));
    assert_eq!(queue.first_open(), Some(Seq(1)));
    queue.parked(Seq(1));
    // The second is held behind the first, so nothing is open.
    assert_eq!((queue.first_open(), queue.open()), (None, 0));
}
