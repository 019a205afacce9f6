/// Finds what somebody probably meant.
public enum NearestName {
    /// The name nearest to `word`, or nil when none is near enough to be meant.
    public static func of(_ word: String, among names: some Sequence<String>) -> String? {
        let limit = max(1, word.count / 3)
        return
            names
            .map { (name: $0, distance: distance(Array(word.utf8), Array($0.utf8))) }
            .filter { $0.distance <= limit || (word.count >= 3 && $0.name.hasPrefix(word)) }
            .min { ($0.distance, $0.name) < ($1.distance, $1.name) }?.name
    }

    /// How many letters must be put in, taken out, changed or swapped with their neighbour.
    private static func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
        var rows = [Array(0...right.count)]
        for (i, a) in left.enumerated() {
            var row = [i + 1]
            for (j, b) in right.enumerated() {
                var best = min(rows[i][j] + (a == b ? 0 : 1), min(rows[i][j + 1], row[j]) + 1)
                if i > 0, j > 0, a == right[j - 1], left[i - 1] == b {
                    best = min(best, rows[i - 1][j - 1] + 1)
                }
                row.append(best)
            }
            rows.append(row)
        }
        return rows[left.count][right.count]
    }
}
