import Posix
import Sandbox
import Testing

/// What scientific authors write, behind the walls.
@Suite("Runtimes", .serialized)
struct RuntimeTests {
    @Test("numpy, pandas and scikit-learn import and compute")
    func scientific() async throws {
        if let fault = Fixture.scientificFault {
            try Test.cancel("the scientific runtime cannot be made here: \(fault)")
        }
        let fixture = try Fixture("scientific")
        defer { fixture.close() }
        let outcome = try await fixture.run(
            """
            import numpy, pandas, sklearn
            from sklearn.ensemble import RandomForestClassifier
            from sklearn.linear_model import LogisticRegression
            random = numpy.random.default_rng(1)
            frame = pandas.DataFrame(random.normal(size=(500, 4)), columns=list('abcd'))
            frame['time'] = pandas.date_range('2024-01-01', periods=500, freq='h', tz='Europe/Berlin')
            target = (frame.a + frame.b > 0).astype(int)
            for model in [LogisticRegression(), RandomForestClassifier(n_estimators=20, random_state=1, n_jobs=1)]:
                score = model.fit(frame[list('abcd')], target).score(frame[list('abcd')], target)
                print(type(model).__name__, score > 0.9)
            print(numpy.linalg.eigh(numpy.eye(64))[0].sum(), frame.rolling(10, on='time').a.mean().count())
            """, profile: "python-scientific"
        ) { $0.cpuShare = 2 }
        #expect(
            outcome.output == "LogisticRegression True\nRandomForestClassifier True\n64.0 491\n",
            "\(outcome)")
        #expect(outcome.death.status == .exited(code: 0))
        // The strategy's share of memory is enough for all three.
        #expect(outcome.death.usage.memoryPeakBytes < 400 << 20)
    }

    @Test("the catalogue lists what is installed, names written either way")
    func catalogue() throws {
        try #require(Fixture.hasRuntimes)
        let catalogue = try RuntimeCatalogue(runtimes: Fixture.runtimes)
        #expect(catalogue.entries[.bare]?.python?.hasPrefix("3.") == true)
        #expect(catalogue.entries[.bare]?.packages == [:])
        #expect(catalogue.entries[.native]?.python == nil)
        if Fixture.scientificFault == nil {
            let now = try RuntimeCatalogue(runtimes: Fixture.runtimes)
            #expect(now.version(of: "Scikit_Learn", in: "scientific") == "1.9.1")
            #expect(now.version(of: "requests", in: "scientific") == nil)
        }
        #expect(catalogue.version(of: "numpy", in: "nowhere") == nil)
    }

    @Test("installing again changes nothing; a draft that a crash left is no obstacle")
    func installsOnce() throws {
        let folder = try TemporaryFolder.make()
        defer { TemporaryFolder.remove(folder) }
        let installer = RuntimeInstaller(
            runtimes: folder + "/deep/er", requirements: Fixture.packageRoot + "/sandbox-profiles/runtimes")
        #expect(try installer.install(.native) == .made)
        #expect(try installer.install(.native) == .unchanged)
        try #require(
            try ChildProcess.run("/bin/rm", [folder + "/deep/er/native"], environment: []).status
                == .exited(code: 0))
        #expect(try installer.install(.native) == .made)
        #expect(try RuntimeCatalogue(runtimes: folder + "/deep/er").entries.count == 1)
    }

    @Test("a missing interpreter is said with what to do")
    func namesMissingPython() throws {
        let folder = try TemporaryFolder.make()
        defer { TemporaryFolder.remove(folder) }
        let installer = RuntimeInstaller(
            runtimes: folder, requirements: folder, python: folder + "/python3")
        do {
            try installer.install(.bare)
            Issue.record("it was made")
        } catch {
            #expect(error.reason.contains("apt-get install python3"), "\(error)")
        }
    }

    @Test("a static program and a dynamic one run in the native runtime", arguments: ["-static", "-pie"])
    func native(_ linking: String) async throws {
        let fixture = try Fixture("native")
        defer { fixture.close() }
        let bundle = fixture.folder + "/bundle-native"
        try TemporaryFolder.write(
            """
            #include <stdio.h>
            #include <pthread.h>
            #include <stdlib.h>
            static void *work(void *x) { return malloc(1 << 20) ? x : 0; }
            int main(void) {
                char line[64]; pthread_t thread; void *back = 0;
                pthread_create(&thread, 0, work, line); pthread_join(thread, &back);
                for (int i = 0; i < 2 && fgets(line, sizeof line, stdin); i++) printf("heard %s", line);
                return back == line ? 4 : 5;
            }
            """, to: bundle + "/main.c")
        let compiler = try ChildProcess.run(
            "/usr/bin/cc", [linking, "-O1", "-pthread", "-o", bundle + "/main", bundle + "/main.c"],
            environment: ["PATH=/usr/bin"])
        guard compiler.status == .exited(code: 0) else {
            try Test.cancel("there is no C compiler here: \(compiler.output)")
        }
        let child = try await fixture.start(
            LaunchRequest(
                strategy: "s", run: "run", profile: try Fixture.profile("native"), bundle: bundle,
                entry: "main"))
        _ = try child.standardInput.write(Array("one\ntwo\n".utf8)[...])
        let outcome = try await fixture.finish(child)
        #expect(outcome.output == "heard one\nheard two\n", "\(outcome)")
        #expect(outcome.death.status == .exited(code: 4))
    }
}
