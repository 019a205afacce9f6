import Glibc

/// Runs one command line and says how it ended.
private func run(_ words: [String]) async -> ExitCode {
    do {
        switch try ArgumentParser(commands: Command.all).parse(words) {
        case .help(nil): Console.say(HelpText.overview(Command.all))
        case .help(let command?): Console.say(HelpText.of(command))
        case .run(let invocation): try await invocation.command.run(invocation)
        }
        return .ok
    } catch let failure as CommandFailure {
        Console.complain(failure.message)
        return failure.code
    } catch {
        Console.complain("\(error)")
        return .error
    }
}

// A reader that went away is told by EPIPE where it matters.
signal(SIGPIPE, SIG_IGN)
exit(await run(Array(CommandLine.arguments.dropFirst())).rawValue)
