//! The program: reads the command line, boots what the command needs, runs it, and says how it ended by its exit status
//! (0 done, 1 ran and found something wrong, 2 usage, 3 bad input or configuration, 4 environment, 5 denied).

mod boot;
mod cli;
mod clock;
mod commands;
mod config;
mod control;
mod fault;
mod joints;
mod out;
mod password;
mod site;
mod telemetry;
mod user;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let args = cli::Args::parse();
    telemetry::start(&args.log);
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            out::complain(&format!("can't start: {error}"));
            return ExitCode::from(4);
        }
    };
    let status = runtime.block_on(commands::run(args));
    // A reader of files may still be blocked on a pipe; nothing that matters is left to it.
    runtime.shutdown_background();
    ExitCode::from(status)
}
