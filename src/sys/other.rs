//! What this platform has not, or what is not spoken here yet: said in words.
