internal import HTTPMessages

/// The time that a venue's answer names in its head.
enum VenueDate {
    /// Milliseconds since the epoch; nil when the text is no HTTP date.
    static func milliseconds(_ text: String) -> Int64? { HTTPDate.seconds(text).map { $0 * 1000 } }
}
