import Wire

extension Measurement {
    /// What a second processor brings to a search.
    static let labSweep = Measurement(
        name: "lab-sweep",
        summary:
            "a grid of 200 points, a sandboxed Python strategy over 100,000 bars, on one processor and on two"
    ) { surroundings in
        let folder = try BenchFolder()
        try folder.write(try Programs.read("lab_sweep.py"), to: "strategy.py")
        let points = surroundings.samples(200)
        func sweep(_ processors: String, parallel: Int) throws -> (rate: Double, best: String) {
            let outcome = try LabProcess.arm(
                surroundings, bundle: folder.path, isNative: false,
                [
                    "count=100000", "mode=batched", "processor=\(processors)", "points=\(points)",
                    "parallel=\(parallel)",
                ])
            guard let milliseconds = outcome["milliseconds"]?.intValue,
                let best = outcome["final_equity"]?.stringValue
            else { throw MeasurementFailure("a sweep came to \(outcome.text)") }
            return (Double(points) / Double(max(1, milliseconds)) * 1_000, best)
        }
        let one = try sweep("1", parallel: 1)
        let two = try sweep("1,0", parallel: 2)
        guard one.best == two.best else {
            throw MeasurementFailure("one processor found \(one.best), two found \(two.best)")
        }
        return [
            Figure(
                name: "sweep of \(points) points on two processors", value: two.rate, unit: "points/s",
                floor: .init(name: "on one", value: one.rate), promise: .atLeastTimesFloor(1.8))
        ]
    }
}
