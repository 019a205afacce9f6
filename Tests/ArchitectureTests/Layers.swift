/// The layers, from the ground up. A target may use targets of lower layers and of its own.
enum Layer: Int, Comparable {
    case ground, domain, hands, services, host, faces
    /// The launcher: it meets the rest in a plan and descriptors only.
    case apart

    static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

/// Where each target under `Sources` belongs. A new target needs a line here.
let layers: [String: Layer] = [
    "CPosix": .ground, "CSQLite": .ground, "CCurl": .ground, "COpenSSL": .ground, "CSeccomp": .ground,
    "CWebSockets": .ground, "CZip": .ground, "CZlib": .ground, "CNet": .ground, "CWebServer": .ground,
    "CWebLink": .ground,
    "CBench": .ground, "Posix": .ground,
    "Trading": .domain, "Wire": .domain, "HTTPMessages": .domain,
    "Analytics": .domain,
    "Sandbox": .hands, "Journal": .hands, "MarketData": .hands, "Net": .hands, "Exchanges": .hands,
    "Secrets": .hands,
    "Catalogue": .services, "Identity": .services, "Supervisor": .services,
    "Vault": .services, "Collectors": .services, "Lab": .services,
    "Simulators": .services,
    "Host": .host,
    "Web": .faces, "bullpen": .faces, "bench": .faces,
    "CConfine": .apart, "poke": .apart,
]

/// Folders under `Sources` that are no target.
let otherFolders: Set<String> = ["PythonSDK", "CNursery", "confine"]

/// Who else may import a C module, beside the one Swift target that wraps it, and why.
let sharedModules: [String: Set<String>] = [
    // A hash or a compressed stream is a few calls; a target around each would hide more than it saves.
    "COpenSSL": ["Catalogue", "Identity", "Journal", "Lab", "MarketData", "Secrets", "Simulators"],
    "CZlib": ["Journal", "MarketData"],
]
