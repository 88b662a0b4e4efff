//! Several databases, and all of them.
