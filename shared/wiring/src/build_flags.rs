//! What the compiler was told about the processor. Used by the build script; the crate has it for
//! its tests alone.

/// Whether the flags, as cargo hands them to a build script (parted by the byte 0x1f), ask for the
/// processor of the machine that builds. Its instructions need not be those of the machine that
/// runs the function, also for C code, to which the flag is passed on.
pub(crate) fn are_for_this_machine(flags: &str) -> bool {
    flags.split(['\u{1f}', ' ']).any(|flag| flag.ends_with("target-cpu=native"))
}

#[cfg(test)]
mod tests {
    use super::are_for_this_machine;

    #[test]
    fn the_processor_of_the_building_machine_is_noticed_however_it_is_asked_for() {
        for flags in
            ["-C\u{1f}target-cpu=native", "-Ctarget-cpu=native", "-g\u{1f}-C target-cpu=native\u{1f}-C\u{1f}strip=none"]
        {
            assert!(are_for_this_machine(flags), "{flags:?}");
        }
        for flags in ["", "-C\u{1f}target-cpu=neoverse-n1", "-C\u{1f}target-cpu=x86-64-v3", "--cfg\u{1f}native"] {
            assert!(!are_for_this_machine(flags), "{flags:?}");
        }
    }
}
