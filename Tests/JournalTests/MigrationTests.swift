import Testing

@testable import Journal

@Suite("Migrations")
struct MigrationTests {
    private let folder: TemporaryFolder
    private let database: Database
    private let users = Migration(1, "Add users", "CREATE TABLE users (name TEXT PRIMARY KEY) STRICT")
    private let tokens = Migration(2, "Add tokens", "CREATE TABLE tokens (id INTEGER PRIMARY KEY) STRICT")
    private let orders = Migration(1, "Add orders", "CREATE TABLE orders (id INTEGER PRIMARY KEY) STRICT")

    init() throws {
        folder = try TemporaryFolder()
        database = try Database(path: folder.file("a.db"))
    }

    private func tables() throws -> [String] {
        try database.all("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name") {
            try $0.text(0)
        }
    }

    @Test("each step of each owner runs once")
    func runsOnce() throws {
        let identity = MigrationSet(name: "identity", [users])
        #expect(try database.migrate([identity]) == ["identity 1: Add users"])
        #expect(try database.migrate([identity]).isEmpty)
        let grown = MigrationSet(name: "identity", [users, tokens])
        let desk = MigrationSet(name: "desk", [orders])
        #expect(try database.migrate([desk, grown]) == ["desk 1: Add orders", "identity 2: Add tokens"])
        #expect(try tables() == ["orders", "schema_migrations", "tokens", "users"])
    }

    @Test("a database from a newer version is refused and not changed")
    func newer() throws {
        try database.migrate([MigrationSet(name: "identity", [users, tokens])])
        let failure = #expect(throws: DatabaseFailure.self) {
            try database.migrate([
                MigrationSet(name: "desk", [orders]), MigrationSet(name: "identity", [users]),
            ])
        }
        #expect(failure?.code == .version)
        #expect(failure?.reason.contains("newer version") == true)
        #expect(try tables() == ["schema_migrations", "tokens", "users"])
    }

    @Test("a step that was changed after it ran is refused")
    func changed() throws {
        try database.migrate([MigrationSet(name: "identity", [users])])
        let other = Migration(1, "Add users", "CREATE TABLE users (name TEXT, mail TEXT) STRICT")
        let failure = #expect(throws: DatabaseFailure.self) {
            try database.migrate([MigrationSet(name: "identity", [other])])
        }
        #expect(failure?.code == .version)
    }

    @Test("a step that fails leaves the database as it was")
    func fails() throws {
        let wrong = Migration(
            2, "Break", "CREATE TABLE fine (id INTEGER) STRICT; CREATE TABLE users (x) STRICT")
        #expect(throws: DatabaseFailure.self) {
            try database.migrate([MigrationSet(name: "identity", [users, wrong])])
        }
        #expect(try tables().isEmpty)
        #expect(!database.isInTransaction)
    }

    @Test("a table that would take a floating-point number is refused")
    func looseTable() throws {
        let loose = Migration(1, "Add prices", "CREATE TABLE prices (price)")
        let failure = #expect(throws: DatabaseFailure.self) {
            try database.migrate([MigrationSet(name: "desk", [loose])])
        }
        #expect(failure?.reason == "tables must be STRICT: prices")
        #expect(try tables().isEmpty)
    }
}
