//! The programs bahub and backup-controller: backups that are simple, monitored and end-to-end encrypted
