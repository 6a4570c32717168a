//! Asks for a password: it is never an argument, because arguments are visible to everybody on the machine and stay in the history
//! of the shell.

use std::io::{BufRead, IsTerminal, Read};

use console::Term;

use crate::fault::Fault;

/// The longest line that is read, in bytes. What fits a password is for the store to say.
const LONGEST: u64 = 64 * 1024;

/// A new password: asked for twice at a terminal, without showing it; else one line of standard input.
pub(crate) fn read() -> Result<String, Fault> {
    let failed =
        |error: std::io::Error| Fault::environment(format!("can't read the password: {error}"));
    if !std::io::stdin().is_terminal() {
        let mut line = String::new();
        std::io::stdin()
            .lock()
            .take(LONGEST)
            .read_line(&mut line)
            .map_err(failed)?;
        let password = line.trim_end_matches(['\r', '\n']);
        return if password.is_empty() {
            Err(Fault::input(
                "standard input holds no password; write it there as one line, or run the command at a terminal",
            ))
        } else {
            Ok(password.to_owned())
        };
    }
    let terminal = Term::stderr();
    if !terminal.is_term() {
        return Err(Fault::input(
            "standard error is no terminal, so nobody would see the question; give the password as one line of standard input",
        ));
    }
    let ask = |question: &str| {
        terminal.write_str(question)?;
        terminal.read_secure_line()
    };
    let first = ask("New password: ").map_err(failed)?;
    if first != ask("The same again: ").map_err(failed)? {
        return Err(Fault::input("the two differ; nothing was changed"));
    }
    Ok(first)
}
