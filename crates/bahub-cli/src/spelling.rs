//! The original's spelling of commands, `:backup:make`, as the plain one, `backup make`.

use std::ffi::OsString;

/// Options of ours that take a value as the next word; a word that follows one is never a command.
const WITH_VALUE: &[&str] = &["-c", "--config", "-rl", "--log-level", "--output", "--agent", "--state-dir", "--color"];

/// Returns the arguments with the original's spellings replaced: the first word that begins with a colon becomes its
/// parts, and `-rl` becomes `--log-level`.
pub(crate) fn plain(args: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut plain = Vec::new();
    let mut command_seen = false;
    let mut value_expected = false;
    for (index, arg) in args.into_iter().enumerate() {
        let text = arg.to_str().map(str::to_owned);
        match text.as_deref() {
            _ if index == 0 || std::mem::take(&mut value_expected) => plain.push(arg),
            Some("-rl") => {
                plain.push("--log-level".into());
                value_expected = true;
            }
            Some(option) if option.starts_with('-') => {
                value_expected = WITH_VALUE.contains(&option);
                plain.push(arg);
            }
            Some(command) if !command_seen => {
                command_seen = true;
                match command.strip_prefix(':') {
                    Some(command) => plain.extend(command.split(':').map(OsString::from)),
                    None => plain.push(arg),
                }
            }
            _ => plain.push(arg),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        let args = line.split(' ').map(OsString::from);
        plain(args).into_iter().map(|word| word.into_string().unwrap()).collect()
    }

    #[test]
    fn both_spellings_mean_the_same() {
        assert_eq!(words("bahub :backup:make db"), words("bahub backup make db"));
        assert_eq!(words("bahub -c f :help:transport:example T"), words("bahub -c f help transport example T"));
        assert_eq!(words("bahub -rl debug :recover"), words("bahub --log-level debug recover"));
    }

    #[test]
    fn a_value_or_a_name_that_begins_with_a_colon_stays_whole() {
        assert_eq!(words("bahub -c :f:g backup make :x"), ["bahub", "-c", ":f:g", "backup", "make", ":x"]);
    }
}
