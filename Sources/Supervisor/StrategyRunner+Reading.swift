internal import Posix
internal import Sandbox
internal import Trading
internal import Wire

/// What comes from the child: lines of the protocol and its standard error, at the pace it is allowed.
extension StrategyRunner {
    func readOutput() {
        guard let connection else { return }
        do {
            // No line of the protocol is shorter than 16 bytes, so that a read near the end of what it may write takes
            // little more than that: one full pipe would be seconds of it.
            let lines = connection.lineBucket.balance(now: MonotonicClock.nanoseconds)
            let count = try connection.child.standardOutput.read(
                into: &scratch.bytes, limit: Self.readLimit(lines * 16))
            guard count > 0 else { return outputEnded() }
            take(count)
        } catch {
            guard !error.wouldBlock else { return }
            outputEnded()
        }
    }

    /// How many bytes to read at a time while so many may still come.
    private static func readLimit(_ bytes: Double) -> Int { Int(max(4096, min(bytes, 1_048_576))) }

    func take(_ count: Int) {
        guard let connection else { return }
        var lines = 0
        connection.lines.feed(scratch.bytes[0..<count]) { piece in
            lines += 1
            switch piece {
            case .line(let line): takeLine(line)
            case .tooLong:
                let limit = StrategyProtocol.lineBytes
                takeRefusal(
                    LineFailure(code: .tooLong, reason: "a line of more than \(limit) bytes was passed over"))
            }
        }
        linesIn += lines
        guard self.connection === connection else { return }
        let now = MonotonicClock.nanoseconds
        // Long lines cost as much to read as the short ones that they could have been.
        let weight = Double(max(lines, 1 + count >> 10))
        guard !connection.lineBucket.take(weight, now: now) else { return }
        // Not reading is what slows a flood down: the pipe fills and the child waits.
        connection.lineBucket.owe(weight)
        let wait = connection.lineBucket.wait(for: 1, now: now)
        setInterest(connection.outputWatch, [])
        connection.resumeOutput = loop.schedule(after: .nanoseconds(Int64(wait))) { [weak self] in
            guard let self, let connection = self.connection else { return }
            connection.resumeOutput = nil
            setInterest(connection.outputWatch, .read)
        }
        warnOfFlood("writes more than \(Int(settings.linesPerSecond)) lines a second; it is read more slowly")
    }

    func warnOfFlood(_ words: String) {
        guard let connection else { return }
        let now = MonotonicClock.nanoseconds
        guard now - connection.lastFloodWarning > 10_000_000_000 else { return }
        connection.lastFloodWarning = now
        log(.warning, .host, words)
    }

    func outputEnded() {
        guard let connection, let watch = connection.outputWatch else { return }
        loop.unwatch(watch)
        connection.outputWatch = nil
    }

    func takeLine(_ line: ArraySlice<UInt8>) {
        guard let connection, !connection.isCondemned else { return }
        do {
            let message = try StrategyMessage(line: line)
            switch message {
            case .ready: handle(.saidReady)
            case .pong(let id):
                if id == connection.pingsSent { connection.unansweredSince = nil }
                if id == connection.pingBehindHistory { handle(.caughtUp) }
            case .log(let level, let text): log(level, .strategy, text)
            case .timer(let id, let wait, let repeats): setTimer(id, wait, repeats: repeats)
            // Only a backtest asks for it.
            case .done: break
            case .bye(let reason):
                connection.farewell = reason.map { "ended by itself: \($0)" } ?? "ended by itself"
            case .order, .oco, .cancel, .cancelBracket, .amend, .amendBracket, .signal, .metric, .state,
                .subscribe:
                delegate?.runner(self, received: message)
            }
        } catch {
            takeRefusal(error)
        }
    }

