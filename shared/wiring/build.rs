//! Fails a release build for the processor of this machine: on AWS it could end with SIGILL.

#[path = "src/build_flags.rs"]
mod build_flags;

#[expect(clippy::disallowed_methods, reason = "cargo tells a build script everything in its environment")]
fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=src/build_flags.rs");
    println!("cargo::rerun-if-env-changed=RUSTFLAGS");
    let told = |name| std::env::var(name).unwrap_or_default();
    if told("PROFILE") == "release" && build_flags::are_for_this_machine(&told("CARGO_ENCODED_RUSTFLAGS")) {
        println!(
            "cargo::error=the functions would be built for this machine's processor and could crash on AWS's: take \
             target-cpu=native out of RUSTFLAGS and of .cargo/config.toml, here, in the folders above and in the \
             home folder"
        );
    }
}
