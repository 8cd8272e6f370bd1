//! The invented population of the demo and its truth.
