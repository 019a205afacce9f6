/// Cuts a stream of bytes into lines and never holds more than one line's worth.
///
/// A line beyond the limit is reported once and its rest passed over, so that a child that writes a gigabyte without an
/// end of line costs a counter.
struct LineSplitter {
    /// What came out of the stream.
    enum Piece: Equatable {
        /// A line without its end. The slice is valid as long as nothing else is fed.
        case line(ArraySlice<UInt8>)
        /// A line of more than the limit was passed over.
        case tooLong
    }

    /// The longest line taken, in bytes, without its end.
    let limit: Int
    private var partial: [UInt8] = []
    private var isSkipping = false

    init(limit: Int) {
        self.limit = limit
    }

    /// Whether a line has begun that has not ended.
    var hasPartialLine: Bool { !partial.isEmpty || isSkipping }

    /// Takes the next bytes and hands on every line they complete.
    mutating func feed(_ bytes: ArraySlice<UInt8>, _ body: (Piece) -> Void) {
        var rest = bytes
        while let end = rest.firstIndex(of: 0x0A) {
            complete(rest[rest.startIndex..<end], body)
            rest = rest[(end + 1)...]
        }
        guard !rest.isEmpty, !isSkipping else { return }
        guard partial.count + rest.count <= limit else {
            partial = []
            isSkipping = true
            body(.tooLong)
            return
        }
        partial.append(contentsOf: rest)
    }

    /// Takes what is left at the end of the stream as a line, for text; a protocol drops it instead.
    mutating func finish(_ body: (Piece) -> Void) {
        guard !partial.isEmpty else { return }
        let line = partial
        partial = []
        body(.line(line[...]))
    }

    private mutating func complete(_ tail: ArraySlice<UInt8>, _ body: (Piece) -> Void) {
        if isSkipping {
            isSkipping = false
            return
        }
        guard partial.count + tail.count <= limit else {
            partial = []
            body(.tooLong)
            return
        }
        if partial.isEmpty {
            body(.line(tail))
        } else {
            partial.append(contentsOf: tail)
            let line = partial
            partial.removeAll(keepingCapacity: true)
            body(.line(line[...]))
        }
    }
}
