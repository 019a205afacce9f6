internal import CCurl
internal import CNet

/// A libcurl handle with everything that must live as long as it.
@safe
final class TransferHandle {
    let curl: UnsafeMutableRawPointer
    let transfer: Transfer
    /// Who wants to hear that bytes of the request have left; nil once he has.
    var toTellWhenSent: (@Sendable (UInt64) -> Void)?
    private var headers: UnsafeMutablePointer<curl_slist>?
    private var form: OpaquePointer?

    /// A libcurl code.
    struct Failure: Error {
        let code: Int32
    }

    static func make(_ transfer: Transfer, authorities: String? = nil) -> Result<TransferHandle, Failure> {
        guard let curl = unsafe curl_easy_init() else {
            return .failure(Failure(code: Int32(bitPattern: CURLE_OUT_OF_MEMORY.rawValue)))
        }
        let handle = unsafe TransferHandle(curl: curl, transfer: transfer)
        do throws(Failure) {
            try handle.configure()
            if let authorities { try handle.set(CURLOPT_CAINFO, authorities) }
            return .success(handle)
        } catch {
            return .failure(error)
        }
    }

    private init(curl: UnsafeMutableRawPointer, transfer: Transfer) {
        unsafe self.curl = curl
        self.transfer = transfer
        toTellWhenSent = transfer.request.onSent
    }

    deinit {
        unsafe curl_easy_cleanup(curl)
        if let headers = unsafe headers { unsafe curl_slist_free_all(headers) }
        if let form = unsafe form { unsafe curl_mime_free(form) }
    }

    private func check(_ code: Int32) throws(Failure) {
        guard code == 0 else { throw Failure(code: code) }
    }

    private func set(_ option: CURLoption, _ value: Int) throws(Failure) {
        try check(unsafe cnet_set_long(curl, Int32(bitPattern: option.rawValue), value))
    }

    private func set(_ option: CURLoption, _ value: String) throws(Failure) {
        try check(unsafe cnet_set_string(curl, Int32(bitPattern: option.rawValue), value))
    }

    private func configure() throws(Failure) {
        let request = transfer.request
        try set(CURLOPT_URL, request.url)
        try set(CURLOPT_PROTOCOLS_STR, "http,https")
        try set(CURLOPT_NOSIGNAL, 1)
        try set(CURLOPT_CONNECTTIMEOUT_MS, request.timeouts.connect.wholeMilliseconds)
        if let total = request.timeouts.total { try set(CURLOPT_TIMEOUT_MS, total.wholeMilliseconds) }
        try set(CURLOPT_LOW_SPEED_LIMIT, 1)
        try set(CURLOPT_LOW_SPEED_TIME, max(1, request.timeouts.silence.wholeMilliseconds / 1000))
        // A proxy from the environment would not reach this machine's own loopback.
        if transfer.server.contains("//127.") || transfer.server.contains("//localhost")
            || transfer.server.contains("//[::1]")
        {
            try set(CURLOPT_PROXY, "")
        }
        let context = unsafe Unmanaged.passUnretained(transfer).toOpaque()
        try check(
            unsafe cnet_set_receivers(
                curl,
                { bytes, _, size, context in
                    guard let bytes = unsafe bytes, let context = unsafe context else { return 0 }
                    let transfer = unsafe Unmanaged<Transfer>.fromOpaque(context).takeUnretainedValue()
                    transfer.receiveHeader(
                        unsafe [UInt8](UnsafeRawBufferPointer(start: bytes, count: size)))
                    return size
                },
                { bytes, _, size, context in
                    guard let bytes = unsafe bytes, let context = unsafe context else { return 0 }
                    let transfer = unsafe Unmanaged<Transfer>.fromOpaque(context).takeUnretainedValue()
                    let piece = unsafe UnsafeRawBufferPointer(start: bytes, count: size)
                    return unsafe transfer.receiveBody(piece, isStream: transfer.isStream)
                        ?? Int(CURL_WRITEFUNC_PAUSE)
                }, context))
        try check(
            unsafe cnet_set_beginning(
                curl,
                { curl, _, _, _, _ in
                    guard let curl = unsafe curl, let context = unsafe cnet_context(curl) else { return 1 }
                    let transfer = unsafe Unmanaged<Transfer>.fromOpaque(context).takeUnretainedValue()
                    return transfer.begin(sentBefore: unsafe cnet_sent(curl) == 1) ? 0 : 1
                }))
        try addBody(request)
        try addHeaders(request)
        try set(CURLOPT_CUSTOMREQUEST, request.method)
        if request.method == "HEAD" { try set(CURLOPT_NOBODY, 1) }
    }

    private func addHeaders(_ request: HTTPRequest) throws(Failure) {
        var lines = request.headers.map { "\($0.name): \($0.value)" }
        if case .bytes(_, let contentType) = request.body { lines.append("Content-Type: \(contentType)") }
        // Without this, curl waits a second for "100 Continue" before it sends a larger body.
        lines.append("Expect:")
        for line in lines {
            guard !line.utf8.contains(where: { $0 == 0x0A || $0 == 0x0D || $0 == 0 }) else {
                throw Failure(code: Int32(bitPattern: CURLE_BAD_FUNCTION_ARGUMENT.rawValue))
            }
            guard let longer = unsafe curl_slist_append(headers, line) else {
                throw Failure(code: Int32(bitPattern: CURLE_OUT_OF_MEMORY.rawValue))
            }
            unsafe headers = longer
        }
        try check(
            unsafe cnet_set_list(curl, Int32(bitPattern: CURLOPT_HTTPHEADER.rawValue), headers))
    }

    private func addBody(_ request: HTTPRequest) throws(Failure) {
        switch request.body {
        case .none: break
        case .bytes(let bytes, _):
            // One byte more than is sent, so that an empty body has an address too.
            let result = unsafe (bytes + [0]).withUnsafeBytes {
                unsafe cnet_set_body(curl, $0.baseAddress, Int64(bytes.count))
            }
            try check(result)
        case .form(let parts):
            guard let form = unsafe curl_mime_init(curl) else {
                throw Failure(code: Int32(bitPattern: CURLE_OUT_OF_MEMORY.rawValue))
            }
            unsafe self.form = form
            for part in parts { unsafe try add(part, to: form) }
            try check(unsafe cnet_set_form(curl, form))
        }
    }

    private func add(_ part: HTTPRequest.Part, to form: OpaquePointer) throws(Failure) {
        guard let made = unsafe curl_mime_addpart(form) else {
            throw Failure(code: Int32(bitPattern: CURLE_OUT_OF_MEMORY.rawValue))
        }
        try check(code(unsafe curl_mime_name(made, part.name)))
        switch part.content {
        case .bytes(let bytes):
            let result = unsafe (bytes + [0]).withUnsafeBytes {
                unsafe curl_mime_data(made, $0.bindMemory(to: CChar.self).baseAddress, bytes.count)
            }
            try check(code(result))
        case .file(let path):
            try check(code(unsafe curl_mime_filedata(made, path)))
        }
        if let fileName = part.fileName { try check(code(unsafe curl_mime_filename(made, fileName))) }
        if let type = part.contentType { try check(code(unsafe curl_mime_type(made, type))) }
    }

    private func code(_ result: CURLcode) -> Int32 { Int32(bitPattern: result.rawValue) }
}

extension Duration {
    var wholeMilliseconds: Int { max(1, Int(self / .milliseconds(1))) }
}
