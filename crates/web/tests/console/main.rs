//! The console without a browser: real routes over a real store.

#[cfg(test)]
mod access;
#[cfg(test)]
mod pages;
#[cfg(test)]
mod support;
