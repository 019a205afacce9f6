extension Dictionary {
    /// Changes what a key has where it stands; false when it has nothing.
    ///
    /// Changing it through the subscript costs an allocation each time, since the subscript is not put in where it is used.
    @inline(__always) @discardableResult
    mutating func change(_ key: Key, _ body: (inout Value) -> Void) -> Bool {
        guard let place = index(forKey: key) else { return false }
        body(&values[place])
        return true
    }
}
