import Exchanges
import Net
import Posix
import Testing
import Trading
import Wire

/// Many calls at once against a server that does something else to each, and what must hold of every one of them.
@Suite("Venue connection: whatever the server does", .timeLimit(.minutes(2)))
struct VenueChaosTests {
    /// What the server does to one attempt, and what the call may come out as when it is the last.
    private struct Step {
        let text: String
        let says: Says

        enum Says {
            case yes, no, nothing, wrongTime
        }

        static let all: [Step] = [
            Step(text: "{}", says: .yes),
            Step(text: #"{"delay": 0.02}"#, says: .yes),
            Step(text: #"{"status": 400, "body": "{\"code\":-1013,\"msg\":\"no\"}"}"#, says: .no),
            Step(text: #"{"status": 404, "body": "<html>"}"#, says: .no),
            Step(text: #"{"status": 429, "headers": {"Retry-After": "0"}}"#, says: .no),
            Step(text: #"{"status": 500}"#, says: .nothing),
            Step(text: #"{"status": 503, "body": "busy"}"#, says: .nothing),
            Step(text: #"{"end": "close"}"#, says: .nothing),
            Step(text: #"{"end": "reset"}"#, says: .nothing),
            Step(text: #"{"body": "{\"id\":1}", "truncate": 3}"#, says: .nothing),
            Step(text: #"{"body": "not JSON"}"#, says: .nothing),
            Step(text: #"{"status": 400, "body": "{\"code\":-1021,\"msg\":\"time\"}"}"#, says: .wrongTime),
        ]
    }

    private struct Plan {
        let steps: [Step]
        let isRepeatable: Bool
        let isNowhere: Bool
        let urgency: VenueConnection.Urgency
        let group: String
    }

    @Test(arguments: 0..<4)
    func `every call ends once, and its outcome is true of what arrived`(seed: Int) async throws {
        var dice = SplitMix64(seed: UInt64(seed))
        let server = try MisbehavingServer()
        let plans = (0..<60).map { number in
            Plan(
                steps: (0..<4).map { _ in Step.all.randomElement(using: &dice)! },
                isRepeatable: Bool.random(using: &dice), isNowhere: Int.random(in: 0..<10, using: &dice) == 0,
                urgency: VenueConnection.Urgency.allCases.randomElement(using: &dice)!,
                group: "\(number % 20)")
        }
        for (number, plan) in plans.enumerated() {
            try await server.script("call\(number)", plan.steps.map(\.text).joined(separator: ","))
        }
        try await server.script("time", #"{"body": "{\"serverTime\":1000000000000}"}"#)
        var settings = VenueRig.quick
        settings.inFlightLimit = Int.random(in: 1...16, using: &dice)
        let rig = try await VenueRig(
            base: server.base,
            dialect: {
                VenueDialect(
                    judge: { answer, _ in
                        answer.body["code"]?.intValue == -1021
                            ? .clockWrong(code: "-1021", message: "time") : nil
                    },
                    time: VenueDialect.TimeSource(
                        call: VenueConnection.Call(
                            "GET", "/do/time", group: "time", urgency: .cancel, isRepeatable: true),
                        read: { $0.body["serverTime"]?.intValue.map { Timestamp(milliseconds: Int64($0)) } }))
            },
            settings: settings)

        let outcomes = await withTaskGroup(of: (Int, VenueRig.Outcome).self) { group in
            for (number, plan) in plans.enumerated() {
                group.addTask {
                    let outcome = await rig.ask {
                        VenueConnection.Call(
                            "POST", "/do/call\(number)", base: plan.isNowhere ? "http://127.0.0.1:1" : nil,
                            group: plan.group, urgency: plan.urgency, isRepeatable: plan.isRepeatable,
                            deadline: .seconds(20))
                    }
                    return (number, outcome)
                }
            }
            var outcomes: [Int: VenueRig.Outcome] = [:]
            for await (number, outcome) in group { outcomes[number] = outcome }
            return outcomes
        }

        #expect(outcomes.count == plans.count)
        for (number, plan) in plans.enumerated() {
            let outcome = try #require(outcomes[number])
            let count = try await server.arrivals("call\(number)").count
            let words = Comment(rawValue: "seed \(seed), call \(number): \(count) arrived, \(outcome)")
            // The last step is for all further attempts.
            let last = count == 0 ? nil : plan.steps[min(count, plan.steps.count) - 1].says
            let before = plan.steps.prefix(max(0, count - 1)).map(\.says)
            switch outcome {
            case .success: #expect(last == .yes, words)
            case .failure(.unsent): #expect(count == 0, words)
            case .failure(.refused):
                #expect(last == .no || last == .wrongTime, words)
            case .failure(.outcomeUnknown): #expect(last == .nothing || before.contains(.nothing), words)
            }
            if !plan.isRepeatable {
                // Once, and once more only where the venue said itself that it was not carried out.
                #expect(count <= 1 + before.count { $0 == .wrongTime }, words)
                #expect(count <= 2, words)
            }
            #expect(count <= 4, words)
        }
        let left = await rig.read { connection, _ in connection.load.waiting + connection.load.inFlight }
        #expect(left == 0)
    }
}
