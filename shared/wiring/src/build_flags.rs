//! Reads the compiler flags about the processor. The build script uses it; the crate has it only
//! for its tests.

/// Whether the flags ask for the processor of the build machine. cargo hands them to a build script
/// separated by the byte 0x1f. The machine that runs the function may lack that processor's
/// instructions. The flag also reaches C code.
pub(crate) fn are_for_this_machine(flags: &str) -> bool {
    flags.split(['\u{1f}', ' ']).any(|flag| flag.ends_with("target-cpu=native"))
}

#[cfg(test)]
mod tests {
    use super::are_for_this_machine;

    #[test]
    fn notices_the_build_machines_processor_in_each_form() {
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
