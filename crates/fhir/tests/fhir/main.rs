//! What other systems send, and what must become of it. One binary, because linking costs more than running.

#[cfg(test)]
mod corpus;
#[cfg(test)]
mod json;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod resource;
#[cfg(test)]
mod splice;
#[cfg(test)]
mod stream;
