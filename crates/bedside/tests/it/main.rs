//! The program from outside: run as a person runs it, spoken to as the other system speaks to it.
//!
//! Nothing here calls the program's own code, but for `connection`, which joins the gateway to the simulated EHRs on one clock; the
//! demo's invented people are made with `bedside_sim`, since the simulator is the other system. Start in `support`, which runs the program; each other module is one kind of promise.

#[cfg(test)]
mod account;
#[cfg(test)]
mod bad_input;
#[cfg(test)]
mod changes;
#[cfg(test)]
mod check;
#[cfg(test)]
mod clients;
#[cfg(test)]
mod confirmed;
#[cfg(test)]
mod connection;
#[cfg(test)]
mod contract;
#[cfg(test)]
mod corpus;
#[cfg(test)]
mod environment;
#[cfg(test)]
mod feed;
#[cfg(test)]
mod kill;
#[cfg(test)]
mod lanes;
#[cfg(test)]
mod sealed;
#[cfg(test)]
mod second_sink;
#[cfg(test)]
mod serve;
#[cfg(test)]
mod states;
#[cfg(test)]
mod support;
#[cfg(test)]
mod tamper;
#[cfg(test)]
mod who;
#[cfg(test)]
mod writes;
