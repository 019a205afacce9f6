import Analytics

/// Makes long curves short enough to draw: of each stretch its lowest and highest point stay, so that no peak is lost.
enum CurveThinning {
    /// The places to keep of `values`, in order: at most `limit`, the first and last among them.
    ///
    /// - Parameter limit: At least 4.
    static func places(_ values: [Double], limit: Int) -> [Int] {
        precondition(limit >= 4)
        guard values.count > limit else { return Array(values.indices) }
        let stretches = (limit - 2) / 2
        let inner = values.count - 2
        var places = [0]
        for stretch in 0..<stretches {
            let start = 1 + stretch * inner / stretches
            let end = 1 + (stretch + 1) * inner / stretches
            guard start < end else { continue }
            var (low, high) = (start, start)
            for place in start..<end {
                if values[place] < values[low] { low = place }
                if values[place] > values[high] { high = place }
            }
            places.append(min(low, high))
            if low != high { places.append(max(low, high)) }
        }
        places.append(values.count - 1)
        return places
    }
}
