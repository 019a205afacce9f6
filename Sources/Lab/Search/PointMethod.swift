internal import Analytics
internal import Trading

/// How a search comes by its points.
public enum SearchMethod: Hashable, Sendable {
    /// Every point of the grid, in order.
    case grid
    /// So many points drawn evenly, by a seed. Where the points can be counted none comes twice.
    case random(points: Int, seed: UInt64)
    /// So many points that Optuna's tree-structured Parzen estimator names after what it has heard, by a seed.
    case optuna(points: Int, seed: UInt64)
}

/// Names points, one by one. It belongs to one search.
public protocol PointMethod: AnyObject, Sendable {
    /// Hears of an outcome; the score is nil where there is none.
    func hear(_ tell: SearchBook.Tell) async throws(SearchFailure)

    /// The point of this number, or nil when there are no more. Numbers come in order.
    ///
    /// - Parameter wasNamed: Whether a point was named before.
    func point(
        _ number: Int, wasNamed: (SearchPoint) -> Bool
    ) async throws(SearchFailure) -> SearchPoint?
}

/// Why a search could not go on.
public struct SearchFailure: Error, Hashable, Sendable, CustomStringConvertible {
    /// The part of the request that is at fault; empty when none is.
    public let field: String
    /// What is wrong and what to do, in words.
    public let reason: String

    /// Names a field and a reason.
    public init(field: String = "", reason: String) {
        self.field = field
        self.reason = reason
    }

    /// The field and the reason.
    public var description: String { field.isEmpty ? reason : "\(field): \(reason)" }
}

/// The points of a grid, in order.
public final class GridMethod: PointMethod {
    private let space: SearchSpace
    private let count: Int

    /// Goes through a grid of at most ``SearchSpace/maximumGrid`` points.
    public init(_ space: SearchSpace) throws(SearchFailure) {
        guard let count = space.gridCount, count <= SearchSpace.maximumGrid else {
            throw SearchFailure(
                field: "space",
                reason:
                    "the grid has \(space.gridCount.map(String.init) ?? "more than can be counted") points, at "
                    + "most \(SearchSpace.maximumGrid) are taken: widen the steps, or use random or optuna")
        }
        self.space = space
        self.count = count
    }

    /// Nothing follows from it.
    public func hear(_ tell: SearchBook.Tell) {}

    /// The point of this number.
    public func point(_ number: Int, wasNamed: (SearchPoint) -> Bool) -> SearchPoint? {
        number < count ? space.gridPoint(number) : nil
    }
}

/// Points drawn evenly. Each follows from seed and number, and from those before it only in that it is another.
public final class RandomMethod: PointMethod {
    private let space: SearchSpace
    private let seed: UInt64

    /// Draws by a seed.
    public init(_ space: SearchSpace, seed: UInt64) {
        self.space = space
        self.seed = seed
    }

    /// Nothing follows from it.
    public func hear(_ tell: SearchBook.Tell) {}

    /// A point that was not named, or nil when all were.
    public func point(_ number: Int, wasNamed: (SearchPoint) -> Bool) -> SearchPoint? {
        var numbers = SplitMix64(seed: seed, stream: UInt64(number))
        for _ in 0..<64 {
            let point = space.point(space.parameters.map { $0.value(atPart: numbers.uniform()) })
            if !wasNamed(point) { return point }
        }
        // Nearly all of a small grid was named: the next that was not, from a drawn place on.
        guard space.isCountable, let count = space.gridCount, count <= SearchSpace.maximumGrid else {
            return space.point(space.parameters.map { $0.value(atPart: numbers.uniform()) })
        }
        let start = Int(numbers.uniform() * Double(count))
        for offset in 0..<count {
            let point = space.gridPoint((start + offset) % count)
            if !wasNamed(point) { return point }
        }
        return nil
    }
}
