import TestSupport
import Testing

@Suite("What can be taken out")
struct BiteTests {
    @Test func `every handling that scripts/bite takes out stands in the sources, and so does its test`()
        async throws
    {
        let check = try ChildProcess(
            "/usr/bin/python3", [Places.package + "/Tests/bite/bite.py", "--check"],
            environment: ["PATH": "/usr/bin:/bin"])
        let ending = await check.finish()
        #expect(ending.code == 0, "\(ending.errors)")
    }
}
