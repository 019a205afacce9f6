// swift-tools-version: 6.2
import PackageDescription

/// Every target is compiled with the same strictness; warnings are errors, `unsafe` must be spelled out.
let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .treatAllWarnings(as: .error),
    .strictMemorySafety(),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("ExistentialAny"),
]

let strictC: [CSetting] = [
    .define("_GNU_SOURCE"),
    .treatAllWarnings(as: .error),
]

/// A Swift target of the product. The layer table in `Tests/ArchitectureTests` says who may use whom.
func part(_ name: String, uses: [String] = [], exclude: [String] = []) -> Target {
    .target(
        name: name, dependencies: uses.map { .byName(name: $0) }, exclude: exclude, swiftSettings: strict)
}

/// A test target, named after the part it tests.
func tests(_ name: String, uses: [String], excluding: [String] = []) -> Target {
    .testTarget(
        name: name, dependencies: uses.map { .byName(name: $0) }, exclude: excluding,
        swiftSettings: [
            .swiftLanguageMode(.v6),
            .treatAllWarnings(as: .error),
            .enableUpcomingFeature("ExistentialAny"),
        ])
}

let package = Package(
    name: "bullpen",
    products: [
        .executable(name: "bullpen", targets: ["bullpen"]),
        .executable(name: "poke", targets: ["poke"]),
    ],
    targets: [
        // Ground: the operating system and C libraries.
        .target(name: "CPosix", cSettings: strictC),
        .target(name: "CConfine", cSettings: strictC),
        .systemLibrary(name: "CSQLite", providers: [.apt(["libsqlite3-dev"])]),
        .systemLibrary(name: "CCurl", providers: [.apt(["libcurl4-openssl-dev"])]),
        .systemLibrary(name: "COpenSSL", providers: [.apt(["libssl-dev"])]),
        .systemLibrary(name: "CSeccomp", providers: [.apt(["libseccomp-dev"])]),
        .systemLibrary(name: "CWebSockets", providers: [.apt(["libwebsockets-dev"])]),
        .target(
            name: "CWebServer", dependencies: ["CWebSockets"], cSettings: strictC,
            linkerSettings: [.linkedLibrary("websockets")]),
        .target(
            name: "CBench", dependencies: ["CWebSockets"], cSettings: strictC,
            linkerSettings: [.linkedLibrary("websockets")]),
        .systemLibrary(name: "CZip", providers: [.apt(["libzip-dev"])]),
        .systemLibrary(name: "CZlib", providers: [.apt(["zlib1g-dev"])]),
        .target(name: "CNet", dependencies: ["CCurl"], cSettings: strictC),
        .target(
            name: "CWebLink", dependencies: ["CWebSockets"], cSettings: strictC,
            linkerSettings: [.linkedLibrary("websockets"), .linkedLibrary("crypto")]),
        part("Posix", uses: ["CPosix"]),

        // Domain: pure values.
        part("Trading"),
        part("Wire", uses: ["Trading"]),
        part("HTTPMessages"),
        part("Analytics", uses: ["Trading"]),

        // Hands: each knows one outside thing.
        part("Sandbox", uses: ["Posix", "CConfine", "CSeccomp", "Wire"]),
        part("Journal", uses: ["Posix", "Wire", "Trading", "CSQLite", "CZlib", "COpenSSL"]),
        part("MarketData", uses: ["Posix", "Wire", "Trading", "Journal", "CZlib", "COpenSSL"]),
        part("Secrets", uses: ["Posix", "COpenSSL"]),
        part("Net", uses: ["Posix", "CCurl", "CNet", "CWebLink"]),
        part(
            "Exchanges",
            uses: ["Posix", "HTTPMessages", "Wire", "Trading", "Secrets", "Net", "Journal"]),
        tests("SecretsTests", uses: ["Secrets", "Posix", "Wire", "TestSupport"], excluding: ["vectors"]),
        tests("MarketDataTests", uses: ["MarketData", "Journal", "Posix", "Wire", "Trading"]),
        tests("AnalyticsTests", uses: ["Analytics", "Trading"]),
        tests(
            "CollectorsTests",
            uses: [
                "Collectors", "Exchanges", "Journal", "MarketData", "Net", "Posix", "Simulators",
                "TestSupport",
                "Trading", "Wire",
            ]),
        tests(
            "LabTests",
            uses: [
                "Lab", "Analytics", "Catalogue", "Journal", "MarketData", "Posix", "Sandbox", "Supervisor",
                "TestSupport", "Trading", "Wire",
            ]),
        tests("CatalogueTests", uses: ["Catalogue", "Journal", "Posix", "Wire", "Trading"]),

        // Services.
        part("Catalogue", uses: ["Posix", "Wire", "Trading", "Journal", "CZip", "COpenSSL"]),
        part("Identity", uses: ["Posix", "Journal", "COpenSSL"]),
        part("Supervisor", uses: ["Posix", "Wire", "Trading", "Sandbox"]),
        part("Vault", uses: ["Posix", "Trading", "Journal", "Secrets", "Identity"]),
        part(
            "Simulators", uses: ["Posix", "HTTPMessages", "Wire", "Trading", "MarketData", "COpenSSL"]),

        part(
            "Collectors",
            uses: ["Posix", "HTTPMessages", "Wire", "Trading", "Journal", "MarketData", "Net", "Exchanges"]),
        part(
            "Lab",
            uses: [
                "Posix", "Wire", "Trading", "Analytics", "Sandbox", "Journal", "MarketData", "Catalogue",
                "Supervisor", "COpenSSL",
            ]),

        // Host: the one place that wires.
        part(
            "Host",
            uses: [
                "Posix", "Wire", "Trading", "Sandbox", "Journal", "MarketData", "Net", "Secrets", "Exchanges",
                "Catalogue", "Identity", "Supervisor", "Vault", "Analytics", "Collectors", "Lab",
            ]),

        // Faces.
        part(
            "Web",
            uses: [
                "Posix", "Wire", "Trading", "HTTPMessages", "Identity", "Host", "CWebServer", "MarketData",
                "Analytics", "Lab",
            ],
            exclude: ["Assets"]),
        .executableTarget(
            name: "bullpen",
            dependencies: [
                "Posix", "Wire", "Trading", "Net", "Sandbox", "Journal", "MarketData", "Catalogue",
                "Identity", "Secrets", "Vault", "Simulators", "Analytics", "Collectors", "Lab",
                "Host", "Web",
            ],
            swiftSettings: strict),

        // What scripts/bench runs.
        .executableTarget(
            name: "bullpen-bench",
            dependencies: [
                "Posix", "Wire", "Trading", "Net", "Sandbox", "Journal", "MarketData", "Exchanges",
                "Supervisor", "Identity", "Catalogue", "Analytics", "Lab",
                "Host", "CBench",
            ],
            path: "Sources/bench", exclude: ["Programs"], swiftSettings: strict),

        // What an operator runs inside the profile for programs.
        .executableTarget(
            name: "poke", cSettings: strictC, linkerSettings: [.unsafeFlags(["-static-executable"])]),

        .target(name: "CFaultVFS", dependencies: ["CSQLite"], path: "Tests/CFaultVFS", cSettings: strictC),

        // The order desk in a simulated world: a library, for tests and for what scripts/simulate runs.
        .target(
            name: "DeskSimulation", dependencies: ["CFaultVFS", "Exchanges", "Host", "Journal", "Trading"],
            path: "Tests/DeskSimulation", swiftSettings: strict),
        .executableTarget(
            name: "bullpen-simulate", dependencies: ["DeskSimulation"], path: "Tests/simulate",
            swiftSettings: strict),
        tests("DeskSimulationTests", uses: ["DeskSimulation"]),
        tests(
            "HostStoreTests",
            uses: [
                "Exchanges", "Host", "Journal", "Lab", "MarketData", "Posix", "TestSupport", "Trading",
                "Wire",
            ]),
        tests("JournalTests", uses: ["CFaultVFS", "Journal", "Posix", "Trading", "Wire"]),
        tests(
            "HostTests",
            uses: [
                "Host", "Identity", "Journal", "Lab", "MarketData", "Net", "Posix", "Wire", "Trading",
                "Sandbox",
                "Simulators",
                "TestSupport", "Vault",
            ]),
        tests("PosixTests", uses: ["Posix"]),
        tests("SandboxTests", uses: ["Sandbox", "CConfine", "Posix", "Trading", "Wire"]),
        tests("CConfineTests", uses: ["Sandbox", "Posix", "TestSupport"], excluding: ["Harness"]),
        tests("SandboxEscapeTests", uses: ["TestSupport", "Wire"], excluding: ["exam"]),
        tests("SupervisorTests", uses: ["Supervisor", "Posix", "Wire", "Trading", "Sandbox"]),
        .target(
            name: "TestSupport", dependencies: ["Posix"], path: "Tests/TestSupport",
            swiftSettings: [.swiftLanguageMode(.v6)]),
        tests(
            "NetTests", uses: ["Net", "Posix", "TestSupport"],
            excluding: ["connections.py", "server.py", "websocket_server.py", "misbehaving_server.py", "tls"]),
        tests("ArchitectureTests", uses: ["TestSupport"]),
        tests(
            "CommandTests",
            uses: [
                "bullpen", "Identity", "Journal", "Posix", "TestSupport", "Trading", "Vault", "Wire",
            ], excluding: ["fake_host.py"]),
        tests("ConfigurationTests", uses: ["Host", "Trading"]),
        tests("TradingTests", uses: ["Trading"]),
        tests("TortureTests", uses: ["TestSupport"]),
        tests(
            "VaultTests",
            uses: ["Vault", "Secrets", "Identity", "Journal", "Posix", "TestSupport", "Trading"]),
        tests(
            "ExchangesTests",
            uses: [
                "Exchanges", "Journal", "Net", "Posix", "Secrets", "Simulators", "TestSupport", "Trading",
                "Wire",
            ]),
        tests("IdentityTests", uses: ["Identity", "Journal", "Posix", "TestSupport"]),
        tests(
            "WebTests",
            uses: [
                "Web", "HTTPMessages", "Host", "MarketData", "Identity", "Journal", "Net", "Posix", "Trading",
                "Vault", "Wire", "Catalogue", "Lab",
                "TestSupport",
            ],
            excluding: ["tls"]),
        tests(
            "SimulatorsTests",
            uses: ["Simulators", "HTTPMessages", "Posix", "Wire", "Trading", "MarketData", "TestSupport"],
            excluding: ["exam-requirements.txt"]),
        tests("WireTests", uses: ["Wire", "Trading"]),
        tests("PythonSDKTests", uses: []),
    ]
)
