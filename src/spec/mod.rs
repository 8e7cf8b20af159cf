//! What the service is.
