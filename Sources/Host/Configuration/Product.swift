/// What this program is.
public enum Product {
    /// The version, as `bullpen version`, `GET /health` and the API document say it.
    public static let version = "0.1.0"
}
