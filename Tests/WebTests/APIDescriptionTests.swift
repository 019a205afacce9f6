import Glibc
import Posix
import TestSupport
import Testing
import Wire

@testable import Web

/// The API's description against the API.
@Suite("API description")
struct APIDescriptionTests {
    private let description: JSONValue

    init() throws {
        let file = try FileDescriptor.open("\(Places.package)/docs/schemas/openapi.json", O_RDONLY)
        description = try JSONParser.parse(try file.read(at: 0, count: try file.size()))
    }

    @Test func `every route is described, and nothing else`() throws {
        guard case .object(let paths)? = description["paths"] else { throw Missing() }
        var described: Set<String> = []
        for path in paths {
            guard case .object(let methods) = path.value else { continue }
            for method in methods { described.insert("\(method.name.uppercased()) \(path.name)") }
        }
        #expect(described == Set(APIApplication.allRoutes().map { "\($0.method) \($0.template)" }))
    }

    @Test func `only what is open needs no login, and only routes with a body have one described`() throws {
        for route in APIApplication.allRoutes() {
            let operation = try #require(description["paths"]?[route.template]?[route.method.lowercased()])
            #expect((operation["security"] == .array([])) == (route.access == .open), "\(route.template)")
            #expect((operation["requestBody"] != nil) == (route.body != .none), "\(route.template)")
        }
    }

    private struct Missing: Error {}

    /// Takes minutes, so it runs when asked: `BULLPEN_API_CHECK=1 swift test --filter APIDescription`.
    /// `BULLPEN_API_CHECK_OPTIONS` are further options of schemathesis.
    @Test(
        "schemathesis finds no answer that differs from the description",
        .enabled(if: getenv("BULLPEN_API_CHECK") != nil))
    func schemathesis() async throws {
        let fixture = try await APIFixture {
            $0.openAPI = description.bytes
            $0.streamsPerUser = 1000
        }
        let options = getenv("BULLPEN_API_CHECK_OPTIONS").map { String(cString: $0) } ?? "--max-examples 20"
        // The pretended host knows no accounts, credentials, feeds and limits in depth.
        let arguments =
            [
                "http://127.0.0.1:\(fixture.server.port)", "--exclude-path-regex",
                "^/(accounts|credentials|feeds|limits)",
            ] + options.split(separator: " ").map(String.init)
        let token = fixture.tokens["root"] ?? ""
        let ending = try await ChildProcess.run(
            "\(Places.package)/scripts/api-check", arguments,
            environment: ["BULLPEN_TOKEN": token, "PATH": "/usr/bin:/bin", "HOME": "/tmp"])
        print(ending.output)
        #expect(ending.code == 0, "\(ending.errors)")
    }
}
