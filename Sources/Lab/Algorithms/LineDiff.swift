/// The least changes that make one list of lines another, as a person reads them.
///
/// The way is E. W. Myers' (An O(ND) Difference Algorithm, 1986): the further two texts are apart, the longer it takes, so
/// that there is a bound on the distance, beyond which one text is shown as wholly replaced.
struct LineDiff: Hashable, Sendable {
    /// A run of lines that belong together.
    struct Hunk: Hashable, Sendable {
        /// The first line in each text, from 1; where a text has none of its lines, the line before.
        var oldStart: Int
        var oldCount = 0
        var newStart: Int
        var newCount = 0
        /// Lines with a space, `-` or `+` in front.
        var lines: [String] = []

        /// As in `@@ -3,4 +3,5 @@`.
        var head: String { "@@ -\(oldStart),\(oldCount) +\(newStart),\(newCount) @@" }
    }

    private(set) var hunks: [Hunk] = []
    private(set) var added = 0
    private(set) var removed = 0
    /// Whether the texts are too far apart, so that this is no least change.
    let isReplaced: Bool

    private enum Step { case keep, remove, add }

    /// Compares two texts.
    ///
    /// - Parameters:
    ///   - context: How many lines that stayed are shown around a change.
    ///   - distance: The most lines removed and added together that are looked for.
    init(_ old: [Substring], _ new: [Substring], context: Int = 3, distance: Int = 2000) {
        var prefix = 0
        while prefix < min(old.count, new.count), old[prefix] == new[prefix] { prefix += 1 }
        var suffix = 0
        while suffix < min(old.count, new.count) - prefix,
            old[old.count - 1 - suffix] == new[new.count - 1 - suffix]
        { suffix += 1 }
        let middleOld = old[prefix..<(old.count - suffix)]
        let middleNew = new[prefix..<(new.count - suffix)]
        let found = Self.steps(Array(middleOld), Array(middleNew), distance: distance)
        isReplaced = found == nil
        let middle =
            found
            ?? Array(repeating: .remove, count: middleOld.count)
            + Array(repeating: .add, count: middleNew.count)
        let steps =
            Array(repeating: Step.keep, count: prefix) + middle
            + Array(repeating: Step.keep, count: suffix)
        gather(steps, old, new, context)
    }

    /// The steps from one list to the other, or nil beyond the distance.
    private static func steps(_ old: [Substring], _ new: [Substring], distance: Int) -> [Step]? {
        let most = min(old.count + new.count, distance)
        // How far into `old` each diagonal has come, after each number of changes.
        var reached = [Int](repeating: 0, count: 2 * most + 3)
        let middle = most + 1
        var history: [[Int]] = []
        for changes in 0...most {
            history.append(Array(reached[(middle - changes)...(middle + changes)]))
            for diagonal in stride(from: -changes, through: changes, by: 2) {
                let isDown =
                    diagonal == -changes
                    || (diagonal != changes
                        && reached[middle + diagonal - 1] < reached[middle + diagonal + 1])
                var x = isDown ? reached[middle + diagonal + 1] : reached[middle + diagonal - 1] + 1
                while x < old.count, x - diagonal < new.count, x >= diagonal, old[x] == new[x - diagonal] {
                    x += 1
                }
                reached[middle + diagonal] = x
                if x >= old.count, x - diagonal >= new.count {
                    return walkBack(history, old.count, new.count)
                }
            }
        }
        return nil
    }

    private static func walkBack(_ history: [[Int]], _ oldCount: Int, _ newCount: Int) -> [Step] {
        var (x, y) = (oldCount, newCount)
        var steps: [Step] = []
        for changes in (0..<history.count).reversed() {
            let reached = history[changes]
            func at(_ diagonal: Int) -> Int { reached[changes + diagonal] }
            let diagonal = x - y
            guard changes > 0 else {
                steps.append(contentsOf: Array(repeating: .keep, count: x))
                break
            }
            let isDown =
                diagonal == -changes || (diagonal != changes && at(diagonal - 1) < at(diagonal + 1))
            let before = isDown ? diagonal + 1 : diagonal - 1
            let (fromX, fromY) = (at(before), at(before) - before)
            let kept = isDown ? x - fromX : x - fromX - 1
            steps.append(contentsOf: Array(repeating: .keep, count: kept))
            steps.append(isDown ? .add : .remove)
            (x, y) = (fromX, fromY)
        }
        return steps.reversed()
    }

    private mutating func gather(
        _ steps: [Step], _ old: [Substring], _ new: [Substring], _ context: Int
    ) {
        let changed = steps.indices.filter { steps[$0] != .keep }
        guard !changed.isEmpty else { return }
        var shown: [ClosedRange<Int>] = []
        for index in changed {
            let range = max(0, index - context)...min(steps.count - 1, index + context)
            if let last = shown.last, range.lowerBound <= last.upperBound + 1 {
                shown[shown.count - 1] = last.lowerBound...range.upperBound
            } else {
                shown.append(range)
            }
        }
        var (atOld, atNew, index) = (0, 0, 0)
        for range in shown {
            while index < range.lowerBound {  // Only what stayed lies between.
                (atOld, atNew, index) = (atOld + 1, atNew + 1, index + 1)
            }
            var hunk = Hunk(oldStart: atOld, newStart: atNew)
            while index <= range.upperBound {
                switch steps[index] {
                case .keep:
                    hunk.lines.append(" \(old[atOld])")
                    (atOld, atNew) = (atOld + 1, atNew + 1)
                    (hunk.oldCount, hunk.newCount) = (hunk.oldCount + 1, hunk.newCount + 1)
                case .remove:
                    hunk.lines.append("-\(old[atOld])")
                    (atOld, hunk.oldCount, removed) = (atOld + 1, hunk.oldCount + 1, removed + 1)
                case .add:
                    hunk.lines.append("+\(new[atNew])")
                    (atNew, hunk.newCount, added) = (atNew + 1, hunk.newCount + 1, added + 1)
                }
                index += 1
            }
            if hunk.oldCount > 0 { hunk.oldStart += 1 }
            if hunk.newCount > 0 { hunk.newStart += 1 }
            hunks.append(hunk)
        }
    }
}
