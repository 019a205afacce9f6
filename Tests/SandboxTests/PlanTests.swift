import CConfine
import Glibc
import Posix
import Testing

@testable import Sandbox

/// Plans that a launcher must not carry out, and profiles that must not become plans.
@Suite("Plans and profiles")
struct PlanTests {
    private let plan: [UInt8]

    init() throws {
        let profile = try Fixture.profile("python")
        plan = try PlanCompiler(
            profile: profile, user: .init(uid: 50_000, gid: 50_000, isMappedByRoot: true),
            landlockVersion: 7, root: "/srv/root", sources: [.bundle: "/srv/bundle", .sdk: "/srv/sdk"],
            filter: SystemCallFilter.compiled(for: profile.systemCalls), command: profile.command,
            environment: ["LANG=C.UTF-8"], groupCount: 3
        ).compile()
    }

    @Test("a whole plan is taken")
    func takesWhole() {
        #expect(Plan.fault(in: plan) == nil)
    }

    @Test("a plan cut off anywhere is refused")
    func refusesTruncated() {
        for length in 0..<plan.count {
            #expect(Plan.fault(in: Array(plan.prefix(length))) != nil, "at \(length)")
        }
        #expect(Plan.fault(in: plan + [0]) == "it is cut off or too long")
    }

    @Test("a plan with any byte changed is refused")
    func refusesCorrupted() {
        for index in plan.indices {
            var changed = plan
            changed[index] ^= 0x40
            #expect(Plan.fault(in: changed) != nil, "at \(index)")
        }
    }

    @Test("lent users are joined once, before anything of them is needed")
    func joinsUsersFirst() throws {
        func fault(_ steps: (inout Plan) -> Void) -> String? {
            var plan = Plan()
            steps(&plan)
            return Plan.fault(in: plan.bytes)
        }
        #expect(fault { $0.add(CONFINE_JOIN_USERS, .number(3)) } == "a users' descriptor is out of range")
        #expect(
            fault {
                $0.add(CONFINE_JOIN_USERS, .number(6))
                $0.add(CONFINE_JOIN_USERS, .number(6))
            } == "users are joined twice or after entering")
        #expect(
            fault {
                $0.add(CONFINE_OPEN_TREE, .number(0), .number(1), .text("/usr"))
                $0.add(CONFINE_JOIN_USERS, .number(6))
            } == "users are joined after a tree was opened")
    }

    @Test("a network is joined once, before entering, and a plan without one is refused")
    func joinsNetwork() throws {
        func fault(_ steps: (inout Plan) -> Void) -> String? {
            var plan = Plan()
            steps(&plan)
            return Plan.fault(in: plan.bytes)
        }
        #expect(
            fault { $0.add(CONFINE_JOIN_NETWORK, .number(3)) } == "a network's descriptor is out of range")
        #expect(
            fault {
                $0.add(CONFINE_JOIN_NETWORK, .number(6))
                $0.add(CONFINE_JOIN_NETWORK, .number(6))
            } == "a network is joined twice or after entering")
        // All namespaces but the network's (0x40000000).
        let without = try TamperedPlan(plan).replacingNumber(
            0, of: "enter namespaces", with: 0x3E02_0000 & ~0x4000_0000)
        #expect(Plan.fault(in: without) == "a wall is missing")
    }

    @Test(
        "a strategy's process awaits its bundle once it is its own, before any wall that would keep the bundle out"
    )
    func awaitsBundle() throws {
        let profile = try Fixture.profile("python")
        let plan = try PlanCompiler(
            profile: profile, user: .init(uid: 50_000, gid: 50_000, isMappedByRoot: true),
            landlockVersion: 7, root: "/srv/root", sources: [.sdk: "/srv/sdk"],
            filter: SystemCallFilter.compiled(for: profile.systemCalls), command: profile.command,
            environment: [], groupCount: 3, door: .warm(bundle: .awaited)
        ).compile()
        #expect(Plan.fault(in: plan) == nil)
        let whole = try TamperedPlan(plan)
        #expect(
            try Plan.fault(in: whole.without("fork"))
                == "a tree is awaited by another process than the strategy's")
        #expect(try Plan.fault(in: whole.without("await tree")) == "a slot is empty")
        #expect(
            try Plan.fault(in: whole.replacingNumber(0, of: "await tree", with: 16))
                == "a slot is out of range or taken")
        // The SDK's slot: its view has been attached, so it is free again, and the bundle's stays empty.
        #expect(try Plan.fault(in: whole.replacingNumber(0, of: "await tree", with: 0)) == "a slot is empty")
        for wall in ["drop capabilities", "landlock"] {
            #expect(
                try Plan.fault(in: whole.moving(wall, before: "await tree")) == "a tree is awaited too late",
                "\(wall)")
        }
        // Views of a strategy that is made when it is asked for are attached before there is its process.
        #expect(
            try Plan.fault(in: TamperedPlan(self.plan).moving("fork", before: "attach view"))
                == "a view is attached outside the new root")
    }

    @Test("a plan of another version is refused")
    func refusesVersions() {
        var changed = plan
        changed[4] = 2
        #expect(Plan.fault(in: changed) == "it is of another version")
    }

    @Test(
        "a plan with a wall missing or out of order is refused, even with a right checksum",
        arguments: [
            ("drop bounding set", "the strategy is made before it is somebody else"),
            ("become user", "the strategy is made before it is somebody else"),
            ("drop capabilities", "a filter comes before privileges are gone"),
            ("no new privileges", "landlock is enforced too early"),
            ("fork", "landlock is enforced too early"), ("close descriptors", "a wall is missing"),
            ("die with parent", "a wall is missing"), ("install filter", "a wall is missing"),
            ("enter namespaces", "the root changes outside namespaces or twice"),
            ("pivot root", "a tmpfs is mounted outside the new root"),
            ("execute", "it does not end with an execution"),
        ])
    func refusesGaps(_ operation: String, _ reason: String) throws {
        let fault = try #require(Plan.fault(in: try TamperedPlan(plan).without(operation)))
        #expect(fault == reason)
    }

    @Test("a plan that maps root, or leaves its folder, is refused")
    func refusesRoot() throws {
        let mapped = try TamperedPlan(plan).replacingNumber(2, of: "enter namespaces", with: 0)
        #expect(Plan.fault(in: mapped) == "user or group 0 would be mapped")
        let inner = try TamperedPlan(plan).replacingNumber(1, of: "enter namespaces", with: 0)
        #expect(Plan.fault(in: inner) == "user or group 0 would be mapped")
        let descriptor = try TamperedPlan(plan).replacingNumber(0, of: "join cgroup", with: 2)
        #expect(Plan.fault(in: descriptor) == "a cgroup descriptor is out of range")
    }

    @Test("a plan whose user would be cut down to root, or with a namespace too few or too many, is refused")
    func refusesCutNumbers() throws {
        let cut = try TamperedPlan(plan).replacingNumber(0, of: "become user", with: 1 << 32)
        #expect(Plan.fault(in: cut) == "the strategy would be root")
        for flags: UInt64 in [0x0002_0000 | 0x2000_0000, 0x100 | 0x3002_0000, 1 << 33 | 0x3002_0000] {
            let changed = try TamperedPlan(plan).replacingNumber(0, of: "enter namespaces", with: flags)
            #expect(Plan.fault(in: changed) == "a namespace is missing or unknown")
        }
        let limit = try TamperedPlan(plan).replacingNumber(0, of: "set limit", with: 16)
        #expect(Plan.fault(in: limit) == "a limit is unknown")
    }

    @Test("random bytes are never a plan")
    func refusesNoise() {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<2000 {
            // A right head and checksum, so that the reader comes as far as the operations.
            let noise = (0..<Int.random(in: 0...200, using: &random)).map { _ in
                UInt8.random(in: 0...30, using: &random)
            }
            #expect(Plan.fault(in: TamperedPlan.sealed(noise, count: 3)) != nil)
        }
    }
}

