//! The part of bahub that runs next to the data: capture, compress, encrypt, upload
