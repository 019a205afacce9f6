internal import Posix
internal import Sandbox
internal import Trading
internal import Wire

/// What leaves for the child: at once while it keeps up, from a bounded queue when it does not.
extension StrategyRunner {
    func send(_ line: [UInt8], _ importance: @autoclosure () -> OutgoingQueue.Importance) {
        guard let connection, !connection.isInputClosed else { return }
        if connection.outgoing.isEmpty {
            // The usual case: the child keeps up, and the line goes straight into the pipe.
            do {
                let count = try connection.child.standardInput.write(line[...])
                if count == line.count { return wrote(line) }
                _ = connection.outgoing.push(line, importance())
                _ = connection.outgoing.front()
                _ = connection.outgoing.sent(count)
            } catch {
                guard error.wouldBlock else {
                    // The child has closed its input or is ending; its end will be told by its process.
                    connection.isInputClosed = true
                    return
                }
                _ = connection.outgoing.push(line, importance())
            }
            setInterest(connection.inputWatch, .write)
            return
        }
        switch connection.outgoing.push(line, importance()) {
        case .queued: break
        case .conflated, .droppedOldest: linesDropped += 1
        case .full:
            let words =
                "stopped reading: \(settings.mustBytes >> 10) KiB of orders, fills and signals wait for it"
            handle(.violated(cause: words))
        }
    }

    func wrote(_ line: [UInt8]) {
        linesOut += 1
        delegate?.runner(self, wrote: line)
    }

    func inputReady(_ ready: EventLoop.Readiness) {
        guard let connection else { return }
        var line: [UInt8] = []
        while let front = connection.outgoing.front() {
            do {
                if front.startIndex == 0 { line = Array(front) }
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
        case .hello, .signal, .order, .fill, .position, .timer, .ping, .stop: .must
        }
    }
}
