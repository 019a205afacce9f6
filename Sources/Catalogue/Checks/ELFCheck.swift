/// Looks at the header of a built program, so that what cannot run here is refused with a reason.
public enum ELFCheck {
    static let magic: [UInt8] = [0x7F, 0x45, 0x4C, 0x46]

    /// A kind of processor.
    public enum Machine: UInt16, Hashable, Sendable {
        case amd64 = 62
        case arm64 = 183

        /// The processor this host was built for.
        public static var host: Machine {
            #if arch(x86_64)
                .amd64
            #else
                .arm64
            #endif
        }

        fileprivate static func name(_ number: UInt16) -> String {
            switch number {
            case 3: "x86 (32 bit)"
            case 40: "ARM (32 bit)"
            case 62: "x86-64"
            case 183: "aarch64"
            case 243: "RISC-V"
            default: "machine \(number)"
            }
        }
    }

    /// What keeps the program from being run, or nil.
    public static func problem(
        _ bytes: [UInt8], field: String, machine: Machine = .host
    ) -> ValidationProblem? {
        func problem(_ reason: String) -> ValidationProblem {
            ValidationProblem(.wrongProgram, "\(field) \(reason)", field: field)
        }
        if bytes.starts(with: Array("#!".utf8)) {
            return problem("is a script; a native strategy is a built program (ELF), Python ends with .py")
        }
        guard bytes.starts(with: magic) else { return problem("is not a program for Linux (ELF)") }
        guard bytes.count >= 64 else { return problem("is cut short") }
        guard bytes[4] == 2, bytes[5] == 1 else { return problem("is not a 64-bit little-endian program") }
        guard bytes[6] == 1 else { return problem("has an unknown ELF version") }
        func half(_ offset: Int) -> UInt16 { UInt16(bytes[offset]) | UInt16(bytes[offset + 1]) << 8 }
        func word(_ offset: Int) -> UInt64 {
            (0..<8).reduce(0) { $0 | UInt64(bytes[offset + $1]) << (8 * UInt64($1)) }
        }
        guard half(18) == machine.rawValue else {
            return problem(
                "is built for \(Machine.name(half(18))), this machine is \(Machine.name(machine.rawValue))")
        }
        let (executable, shared): (UInt16, UInt16) = (2, 3)
        switch half(16) {
        case executable: break
        case shared:
            guard word(24) != 0 else { return problem("is a shared library, not a program") }
        case 1: return problem("is an object file that was not linked")
        case 4: return problem("is a core dump")
        default: return problem("is not a program")
        }
        let (tableOffset, entrySize, entries) = (word(32), half(54), half(56))
        guard entries > 0, entrySize == 56,
            tableOffset <= UInt64(bytes.count),
            UInt64(entries) * 56 <= UInt64(bytes.count) - tableOffset
        else { return problem("is cut short") }
        let (gnuStack, execute): (UInt32, UInt8) = (0x6474_E551, 1)
        let headers = (0..<Int(entries)).map { Int(tableOffset) + $0 * 56 }
        let stack = headers.first { UInt32(truncatingIfNeeded: word($0)) == gnuStack }
        guard let stack else {
            return problem(
                "does not say that its stack holds no code (PT_GNU_STACK is missing), so that the stack would be "
                    + "executable; link it with -z noexecstack")
        }
        guard bytes[stack + 4] & execute == 0 else {
            return problem(
                "asks for an executable stack, which strategies do not get; link it with -z noexecstack, end "
                    + "assembly files with .section .note.GNU-stack,\"\",@progbits, and nest no functions in C"
            )
        }
        return nil
    }
}
