//! Logs go to standard error. What is logged carries no patient data: errors and events hold codes, positions and names of
//! sources. A panic says where, not what: its text might hold a value.

use tracing_subscriber::EnvFilter;

pub(crate) fn start(filter: &str) {
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new("warn"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_target(false)
        .init();
    std::panic::set_hook(Box::new(|info| {
        let place = info
            .location()
            .map_or_else(String::new, ToString::to_string);
        tracing::error!(
            place,
            "a part of the program stopped unexpectedly; please report the place"
        );
    }));
}
