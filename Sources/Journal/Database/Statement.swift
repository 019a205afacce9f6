import CSQLite

/// A compiled statement. One connection owns it; see ``Database``.
@safe
final class Statement {
    let sql: String
    let path: String
    private let connection: OpaquePointer
    private let handle: OpaquePointer

    /// Compiles the first statement of `sql`, which must hold no other.
    init(_ sql: String, connection: OpaquePointer, path: String) throws(DatabaseFailure) {
        var compiled: OpaquePointer?
        var tail = 0
        var text = sql
        let result = text.withUTF8 { bytes in
            unsafe bytes.withMemoryRebound(to: CChar.self) { characters in
                var end: UnsafePointer<CChar>?
                let result = unsafe sqlite3_prepare_v3(
                    connection, characters.baseAddress, Int32(characters.count),
                    UInt32(SQLITE_PREPARE_PERSISTENT), &compiled, &end)
                if let end = unsafe end, let start = characters.baseAddress {
                    tail = unsafe end - start
                }
                return result
            }
        }
        guard result == SQLITE_OK else {
            throw unsafe Self.failure(result, connection: connection, path: path, sql: sql)
        }
        guard let prepared = unsafe compiled else {
            throw DatabaseFailure(code: .statement, reason: "an empty statement", path: path, statement: sql)
        }
        guard text.utf8.dropFirst(tail).allSatisfy({ " \n\t;".utf8.contains($0) }) else {
            unsafe sqlite3_finalize(prepared)
            throw DatabaseFailure(
                code: .statement, reason: "more than one statement; use run(script:)", path: path,
                statement: sql)
        }
        self.sql = sql
        self.path = path
        unsafe self.connection = connection
        unsafe self.handle = prepared
    }

    deinit { unsafe sqlite3_finalize(handle) }

    /// Sets the values of the `?`s, all of them.
    func bind(_ values: [any SQLBindable]) throws(DatabaseFailure) {
        let wanted = unsafe Int(sqlite3_bind_parameter_count(handle))
        guard values.count == wanted else {
            throw DatabaseFailure(
                code: .statement, reason: "\(wanted) values wanted, \(values.count) given", path: path,
                statement: sql)
        }
        for (offset, value) in values.enumerated() {
            let index = Int32(offset + 1)
            let result: Int32
            switch value.sqlValue {
            case .null: result = unsafe sqlite3_bind_null(handle, index)
            case .integer(let number): result = unsafe sqlite3_bind_int64(handle, index, number)
            case .text(var text):
                result = text.withUTF8 { bytes in
                    unsafe bytes.withMemoryRebound(to: CChar.self) {
                        // An empty string may have no address, which SQLite would take for null.
                        unsafe $0.baseAddress.map {
                            unsafe csqlite_bind_text(handle, index, $0, Int32(bytes.count))
                        } ?? csqlite_bind_text(handle, index, "", 0)
                    }
                }
            case .blob(let bytes):
                result = unsafe bytes.withUnsafeBytes {
                    unsafe csqlite_bind_blob(handle, index, $0.baseAddress, Int32($0.count))
                }
            }
            guard result == SQLITE_OK else {
                throw unsafe Self.failure(result, connection: connection, path: path, sql: sql)
            }
        }
    }

    /// Goes to the next row; false when there is none left.
    func step() throws(DatabaseFailure) -> Bool {
        switch unsafe sqlite3_step(handle) {
        case SQLITE_ROW: return true
        case SQLITE_DONE: return false
        case let result: throw unsafe Self.failure(result, connection: connection, path: path, sql: sql)
        }
    }

    /// Makes the statement ready for another use and forgets the values.
    func reset() {
        // The result repeats what the last step said.
        unsafe sqlite3_reset(handle)
        unsafe sqlite3_clear_bindings(handle)
    }

    var columnCount: Int { unsafe Int(sqlite3_column_count(handle)) }

    func type(_ column: Int) -> Int32 { unsafe sqlite3_column_type(handle, Int32(column)) }

    func integer(_ column: Int) -> Int64 { unsafe sqlite3_column_int64(handle, Int32(column)) }

    func text(_ column: Int) -> String {
        guard let start = unsafe sqlite3_column_text(handle, Int32(column)) else { return "" }
        let count = unsafe Int(sqlite3_column_bytes(handle, Int32(column)))
        return unsafe String(decoding: UnsafeBufferPointer(start: start, count: count), as: UTF8.self)
    }

    func blob(_ column: Int) -> [UInt8] {
        guard let start = unsafe sqlite3_column_blob(handle, Int32(column)) else { return [] }
        let count = unsafe Int(sqlite3_column_bytes(handle, Int32(column)))
        return unsafe [UInt8](UnsafeRawBufferPointer(start: start, count: count))
    }

    func name(_ column: Int) -> String {
        unsafe sqlite3_column_name(handle, Int32(column)).map { unsafe String(cString: $0) } ?? ""
    }

    /// The failure that `connection` reports now.
    static func failure(
        _ result: Int32, connection: OpaquePointer?, path: String, sql: String? = nil
    ) -> DatabaseFailure {
        let number = unsafe connection.map { unsafe sqlite3_extended_errcode($0) } ?? result
        let words = unsafe String(
            cString: connection.map { unsafe sqlite3_errmsg($0) } ?? sqlite3_errstr(result))
        let system = unsafe connection.map { unsafe sqlite3_system_errno($0) } ?? 0
        return DatabaseFailure(
            result: number & 0xff == result & 0xff ? number : result, systemNumber: system,
            reason: words, path: path, statement: sql)
    }
}
