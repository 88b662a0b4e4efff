//! Where bahub runs commands: the local shell and far places, one cargo feature each
