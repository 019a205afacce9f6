internal import Trading
internal import Wire

/// Something that answers lines with lines: the optimiser behind its walls, and in tests a stand-in.
public protocol LineDialogue: AnyObject, Sendable {
    /// Says lines, each ended by a line feed, and waits for one line.
    func exchange(_ lines: [UInt8]) async throws(SearchFailure) -> [UInt8]

    /// Ends it. Nothing is said afterwards.
    func close() async
}

/// Points that Optuna's tree-structured Parzen estimator names.
///
/// Optuna hears of indexes: every range of steps and every choice is a range of whole numbers to it, and only a
/// logarithmic range is one of numbers with a point. What it names follows from the seed, the order of what it hears and
/// its version.
public final class OptunaMethod: PointMethod {
    private let space: SearchSpace
    private let dialogue: any LineDialogue
    private let unsaid = LineBuffer()

    /// Begins a study.
    ///
    /// - Parameters:
    ///   - startUp: So many points are drawn by chance before the first is reasoned.
    public init(
        _ space: SearchSpace, seed: UInt64, startUp: Int, dialogue: any LineDialogue
    ) async throws(SearchFailure) {
        self.space = space
        self.dialogue = dialogue
        let parameters = space.parameters.map(\.studyJSON)
        let begin = JSONValue.members([
            "type": .string("begin"), "seed": .integer(seed & 0x7FFF_FFFF), "start_up": .integer(startUp),
            "parameters": .array(parameters),
        ])
        let answer = try await Self.parse(dialogue.exchange(begin.bytes + [0x0A]))
        guard answer["type"]?.stringValue == "ready" else { throw Self.confused(answer) }
    }

    /// Keeps an outcome for Optuna, which hears of it before it names the next point.
    public func hear(_ tell: SearchBook.Tell) {
        let line = JSONValue.members([
            "type": .string("tell"), "number": .integer(tell.number),
            "value": tell.score.map { .number($0.description) } ?? .null,
        ])
        unsaid.add(line.bytes + [0x0A])
    }

    /// Asks for a point. It may be one that was named before.
    public func point(
        _ number: Int, wasNamed: (SearchPoint) -> Bool
    ) async throws(SearchFailure) -> SearchPoint? {
        let ask = JSONValue.members(["type": .string("ask"), "number": .integer(number)])
        let answer = try await Self.parse(dialogue.exchange(unsaid.take() + ask.bytes + [0x0A]))
        guard answer["type"]?.stringValue == "point", answer["number"]?.intValue == number,
            let values = answer["values"]?.arrayValue, values.count == space.parameters.count
        else { throw Self.confused(answer) }
        var chosen: [JSONValue] = []
        for (parameter, value) in zip(space.parameters, values) {
            guard let number = value.doubleValue else { throw Self.confused(answer) }
            chosen.append(parameter.value(proposed: number))
        }
        return space.point(chosen)
    }

    private static func parse(_ line: [UInt8]) throws(SearchFailure) -> JSONValue {
        do {
            return try JSONParser.parse(line, limits: .line)
        } catch {
            throw SearchFailure(reason: "the optimiser answered something that is no line of JSON: \(error)")
        }
    }

    private static func confused(_ answer: JSONValue) -> SearchFailure {
        let words = answer["reason"]?.stringValue ?? answer.text
        return SearchFailure(reason: "the optimiser answered: \(words.prefix(300))")
    }
}

extension SearchParameter {
    /// As the optimiser's program takes it.
    fileprivate var studyJSON: JSONValue {
        switch range {
        case .integer, .decimal: .members(["kind": .string("steps"), "count": .integer(count)])
        case .logarithmic(let low, let high, _, _):
            .members([
                "kind": .string("log"), "from": .number(low.description), "to": .number(high.description),
            ])
        case .choice: .members(["kind": .string("choice"), "count": .integer(count)])
        }
    }
}
