/// What a recording says about a profile: what nobody needs, and what somebody tried that the profile refuses.
public struct ProfileProposal: Sendable {
    /// A call that the profile allows.
    public struct Allowed: Sendable {
        /// The call's name.
        public let call: String
        /// How often it was carried out.
        public let count: Int
        /// Why it stays although no recording shows it; nil for all others.
        public let reasonToKeep: String?

        /// Whether the profile would be the same to the recorded strategies without it.
        public var isUnused: Bool { count == 0 && reasonToKeep == nil }
    }

    /// A group of the profile.
    public struct Group: Sendable {
        /// What it is called.
        public let name: String
        /// Why it is there.
        public let reason: String
        /// Its calls.
        public let calls: [Allowed]
    }

    /// The profile's groups, in its order.
    public let groups: [Group]
    /// Uses that were refused, and how often.
    public let refused: [(use: CallRecording.Use, count: Int)]

    /// Holds a profile against a recording.
    public init(_ profile: Profile, _ recording: CallRecording) {
        groups = profile.systemCalls.allowed.map { group in
            Group(
                name: group.name, reason: group.reason,
                calls: group.calls.map { call in
                    Allowed(
                        call: call, count: recording.count(of: call, [.allowed]),
                        reasonToKeep: group.kept[call])
                })
        }
        refused = recording.uses([.refused, .named, .fatal])
    }

    /// Calls that could go, by group.
    public var unused: [String] { groups.flatMap(\.calls).filter(\.isUnused).map(\.call) }

    /// Calls kept for a reason that the recording shows after all, so that the reason can go.
    public var needlesslyExcused: [String] {
        groups.flatMap(\.calls).filter { $0.count > 0 && $0.reasonToKeep != nil }.map(\.call)
    }
}
