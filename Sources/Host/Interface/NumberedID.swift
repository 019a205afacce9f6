extension Int64 {
    /// The number that is the id of an order, a run or the like, which are counted from 1.
    ///
    /// - Parameter id: As it is given out; nil for another way to write the number, such as `+1` or `01`, which is the id of
    ///   nothing.
    public init?(numberedID id: String) {
        guard let number = Int64(id), number > 0, String(number) == id else { return nil }
        self = number
    }
}