/// A plan taken apart into its operations, to be put together wrongly.
struct TamperedPlan {
    private var operations: [(code: UInt32, fields: [UInt8])] = []

    init(_ plan: [UInt8]) throws {
        var rest = plan.dropFirst(24)
        while !rest.isEmpty {
            let code = Self.number(rest.prefix(4))
            let length = Int(Self.number(rest.dropFirst(4).prefix(4)))
            operations.append((code, Array(rest.dropFirst(8).prefix(length))))
            rest = rest.dropFirst(8 + length)
        }
    }

    func without(_ name: String) throws -> [UInt8] {
        let kept = operations.filter { Plan.name(of: $0.code) != name }
        try #require(kept.count < operations.count, "no operation is called \(name)")
        return Self.sealed(kept.flatMap(Self.bytes), count: UInt32(kept.count))
    }

    func replacingNumber(_ index: Int, of name: String, with value: UInt64) throws -> [UInt8] {
        var changed = operations
        let place = try #require(changed.firstIndex { Plan.name(of: $0.code) == name })
        let range = index * 8..<index * 8 + 8
        changed[place].fields.replaceSubrange(range, with: withUnsafeBytes(of: value) { Array($0) })
        return Self.sealed(changed.flatMap(Self.bytes), count: UInt32(changed.count))
    }

    /// The first operation of one name goes before the first of another.
    func moving(_ name: String, before other: String) throws -> [UInt8] {
        var changed = operations
        let from = try #require(changed.firstIndex { Plan.name(of: $0.code) == name })
        let operation = changed.remove(at: from)
        let to = try #require(changed.firstIndex { Plan.name(of: $0.code) == other })
        changed.insert(operation, at: to)
        return Self.sealed(changed.flatMap(Self.bytes), count: UInt32(changed.count))
    }

    static func sealed(_ operations: [UInt8], count: UInt32) -> [UInt8] {
        var plan: [UInt8] = []
        for word in [0x4e4c_5042, 1, UInt32(24 + operations.count), count] {
            plan += withUnsafeBytes(of: word) { Array($0) }
        }
        return plan + withUnsafeBytes(of: Plan.checksum(of: operations)) { Array($0) } + operations
    }

    private static func bytes(_ operation: (code: UInt32, fields: [UInt8])) -> [UInt8] {
        withUnsafeBytes(of: operation.code) { Array($0) }
            + withUnsafeBytes(of: UInt32(operation.fields.count)) { Array($0) } + operation.fields
    }

    private static func number(_ bytes: ArraySlice<UInt8>) -> UInt32 {
        bytes.reversed().reduce(0) { $0 << 8 | UInt32($1) }
    }
}
