internal import CCurl
internal import CNet
internal import Posix

/// libcurl's set of transfers. Only ``wake()`` may be called from a thread other than the client's.
@safe
final class MultiHandle: @unchecked Sendable {
    // Sendable: the pointer never changes, `wake` is curl_multi_wakeup, which libcurl allows from any thread, and
    // everything else is called by TransferLoop on its one thread.
    fileprivate let pointer: UnsafeMutableRawPointer

    /// Makes the set; nil when there is no memory for it.
    init?() {
        guard Self.isInitialised, let pointer = unsafe curl_multi_init() else { return nil }
        unsafe self.pointer = pointer
    }

    deinit {
        unsafe curl_multi_cleanup(pointer)
    }

    /// Makes the client's thread look at its inbox. From any thread.
    func wake() {
        unsafe curl_multi_wakeup(pointer)
    }

    private static let isInitialised = curl_global_init(Int(CURL_GLOBAL_ALL)) == CURLE_OK
}

/// What the client's thread does: takes new transfers in, lets libcurl work, hands finished ones back.
struct TransferLoop: Sendable {
    let multi: MultiHandle
    /// A file of certificate authorities, nil for the system's.
    let authorities: String?
    /// New transfers, or nil when the client is gone.
    let arriving: @Sendable () -> [Transfer]?

    func run() {
        var handles: [ObjectIdentifier: TransferHandle] = [:]
        while let transfers = arriving() {
            for transfer in transfers { start(transfer, in: &handles) }
            resumeAndCancel(&handles)
            work(&handles)
        }
        for handle in handles.values {
            let sent = unsafe cnet_sent(handle.curl) == 1
            remove(handle, from: &handles)
            handle.transfer.finish(Int32(bitPattern: CURLE_ABORTED_BY_CALLBACK.rawValue), sent: sent)
        }
    }

    private func start(_ transfer: Transfer, in handles: inout [ObjectIdentifier: TransferHandle]) {
        switch TransferHandle.make(transfer, authorities: authorities) {
        case .success(let handle):
            guard unsafe curl_multi_add_handle(multi.pointer, handle.curl) == CURLM_OK else {
                return transfer.finish(Int32(bitPattern: CURLE_FAILED_INIT.rawValue), sent: false)
            }
            handles[ObjectIdentifier(transfer)] = handle
        case .failure(let failure):
            transfer.finish(failure.code, sent: false)
        }
    }

    private func remove(_ handle: TransferHandle, from handles: inout [ObjectIdentifier: TransferHandle]) {
        unsafe curl_multi_remove_handle(multi.pointer, handle.curl)
        handles[ObjectIdentifier(handle.transfer)] = nil
    }

    private func resumeAndCancel(_ handles: inout [ObjectIdentifier: TransferHandle]) {
        for handle in handles.values {
            if handle.transfer.isCancelled {
                let sent = unsafe cnet_sent(handle.curl) == 1
                remove(handle, from: &handles)
                handle.transfer.finish(0, sent: sent)
            } else if handle.transfer.takeResumption() {
                unsafe curl_easy_pause(handle.curl, CURLPAUSE_CONT)
            }
        }
    }

    /// Tells those who want to know that bytes of their request have left.
    private func tellWhatWasSent(_ handles: [ObjectIdentifier: TransferHandle]) {
        for handle in handles.values {
            guard let told = handle.toTellWhenSent, unsafe cnet_sent(handle.curl) == 1 else { continue }
            handle.toTellWhenSent = nil
            told(MonotonicClock.nanoseconds)
        }
    }

    private func work(_ handles: inout [ObjectIdentifier: TransferHandle]) {
        var running: Int32 = 0
        unsafe curl_multi_perform(multi.pointer, &running)
        tellWhatWasSent(handles)
        var finished = unsafe cnet_finished()
        while unsafe cnet_next_finished(multi.pointer, &finished) == 1 {
            guard let curl = unsafe finished.transfer, let context = unsafe cnet_context(curl) else {
                continue
            }
            let transfer = unsafe Unmanaged<Transfer>.fromOpaque(context).takeUnretainedValue()
            let sent = unsafe cnet_sent(curl) == 1
            if let handle = handles[ObjectIdentifier(transfer)] { remove(handle, from: &handles) }
            transfer.finish(unsafe finished.result, sent: sent)
        }
        var ready: Int32 = 0
        // `wake` ends the wait at once, also when it came before; libcurl shortens it to its own next timer.
        unsafe curl_multi_poll(multi.pointer, nil, 0, 60_000, &ready)
    }
}
