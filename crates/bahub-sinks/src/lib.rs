//! Where bahub keeps versions: Backup Repository servers, directories and object stores
