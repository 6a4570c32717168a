//! Bad input on the wire: nothing of it is lost, and the next message is taken.

use crate::support::messages::{MUNOZ, OKONKWO, QUILL, adt, oru};
use crate::support::mllp::{Line, framed};
use crate::support::site::Site;

#[test]
fn p03_broken_frames_are_kept_and_the_feed_goes_on() {
    let site = Site::new();
    let serve = site.serve();
    let mut good = Line::connect(serve.mllp).unwrap();
    assert_eq!(good.send(&adt("A01", "F1", &QUILL)).unwrap().code, "AA");

    // The sender goes away in the middle of a frame.
    let mut line = Line::connect(serve.mllp).unwrap();
    let message = adt("A01", "F2", &MUNOZ);
    line.raw(&framed(&message)[..120]).unwrap();
    line.end();

    // A frame above the limit of 1 MiB. The other side may close before it has read all of it.
    let mut line = Line::connect(serve.mllp).unwrap();
    let mut large = adt("A08", "F3", &QUILL);
    large.extend(format!("NTE|1||{}\r", "x".repeat(2 * 1024 * 1024)).bytes());
    if line.raw(&framed(&large)).is_ok()
        && let Ok(answer) = line.answer()
    {
        assert_ne!(answer.code, "AA", "what was cut off is not accepted");
    }
    line.end();

    // Nothing that could be a frame.
    let mut line = Line::connect(serve.mllp).unwrap();
    let _ = line.raw(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    line.end();

    // Delimiters that are none, no header at all, a NUL, an unknown character set.
    let mut line = Line::connect(serve.mllp).unwrap();
    let answer = line
        .send(b"MSH|||||EHR|HARBOUR|BEDSIDE|SITE|2026||ADT^A01|F4|P|2.5.1\rPID|1\r")
        .unwrap();
    assert_ne!(answer.code, "AA");
    let with_nul = String::from_utf8(adt("A08", "F5", &MUNOZ))
        .unwrap()
        .replace("EVN|", "EVN\0|");
    line.send(with_nul.as_bytes()).unwrap();
    let unknown = String::from_utf8(adt("A08", "F6", &QUILL))
        .unwrap()
        .replace("UNICODE UTF-8", "KLINGON-7");
    let unknown = line.send(unknown.as_bytes()).unwrap();
    assert_eq!(unknown.control_id, "F6");
    println!("an unknown character set: {}", unknown.code);

    // All the while, and after all of it, the feed works.
    assert_eq!(good.send(&oru("F7", &QUILL, 4)).unwrap().code, "AA");
    assert_eq!(
        line.send(&adt("A01", "F8", &OKONKWO)).unwrap().control_id,
        "F8"
    );
    site.settle();
    let journal = site.journal();
    let parked: Vec<&str> = journal
        .iter()
        .filter(|line| line["state"] == "parked")
        .map(|line| line["reason"].as_str().unwrap())
        .collect();
    for reason in ["partial_frame", "frame_too_large"] {
        assert!(parked.contains(&reason), "{reason} is not in {parked:?}");
    }
    assert!(parked.iter().all(|reason| !reason.is_empty()));
    let state = |control: &str| {
        journal
            .iter()
            .find(|line| line["control_id"] == control)
            .map(|line| line["state"].clone())
    };
    assert_eq!(state("F1").unwrap(), "applied");
    assert_eq!(state("F5").unwrap(), "parked", "a NUL is not dropped");
    assert_eq!(state("F7").unwrap(), "applied");
    assert_eq!(state("F8").unwrap(), "applied");
    assert_eq!(serve.stop().0, Some(0));
}
