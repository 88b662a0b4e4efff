//! What bahub can back up: files and databases, one cargo feature each