    func takeRefusal(_ failure: LineFailure) {
        guard let connection, !connection.isCondemned else { return }
        log(.warning, .host, "a line was refused: \(failure)")
        delegate?.runner(self, refused: failure)
        let now = MonotonicClock.nanoseconds
        if now - connection.refusalsSince > 60_000_000_000 {
            (connection.refusals, connection.refusalsSince) = (0, now)
        }
        connection.refusals += 1
        guard connection.refusals > settings.refusedLinesPerMinute else { return }
        handle(
            .violated(
                cause:
                    "protocol violation: more than \(settings.refusedLinesPerMinute) refused lines in a minute; "
                    + "the last: \(failure)"))
    }

    func setTimer(_ id: String, _ wait: Int, repeats: Bool) {
        guard let connection else { return }
        if let old = connection.timers.removeValue(forKey: id) { loop.cancel(old) }
        guard wait > 0 else { return }
        guard connection.timers.count < settings.timers else {
            return log(
                .warning, .host, "timer \"\(id)\" was refused: \(settings.timers) timers are set already")
        }
        connection.timers[id] = after(Int64(wait)) { runner in
            runner.connection?.timers[id] = nil
            runner.send(
                .timer(id: id, time: .init(milliseconds: WallClock.milliseconds)))
            if repeats { runner.setTimer(id, wait, repeats: true) }
        }
    }

    func readErrors() {
        guard let connection else { return }
        do {
            let bytes = connection.errorBucket.balance(now: MonotonicClock.nanoseconds)
            let count = try connection.child.standardError.read(
                into: &scratch.bytes, limit: Self.readLimit(bytes))
            guard count > 0 else { return errorsEnded() }
            connection.errorLines.feed(scratch.bytes[0..<count]) { takeError($0) }
            let now = MonotonicClock.nanoseconds
            guard !connection.errorBucket.take(Double(count), now: now) else { return }
            connection.errorBucket.owe(Double(count))
            let wait = connection.errorBucket.wait(for: 1, now: now)
            setInterest(connection.errorsWatch, [])
            connection.resumeErrors = loop.schedule(after: .nanoseconds(Int64(wait))) { [weak self] in
                guard let self, let connection = self.connection else { return }
                connection.resumeErrors = nil
                setInterest(connection.errorsWatch, .read)
            }
            warnOfFlood(
                "prints more than \(Int(settings.errorBytesPerSecond)) bytes a second; it is read more slowly"
            )
        } catch {
            guard !error.wouldBlock else { return }
            errorsEnded()
        }
    }

    func errorsEnded() {
        guard let connection, let watch = connection.errorsWatch else { return }
        loop.unwatch(watch)
        connection.errorsWatch = nil
    }

    func takeError(_ piece: LineSplitter.Piece) {
        guard let connection else { return }
        switch piece {
        case .tooLong:
            log(
                .warning, .host,
                "a line of more than \(ChildConnection.errorLineBytes) bytes on standard error was cut out")
        case .line(let bytes):
            let text = String(decoding: bytes, as: UTF8.self)
            connection.lastWords.append(text)
            if connection.lastWords.count > 40 { connection.lastWords.removeFirst(20) }
            log(.info, .stderr, text)
        }
    }

    /// Reads what is left in the pipes of a child that has ended, no more than a pipe can hold.
    func readRest() {
        guard let connection else { return }
        for _ in 0..<32 where connection.outputWatch != nil {
            do {
                let count = try connection.child.standardOutput.read(into: &scratch.bytes)
                guard count > 0 else { break }
                connection.lines.feed(scratch.bytes[0..<count]) { piece in
                    linesIn += 1
                    if case .line(let line) = piece { takeLine(line) }
                }
            } catch { break }
        }
        for _ in 0..<32 where connection.errorsWatch != nil {
            do {
                let count = try connection.child.standardError.read(into: &scratch.bytes)
                guard count > 0 else { break }
                connection.errorLines.feed(scratch.bytes[0..<count]) { takeError($0) }
            } catch { break }
        }
    }
}
