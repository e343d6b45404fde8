//! The verbs over a real state and a peer that plays an upstream.

mod answers;
mod capture;
mod limits;
mod office;
mod responses;
