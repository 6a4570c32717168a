//! The simulated EHRs, talked to over loopback sockets as a client of any make would.
//!
//! `bench` is the client: it writes requests and reads answers byte by byte, so that it shows what is on the wire.

#[cfg(test)]
mod bench;
#[cfg(test)]
mod create;
#[cfg(test)]
mod fault;
#[cfg(test)]
mod page;
#[cfg(test)]
mod patient;
#[cfg(test)]
mod region;
#[cfg(test)]
mod search;
#[cfg(test)]
mod sign_in;
