//! Where a configuration is looked for.

use std::path::PathBuf;

use super::environment::Environment;
use super::error::{ConfigError, ConfigErrorKind};
use super::errors::ConfigErrors;

/// The places that are looked in where no file is named, in order: what `BAHUB_CONFIG` and `CONFIG` name,
/// `bahub.yaml` in the working directory, the user's configuration folder, `/etc/bahub`, and the original's place.
pub fn default_places() -> Vec<PathBuf> {
    places_of(&Environment::process())
}

fn places_of(environment: &Environment) -> Vec<PathBuf> {
    let home = environment.path("HOME");
    let user = environment.path("XDG_CONFIG_HOME").or_else(|| home.as_ref().map(|home| home.join(".config")));
    let mut places: Vec<_> = ["BAHUB_CONFIG", "CONFIG"].iter().filter_map(|name| environment.path(name)).collect();
    places.push(PathBuf::from("bahub.yaml"));
    places.extend(user.map(|user| user.join("bahub/config.yaml")));
    places.push(PathBuf::from("/etc/bahub/config.yaml"));
    places.extend(home.map(|home| home.join(".backup-controller/config.yaml")));
    places
}

/// The files to load: those that the user named, else the first of [`default_places`] that exists.
///
/// What `BAHUB_CONFIG` names counts as named by the user; `CONFIG`, the original's variable, has a name that others
/// use too, so a file that it names and that is not there is passed over.
///
/// # Errors
/// If a named file is not there, or none is found; all places that were looked in are named.
pub fn find_config(explicit: &[PathBuf]) -> Result<Vec<PathBuf>, ConfigErrors> {
    find_in(explicit, &Environment::process())
}

fn find_in(explicit: &[PathBuf], environment: &Environment) -> Result<Vec<PathBuf>, ConfigErrors> {
    let named = environment.path("BAHUB_CONFIG").filter(|_| explicit.is_empty());
    let named: Vec<PathBuf> = explicit.iter().cloned().chain(named).collect();
    if !named.is_empty() {
        let missing = named.iter().filter(|file| !file.exists()).map(|file| {
            let message = format!("there is no configuration file {}", file.display());
            ConfigError::new(ConfigErrorKind::Unreadable, message)
                .in_file(file)
                .with_help("check -c and the variable BAHUB_CONFIG")
        });
        return ConfigErrors::check(missing.collect()).map(|()| named);
    }
    let places = places_of(environment);
    match places.iter().find(|place| place.exists() && !place.is_dir()) {
        Some(place) => Ok(vec![place.clone()]),
        None => {
            let looked: Vec<_> = places.iter().map(|place| place.display().to_string()).collect();
            let message = format!("no configuration file was found; looked for {}", looked.join(", "));
            let error = ConfigError::new(ConfigErrorKind::Unreadable, message);
            Err(error.with_help("give one with -c FILE, or create one of these files").into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_original_place_is_the_last_that_is_looked_in() {
        let environment = Environment::of([("HOME", "/home/u"), ("CONFIG", "/c.yaml"), ("BAHUB_CONFIG", "/b.yaml")]);
        let expected = [
            "/b.yaml",
            "/c.yaml",
            "bahub.yaml",
            "/home/u/.config/bahub/config.yaml",
            "/etc/bahub/config.yaml",
            "/home/u/.backup-controller/config.yaml",
        ];
        assert_eq!(places_of(&environment), expected.map(PathBuf::from));
    }

    #[test]
    fn a_named_file_that_is_not_there_is_never_replaced_by_another() {
        let folder = tempfile::tempdir().unwrap();
        let there = folder.path().join("config.yaml");
        std::fs::write(&there, "backups: {}").unwrap();
        let environment = Environment::of([("CONFIG", &there)]);
        assert_eq!(find_in(&[], &environment).unwrap(), std::slice::from_ref(&there));
        let missing = folder.path().join("missing.yaml");
        let error = find_in(std::slice::from_ref(&missing), &environment).unwrap_err().to_string();
        assert!(error.contains("missing.yaml"), "{error}");
        let environment = Environment::of([("CONFIG", &there), ("BAHUB_CONFIG", &missing)]);
        assert!(find_in(&[], &environment).is_err());
    }
}
