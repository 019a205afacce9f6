import Exchanges
import Glibc
import Net
import Posix
import Synchronization
import TestSupport
import Testing
import Trading
import Wire

/// An HTTP server that misbehaves on order, in a process of its own.
final class MisbehavingServer: @unchecked Sendable {
    // Sendable: all properties are set once before the value is shared.
    let process: TestSupport.ChildProcess
    let base: String
    private let http: HTTPClient

    init() throws {
        process = try TestSupport.ChildProcess(
            "/usr/bin/python3", ["-I", Places.package + "/Tests/NetTests/misbehaving_server.py"],
            environment: [:])
        guard let port = process.readLine() else { throw TestSupport.ChildProcess.StartFailure(number: 0) }
        base = "http://127.0.0.1:\(port)"
        http = try HTTPClient()
    }

    deinit {
        process.send(signal: SIGKILL)
        _ = process.finishBlocking()
    }

    /// Says what is answered to requests under `/do/NAME`, in order; the last step is for all that follow.
    func script(_ name: String, _ steps: String...) async throws {
        let body = "[" + steps.joined(separator: ",") + "]"
        _ = try await http.send(
            HTTPRequest(
                "PUT", "\(base)/script/\(name)",
                body: .bytes(Array(body.utf8), contentType: "application/json")))
    }

    /// What came under `/do/NAME`, in the order of arrival.
    func arrivals(_ name: String) async throws -> [JSONValue] {
        let answer = try await http.send(HTTPRequest("GET", "\(base)/log/\(name)"))
        return try JSONParser.parse(answer.body).arrayValue ?? []
    }
}

/// Keeps what an observer is told. It lives on the loop.
final class Witness: AdapterObserver {
    var traces: [VenueTrace] = []
    var conditions: [VenueCondition] = []
    private var waiting: [(condition: (VenueCondition) -> Bool, wake: () -> Void)] = []

    var sent: [VenueTrace] = []
    func adapter(_ venue: VenueID, sent trace: VenueTrace) { sent.append(trace) }
    func adapter(_ venue: VenueID, heard trace: VenueTrace) { traces.append(trace) }

    func adapter(_ venue: VenueID, entered condition: VenueCondition) {
        conditions.append(condition)
        let woken = waiting.filter { $0.condition(condition) }
        waiting.removeAll { $0.condition(condition) }
        for waiter in woken { waiter.wake() }
    }

    func whenEntered(_ condition: @escaping (VenueCondition) -> Bool, _ wake: @escaping () -> Void) {
        if conditions.contains(where: condition) { return wake() }
        waiting.append((condition, wake))
    }
}

/// A venue connection on a loop of its own, asked from a test's task.
struct VenueRig: Sendable {
    typealias Outcome = Result<VenueAnswer, CallFailure>

    let loop: EventLoop
    let connection: LoopBound<VenueConnection>
    let witness: LoopBound<Witness>

    init(
        base: String, windows: [RateBudget.Window] = [],
        dialect: @escaping @Sendable () -> VenueDialect = { VenueDialect() },
        settings: VenueConnection.Settings = VenueRig.quick
    ) async throws {
        let loop = try EventLoop(name: "venue test")
        let http = try HTTPClient()
        self.loop = loop
        (connection, witness) = await withCheckedContinuation { continuation in
            loop.perform {
                let witness = Witness()
                let connection = VenueConnection(
                    venue: "test", base: base, dialect: dialect(),
                    budget: RateBudget(windows: windows, keptForCancels: 10), http: http, loop: loop,
                    settings: settings, seed: 1)
                connection.observer = witness
                continuation.resume(
                    returning: (LoopBound(connection, on: loop), LoopBound(witness, on: loop)))
            }
        }
    }

    /// Settings whose waits fit into a test.
    static let quick = VenueConnection.Settings(
        backoff: Backoff(first: .milliseconds(10), longest: .milliseconds(40), attempts: 3),
        circuit: CircuitBreaker.Settings(failures: 3, openFor: .milliseconds(200), longest: .seconds(2)))

    /// Sends a call that is made on the loop.
    func ask(_ call: @escaping @Sendable () -> VenueConnection.Call) async -> Outcome {
        await withCheckedContinuation { continuation in
            connection.perform { $0.send(call()) { continuation.resume(returning: $0) } }
        }
    }

    /// Sends a plain call.
    func ask(
        _ path: String, _ method: String = "POST", group: String = "orders",
        urgency: VenueConnection.Urgency = .order, isRepeatable: Bool = false,
        deadline: Duration = .seconds(5), account: AccountID? = nil
    ) async -> Outcome {
        await ask {
            VenueConnection.Call(
                method, path, group: group, urgency: urgency, isRepeatable: isRepeatable, deadline: deadline,
                account: account)
        }
    }

    /// Looks at something on the loop.
    func read<Value: Sendable>(_ body: @escaping @Sendable (VenueConnection, Witness) -> Value) async -> Value
    {
        await withCheckedContinuation { continuation in
            let witness = witness
            connection.perform { continuation.resume(returning: body($0, witness.value)) }
        }
    }

    /// Waits until the venue has entered a condition.
    func entered(_ condition: @escaping @Sendable (VenueCondition) -> Bool) async {
        await withCheckedContinuation { continuation in
            witness.perform { $0.whenEntered(condition) { continuation.resume() } }
        }
    }
}

extension VenueRig.Outcome {
    var unsent: String? { if case .failure(.unsent(let reason)) = self { reason } else { nil } }
    var unknown: String? { if case .failure(.outcomeUnknown(let reason)) = self { reason } else { nil } }
    var refusal: VenueRefusal? { if case .failure(.refused(let refusal)) = self { refusal } else { nil } }
    var answer: VenueAnswer? { if case .success(let answer) = self { answer } else { nil } }
}

/// A venue whose errors carry `{"code":-1021,"msg":"…"}` and that tells its time.
@Sendable func dialectWithCodes() -> VenueDialect {
    VenueDialect(
        judge: { answer, _ in
            guard answer.status == 400, let code = answer.body["code"]?.intValue else { return nil }
            let words = VenueDialect.words(of: answer)
            switch code {
            case -1021: return .clockWrong(code: "\(code)", message: words)
            case -1007: return .unknown(words)
            case -3000: return .nonceWrong(code: "\(code)", message: words)
            default: return .refused(code: "\(code)", message: words)
            }
        },
        usage: { answer in
            answer.header("x-used-weight").flatMap { Int($0) }.map { ["weight": $0] } ?? [:]
        },
        time: VenueDialect.TimeSource(
            call: VenueConnection.Call(
                "GET", "/do/time", group: "market", urgency: .cancel, isRepeatable: true),
            read: { $0.body["serverTime"]?.intValue.map { Timestamp(milliseconds: Int64($0)) } }))
}

/// Counts from one, on any thread.
final class Counter: Sendable {
    private let value = Atomic<Int>(0)

    func next() -> Int { value.add(1, ordering: .relaxed).newValue }
}

extension EventLoop {
    /// Comes back when the loop's own timer has fired: what waits on the same clock for less is over then.
    func sleep(_ duration: Duration) async {
        await withCheckedContinuation { continuation in
            perform { self.schedule(after: duration) { continuation.resume() } }
        }
    }
}
