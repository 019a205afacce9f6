/// How one kind of strategy is confined. One file in `sandbox-profiles` is one profile.
public struct Profile: Hashable, Sendable {
    /// Bounds that hold for each strategy on its own.
    public struct Limits: Hashable, Sendable {
        /// Bytes of memory, swap and the files in its tmpfs included.
        public var memoryBytes: Int
        /// Processors it may use: 0.5 is half a core.
        public var cpuShare: Double
        /// Processes and threads.
        public var processes: Int
        /// Descriptors open at a time.
        public var openFiles: Int
        /// Bytes of one file.
        public var fileBytes: Int
        /// Bytes of a thread's stack.
        public var stackBytes: Int
    }

    /// A tmpfs that the strategy may write to.
    public struct Writable: Hashable, Sendable {
        /// Where it is.
        public let path: String
        /// The most bytes in it.
        public let bytes: Int
        /// The most files in it.
        public let inodes: Int
    }

    /// What a view shows.
    public enum Source: String, CaseIterable, Hashable, Sendable {
        /// The strategy's own files.
        case bundle
        /// The SDK of this host.
        case sdk
    }

    /// A folder that the strategy may read.
    public struct View: Hashable, Sendable {
        /// What it shows.
        public let source: Source
        /// Where it is.
        public let path: String
        /// Whether files in it may be executed or mapped executable.
        public let allowsExecution: Bool

        /// Describes a view.
        public init(source: Source, path: String, allowsExecution: Bool) {
            self.source = source
            self.path = path
            self.allowsExecution = allowsExecution
        }
    }

    /// Which system calls are carried out, and what happens to some of the others. The rest fail with EPERM.
    public struct SystemCalls: Hashable, Sendable {
        /// Calls that belong together, and why they are needed.
        public struct Group: Hashable, Sendable {
            /// What the group is called.
            public let name: String
            /// Why a strategy needs these.
            public let reason: String
            /// The calls. Some are narrowed further by their arguments, see ``ArgumentRules``.
            public let calls: [String]
            /// Those of the calls that no recording shows, and why they are allowed all the same.
            public let kept: [String: String]
        }

        /// What is allowed.
        public let allowed: [Group]
        /// Calls that fail with EPERM and are reported with advice.
        public let named: [String]
        /// Calls that only an attacker makes: the strategy is killed and the call reported.
        public let fatal: [String]
    }

    /// How a nursery for strategies of this profile is made.
    public struct Nursery: Hashable, Sendable {
        /// The Python modules that it loads, in this order.
        public let preloaded: [String]

        /// Describes a nursery.
        public init(preloaded: [String]) { self.preloaded = preloaded }
    }

    /// The profile's name, which is its file's name without `.json`.
    public let name: String
    /// Counts up with each change of what the profile allows.
    public let version: Int
    /// What it is for, in words.
    public let description: String
    /// The runtime whose tree is the strategy's root, such as `bare`.
    public var runtime: String
    /// The layers without which no strategy is started.
    public var required: Set<Layer>
    /// The oldest Landlock interface that will do.
    public let landlockAtLeast: Int
    /// What stands in for limits by control groups where there are none; nil leaves it to the host's setting.
    public var withoutControlGroups: WithoutGroups?
    /// Bounds.
    public var limits: Limits
    /// Where it may write.
    public let writable: [Writable]
    /// What it may read beside the runtime.
    public var views: [View]
    /// The program and its arguments. `{entry}` stands for the strategy's entry file.
    public var command: [String]
    /// What strategies are started from, warm; nil when each is started cold.
    public var nursery: Nursery?
    /// Variables beside those that every strategy has.
    public let environment: [String: String]
    /// System calls.
    public let systemCalls: SystemCalls
}
