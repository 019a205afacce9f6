import CZip
import Glibc

/// A zip archive in memory, read by libzip.
///
/// Nothing in its headers is trusted for more than a first refusal.
@safe
final class ZipArchive {
    /// One entry as the archive's directory describes it.
    struct Entry {
        let index: UInt64
        let name: [UInt8]
        let compressedSize: UInt64
        let method: UInt16
        let isEncrypted: Bool
        /// The file type and permissions of the Unix that made it; nought elsewhere.
        let mode: UInt32
    }

    static let stored: UInt16 = 0
    static let deflated: UInt16 = 8

    private let archive: OpaquePointer
    /// Whether two entries have one name, byte for byte.
    let hasDoubles: Bool

    /// Opens the archive.
    ///
    /// - Throws: ``ValidationProblem`` with libzip's words when it is broken.
    init(_ bytes: [UInt8]) throws(ValidationProblem) {
        do throws(OpenFailure) {
            unsafe archive = try Self.open(bytes, ZIP_RDONLY | ZIP_CHECKCONS)
            hasDoubles = false
        } catch {
            guard error.isDouble else { throw error.problem }
            // libzip does not say which name stands twice, so we look for it ourselves.
            do throws(OpenFailure) {
                unsafe archive = try Self.open(bytes, ZIP_RDONLY)
            } catch { throw error.problem }
            hasDoubles = true
        }
    }

    private struct OpenFailure: Error {
        let problem: ValidationProblem
        var isDouble = false
    }

    private static func open(_ bytes: [UInt8], _ flags: Int32) throws(OpenFailure) -> OpaquePointer {
        var error = unsafe zip_error_t()
        unsafe zip_error_init(&error)
        defer { unsafe zip_error_fini(&error) }
        guard let copy = unsafe malloc(max(bytes.count, 1)) else {
            throw OpenFailure(problem: .init(.tooLarge, "there is no memory to open the archive"))
        }
        unsafe bytes.withUnsafeBytes { raw in
            if let start = raw.baseAddress { unsafe memcpy(copy, start, raw.count) }
        }
        // The source owns the copy from here on, the archive owns the source.
        guard let source = unsafe zip_source_buffer_create(copy, UInt64(bytes.count), 1, &error) else {
            unsafe free(copy)
            throw unsafe failure(&error)
        }
        guard let opened = unsafe zip_open_from_source(source, flags, &error) else {
            unsafe zip_source_free(source)
            throw unsafe failure(&error)
        }
        return unsafe opened
    }

    private static func failure(_ error: inout zip_error_t) -> OpenFailure {
        let words = unsafe zip_error_strerror(&error).map { unsafe String(cString: $0) }
        return OpenFailure(
            problem: .init(.damaged, "the zip archive is broken: \(words ?? "no reason given")"),
            isDouble: unsafe zip_error_code_zip(&error) == ZIP_ER_EXISTS)
    }

    deinit { unsafe zip_discard(archive) }

    var count: Int { unsafe Int(zip_get_num_entries(archive, 0)) }

    /// What the directory says about the entry at `index`.
    func entry(_ index: Int) throws(ValidationProblem) -> Entry {
        var status = unsafe zip_stat_t()
        unsafe zip_stat_init(&status)
        guard unsafe zip_stat_index(archive, UInt64(index), ZIP_FL_ENC_RAW, &status) == 0,
            let name = unsafe status.name
        else { throw failure("entry \(index + 1)") }
        var system: UInt8 = 0
        var attributes: UInt32 = 0
        guard
            unsafe zip_file_get_external_attributes(archive, UInt64(index), 0, &system, &attributes) == 0
        else { throw failure("entry \(index + 1)") }
        let bytes = unsafe (0..<strlen(name)).map { unsafe UInt8(bitPattern: name[Int($0)]) }
        return unsafe Entry(
            index: UInt64(index), name: bytes, compressedSize: status.comp_size, method: status.comp_method,
            isEncrypted: status.encryption_method != UInt16(ZIP_EM_NONE), mode: attributes >> 16)
    }

    /// Hands the entry's content to `body` piece by piece, at most 64 KiB each; libzip checks the sum at its end.
    func read(
        _ entry: Entry, body: ([UInt8]) throws(ValidationProblem) -> Void
    ) throws(ValidationProblem) {
        let name = BundleName.printable(entry.name)
        guard let file = unsafe zip_fopen_index(archive, entry.index, 0) else { throw failure(name) }
        defer { _ = unsafe zip_fclose(file) }
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = unsafe buffer.withUnsafeMutableBytes { raw in
                unsafe zip_fread(file, raw.baseAddress, UInt64(raw.count))
            }
            guard count >= 0 else {
                let words = unsafe zip_file_strerror(file).map { unsafe String(cString: $0) }
                throw ValidationProblem(
                    .damaged, "\(name) is broken: \(words ?? "no reason given")", field: name)
            }
            if count == 0 { return }
            try body(Array(buffer[..<Int(count)]))
        }
    }

    private func failure(_ name: String) -> ValidationProblem {
        let words = unsafe zip_strerror(archive).map { unsafe String(cString: $0) }
        return ValidationProblem(.damaged, "\(name) is broken: \(words ?? "no reason given")", field: name)
    }
}
