import Glibc
import Posix
import Sandbox

extension Command {
    static let shell = Command(
        name: "shell", group: .host,
        summary: "Open an interactive Python behind a profile's walls, to poke at them.",
        details: """
            The walls are those of a strategy: the same plan, and no terminal inside. What is refused is said as it
            happens. Control-C interrupts, the end of the input ends it. A profile for programs has a few commands
            instead of Python; `help` lists them. With --warm it is made of a nursery, as most strategies are. Where there are
            no control groups resource limits stand in, and what is not promised then is said. Ends with 1 when the inside
            ended badly.
            """,
        operands: [Operand(name: "profile", explanation: "The profile's name.")],
        options: [
            .value("bundle", "folder", "What to show as /bundle; an empty folder unless told otherwise."),
            .flag("warm", "Start it from a nursery instead of anew."),
        ]
            + LocalSandbox.options, usesServer: false
    ) { invocation in
        let scratch = try ScratchFolder()
        let bundle = invocation.value("bundle").map(LocalConfiguration.absolute) ?? scratch.path
        let door: ConfinedChild.Door = invocation.has("warm") ? .warm : .cold
        let bundles = String(bundle[..<(bundle.lastIndex(of: "/") ?? bundle.startIndex)])
        // No strategy runs here, so that what a host may refuse is no reason to refuse an operator.
        let plain = try LocalSandbox(
            invocation, bundles: door == .warm ? bundles : nil, withoutGroups: .rlimits)
        defer { plain.close() }
        let profile = try plain.profile(invocation.operand("profile"))
        let isNative = OperatorProgram.isNative(profile)
        let sandbox =
            isNative ? try LocalSandbox(invocation, showsPoke: true, withoutGroups: .rlimits) : plain
        defer { if isNative { sandbox.close() } }
        let signals: Signals
        do { signals = try Signals() } catch { throw CommandFailure(.error, "\(error)") }
        let child = try await sandbox.start(
            LaunchRequest(
                strategy: "shell", run: "shell", profile: OperatorProgram.console.run(in: profile),
                bundle: bundle,
                entry: "strategy.py"), by: door)
        let relay = ConfinedRelay(child)
        if Console.isTerminal(0) {
            Console.note(
                "behind profile \(profile.name), version \(profile.version): \(profile.description) "
                    + "Control-D ends it.")
        }
        let gaps = sandbox.launcher.enforcement(of: profile).notPromised
        if !gaps.isEmpty { Console.note("not promised here: \(gaps.joined(separator: ", "))") }
        var (output, errors) = (HarmlessText(), HarmlessText())
        relay.onOutput = { Console.write(output.take($0)) }
        relay.onErrors = { Console.writeError(errors.take($0)) }
        relay.onViolation = { Console.note("refused: \($0)") }
        relay.watch(.init(descriptor: 0, isInput: true) { passInput(to: relay) })
        let number = signals.descriptor
        relay.watch(.init(descriptor: number, isInput: false) { passSignal(from: number, to: child) })
        let (report, _) = try await relay.run(until: nil)
        // The pipe of the signals lives until here.
        _ = signals.descriptor
        withExtendedLifetime(scratch.path) {}
        guard report.cause == .finished else {
            throw CommandFailure(.error, "the inside ended: \(report.words)")
        }
    }

    private static func passInput(to relay: ConfinedRelay) -> Bool {
        var buffer = [UInt8](repeating: 0, count: 16384)
        let count = unsafe read(0, &buffer, buffer.count)
        if count > 0 { relay.send(Array(buffer.prefix(count))) }
        if count == 0 || count < 0 && errno != EINTR && errno != EAGAIN {
            relay.endInput()
            return false
        }
        return true
    }

    /// Control-C goes on to the inside; the wish to end ends it.
    private static func passSignal(from descriptor: Int32, to child: ConfinedChild) -> Bool {
        var byte: UInt8 = 0
        guard unsafe read(descriptor, &byte, 1) == 1 else { return true }
        // One that has ended needs no signal.
        if byte == UInt8(SIGINT) { try? child.signal(SIGINT) } else { child.kill() }
        return true
    }
}

/// Text from inside on its way to a terminal, which it must not be able to steer.
struct HarmlessText {
    /// The beginning of a character whose rest has not come yet.
    private var rest: [UInt8] = []

    /// What can be shown of the bytes that have come.
    mutating func take(_ bytes: [UInt8]) -> String {
        var whole = rest + bytes
        rest = []
        // At most three bytes can stand before the last of a character.
        for length in 1...3 where whole.count >= length {
            let lead = whole[whole.count - length]
            if lead & 0xC0 == 0x80 { continue }
            if lead >= 0xC0, length < (lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2) {
                rest = Array(whole.suffix(length))
                whole.removeLast(length)
            }
            break
        }
        return String(decoding: whole, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
            .map { Console.harmless(String($0)) }.joined(separator: "\n")
    }
}
