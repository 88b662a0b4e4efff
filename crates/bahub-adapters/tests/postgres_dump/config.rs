//! What a spec may say.
