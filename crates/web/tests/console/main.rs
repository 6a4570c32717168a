//! The console without a browser: real routes over a real store.

#[cfg(test)]
mod access;
#[cfg(test)]
mod cases;
#[cfg(test)]
mod item;
#[cfg(test)]
mod pages;
#[cfg(test)]
mod sources;
#[cfg(test)]
mod support;
#[cfg(test)]
mod worklist;
