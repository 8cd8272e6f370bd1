//! Metrics, engagement and churn at as_of; pure.
