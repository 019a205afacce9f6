/// A seccomp program, carried out here as the kernel would carry it out.
///
/// A recording asks it what would have become of a call, and tests ask it about calls that no program makes.
struct FilterProgram: Hashable, Sendable {
    /// What the kernel would do with a call.
    enum Verdict: Hashable, Sendable {
        case allow
        /// The supervisor decides.
        case notify
        /// The call fails with this error.
        case fail(Int32)
        /// The process is killed.
        case kill
    }

    /// What a program sees of a call: `struct seccomp_data` (linux/seccomp.h).
    struct Call: Hashable, Sendable {
        var number: Int32
        /// `AUDIT_ARCH_X86_64` unless said otherwise.
        var architecture: UInt32 = FilterProgram.ownArchitecture
        /// Six of them, as the registers hold them.
        var arguments: [UInt64] = [0, 0, 0, 0, 0, 0]

        /// The 32-bit word at an offset into the structure.
        fileprivate func word(at offset: UInt32) -> UInt32 {
            switch offset {
            case 0: return UInt32(bitPattern: number)
            case 4: return architecture
            case 8, 12: return 0  // the instruction's address, which no profile looks at
            default:
                let argument = arguments[Int(offset - 16) / 8]
                return UInt32(truncatingIfNeeded: offset % 8 == 0 ? argument : argument >> 32)
            }
        }
    }

    #if arch(x86_64)
        static let ownArchitecture: UInt32 = 0xC000_003E
    #elseif arch(arm64)
        static let ownArchitecture: UInt32 = 0xC000_00B7
    #endif

    private struct Instruction: Hashable {
        let code: UInt16
        let whenTrue: UInt8
        let whenFalse: UInt8
        let constant: UInt32
    }

    private let instructions: [Instruction]

    /// Reads a program as the plan carries it, or nothing when it has an instruction that is not known here.
    ///
    /// libseccomp writes loads, conditional jumps, `and` and returns; all jumps lead forward, so that a run ends.
    init?(_ bytes: [UInt8]) {
        guard !bytes.isEmpty, bytes.count % 8 == 0 else { return nil }
        var instructions: [Instruction] = []
        for at in stride(from: 0, to: bytes.count, by: 8) {
            let constant = (0..<4).reduce(UInt32(0)) { $0 | UInt32(bytes[at + 4 + $1]) << (8 * UInt32($1)) }
            let instruction = Instruction(
                code: UInt16(bytes[at]) | UInt16(bytes[at + 1]) << 8, whenTrue: bytes[at + 2],
                whenFalse: bytes[at + 3], constant: constant)
            guard Self.isSound(instruction, rest: (bytes.count - at) / 8 - 1) else { return nil }
            instructions.append(instruction)
        }
        self.instructions = instructions
    }

    private static func isSound(_ instruction: Instruction, rest: Int) -> Bool {
        switch instruction.code {
        case 0x20: rest > 0 && instruction.constant < 64 && instruction.constant % 4 == 0
        case 0x05: instruction.constant < rest
        case 0x15, 0x25, 0x35, 0x45: max(instruction.whenTrue, instruction.whenFalse) < rest
        case 0x54: rest > 0
        case 0x06: true
        default: false
        }
    }

    /// What becomes of a call.
    func verdict(on call: Call) -> Verdict {
        var accumulator: UInt32 = 0
        var next = 0
        while true {
            let instruction = instructions[next]
            let constant = instruction.constant
            next += 1
            func jump(_ isTrue: Bool) { next += Int(isTrue ? instruction.whenTrue : instruction.whenFalse) }
            switch instruction.code {
            case 0x20: accumulator = call.word(at: constant)  // ld
            case 0x05: next += Int(constant)  // ja
            case 0x15: jump(accumulator == constant)  // jeq
            case 0x25: jump(accumulator > constant)  // jgt
            case 0x35: jump(accumulator >= constant)  // jge
            case 0x45: jump(accumulator & constant != 0)  // jset
            case 0x54: accumulator &= constant  // and
            default: return Self.verdict(constant)  // ret
            }
        }
    }

    private static func verdict(_ value: UInt32) -> Verdict {
        switch value & 0xFFFF_0000 {
        case 0x7FFF_0000: .allow
        case 0x7FC0_0000: .notify
        case 0x0005_0000: .fail(Int32(value & 0xFFFF))
        default: .kill
        }
    }
}

extension FilterProgram.Verdict {
    /// The kernel's order: what is stricter wins among several programs.
    private var strictness: Int {
        switch self {
        case .allow: 0
        case .notify: 1
        case .fail: 2
        case .kill: 3
        }
    }

    /// The stricter of two verdicts.
    func stricter(_ other: Self) -> Self { strictness >= other.strictness ? self : other }
}
