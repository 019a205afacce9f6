/// Why a measurement came to nothing.
struct MeasurementFailure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
