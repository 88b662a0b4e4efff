//! A program that holds acme's adapter beside bahub's own.

fn main() {}
