# The commands of this repository. CI calls these recipes too, by `.ci/run`.

set shell := ["bash", "-euo", "pipefail", "-c"]
set ignore-comments

# The tools that are built from crates.io; pip installs the others.
mdbook := ".ci/tool mdbook 0.5.4 search"
cargo-deny := ".ci/tool cargo-deny 0.20.2"
cargo-cyclonedx := ".ci/tool cargo-cyclonedx 0.5.9"
cargo-fuzz := ".ci/tool cargo-fuzz 0.13.2"

[private]
default:
    @"{{ just_executable() }}" --list --unsorted

# Run all tests, or those whose names contain one of NAMES: `just test unlink_refusals::`
test *NAMES:
    cargo test{{ if NAMES == "" { "" } else { " -- " + NAMES } }}

# Accept or reject the snapshots that failed tests left behind
review:
    "$(.ci/tool cargo-insta 1.49.0)/cargo-insta" review

# Write the generated pages of docs/reference/
reference:
    UPDATE_EXPECT=1 cargo test reference_page

# Check form and style: typos, rustfmt, clippy
lint: typos
    cargo fmt --all --check
    for story in tests/it/auth0-rust/*/Cargo.toml tests/it/generated-rust/Cargo.toml; do cargo fmt --manifest-path "$story" --check; done
    cargo clippy --workspace --all-targets --quiet -- -D warnings
    # The service as it is built for production, without the crate `dev`.
    cargo clippy -p identity-link --no-default-features --quiet -- -D warnings

# Check the spelling of all files and of their names
typos:
    "$(.ci/tool typos)/typos"

# Build the documentation of the code, and the book to target/book/, without a warning
docs:
    RUSTDOCFLAGS='-D warnings' cargo doc --no-deps --document-private-items --quiet
    # The feature `search` alone: the others are for a server that watches the pages.
    "$({{ mdbook }})/mdbook" build docs 2>&1 | tee target/book.log
    ! grep -E '^ *(WARN|ERROR) ' target/book.log

# Check what may be in the dependency tree: licences, sources, versions, advisories
deny:
    #!/usr/bin/env bash
    set -euo pipefail
    PATH="$({{ cargo-deny }}):$PATH"
    cargo deny --workspace check bans licenses sources
    # The advisories and the list of yanked versions have to be fetched, which not every network
    # allows. deny.toml bans the most important versions without them.
    if timeout 60 cargo deny fetch db 2>/dev/null; then
      cargo deny --workspace check advisories
    else
      echo "the advisory database cannot be fetched here: advisories and yanked versions are not checked"
    fi

# Check the protos: lint, format, and no change that breaks a client
protos:
    "$(.ci/tool buf)/buf" lint
    "$(.ci/tool buf)/buf" format --diff --exit-code --exclude-path proto/google
    "$(.ci/tool buf)/buf" breaking --against proto/baseline.binpb

# Write proto/baseline.binpb, with which `protos` compares, after an intended change
baseline:
    "$(.ci/tool buf)/buf" build --exclude-source-info -o proto/baseline.binpb

# Fuzz every target for 12 seconds, or some for longer: `just fuzz 600 token`
fuzz *SECONDS_AND_TARGETS:
    PATH="$({{ cargo-fuzz }}):$PATH" .ci/fuzz {{ SECONDS_AND_TARGETS }}

# Run the service on this machine with sample users: `just dev --help` lists the options
dev *OPTIONS:
    cargo run -- dev --sample {{ OPTIONS }}

# Build the binary for production, without `dev`: target/release/identity-link
release:
    cargo build --release --no-default-features

# Write the bill of materials of the binary for production: target/identity-link.cdx.json
sbom:
    PATH="$({{ cargo-cyclonedx }}):$PATH" deploy/image/sbom.sh target/identity-link.cdx.json

# Write what the clients have of the contract, after a change of a proto
clients:
    cd clients/node && npm ci --ignore-scripts --no-audit --no-fund --silent
    PATH="$PWD/clients/node/node_modules/.bin:$PATH" PYTHONPATH="$(.ci/tool clients)/.." python3 clients/generate

# Measure one of the benchmarks: auth0, ceiling, feed, flows, growth, tokens, transfer, wires
bench NAME *OPTIONS:
    cargo bench --bench {{ NAME }}{{ if OPTIONS == "" { "" } else { " -- " + OPTIONS } }}

# Measure what each client costs over the bare stub in its language: needs Go, Node.js, Maven and Java
client-cost *OPTIONS:
    PYTHONPATH="$(.ci/tool clients)/.." python3 benches/client-cost/measure.py {{ OPTIONS }}

# Run Auth0's clients of all versions against the service; CI runs one per language
auth0-clients:
    cargo test --test it auth0::clients -- --ignored --nocapture

# Run the client for Node.js on Bun and Deno, which CI leaves out
other-runtimes:
    cargo test --test it -- --ignored --nocapture bun_and_deno

# Sign in at the providers that CI leaves out: Keycloak (with Maven and Java), LemonLDAP::NG and Glewlwyd (from Debian)
real-providers:
    cargo test --test it -- --ignored --nocapture --test-threads=1 keycloak lemonldap_ng glewlwyd

# Make the pictures of the documents anew, by the tests that play what they show
pictures:
    cargo test --test it -- console::tickets:: demo::
    cp target/tmp/pictures/ticket-{two-accounts,orders-why,orders-timeline,number-user}.png docs/images/
    cp target/tmp/pictures/demo-candidates-1280-light.png docs/images/demo-candidates.png

# Run the faults in full: a hundred kills of the server, failovers, full disks; a line for each
faults:
    cargo test --test it faults:: -- --ignored --nocapture --test-threads=1

# Get the tools of the other recipes, as each recipe does at its first use
tools:
    .ci/tool typos
    .ci/tool buf
    {{ mdbook }}
    {{ cargo-deny }}
    {{ cargo-cyclonedx }}
    {{ cargo-fuzz }}

# Run everything that CI runs, on a machine that has only Rust
ci:
    .ci/run
