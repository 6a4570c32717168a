# One line for each recipe; whatever needs logic is a test or a script.

default:
    @just --list

# Everything that is checked before a merge.
test:
    ./test

# The same without browser and PostgreSQL.
fast:
    ./test --fast

# The repository's own rules.
tidy:
    cargo test -p bedside-tests --test tidy

# The simulated ward with gateway and console.
demo:
    cargo run --release -- demo

# Speed on this machine, beside what its disk can do.
bench:
    cargo run --release -- bench ingest
