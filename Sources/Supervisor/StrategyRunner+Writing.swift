internal import Posix
internal import Sandbox
internal import Trading
internal import Wire

/// What leaves for the child: at once while it keeps up, from a bounded queue when it does not.
extension StrategyRunner {
    /// Sends a line at the end of this turn, together with others of its kind: what one order brings about is three lines,
    /// and each write of its own would wake the child once more.
    func sendWithOthers(_ line: [UInt8]) {
        guard let connection, !connection.isInputClosed else { return }
        connection.gathered.append(line)
        guard connection.gathered.count == 1 else { return }
        loop.atEndOfTurn { [weak self] in self?.sendGathered() }
    }

    /// Sends what was gathered, in one write while the child keeps up.
    func sendGathered() {
        guard let connection, !connection.gathered.isEmpty else { return }
        let lines = connection.gathered
        connection.gathered = []
        guard lines.count > 1, connection.outgoing.isEmpty, !connection.isInputClosed else {
            for line in lines { send(line, .must) }
            return
        }
        do {
            var count = try connection.child.standardInput.write(Array(lines.joined())[...])
            for line in lines {
                if count >= line.count {
                    count -= line.count
                    wrote(line)
                } else {
                    queue(line, .must, alreadySent: count)
                    count = 0
                }
            }
        } catch {
            guard error.wouldBlock else {
                connection.isInputClosed = true
                return
            }
            for line in lines { queue(line, .must, alreadySent: 0) }
        }
        if !connection.outgoing.isEmpty { setInterest(connection.inputWatch, .write) }
    }

    func send(_ line: [UInt8], _ importance: @autoclosure () -> OutgoingQueue.Importance) {
        guard let connection, !connection.isInputClosed else { return }
        // Nothing overtakes what waits for the end of the turn.
        sendGathered()
        if connection.outgoing.isEmpty {
            // The usual case: the child keeps up, and the line goes straight into the pipe.
            do {
                let count = try connection.child.standardInput.write(line[...])
                if count == line.count { return wrote(line) }
                queue(line, importance(), alreadySent: count)
            } catch {
                guard error.wouldBlock else {
                    // The child has closed its input or is ending; its end will be told by its process.
                    connection.isInputClosed = true
                    return
                }
                queue(line, importance(), alreadySent: 0)
            }
            setInterest(connection.inputWatch, .write)
            return
        }
        queue(line, importance(), alreadySent: 0)
    }

    /// Lets a line wait of which the child's pipe has taken `count` bytes.
    private func queue(_ line: [UInt8], _ importance: OutgoingQueue.Importance, alreadySent count: Int) {
        guard let connection else { return }
        switch connection.outgoing.push(line, importance) {
        case .queued: break
        case .conflated, .droppedOldest: linesDropped += 1
        case .full:
            let words =
                "stopped reading: \(settings.mustBytes >> 10) KiB of orders, fills and signals wait for it"
            handle(.violated(cause: words))
        }
        guard count > 0 else { return }
        _ = connection.outgoing.front()
        _ = connection.outgoing.sent(count)
    }

    func wrote(_ line: [UInt8]) {
        linesOut += 1
        delegate?.runner(self, wrote: line)
    }

    func inputReady(_ ready: EventLoop.Readiness) {
        guard let connection else { return }
        while let front = connection.outgoing.front() {
            do {
                let line = connection.outgoing.frontLine
                let count = try connection.child.standardInput.write(front)
                if connection.outgoing.sent(count) { wrote(line) }
            } catch {
                if error.wouldBlock { return }
                connection.isInputClosed = true
                break
            }
        }
        setInterest(connection.inputWatch, [])
        if ready.isHungUp, let watch = connection.inputWatch {
            connection.isInputClosed = true
            connection.inputWatch = nil
            loop.unwatch(watch)
        }
    }

    func setInterest(_ watch: EventLoop.Watch?, _ interest: EventLoop.Interest) {
        guard let watch else { return }
        do {
            try loop.change(watch, to: interest)
        } catch {
            log(.error, .host, "could not change what its pipe is watched for: \(error)")
        }
    }
}

extension HostMessage {
    /// How the line may be treated while a slow child keeps it waiting.
    var importance: OutgoingQueue.Importance {
        switch self {
        case .candle(_, let isHistory): isHistory ? .must : .candle
        case .trade(let trade): .latest(key: "t" + trade.symbol)
        case .quote(let quote): .latest(key: "q" + quote.symbol)
        case .hello, .signal, .order, .fill, .position, .bracket, .trading, .funding, .timer, .ping,
            .candles, .go, .stop:
            .must
        }
    }
}
